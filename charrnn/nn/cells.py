"""The three cells: the mathematics of one time step, forward and backward, and nothing else.

A cell sees one record `s` of views and products, which the layer fills for every step of a window. The record names
what the cell's equations use; a cell never indexes time. Every array is a plane (N, H), with N streams and H hidden
units, unless a comment says otherwise. `x_prev` is `x` one step earlier, `dx` is the gradient of the loss with respect
to `x`, and `u_x` is the recurrent part U_x h_prev of gate or gates `x`. `tmp` and `tmp2` are scratch.

Forward: on entry `s.gates` holds the pre-activations W x + b; on return it holds the activations. Pre-activations of
sigmoid gates come in multiplied by 1/2, as do their U h terms, because sigmoid(x) = (1 + tanh(x / 2)) / 2.

Backward: on entry `s.dh` (and `s.dc`) is the gradient with respect to this step's state; `back` replaces it with the
gradient with respect to the previous state. `back` writes the gradient of each plane exactly once, because those rows
are strided.

The products with the recurrent weights are listed in `products`: `s.times_U()` computes one forward, `s.back_U()`
backward. Results go into the last positional argument of a ufunc, which NumPy handles faster than `out=`. A cell has
no time loop, no input weights and no product over a whole window: those belong to recurrent.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy import add, multiply, subtract, tanh

from charrnn.arrays import Array
from charrnn.nn.contract import Cell, HiddenProduct, Product, Step, Weights
from charrnn.nn.ops import ONE, from_tanh_, relu_, sigmoid_, tanh_


@dataclass(slots=True, init=False, eq=False, repr=False)
class RNNStep(Step):
    """The record of an RNN."""

    a: Array
    da: Array
    u_a: Array
    times_U: Product
    back_U: Product


class RNN:
    """h = f(W x + U h_prev + b), f one of tanh, relu, sigmoid (Elman 1990)."""

    record: type[Step] = RNNStep
    gates: tuple[str, ...] = ("a",)
    states: tuple[str, ...] = ("h",)

    def __init__(self, activation: str = "tanh") -> None:
        self.activation = activation
        self.f_ = {"tanh": tanh_, "relu": relu_, "sigmoid": sigmoid_}[activation]
        self.planes: tuple[str, ...] = self.gates
        self.sigmoids: dict[str, slice] = {}
        self.saved: tuple[str, ...] = ()
        self.hidden_bias: dict[str, str] = {}
        self.products: tuple[HiddenProduct, ...] = (HiddenProduct("U", "h_prev", (0,), "u", slice(0, 1), "dh"),)

    def step(self, s: RNNStep, p: Weights) -> None:
        """h = f(a), a = W x + b + U h_prev."""
        s.times_U()
        add(s.a, s.u_a, s.h)
        self.f_(s.h)

    def back(self, s: RNNStep) -> None:
        """da = dh * f'(a), with f' written in terms of h; dh_prev = da U'."""
        if self.activation == "relu":
            np.greater(s.h.real, 0, out=s.tmp, casting="unsafe")
        else:
            multiply(s.h, s.h, s.tmp)
            subtract(ONE if self.activation == "tanh" else s.h, s.tmp, s.tmp)
        multiply(s.tmp, s.dh, s.da)
        s.back_U()


@dataclass(slots=True, init=False, eq=False, repr=False)
class LSTMStep(Step):
    """The record of an LSTM."""

    i: Array
    f: Array
    o: Array
    g: Array
    ifo: Array  # (3, N, H)
    c_prev: Array
    c: Array
    di: Array
    df: Array
    do: Array
    dg: Array
    dc: Array
    u: Array  # (4, N, H)
    times_U: Product
    back_U: Product


