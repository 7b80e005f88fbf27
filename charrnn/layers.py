"""Layers: what lies between the characters' ids and the hidden sequence that the head reads.

Shapes: T steps, N streams, D inputs, E embedding, H hidden units, G gates, S carried states, V vocabulary, L layers.
Layers hold sizes only. Parameters come in as named views, carried state as an array (L, S, N, H), and the memory of
one forward/backward pair as a Tape, allocated once for the longest window; shorter windows use its beginning.

A tape stores, per step, stream and hidden unit, for each layer: the cell's planes, S states and what the cell saves
(LSTM 7, GRU 5, RNN 2). On the way back the gates' gradients take the place of the gates, so a tape serves one backward
for each forward; training adds only the gradient on its way down and dropout's masks. Long windows have room besides
for one layer's weights, laid out as their products are fastest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from charrnn.cells import Cell, Step, Weights
from charrnn.ops import gather_rows, scatter_rows
from charrnn.params import Array, Shape, zeros
from charrnn.products import blocks, deep_product, in_blocks, product, sum_products

DX_ROWS = 512  # of the gradient that leaves a layer below, about this many are summed at a time
LONG = 8  # steps of a window from which on laying out the weights anew is worth its time


@dataclass
class LayerTape:
    """Memory of one recurrent layer for one window."""

    planes: Array  # (P, T, N, H), contiguous plane by plane, the G gates first; after backward(), their gradients
    states: Array  # (S, T + 1, N, H); row 0 is what came in, so [:-1] is "previous" and [1:] "output"
    saved: dict[str, Array]  # each (T, N, H)
    steps: list[Step]  # the views of each step, ready-made
    weights: dict[str, Array]  # room for W, U and their transposes WT, UT as products take them best: see Workspace
    dstates: Array | None = None  # (S, T, N, H): where given, backward() leaves the gradient for each step's past state


@dataclass
class Workspace:
    """Memory that every layer of a stack uses in turn."""

    # Flat memory for the weights of the layer under work, "W" for W or WT, "U" for U or UT; also scratch.
    weights: dict[str, Array]
    grads: Array | None  # (P, N, H): gradients of the planes at the step under work; None on a tape for inference
    u: Array  # (G, N, H): a product with the recurrent weights
    tmp: Array  # (N, H)
    dstate: Array  # (S, N, H): gradient for the state at the step under work
    dx: Array | None  # flat, for some steps of (N, D): scratch for the gradient that leaves a layer below


class Recurrent:
    """One recurrent layer: owns the time loop and every product over the whole window.

    Arguments: `cell`; `size_in`, D, or V where the layer looks up its input characters; `hidden_size`, H;
    `index`, its place in the stack, for the parameters' names; `lookup`: the input is ids (T, N) and each
    selects a row of W, which is what a one-hot input would do, without the zeros.
    """

    def __init__(self, cell: Cell, size_in: int, hidden_size: int, index: int, lookup: bool) -> None:
        self.cell, self.size_in, self.hidden_size, self.index = cell, size_in, hidden_size, index
        self.lookup = lookup
        # Where each gate, and each group of gates, stands among the planes.
        self.cuts: dict[str, int | slice] = {name: g for g, name in enumerate(cell.gates)} | cell.groups

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

    def tape(self, length: int, streams: int, dtype: npt.DTypeLike, work: Workspace) -> LayerTape:
        """Memory for windows of up to `length` steps of `streams` streams."""
        cell, shape = self.cell, (length, streams, self.hidden_size)
        planes = zeros((len(cell.planes), *shape), dtype)
        states = zeros((len(cell.states), length + 1, *shape[1:]), dtype)
        saved = {name: zeros(shape, dtype) for name in cell.saved}
        shapes = self.weight_shapes(length, streams, work.grads is not None)
        weights = {name: work.weights[name[0]][: prod(shape)].reshape(shape) for name, shape in shapes.items()}
        steps = [self._step(planes[:, t], t, states, saved, work) for t in range(length)]
        return LayerTape(planes, states, saved, steps, weights)

    def weight_shapes(self, length: int, streams: int, training: bool) -> dict[str, Shape]:
        """Shapes of those of W, WT, U, UT that each window lays out anew, since products then take them faster."""
        gates, hidden, given = len(self.cell.gates), self.hidden_size, self.size_in
        sizes = {"U": (hidden, hidden), "UT": (hidden, hidden)}
        if not self.lookup:
            sizes |= {"W": (given, hidden), "WT": (hidden, given)}
        shapes: dict[str, Shape] = {}
        for name, (depth, columns) in sizes.items():
            count = blocks(streams, depth, columns)
            if training if name.endswith("T") else count > 1 and length >= LONG:
                shapes[name] = (gates, count, depth, columns // count) if count > 1 else (gates, depth, columns)
        return shapes

    def _lay_out(self, planes: Array, room: Array | None) -> Array:
        """Planes (G, D, C) as products take them best: in `room`, in blocks as that is; without room as they are."""
        if room is None:
            return planes
        np.copyto(room, in_blocks(planes, room.shape[1] if room.ndim == 4 else 1))
        return room

    def _name_gates(self, p: Weights, name: str) -> None:
        """Give the part of U or UT that belongs to each gate and group its own name."""
        for gate, cut in self.cuts.items():
            setattr(p, f"{name}_{gate}", getattr(p, name)[cut])

    def _step(self, planes: Array, t: int, states: Array, saved: dict[str, Array], work: Workspace) -> Step:
        """The views of step t, whose planes are (P, N, H), under the names that the cell's equations use."""
        cell, gates = self.cell, slice(0, len(self.cell.gates))
        s = SimpleNamespace(planes=planes, tmp=work.tmp, u=work.u)
        for name, cut in self.cuts.items():
            setattr(s, f"u_{name}", work.u[cut])
        others = {name: len(cell.gates) + k for k, name in enumerate(cell.planes[len(cell.gates) :])}
        for name, cut in (self.cuts | others | {"gates": gates}).items():
            setattr(s, name, planes[cut])
            if work.grads is not None:
                setattr(s, f"d{name}", work.grads[cut])
        for k, name in enumerate(cell.states):
            setattr(s, f"{name}_prev", states[k, t])
            setattr(s, name, states[k, t + 1])
            setattr(s, f"d{name}", work.dstate[k])
        for name in cell.saved:
            setattr(s, name, saved[name][t])
        return s

    def forward(self, p: Weights, x: Array, state: Array, tape: LayerTape) -> Array:
        """Run a window; returns h (T, N, H), a view of the tape.

        Arguments: `p` from bind(); `x`, ids (T, N) or values (T, N, D); `state` (S, N, H), moved on in place.
        """
        length, streams = x.shape[:2]
        rows = length * streams
        gates = tape.planes[: len(self.cell.gates), :length]
        room = tape.weights if length >= LONG else {}
        if self.lookup:
            gather_rows(p.W, p.b, x.reshape(rows), out=gates.reshape(-1, rows, self.hidden_size))
        else:
            product(x, self._lay_out(p.W, room.get("W"))[:, None], out=gates)
            gates += p.b[:, None, None]
        tape.states[:, 0] = state
        p.U = self._lay_out(p.U, room.get("U"))
        self._name_gates(p, "U")
        step = self.cell.step
        for s in tape.steps[:length]:
            step(s, p)
        state[...] = tape.states[:, length]
        h: Array = tape.states[0, 1 : length + 1]
        return h

    def backward(
        self, p: Weights, g: Weights, x: Array, dh: Array, tape: LayerTape, work: Workspace, dx: Array | None
    ) -> None:
        """Back through the whole window that forward() ran; gradients are overwritten, not added. The tape is used up.

        Arguments: `p`, `g` from bind(), parameters and gradients; `x` as in forward(); `dh` (T, N, H), gradient for
        the output; `dx` (T, N, D), receives the gradient for the input; may be the memory of `dh`; None for ids.
        """
        assert work.grads is not None, "this tape was made for inference"
        length, streams = x.shape[:2]
        rows, hidden = length * streams, self.hidden_size
        p.UT = self._lay_out(p.U.swapaxes(1, 2), tape.weights["UT"])
        self._name_gates(p, "UT")
        work.dstate[...] = 0
        dh_step, back = work.dstate[0], self.cell.back
        for t in range(length - 1, -1, -1):
            dh_step += dh[t]
            back(tape.steps[t], p)
            np.copyto(tape.steps[t].planes, work.grads)  # worked on in the cache, kept where the gates were
            if tape.dstates is not None:
                tape.dstates[:, t] = work.dstate
        grads = tape.planes[:, :length].reshape(-1, rows, hidden)
        dgates = grads[: len(self.cell.gates)]
        for part in self.cell.products:
            left = tape.saved.get(part.left, tape.states[0])[:length].reshape(rows, hidden)
            deep_product(left, grads[part.planes], g.U[part.weights], work.weights["U"])
        np.add.reduce(dgates, axis=1, out=g.b)
        for name, plane in self.cell.hidden_bias.items():
            np.add.reduce(grads[self.cell.planes.index(plane)], axis=0, out=getattr(g, name))
        if self.lookup:
            scatter_rows(dgates, x.reshape(rows), g.W)
            return
        deep_product(x.reshape(rows, self.size_in), dgates, g.W, work.weights["W"])
        assert dx is not None
        assert work.dx is not None
        w_t = self._lay_out(p.W.swapaxes(1, 2), tape.weights["WT"])  # only now: its room was scratch until here
        some = work.dx.size // (streams * self.size_in)
        scratch = work.dx[: some * streams * self.size_in].reshape(some, streams, self.size_in)
        sum_products(dgates.reshape(-1, length, streams, hidden), w_t, dx, scratch)


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
        scatter_rows(dout.reshape(1, ids.size, -1), ids.reshape(-1), dtable[None])


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
    dh: Array | None  # (T, N, max(H, E)) flat: gradient on its way down; None for inference
    inputs: list[Array]  # what each layer was given in the latest forward

    @property
    def nbytes(self) -> int:
        """Bytes held, without the ready-made views."""
        work = self.work
        arrays = [*work.weights.values(), work.grads, work.u, work.tmp, work.dstate, work.dx, self.embedded, self.dh]
        arrays += [*self.masks, *self.dropped]
        for layer in self.layers:
            arrays += [layer.planes, layer.states, *layer.saved.values()]
        return sum(array.nbytes for array in arrays if array is not None)


