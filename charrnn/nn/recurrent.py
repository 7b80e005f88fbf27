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

from charrnn.nn.cells import Cell, Step, Weights
from charrnn.nn.ops import HALF, gate_rows, scatter_rows
from charrnn.nn.params import Array, Shape, zeros
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


class Embedding:
    """Ids (T, N) to vectors (T, N, E): rows of a table (V, E), shared by all gates of the first layer."""

    name = "embedding"

    def __init__(self, vocab_size: int, embedding_size: int) -> None:
        self.shape = (vocab_size, embedding_size)

    def forward(self, table: Array, ids: Array, out: Array) -> Array:
        """Look the ids up; `out` (T, N, E) is overwritten and returned."""
        return np.take(table, ids, axis=0, out=out, mode="clip")

    def backward(self, ids: Array, dout: Array, dtable: Array) -> None:
        """The gradient of the table from that of the vectors (T, N, E)."""
        scatter_rows(dout.reshape(ids.size, -1), ids.reshape(-1), dtable[None])


class Dropout:
    """Inverted dropout (Srivastava et al. 2014) on connections between layers, never on those through time
    (Zaremba et al. 2014): each value is zeroed with probability `rate`, the others are divided by 1 - rate.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def forward(self, x: Array, mask: Array, out: Array, rng: np.random.Generator) -> Array:
        """Draw a fresh mask (overwritten) and return `out` = x * mask; all of one shape."""
        if out.dtype == np.float32:
            draw = rng.random(out.shape, dtype=np.float32, out=out)
        else:  # the same mask when checking in float64
            draw = rng.random(out.shape, dtype=np.float32)
        np.greater_equal(draw, self.rate, out=mask, casting="unsafe")
        mask /= 1 - self.rate
        return np.multiply(x, mask, out=out)

    def backward(self, dout: Array, mask: Array) -> None:
        """Turn the gradient of the output into that of the input, in place."""
        dout *= mask


@dataclass
class StackTape:
    """Memory of a whole stack for one window of up to `length` steps of `streams` streams."""

    length: int
    streams: int
    layers: list[LayerTape]
    work: Workspace
    embedded: Array | None  # (T, N, E)
    masks: list[Array]  # between layers, each (T, N, H); none where nothing is dropped
    dropped: list[Array]
    dh: Array | None  # (T, N, max(H, E)): gradient on its way down; None for inference

    @property
    def nbytes(self) -> int:
        """Bytes held, without the ready-made views."""
        work = self.work
        arrays = [*work.weights.values(), work.summands, work.u, work.bias, work.tmp, work.dstate, self.embedded]
        arrays += [self.dh, *self.masks, *self.dropped]
        for layer in self.layers:
            arrays += [layer.slots, layer.states, *layer.saved.values()]
        return sum(array.nbytes for array in arrays if array is not None)


class Stack:
    """Recurrent layers on top of one another, dropout between them, an optional embedding below.

    Arguments: `cell`; `vocab_size`; `embedding_size`, or None for look-ups in the first layer's weights;
    `hidden_size`; `num_layers`; `dropout`, the share of values dropped between layers while training.
    """

    def __init__(
        self, cell: Cell, vocab_size: int, embedding_size: int | None, hidden_size: int, num_layers: int, dropout: float
    ) -> None:
        self.cell, self.hidden_size = cell, hidden_size
        self.embedding = Embedding(vocab_size, embedding_size) if embedding_size else None
        first = embedding_size or vocab_size
        self.layers = [
            Recurrent(cell, hidden_size if k else first, hidden_size, k, lookup=not (k or self.embedding))
            for k in range(num_layers)
        ]
        self.dropout = Dropout(dropout) if dropout else None

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of all parameters, from the input upwards."""
        shapes: dict[str, Shape] = {Embedding.name: self.embedding.shape} if self.embedding else {}
        for layer in self.layers:
            shapes |= layer.shapes()
        return shapes

    def state(self, streams: int, dtype: npt.DTypeLike) -> Array:
        """The state before the first character: zeros (L, S, N, H)."""
        return zeros((len(self.layers), len(self.cell.states), streams, self.hidden_size), dtype)

    def tape_scalars(self, length: int, streams: int, training: bool) -> int:
        """How many numbers tape() will hold, as a formula, so that memory is known before it is taken."""
        cell, hidden, count = self.cell, self.hidden_size, len(self.layers)
        gates, states, saved = len(cell.gates), len(cell.states), len(cell.saved)
        plane = streams * hidden
        total = count * ((length + training) * len(cell.planes) + (length + 1) * states + length * saved) * plane
        total += (2 * gates + 2 + states) * plane + gates * hidden * (hidden + self._widest)
        total += self._summands(length, streams, training)
        total += length * streams * (self.embedding.shape[1] if self.embedding else 0)
        if training:
            total += length * streams * max(hidden, self._widest)
            total += 2 * (count - 1) * length * plane if self.dropout else 0
        return total

    @property
    def _widest(self) -> int:
        """The largest D of the layers that do not look up characters."""
        return max((layer.size_in for layer in self.layers if not layer.lookup), default=0)

    def _summands(self, length: int, streams: int, training: bool) -> int:
        """How many numbers the summands of a product take at a time."""
        factors = (factor for layer in self.layers for factor in layer.factors(length, streams).values())
        return max(factor.summands(streams, training) for factor in factors)

    def workspace(self, length: int, streams: int, dtype: npt.DTypeLike, training: bool) -> Workspace:
        """Memory for the layers to use in turn."""
        cell, hidden, plane = self.cell, self.hidden_size, (streams, self.hidden_size)
        gates = len(cell.gates)
        return Workspace(
            weights={"W": zeros(gates * self._widest * hidden, dtype), "U": zeros(gates * hidden * hidden, dtype)},
            summands=zeros(self._summands(length, streams, training), dtype),
            u=zeros((gates, *plane), dtype),
            bias=zeros((gates, *plane), dtype),
            tmp=zeros((2, *plane), dtype),
            dstate=zeros((len(cell.states), *plane), dtype),
        )

    def tape(self, length: int, streams: int, dtype: npt.DTypeLike, training: bool) -> StackTape:
        """Memory for windows of up to `length` steps; without `training`, for forward() alone."""
        hidden, plane = self.hidden_size, (streams, self.hidden_size)
        work = self.workspace(length, streams, dtype, training)
        between = len(self.layers) - 1 if training and self.dropout else 0
        return StackTape(
            length,
            streams,
            layers=[layer.tape(length, streams, dtype, training, work) for layer in self.layers],
            work=work,
            embedded=zeros((length, streams, self.embedding.shape[1]), dtype) if self.embedding else None,
            masks=[zeros((length, *plane), dtype) for _ in range(between)],
            dropped=[zeros((length, *plane), dtype) for _ in range(between)],
            dh=zeros((length, streams, max(hidden, self._widest)), dtype) if training else None,
        )

    def input(self, tape: StackTape, k: int, length: int) -> Array | None:
        """What layer k reads, (T, N, D): embedded characters, or the layer below; None for ids."""
        x = tape.embedded
        if k:
            x = tape.dropped[k - 1] if tape.dropped else tape.layers[k - 1].states[0, 1:]
        return None if x is None else x[:length]

    def forward(
        self, value: Mapping[str, Array], ids: Array, state: Array, tape: StackTape, rng: np.random.Generator | None
    ) -> Array:
        """Run a window of ids (T, N); returns the top layer's h (T, N, H), a view of the tape.

        `state` (L, S, N, H) is moved on in place. Values are dropped only where `rng` is given.
        """
        length = len(ids)
        if self.embedding and tape.embedded is not None:
            self.embedding.forward(value[Embedding.name], ids, tape.embedded[:length])
        for k, (layer, memory) in enumerate(zip(self.layers, tape.layers, strict=True)):
            if k and self.dropout and tape.dropped:
                below, out = tape.layers[k - 1].states[0, 1 : length + 1], tape.dropped[k - 1][:length]
                if rng is None:
                    np.copyto(out, below)
                else:
                    self.dropout.forward(below, tape.masks[k - 1][:length], out, rng)
            x = self.input(tape, k, length)
            h = layer.forward(layer.bind(value), ids, x, state[k], memory, tape.work)
        return h

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        ids: Array,
        dh: Array,
        tape: StackTape,
        dropped: bool,
    ) -> None:
        """Back through the window that forward() ran with the same ids; overwrites every gradient of the stack.

        `dh` (T, N, H) is the gradient for the top layer's output, in the memory of `dh_view`, and is used up.
        `dropped` tells whether that forward() dropped values.
        """
        for k in range(len(self.layers) - 1, -1, -1):
            layer, x = self.layers[k], self.input(tape, k, len(ids))
            dx = dh if x is None else self.dh_view(tape, len(ids), layer.size_in)
            layer.backward(layer.bind(value), layer.bind(grad), ids, x, dh, dx, tape.layers[k], tape.work)
            dh = dx
            if k and self.dropout and dropped:
                self.dropout.backward(dh, tape.masks[k - 1][: len(ids)])
        if self.embedding:
            self.embedding.backward(ids, dh, grad[Embedding.name])

    def dh_view(self, tape: StackTape, length: int, width: int) -> Array:
        """The tape's memory for a gradient on its way down, as (T, N, width)."""
        assert tape.dh is not None, "this tape was made for inference"
        return tape.dh[:length, :, :width]