class LSTM:
    """Long short-term memory without peepholes (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

    i = sigmoid(W_i x + U_i h_prev + b_i)    input gate
    f = sigmoid(W_f x + U_f h_prev + b_f)    forget gate
    o = sigmoid(W_o x + U_o h_prev + b_o)    output gate
    g = tanh(W_g x + U_g h_prev + b_g)       candidate
    c = f * c_prev + i * g
    h = o * tanh(c)

    The order i, f, o, g (PyTorch: i, f, g, o) keeps the three sigmoids adjacent.
    """

    record: type[Step] = LSTMStep
    gates: tuple[str, ...] = ("i", "f", "o", "g")
    states: tuple[str, ...] = ("h", "c")

    def __init__(self) -> None:
        self.planes: tuple[str, ...] = self.gates
        self.sigmoids: dict[str, slice] = {"ifo": slice(0, 3)}
        self.saved: tuple[str, ...] = ()
        self.hidden_bias: dict[str, str] = {}
        self.products: tuple[HiddenProduct, ...] = (HiddenProduct("U", "h_prev", (0, 1, 2, 3), "u", slice(0, 4), "dh"),)

    def step(self, s: LSTMStep, p: Weights) -> None:
        """The six equations of the class."""
        s.times_U()
        s.gates += s.u
        tanh_(s.gates)
        from_tanh_(s.ifo)
        multiply(s.f, s.c_prev, s.c)
        multiply(s.i, s.g, s.tmp)
        s.c += s.tmp
        tanh(s.c, s.tmp)
        multiply(s.o, s.tmp, s.h)

    def back(self, s: LSTMStep) -> None:
        """The derivative of each equation, last to first; sigmoid' = y - y^2, tanh' = 1 - y^2.

        Factors that two derivatives share are computed once: h = o * tanh(c), and dc * f = dc_prev.
        """
        multiply(s.h, s.o, s.tmp)  # do = dh * tanh(c) * o' = dh * (h - h * o)
        subtract(s.h, s.tmp, s.tmp)
        multiply(s.tmp, s.dh, s.do)
        tanh(s.c, s.tmp)  # computed again: loading it from memory would take as long
        s.tmp *= s.h  # dc += dh * o * (1 - tanh(c)^2) = dh * (o - h * tanh(c))
        subtract(s.o, s.tmp, s.tmp)
        s.tmp *= s.dh
        s.dc += s.tmp
        multiply(s.dc, s.i, s.tmp2)
        multiply(s.g, s.i, s.tmp)  # di = dc * g * i' = dc * i * (g - g * i)
        subtract(s.g, s.tmp, s.tmp)
        multiply(s.tmp, s.tmp2, s.di)
        multiply(s.g, s.g, s.tmp)  # dg = dc * i * g'
        subtract(ONE, s.tmp, s.tmp)
        multiply(s.tmp, s.tmp2, s.dg)
        s.dc *= s.f  # dc_prev = dc * f
        multiply(s.c_prev, s.f, s.tmp)  # df = dc * c_prev * f' = dc_prev * (c_prev - c_prev * f)
        subtract(s.c_prev, s.tmp, s.tmp)
        multiply(s.tmp, s.dc, s.df)
        s.back_U()  # dh_prev = sum over gates of dgate U_gate'


@dataclass(slots=True, init=False, eq=False, repr=False)
class GRUStep(Step):
    """The record of a GRU. `v`, `u_n`, `times_U`: reset after the product; `rh`, `times_U_rz`, `times_U_n`: before."""

    r: Array
    z: Array
    n: Array
    v: Array
    rz: Array  # (2, N, H)
    rh: Array
    dr: Array
    dz: Array
    dn: Array
    dv: Array
    u_rz: Array  # (2, N, H)
    u_n: Array
    times_U: Product
    back_U: Product
    times_U_rz: Product
    back_U_rz: Product
    times_U_n: Product
    back_U_n: Product