class Stack:
    """Recurrent layers on top of one another, dropout between them, an optional embedding below.

    Arguments: `cell`; `vocab_size`; `embedding_size`, or None for look-ups in the first layer's weights;
    `hidden_size`; `num_layers`; `dropout`, the share of values dropped between layers while training.
    """

    def __init__(
        self,
        cell: Cell,
        vocab_size: int,
        embedding_size: int | None,
        hidden_size: int,
        num_layers: int,
        dropout: float,
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
        gates, states = len(cell.gates), len(cell.states)
        plane = length * streams * hidden
        total = count * ((len(cell.planes) + states + len(cell.saved)) * plane + states * streams * hidden)
        total += (gates + 1 + states) * streams * hidden
        dense = [layer.size_in for layer in self.layers if not layer.lookup]
        total += length * streams * (self.embedding.shape[1] if self.embedding else 0)
        total += sum(self._weight_scalars(length, streams, training).values())
        if training:
            total += len(cell.planes) * streams * hidden + length * streams * max([hidden, *dense])
            total += self._dx_scalars(length, streams)
            total += 2 * (count - 1) * plane if self.dropout else 0
        return total

    def _dx_scalars(self, length: int, streams: int) -> int:
        """How many numbers the scratch for the gradient that leaves a layer takes."""
        widest = max((layer.size_in for layer in self.layers if not layer.lookup), default=0)
        return max(1, min(length, DX_ROWS // streams)) * streams * widest

    def _weight_scalars(self, length: int, streams: int, training: bool) -> dict[str, int]:
        """How many numbers the weights that are laid out anew take at a time, of W and U, transposed or not."""
        scalars = {"W": 0, "U": 0}
        for layer in self.layers:
            for name, shape in layer.weight_shapes(length, streams, training).items():
                scalars[name[0]] = max(scalars[name[0]], prod(shape))
        return scalars

    def tape(self, length: int, streams: int, dtype: npt.DTypeLike, training: bool) -> StackTape:
        """Memory for windows of up to `length` steps; without `training`, for forward() alone."""
        cell, shape = self.cell, (length, streams, self.hidden_size)
        dense = [layer.size_in for layer in self.layers if not layer.lookup]
        scalars = self._weight_scalars(length, streams, training)
        work = Workspace(
            weights={name: zeros(count, dtype) for name, count in scalars.items()},
            grads=zeros((len(cell.planes), *shape[1:]), dtype) if training else None,
            u=zeros((len(cell.gates), *shape[1:]), dtype),
            tmp=zeros(shape[1:], dtype),
            dstate=zeros((len(cell.states), *shape[1:]), dtype),
            dx=zeros(self._dx_scalars(length, streams), dtype) if training and dense else None,
        )
        between = len(self.layers) - 1 if training and self.dropout else 0
        return StackTape(
            length,
            streams,
            layers=[layer.tape(length, streams, dtype, work) for layer in self.layers],
            work=work,
            embedded=zeros((length, streams, self.embedding.shape[1]), dtype) if self.embedding else None,
            masks=[zeros(shape, dtype) for _ in range(between)],
            dropped=[zeros(shape, dtype) for _ in range(between)],
            dh=zeros(length * streams * max([self.hidden_size, *dense]), dtype) if training else None,
            inputs=[],
        )

    def forward(
        self,
        value: Mapping[str, Array],
        ids: Array,
        state: Array,
        tape: StackTape,
        rng: np.random.Generator | None,
    ) -> Array:
        """Run a window of ids (T, N); returns the top layer's h (T, N, H), a view of the tape.

        `state` (L, S, N, H) is moved on in place. Values are dropped only where `rng` is given.
        """
        length = len(ids)
        x = ids
        if self.embedding and tape.embedded is not None:
            x = self.embedding.forward(value[Embedding.name], ids, tape.embedded[:length])
        tape.inputs = []
        for k, (layer, memory) in enumerate(zip(self.layers, tape.layers, strict=True)):
            if k and self.dropout and rng is not None:
                mask, out = tape.masks[k - 1][:length], tape.dropped[k - 1][:length]
                x = self.dropout.forward(x, mask, out, rng)
            tape.inputs.append(x)
            x = layer.forward(layer.bind(value), x, state[k], memory)
        return x

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
            layer, x = self.layers[k], tape.inputs[k]
            dx = None if layer.lookup else self.dh_view(tape, len(ids), layer.size_in)
            layer.backward(layer.bind(value), layer.bind(grad), x, dh, tape.layers[k], tape.work, dx)
            if dx is not None:
                dh = dx
            if k and self.dropout and dropped:
                self.dropout.backward(dh, tape.masks[k - 1][: len(ids)])
        if self.embedding:
            self.embedding.backward(ids, dh, grad[Embedding.name])

    def dh_view(self, tape: StackTape, length: int, width: int) -> Array:
        """The tape's memory for a gradient on its way down, as (T, N, width)."""
        assert tape.dh is not None, "this tape was made for inference"
        return tape.dh[: length * tape.streams * width].reshape(length, tape.streams, width)
