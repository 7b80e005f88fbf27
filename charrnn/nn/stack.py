"""The stack: recurrent layers on top of one another, dropout between them, an optional embedding below.

With skip connections (Graves 2013), what it puts out is the sum of the outputs of all layers, else that of the top one.

Shapes: T steps, N streams, E embedding, H hidden units, L layers, S states, V vocabulary. It holds sizes only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.nn.contract import Cell
from charrnn.nn.dropout import Dropout
from charrnn.nn.embedding import Embedding
from charrnn.nn.inputs import CharacterInput, LayerInput, VectorInput
from charrnn.nn.recurrent import Recurrent
from charrnn.nn.tape import LayerTape, Workspace
from charrnn.nn.workspace import make_workspace, widest_input, workspace_scalars


@dataclass
class StackTape:
    """Memory of a whole stack for one window of up to `length` steps of `streams` streams."""

    length: int
    streams: int
    layers: list[LayerTape]
    work: Workspace
    embedded: Array | None  # (T, N, E)
    masks: list[Array]  # between layers, each (T, N, H); none without dropout
    dropped: list[Array]  # what the layer above reads, each (T, N, H)
    total: Array | None  # (T, N, H): sum of the outputs of all layers, in backward() its gradient; for skip connections
    dh: Array | None  # (T, N, max(H, E)): gradient on its way down; None for inference

    @property
    def nbytes(self) -> int:
        """Bytes held; the views of single steps are not counted."""
        work = self.work
        arrays = [*work.weights.values(), work.partial_sums, work.u, work.bias, work.tmp, work.dstate, self.embedded]
        arrays += [self.dh, self.total, *self.masks, *self.dropped]
        for layer in self.layers:
            arrays += [layer.activations, layer.states, *layer.saved.values()]
            arrays += [layer.before] if layer.cut else []
        return sum(array.nbytes for array in arrays if array is not None)


class Stack:
    """Recurrent layers, with dropout between them and an optional embedding below.

    Arguments: `cell`; `vocab_size`; `embedding_size`, or None for look-ups in the first layer's weights;
    `hidden_size`; `num_layers`; `dropout`, the share of values dropped between layers while training; `cut`, whether
    streams are cut inside windows while training, where documents begin; `skip_connections`, whether it puts out the
    sum of what all layers put out. Dropout between layers leaves that sum alone.
    """

    def __init__(
        self,
        cell: Cell,
        vocab_size: int,
        embedding_size: int | None,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        cut: bool = False,
        skip_connections: bool = False,
    ) -> None:
        self.cell = cell
        self.cut = cut
        self.skip_connections = skip_connections
        self.hidden_size = hidden_size
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

    def state_shape(self, streams: int) -> Shape:
        """(L, S, N, H) for N streams."""
        return len(self.layers), len(self.cell.states), streams, self.hidden_size

    def state(self, streams: int, dtype: npt.DTypeLike) -> Array:
        """The state before the first character: zeros (L, S, N, H)."""
        return zeros(self.state_shape(streams), dtype)

    def output(self, state: Array) -> Array:
        """What the stack put out, (N, H), in the step that left this state."""
        return add_up(state[:, 0], np.empty_like(state[-1, 0])) if self.skip_connections else state[-1, 0]

    # -- memory -------------------------------------------------------------------------------------------------------

    def tape_scalars(self, length: int, streams: int, training: bool) -> int:
        """The number of numbers that tape() will hold, computed without allocating them."""
        cell, hidden, count = self.cell, self.hidden_size, len(self.layers)
        states, saved = len(cell.states), len(cell.saved)
        plane = streams * hidden
        before = length * states if self.cut and training else 0
        numbers = (length + training) * len(cell.planes) + (length + 1) * states + before + length * saved
        total = count * numbers * plane
        total += workspace_scalars(self.layers, length, streams, training)
        total += length * streams * (self.embedding.shape[1] if self.embedding else 0)
        total += length * plane if self.skip_connections else 0
        if training:
            total += length * streams * max(hidden, widest_input(self.layers))
            total += 2 * (count - 1) * length * plane if self.dropout else 0
        return total

    def workspace(self, length: int, streams: int, dtype: npt.DTypeLike, training: bool) -> Workspace:
        """Memory that the layers use in turn."""
        return make_workspace(self.layers, length, streams, dtype, training)

    def tape(self, length: int, streams: int, dtype: npt.DTypeLike, training: bool) -> StackTape:
        """Memory for windows of up to `length` steps; without `training`, for forward() alone."""
        hidden, plane = self.hidden_size, (streams, self.hidden_size)
        work = self.workspace(length, streams, dtype, training)
        between = len(self.layers) - 1 if training and self.dropout else 0
        return StackTape(
            length,
            streams,
            layers=[layer.tape(length, streams, dtype, training, work, self.cut and training) for layer in self.layers],
            work=work,
            embedded=zeros((length, streams, self.embedding.shape[1]), dtype) if self.embedding else None,
            masks=[zeros((length, *plane), dtype) for _ in range(between)],
            dropped=[zeros((length, *plane), dtype) for _ in range(between)],
            total=zeros((length, *plane), dtype) if self.skip_connections else None,
            dh=zeros((length, streams, max(hidden, widest_input(self.layers))), dtype) if training else None,
        )

    def dh_view(self, tape: StackTape, length: int, width: int) -> Array:
        """The tape's memory for a gradient on its way down, as (T, N, width)."""
        assert tape.dh is not None, "this tape was made for inference"
        return tape.dh[:length, :, :width]

    # -- the two passes -----------------------------------------------------------------------------------------------

    def _input(self, tape: StackTape, k: int, ids: Array, training: bool) -> LayerInput:
        """What layer k reads: ids, embedded characters, or the layer below."""
        vectors = tape.embedded
        if k:
            vectors = tape.dropped[k - 1] if tape.dropped else tape.layers[k - 1].output
        if vectors is None:
            return CharacterInput(ids)
        dx = self.dh_view(tape, len(ids), self.layers[k].size_in) if training else None
        return VectorInput(vectors[: len(ids)], dx)

    def forward(
        self,
        value: Mapping[str, Array],
        ids: Array,
        state: Array,
        tape: StackTape,
        rng: np.random.Generator | None = None,
        keep: Array | None = None,
    ) -> Array:
        """Run a window of ids (T, N).

        Arguments:
            value: parameters by name.
            state: (L, S, N, H), moved on in place.
            rng: drops values; None drops none.
            keep: (T, N, 1), 0 where a document begins, so that the state before is set to zero, else 1; only with a
                training tape of a stack with `cut`. None sets no state to zero.

        Returns:
            What the stack puts out, (T, N, H), a view of the tape.
        """
        length = len(ids)
        if self.embedding and tape.embedded is not None:
            self.embedding.forward(value[Embedding.name], ids, tape.embedded[:length])
        for k, (layer, memory) in enumerate(zip(self.layers, tape.layers, strict=True)):
            if k and self.dropout and tape.dropped:
                below, out = tape.layers[k - 1].output[:length], tape.dropped[k - 1][:length]
                if rng is None:
                    np.copyto(out, below)
                else:
                    self.dropout.forward(below, tape.masks[k - 1][:length], out, rng)
            h = layer.forward(layer.bind(value), self._input(tape, k, ids, False), state[k], memory, tape.work, keep)
        if tape.total is not None:
            return add_up([memory.output[:length] for memory in tape.layers], tape.total[:length])
        return h

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        ids: Array,
        dh: Array,
        tape: StackTape,
        dropped: bool,
        state_gradients: list[Array] | None = None,
    ) -> None:
        """Run back through the window that forward() ran with the same ids; overwrites every gradient of the stack.

        Arguments:
            dh: (T, N, H), gradient of what the stack put out, in the memory of dh_view(); overwritten.
            dropped: whether that forward() dropped values.
            state_gradients: for each layer an array (S, K, N, H) that takes the gradient of the state before each of
                the first K steps.
        """
        dtotal = None
        if tape.total is not None:
            dtotal = tape.total[: len(ids)]
            np.copyto(dtotal, dh)
        for k in range(len(self.layers) - 1, -1, -1):
            layer, inputs = self.layers[k], self._input(tape, k, ids, True)
            gradients = state_gradients[k] if state_gradients else None
            layer.backward(layer.bind(value), layer.bind(grad), inputs, dh, tape.layers[k], tape.work, gradients)
            if isinstance(inputs, VectorInput) and inputs.dx is not None:
                dh = inputs.dx
            if k and self.dropout and dropped:
                self.dropout.backward(dh, tape.masks[k - 1][: len(ids)])
            if k and dtotal is not None:
                dh += dtotal
        if self.embedding:
            self.embedding.backward(ids, dh, grad[Embedding.name])


def add_up(outputs: Sequence[Array] | Array, out: Array) -> Array:
    """Write the sum of outputs of layers, each of the shape of `out`, into `out`, in the order of the layers."""
    np.copyto(out, outputs[0])
    for h in outputs[1:]:
        out += h
    return out
