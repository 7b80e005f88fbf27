"""The three cells: the mathematics of one time step, forward and back, and nothing else.

A cell sees a record `s` of ready-made views and a record `p` of parameters. It declares by name what the layer
must keep for it, and never indexes time. Everything is one plane (N, H): N streams, H units. `s.gates` (G, N, H)
arrives holding the input's part of the gates, Wx + b, and leaves holding the gates. `X_prev` is X one step
earlier; `dX` is the gradient of the loss for X; `s.u` is scratch for a product with the recurrent weights.

`back` finds in `s.dh` (and `s.dc`) the gradient for this step's state and leaves there the one for the previous
step's; it fills the gradient planes of the gates, which the layer then puts in the place of the gates. No biases of its
own, no loop, no whole-sequence product: those belong to layers.py. `gates` gives the order of the planes in weights and
in memory.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Protocol

import numpy as np

from charrnn.ops import ONE, relu_, sigmoid_, tanh_
from charrnn.products import product

Step = SimpleNamespace  # the views of one time step, made once by the layer from the names below
# U (G, H, H), UT its transpose for the way back, U_x and UT_x of gate or group x, all as product() takes them; and what
# `hidden_bias` names.
Weights = SimpleNamespace


@dataclass(frozen=True)
class HiddenProduct:
    """dU[`weights`] = (sequence of `left`) transposed @ (gradients of `planes`), over the whole window."""

    left: str
    planes: slice
    weights: slice


class Cell(Protocol):
    """What a layer needs to know of a cell."""

    gates: tuple[str, ...]  # planes of s.gates, in the order of the weights
    planes: tuple[str, ...]  # all planes that get a gradient: the gates first, then what else needs one
    groups: dict[str, slice]  # adjacent planes that are worked on together
    states: tuple[str, ...]  # what is carried from step to step; the first is the output
    saved: tuple[str, ...]  # further planes kept for the way back
    hidden_bias: dict[str, str]  # extra bias -> the plane whose summed gradient is the bias's
    products: tuple[HiddenProduct, ...]  # how the gradient of U is put together

    def step(self, s: Step, p: Weights) -> None:
        """From the previous state and s.gates to this step's state."""

    def back(self, s: Step, p: Weights) -> None:
        """From the gradient of this step's state to those of the gates and of the previous state."""


class RNN:
    """h = f(W x + U h_prev + b), f one of tanh, relu, sigmoid (Elman 1990)."""

    gates: tuple[str, ...] = ("a",)
    states: tuple[str, ...] = ("h",)

    def __init__(self, activation: str = "tanh") -> None:
        self.activation = activation
        self.f_ = {"tanh": tanh_, "relu": relu_, "sigmoid": sigmoid_}[activation]
        self.planes: tuple[str, ...] = self.gates
        self.groups: dict[str, slice] = {}
        self.saved: tuple[str, ...] = ()
        self.hidden_bias: dict[str, str] = {}
        self.products: tuple[HiddenProduct, ...] = (HiddenProduct("h", slice(0, 1), slice(0, 1)),)

    def step(self, s: Step, p: Weights) -> None:
        """h = f(a), a = W x + b + U h_prev."""
        product(s.h_prev, p.U_a, out=s.h)
        s.h += s.a
        self.f_(s.h)

    def back(self, s: Step, p: Weights) -> None:
        """da = dh * f'(a), with f' written in terms of h; dh_prev = da U'."""
        if self.activation == "relu":
            np.greater(s.h.real, 0, out=s.da, casting="unsafe")
        else:
            np.multiply(s.h, s.h, out=s.da)
            np.subtract(ONE if self.activation == "tanh" else s.h, s.da, out=s.da)
        s.da *= s.dh
        product(s.da, p.UT_a, out=s.dh)


class LSTM:
    """Long short-term memory without peepholes (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    i = sigmoid(W_i x + U_i h_prev + b_i)    input gate
    f = sigmoid(W_f x + U_f h_prev + b_f)    forget gate
    o = sigmoid(W_o x + U_o h_prev + b_o)    output gate
    g = tanh(W_g x + U_g h_prev + b_g)       candidate
    c = f * c_prev + i * g
    h = o * tanh(c)

    The order i, f, o, g (PyTorch: i, f, g, o) keeps the three sigmoids adjacent, so that one call squashes them.
    """

    gates: tuple[str, ...] = ("i", "f", "o", "g")
    states: tuple[str, ...] = ("h", "c")

    def __init__(self) -> None:
        self.planes: tuple[str, ...] = self.gates
        self.groups: dict[str, slice] = {"ifo": slice(0, 3)}
        self.saved: tuple[str, ...] = ("tanh_c",)
        self.hidden_bias: dict[str, str] = {}
        self.products: tuple[HiddenProduct, ...] = (HiddenProduct("h", slice(0, 4), slice(0, 4)),)

    def step(self, s: Step, p: Weights) -> None:
        """The six equations of the class."""
        product(s.h_prev, p.U, out=s.u)
        s.gates += s.u
        sigmoid_(s.ifo)
        tanh_(s.g)
        np.multiply(s.f, s.c_prev, out=s.c)
        np.multiply(s.i, s.g, out=s.tmp)
        s.c += s.tmp
        np.tanh(s.c, out=s.tanh_c)
        np.multiply(s.o, s.tanh_c, out=s.h)

    def back(self, s: Step, p: Weights) -> None:
        """The derivative of each equation, last to first; sigmoid' = y - y^2, tanh' = 1 - y^2."""
        np.multiply(s.tanh_c, s.tanh_c, out=s.tmp)  # dc += dh * o * (1 - tanh(c)^2)
        np.subtract(ONE, s.tmp, out=s.tmp)
        s.tmp *= s.o
        s.tmp *= s.dh
        s.dc += s.tmp
        np.multiply(s.ifo, s.ifo, out=s.difo)  # all three sigmoids at once
        np.subtract(s.ifo, s.difo, out=s.difo)
        s.do *= s.tanh_c  # do = dh * tanh(c) * o'
        s.do *= s.dh
        s.di *= s.g  # di = dc * g * i'
        s.di *= s.dc
        s.df *= s.c_prev  # df = dc * c_prev * f'
        s.df *= s.dc
        np.multiply(s.g, s.g, out=s.dg)  # dg = dc * i * g'
        np.subtract(ONE, s.dg, out=s.dg)
        s.dg *= s.i
        s.dg *= s.dc
        s.dc *= s.f  # dc_prev = dc * f
        product(s.dgates, p.UT, out=s.u)  # dh_prev = sum over gates of dgate U_gate'
        np.add.reduce(s.u, axis=0, out=s.dh)


