"""Layers: what lies between the characters' ids and the hidden sequence that the head reads.

Shapes: T steps, N streams, D inputs, E embedding, H hidden units, G gates, P planes, S carried states, V vocabulary,
L layers. Layers hold sizes only. Parameters come in as named views, carried state as an array (L, S, N, H), and the
memory of one forward/backward pair as a Tape, allocated once for the longest window; shorter ones use its beginning.

A tape stores, per step, stream and hidden unit, for each layer: the cell's planes, S states and what the cell saves
(LSTM 6, GRU 5, RNN 2). The planes of step t are slot t, (P, N, H), the G gates side by side. On the way back their
gradients go into slot t + 1, whose planes have served, as rows of all planes, (N, P, H): so one product takes all
gates, or the whole window, as those with the input's weights do. Thus a tape serves one backward for each forward;
training adds only a slot, the gradient on its way down and dropout's masks.

"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.nn.cells import Cell, Step, Weights
from charrnn.nn.ops import HALF, gate_rows, scatter_rows
from charrnn.nn.products import Cut, best_cut, deep_product, lay_out, ready, window_product

GROUP = 10  # steps whose summands there is room for, where products with W are cut in their sum


@dataclass
class LayerTape:
    """Memory of one recurrent layer for one window."""

    slots: Array  # (T, P, N, H), T + 1 to train: each step's planes; on the way back the gradients of the step before
    states: Array  # (S, T + 1, N, H); row 0 is what came in, so [:-1] is "previous" and [1:] "output"
    saved: dict[str, Array]  # each (T, N, H)
    factors: dict[str, "Factor"]  # W and the parts of U,
    forth: dict[str, Array]  # room for them as products take them,
    back: dict[str, Array]  # and for their transposes: the same memory
    steps: list[Step]  # the views and products of each step, ready-made
    dstates: Array | None = None  # (S, T, N, H): where given, backward() leaves the gradient for each step's past state


@dataclass
class Workspace:
    """Memory that every layer of a stack uses in turn."""

    weights: dict[str, Array]  # flat: room for "W" and "U" of the layer under work; also scratch
    summands: Array  # flat: of products that are cut in their sum
    u: Array  # (G, N, H): products with the recurrent weights
    bias: Array  # (G, N, H)
    tmp: Array  # (2, N, H)
    dstate: Array  # (S, N, H): gradient for the state at the step under work


@dataclass(frozen=True)
class Factor:
    """Weights (K, D, C) that take part in one product, and how that is cut, forward and on the way back."""

    steps: int  # whose summands there is to be room for
    count: int
    depth: int
    columns: int
    forth: Cut
    back: Cut

    def summands(self, streams: int, training: bool) -> int:
        """How many numbers the summands of its products take."""
        back = self.back.summands((self.steps, 1, streams, self.depth)) if training else 0
        return max(self.forth.summands((self.steps, self.count, streams, self.columns)), back)


class Recurrent:
    """One recurrent layer: owns the time loop and every product.

    Arguments: `cell`; `size_in`, D, or V where the layer looks up its input characters; `hidden_size`, H;
    `index`, its place in the stack, for the parameters' names; `lookup`: the input is ids (T, N) and each
    selects a row of W, which is what a one-hot input would do, without the zeros.
    """

    def __init__(self, cell: Cell, size_in: int, hidden_size: int, index: int, lookup: bool) -> None:
        self.cell, self.size_in, self.hidden_size, self.index = cell, size_in, hidden_size, index
        self.lookup = lookup
        first = cell.planes.index(cell.gates[0])
        self.gates = slice(first, first + len(cell.gates))  # among the planes
        self.scale: Array = np.ones(len(cell.gates), np.float32)  # what the cell wants its gates multiplied by
        for cut in cell.sigmoids.values():
            self.scale[cut] = HALF

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters; names follow PyTorch, with one matrix (D, H) for each gate."""
        g, h, k = len(self.cell.gates), self.hidden_size, self.index
        return {
            f"weight_ih_l{k}": (g, self.size_in, h),
            f"weight_hh_l{k}": (g, h, h),
            f"bias_l{k}": (g, h),
            **{f"{name}_l{k}": (h,) for name in self.cell.hidden_bias},
        }

    def bind(self, named: Mapping[str, Array]) -> Weights:
        """This layer's parameters, or gradients, out of all named views: W (G, D, H), U (G, H, H), b (G, H)."""
        k = self.index
        p = SimpleNamespace(W=named[f"weight_ih_l{k}"], U=named[f"weight_hh_l{k}"], b=named[f"bias_l{k}"])
        for name in self.cell.hidden_bias:
            setattr(p, name, named[f"{name}_l{k}"])
        return p

    def factors(self, length: int, streams: int) -> dict[str, Factor]:
        """Name -> what each product multiplies by: W, where it is not looked up, and the parts of U."""
        shapes = {"W": (min(GROUP, length), len(self.cell.gates), self.size_in)} if not self.lookup else {}
        shapes |= {part.name: (1, len(part.weights), self.hidden_size) for part in self.cell.products}
        hidden = self.hidden_size
        return {
            name: Factor(j, k, d, hidden, best_cut(streams, d, hidden), best_cut(streams, k * hidden, d, stacked=k))
            for name, (j, k, d) in shapes.items()
        }

    def table(self, p: Weights, rows: Array) -> Array:
        """What each character brings to the gates, W x + b, as the cell wants it, (G, V, H).

        `rows` (G, V, H) is W x; where characters are looked up, that is W.
        """
        table: Array = rows + p.b[:, None]
        table *= self.scale[:, None, None]
        return table

    def prepare(self, p: Weights, tape: LayerTape, work: Workspace) -> None:
        """Lay out W, U and b as forward() takes them."""
        if "W" in tape.forth:
            lay_out(p.W, tape.forth["W"], self.scale)
        for part in self.cell.products:
            lay_out([p.U[g] for g in part.weights], tape.forth[part.name], self.scale[list(part.weights)])
        np.multiply(p.b[:, None], self.scale[:, None, None], out=work.bias)

    def tape(
        self,
        length: int,
        streams: int,
        dtype: npt.DTypeLike,
        training: bool,
        work: Workspace,
        state: Array | None = None,
    ) -> LayerTape:
        """Memory for windows of up to `length` steps of `streams` streams.

        `state` (S, N, H): what the steps are to move on in place, instead of keeping each; not to train.
        """
        cell, shape = self.cell, (streams, self.hidden_size)
        slots = zeros((length + training, len(cell.planes), *shape), dtype)
        if state is None:
            states = zeros((len(cell.states), length + 1, *shape), dtype)
        else:
            strides = (state.strides[0], 0, *state.strides[1:])
            states = np.lib.stride_tricks.as_strided(state, (len(state), length + 1, *shape), strides)
        saved = {name: zeros((length, *shape), dtype) for name in cell.saved}
        forth, back, taken, factors = {}, {}, {"W": 0, "U": 0}, self.factors(length, streams)
        for name, factor in factors.items():
            k, d, c = factor.count, factor.depth, factor.columns
            start, flat = taken[name[0]], work.weights[name[0]]
            room = flat[start : start + k * d * c]
            forth[name] = room.reshape(factor.forth.shape(k, d, c))
            if training:
                back[name] = room.reshape(factor.back.shape(1, k * c, d))
            taken[name[0]] += k * d * c
        tape = LayerTape(slots, states, saved, factors, forth, back, [])
        tape.steps = [self._step(tape, t, work) for t in range(length)]
        return tape

    def _step(self, tape: LayerTape, t: int, work: Workspace) -> Step:
        """The views and products of step t, under the names that the cell's equations use."""
        cell, planes, streams = self.cell, tape.slots[t], tape.slots.shape[2]
        s = Step()
        s.gates, (s.tmp, s.tmp2) = planes[self.gates], work.tmp
        rows = tape.slots[t + 1].reshape(streams, len(cell.planes), -1) if tape.back else None
        for name, cut in cell.sigmoids.items():
            setattr(s, name, s.gates[cut])
        for part in (part for part in cell.products if part.out == "u"):
            s.u = work.u[: len(part.weights)]
            for u, g in zip(s.u, part.weights, strict=True):
                setattr(s, f"u_{cell.gates[g]}", u)
            for name, cut in cell.sigmoids.items():
                first = part.weights.index(cut.start)
                setattr(s, f"u_{name}", s.u[first : first + cut.stop - cut.start])
        for k, name in enumerate(cell.planes):
            setattr(s, name, planes[k])
            if rows is not None:
                setattr(s, f"d{name}", rows[:, k])
        for k, name in enumerate(cell.states):
            setattr(s, f"{name}_prev", tape.states[k, t])
            setattr(s, name, tape.states[k, t + 1])
            setattr(s, f"d{name}", work.dstate[k])
        for name, values in tape.saved.items():
            setattr(s, name, values[t])
        for part in cell.products:
            name, left, out = part.name, getattr(s, part.left), getattr(s, part.out).reshape(1, -1, *s.tmp.shape)
            factor, dleft = tape.factors[name], getattr(s, part.dleft)
            setattr(s, f"times_{name}", ready(factor.forth, left[None], tape.forth[name], out, work.summands))
            if rows is not None:
                some, out = rows[:, part.planes].reshape(1, streams, -1), dleft[None, None]
                setattr(s, f"back_{name}", ready(factor.back, some, tape.back[name], out, work.summands))
        return s

    def forward(self, p: Weights, ids: Array, x: Array | None, state: Array, tape: LayerTape, work: Workspace) -> Array:
        """Run a window; returns h (T, N, H), a view of the tape.

        Arguments: `p` from bind(); `ids` (T, N), which are looked up unless there is another input `x` (T, N, D);
        `state` (S, N, H), moved on in place.
        """
        length = len(ids)
        self.prepare(p, tape, work)
        whole = self.lookup and ids.size >= self.size_in  # then working on all of the table is the smaller job
        if x is not None:
            slots, factor = tape.slots[:length, self.gates], tape.factors["W"]
            window_product(factor.forth, x, tape.forth["W"], slots, work.summands)
        else:
            table, at = gate_rows(self.table(p, p.W) if whole else p.W, ids)
        tape.states[:, 0] = state
        step, scale = self.cell.step, self.scale[:, None, None]
        for t, s in enumerate(tape.steps[:length]):
            if x is None:
                np.take(table, at[t], axis=0, out=s.gates, mode="clip")  # the default mode would buffer `out`
                if not whole:
                    s.gates *= scale
            if not whole:
                s.gates += work.bias
            step(s, p)
        state[...] = tape.states[:, length]
        h: Array = tape.states[0, 1 : length + 1]
        return h

    def backward(
        self,
        p: Weights,
        g: Weights,
        ids: Array,
        x: Array | None,
        dh: Array,
        dx: Array,
        tape: LayerTape,
        work: Workspace,
    ) -> None:
        """Back through the whole window that forward() ran; gradients are overwritten, not added. The tape is used up.

        Arguments: `p`, `g` from bind(), parameters and gradients; `ids` and `x` as for forward(); `dh` (T, N, H),
        gradient for the output; `dx` (T, N, D), room for that for `x`, if there is one: may have the memory of `dh`.
        """
        cell, (length, streams), hidden = self.cell, ids.shape, self.hidden_size
        assert tape.back, "this tape was made for inference"
        for part in cell.products:
            lay_out([p.U[k].T for k in part.weights], tape.back[part.name])
        work.dstate[...] = 0
        dh_step, back = work.dstate[0], cell.back
        for t in range(length - 1, -1, -1):
            s = tape.steps[t]
            dh_step += dh[t]
            back(s)
            if tape.dstates is not None:
                tape.dstates[:, t] = work.dstate
        rows = tape.slots[1 : length + 1].reshape(length * streams, -1, hidden)
        for part in cell.products:
            left = tape.saved.get(part.left, tape.states[0])[:length].reshape(len(rows), hidden)
            right = rows[:, part.planes].reshape(len(rows), -1)  # a view, as below
            deep_product(left, right, [g.U[k] for k in part.weights], work.weights["U"])
        dgates = rows[:, self.gates].reshape(len(rows), -1)
        sums = np.add.reduce(rows.reshape(len(rows), -1), axis=0).reshape(-1, hidden)
        g.b[...] = sums[self.gates]
        for name, plane in cell.hidden_bias.items():
            getattr(g, name)[...] = sums[cell.planes.index(plane)]
        if x is None:
            scatter_rows(dgates, ids.reshape(-1), g.W)
        else:
            lay_out(p.W.swapaxes(1, 2), tape.back["W"])
            some, factor = dgates.reshape(length, streams, -1), tape.factors["W"]
            window_product(factor.back, some, tape.back["W"], dx[:, None], work.summands)
            deep_product(x.reshape(len(rows), self.size_in), dgates, g.W, work.weights["W"])