class GRU:
    """Gated recurrent unit (Cho et al. 2014), in both forms of the reset gate.

    r = sigmoid(W_r x + U_r h_prev + b_r)                    reset gate
    z = sigmoid(W_z x + U_z h_prev + b_z)                    update gate
    n = tanh(W_n x + b_n + r * (U_n h_prev + b_hn))          candidate, reset after the product (PyTorch)
    n = tanh(W_n x + b_n + U_n (r * h_prev))                 candidate, reset before the product (the paper)
    h = (1 - z) * n + z * h_prev
    """

    record: type[Step] = GRUStep
    gates: tuple[str, ...] = ("r", "z", "n")
    states: tuple[str, ...] = ("h",)

    def __init__(self, reset: str = "after") -> None:
        self.after = reset == "after"
        self.sigmoids: dict[str, slice] = {"rz": slice(0, 2)}
        if self.after:
            self.planes: tuple[str, ...] = ("v", "r", "z", "n")  # v = U_n h_prev + b_hn
            self.saved: tuple[str, ...] = ()
            self.hidden_bias: dict[str, str] = {"bias_hn": "v"}
            self.products: tuple[HiddenProduct, ...] = (
                HiddenProduct("U", "h_prev", (2, 0, 1), "u", slice(0, 3), "tmp"),
            )
        else:
            self.planes = self.gates
            self.saved = ("rh",)  # r * h_prev
            self.hidden_bias = {}
            self.products = (
                HiddenProduct("U_rz", "h_prev", (0, 1), "u", slice(0, 2), "tmp"),
                HiddenProduct("U_n", "rh", (2,), "tmp", slice(2, 3), "tmp"),
            )

    def step(self, s: GRUStep, p: Weights) -> None:
        """The equations of the class; h as n + z * (h_prev - n)."""
        if self.after:
            s.times_U()
        else:
            s.times_U_rz()
        s.rz += s.u_rz
        tanh_(s.rz)
        from_tanh_(s.rz)
        if self.after:
            add(s.u_n, p.bias_hn, s.v)
            multiply(s.r, s.v, s.tmp)
        else:
            multiply(s.r, s.h_prev, s.rh)
            s.times_U_n()
        s.n += s.tmp
        tanh_(s.n)
        subtract(s.h_prev, s.n, s.h)
        s.h *= s.z
        s.h += s.n

    def back(self, s: GRUStep) -> None:
        """The derivative of each equation, last to first."""
        subtract(ONE, s.z, s.tmp)  # dh * (1 - z), a factor of dz and dn
        s.tmp *= s.dh
        subtract(s.h_prev, s.n, s.tmp2)  # dz = dh * (h_prev - n) * z'
        s.tmp2 *= s.z
        multiply(s.tmp2, s.tmp, s.dz)
        multiply(s.n, s.n, s.tmp2)  # dn = dh * (1 - z) * n'
        subtract(ONE, s.tmp2, s.tmp2)
        multiply(s.tmp2, s.tmp, s.dn)
        s.dh *= s.z
        subtract(ONE, s.r, s.tmp)
        if self.after:
            multiply(s.dn, s.r, s.dv)  # dv = dn * r, dr = dn * v * r' = dv * v * (1 - r)
            multiply(s.dv, s.v, s.tmp2)
            multiply(s.tmp2, s.tmp, s.dr)
            s.back_U()
        else:
            multiply(s.tmp, s.rh, s.tmp2)  # dr = d(r * h_prev) * h_prev * r'
            s.back_U_n()  # d(r * h_prev), shared between r and h_prev
            multiply(s.tmp2, s.tmp, s.dr)
            s.tmp *= s.r
            s.dh += s.tmp
            s.back_U_rz()
        s.dh += s.tmp


def make_cell(cell: str, activation: str = "tanh", reset: str = "after") -> Cell:
    """Return the cell that a config names.

    Arguments:
        cell: rnn, lstm or gru.
        activation: tanh, relu or sigmoid; counts for an RNN.
        reset: before or after the recurrent product; counts for a GRU.
    """
    cells: dict[str, Cell] = {"rnn": RNN(activation), "lstm": LSTM(), "gru": GRU(reset)}
    return cells[cell]