class GRU:
    """Gated recurrent unit (Cho et al. 2014), in both forms of the reset gate.

    r = sigmoid(W_r x + U_r h_prev + b_r)                    reset gate
    z = sigmoid(W_z x + U_z h_prev + b_z)                    update gate
    n = tanh(W_n x + b_n + r * (U_n h_prev + b_hn))          candidate, reset after the product (PyTorch)
    n = tanh(W_n x + b_n + U_n (r * h_prev))                 candidate, reset before the product (the paper)
    h = (1 - z) * n + z * h_prev
    """

    gates: tuple[str, ...] = ("r", "z", "n")
    states: tuple[str, ...] = ("h",)

    def __init__(self, reset: str = "after") -> None:
        self.after = reset == "after"
        self.groups: dict[str, slice] = {"rz": slice(0, 2)}
        rz = HiddenProduct("h", slice(0, 2), slice(0, 2))
        if self.after:
            self.planes: tuple[str, ...] = ("r", "z", "n", "v")  # v = U_n h_prev + b_hn
            self.saved: tuple[str, ...] = ()
            self.hidden_bias: dict[str, str] = {"bias_hn": "v"}
            self.products: tuple[HiddenProduct, ...] = (rz, HiddenProduct("h", slice(3, 4), slice(2, 3)))
        else:
            self.planes = self.gates
            self.saved = ("rh",)  # r * h_prev
            self.hidden_bias = {}
            self.products = (rz, HiddenProduct("rh", slice(2, 3), slice(2, 3)))

    def step(self, s: Step, p: Weights) -> None:
        """The equations of the class; h as n + z * (h_prev - n)."""
        if self.after:
            product(s.h_prev, p.U, out=s.u)
            s.rz += s.u_rz
            sigmoid_(s.rz)
            np.add(s.u_n, p.bias_hn, out=s.v)
            np.multiply(s.r, s.v, out=s.tmp)
        else:
            product(s.h_prev, p.U_rz, out=s.u_rz)
            s.rz += s.u_rz
            sigmoid_(s.rz)
            np.multiply(s.r, s.h_prev, out=s.rh)
            product(s.rh, p.U_n, out=s.tmp)
        s.n += s.tmp
        tanh_(s.n)
        np.subtract(s.h_prev, s.n, out=s.h)
        s.h *= s.z
        s.h += s.n

    def back(self, s: Step, p: Weights) -> None:
        """The derivative of each equation, last to first."""
        np.multiply(s.rz, s.rz, out=s.drz)  # both sigmoids' derivatives at once
        np.subtract(s.rz, s.drz, out=s.drz)
        np.subtract(s.h_prev, s.n, out=s.tmp)  # dz = dh * (h_prev - n) * z'
        s.tmp *= s.dh
        s.dz *= s.tmp
        np.multiply(s.n, s.n, out=s.dn)  # dn = dh * (1 - z) * n'
        np.subtract(ONE, s.dn, out=s.dn)
        s.dn *= s.dh
        np.subtract(ONE, s.z, out=s.tmp)
        s.dn *= s.tmp
        s.dh *= s.z
        if self.after:
            np.multiply(s.dn, s.r, out=s.dv)  # dv = dn * r, dr = dn * v * r'
            s.dr *= s.dn
            s.dr *= s.v
            product(s.dv, p.UT_n, out=s.u_n)
        else:
            product(s.dn, p.UT_n, out=s.tmp)  # d(r * h_prev), shared between r and h_prev
            s.dr *= s.tmp
            s.dr *= s.h_prev
            np.multiply(s.tmp, s.r, out=s.u_n)
        product(s.drz, p.UT_rz, out=s.u_rz)
        np.add.reduce(s.u, axis=0, out=s.tmp)
        s.dh += s.tmp


def make_cell(cell: str, activation: str = "tanh", reset: str = "after") -> Cell:
    """The cell that a config names: `rnn` with its activation, `lstm`, or `gru` with its reset form."""
    cells: dict[str, Cell] = {"rnn": RNN(activation), "lstm": LSTM(), "gru": GRU(reset)}
    return cells[cell]
