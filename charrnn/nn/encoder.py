"""The encoder: recurrent layers that read whole sequences, in one direction or in both.

Shapes: T steps, N examples, V vocabulary, E embedding, H hidden units, L layers, D inputs of a layer, R directions (1
or 2); W = R * H is the width of what a level of layers puts out. A level is one layer for each direction.

Examples are padded at their end, and every example begins from a state of zeros. The backward direction is the same
kind of layer, which reads each example reversed within its own length; what it puts out is reversed again, so that both
outputs lie side by side in the order of the text.

The layers need no mask. Forward, the steps beyond an example's end come after all of its own, in both directions, so
they influence none of them. Backward, the gradient beyond the end begins as zero and stays exactly zero.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.nn.contract import Cell, Weights
from charrnn.nn.dropout import Dropout
from charrnn.nn.embedding import Embedding
from charrnn.nn.encoder_tape import EncoderTape, cut
from charrnn.nn.inputs import CharacterInput, LayerInput, VectorInput
from charrnn.nn.recurrent import Recurrent
from charrnn.nn.reversal import Reversal
from charrnn.nn.workspace import make_workspace, widest_input, workspace_scalars

SUFFIXES = ("", "_reverse")  # of the parameters' names in each direction, as in PyTorch


class Encoder:
    """Recurrent layers that read whole sequences.

    Arguments: `cell`; `vocab_size`; `embedding_size`, or None for look-ups in the first layer's weights; `hidden_size`,
    of each direction; `num_layers`; `dropout`, the share of values dropped between levels while training;
    `bidirectional`.

    Attributes: `width`, W; `levels`, the layers of each level.
    """

    def __init__(
        self,
        cell: Cell,
        vocab_size: int,
        embedding_size: int | None,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        bidirectional: bool,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.bidirectional = bidirectional
        self.width = hidden_size * (1 + bidirectional)
        self.embedding = Embedding(vocab_size, embedding_size) if embedding_size else None
        first = embedding_size or vocab_size
        self.levels: list[list[Recurrent]] = []
        for k in range(num_layers):
            size_in, lookup = self.width if k else first, not (k or self.embedding)
            self.levels.append([Recurrent(cell, size_in, hidden_size, k, lookup) for _ in range(1 + bidirectional)])
        self.dropout = Dropout(dropout) if dropout and num_layers > 1 else None

    # -- parameters ---------------------------------------------------------------------------------------------------

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of all parameters, from the input upwards; those of a backward layer end in `_reverse`."""
        shapes: dict[str, Shape] = {Embedding.name: self.embedding.shape} if self.embedding else {}
        for level in self.levels:
            for layer, suffix in zip(level, SUFFIXES, strict=False):
                shapes |= {name + suffix: shape for name, shape in layer.shapes().items()}
        return shapes

    def bind(self, named: Mapping[str, Array], k: int, direction: int) -> Weights:
        """The parameters, or gradients, of one layer of level k, out of all named views."""
        layer, suffix = self.levels[k][direction], SUFFIXES[direction]
        return layer.bind({name: named[name + suffix] for name in layer.shapes()})

    # -- memory -------------------------------------------------------------------------------------------------------

    @property
    def _layers(self) -> list[Recurrent]:
        return [layer for level in self.levels for layer in level]

    def _memory(self, length: int, streams: int, training: bool) -> dict[str, list[Shape]]:
        """The shapes of what a tape holds beside the layers' tapes and their workspace."""
        both, rows = self.bidirectional, length * streams
        drops = training and self.dropout is not None
        wide = widest_input(self._layers)
        gaps, plane = len(self.levels) - 1, (length, streams, self.width)
        return {
            "state": [(len(self.cell.states), streams, self.hidden_size)],
            "embedded": [(length, streams, self.embedding.shape[1])] if self.embedding else [],
            "outputs": [plane] * (gaps * (both or drops) + both),
            "masks": [plane] * (gaps * drops),
            "below": [(rows * wide * both,)],
            "dh": [(rows * max(self.width, wide),)] if training else [],
            "dbackward": [(rows * self.hidden_size,)] if training and both else [],
            "dbelow": [(rows * wide,)] if training and both else [],
        }

    def tape_scalars(self, length: int, streams: int, training: bool) -> int:
        """The number of numbers that tape() will hold, computed without allocating them."""
        cell = self.cell
        states, saved = (length + 1) * len(cell.states), length * len(cell.saved)
        numbers = (length + training) * len(cell.planes) + states + saved
        total = len(self._layers) * numbers * streams * self.hidden_size
        total += workspace_scalars(self._layers, length, streams, training)
        return total + sum(
            prod(shape) for shapes in self._memory(length, streams, training).values() for shape in shapes
        )

    def tape(self, length: int, streams: int, dtype: npt.DTypeLike, training: bool) -> EncoderTape:
        """Memory for batches of `streams` examples of up to `length` steps; without `training`, for forward() alone."""
        work = make_workspace(self._layers, length, streams, dtype, training)
        layers = [[layer.tape(length, streams, dtype, training, work) for layer in level] for level in self.levels]
        memory = {
            name: [zeros(shape, dtype) for shape in shapes]
            for name, shapes in self._memory(length, streams, training).items()
        }
        first = {name: next(iter(arrays), None) for name, arrays in memory.items()}
        own = [level[0].output for level in layers[len(memory["outputs"]) :]]
        return EncoderTape(
            length=length,
            streams=streams,
            layers=layers,
            work=work,
            state=memory["state"][0],
            outputs=memory["outputs"] + own,
            masks=memory["masks"],
            below=memory["below"][0],
            embedded=first["embedded"],
            dh=first["dh"],
            dbackward=first["dbackward"],
            dbelow=first["dbelow"],
        )

    def dh_view(self, tape: EncoderTape, length: int) -> Array:
        """The tape's memory for the gradient of the output, as (T, N, W)."""
        assert tape.dh is not None, "this tape was made for inference"
        return cut(tape.dh, length, tape.streams, self.width)

    # -- the two passes -----------------------------------------------------------------------------------------------

    def _input(self, tape: EncoderTape, k: int, direction: int, ids: Array, dx: Array | None = None) -> LayerInput:
        """What a layer of level k reads: ids, embedded characters, or the level below; reversed for the second."""
        vectors = tape.outputs[k - 1] if k else tape.embedded
        if vectors is None:
            return CharacterInput(tape.reversal.ids(ids) if direction and tape.reversal else ids)
        vectors = vectors[: len(ids)]
        if direction and tape.reversal:
            vectors = tape.reversal.vectors(vectors, out=cut(tape.below, *vectors.shape))
        return VectorInput(vectors, None if dx is None else cut(dx, *vectors.shape))

    def forward(
        self,
        value: Mapping[str, Array],
        ids: Array,
        lengths: Array,
        tape: EncoderTape,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Read a batch.

        Arguments:
            value: parameters by name.
            ids: (T, N).
            lengths: (N,), of the examples; ids beyond them may be any.
            tape: memory for N examples.
            rng: drops values; None drops none.

        Returns:
            The output of the top level, (T, N, W), a view of the tape: forward in the first H of W, backward in the
            second. Numbers beyond an example's end mean nothing.
        """
        length = len(ids)
        tape.reversal = Reversal(lengths, length) if self.bidirectional else None
        if self.embedding and tape.embedded is not None:
            self.embedding.forward(value[Embedding.name], ids, tape.embedded[:length])
        for k, level in enumerate(self.levels):
            for direction, layer in enumerate(level):
                tape.state[...] = 0
                inputs, memory = self._input(tape, k, direction, ids), tape.layers[k][direction]
                layer.forward(self.bind(value, k, direction), inputs, tape.state, memory, tape.work)
            self._put_out(tape, k, length, rng)
        return tape.outputs[-1][:length]

    def _put_out(self, tape: EncoderTape, k: int, length: int, rng: np.random.Generator | None) -> None:
        """Lay the outputs of level k side by side, and drop values if they are read by a level above."""
        drop = rng is not None and k < len(tape.masks)
        first, out = tape.layers[k][0].output[:length], tape.outputs[k][:length]
        both = self.dh_view(tape, length) if drop else out  # memory that the forward pass does not use
        if tape.reversal:
            both[:, :, : self.hidden_size] = first
            tape.reversal.into_second_half(tape.layers[k][1].output[:length], both)
            first = both
        if drop and self.dropout and rng is not None:
            self.dropout.forward(first, tape.masks[k][:length], out, rng)
        elif not np.may_share_memory(first, out):
            np.copyto(out, first)

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        ids: Array,
        dh: Array,
        tape: EncoderTape,
        dropped: bool,
    ) -> None:
        """Run back through the batch that forward() read; overwrites every gradient of the encoder.

        Arguments:
            value: parameters by name.
            grad: gradients by name.
            ids: as for forward().
            dh: (T, N, W), gradient of the output, in the memory of dh_view(), zero beyond each example's end;
                overwritten.
            tape: as for forward().
            dropped: whether that forward() dropped values.
        """
        hidden = self.hidden_size
        length, streams = ids.shape
        for k in range(len(self.levels) - 1, -1, -1):
            dbackward = None
            if tape.reversal and tape.dbackward is not None:
                dbackward = tape.reversal.second_half(dh, out=cut(tape.dbackward, length, streams, hidden))
            # The gradient of the input may lie where that of the output lay: it is written after the time loop.
            inputs = self._input(tape, k, 0, ids, tape.dh)
            self._layer_back(value, grad, k, 0, inputs, dh[:, :, :hidden], tape)
            if isinstance(inputs, VectorInput) and inputs.dx is not None:
                dh = inputs.dx
            if tape.reversal and dbackward is not None:
                inputs = self._input(tape, k, 1, ids, tape.dbelow)
                self._layer_back(value, grad, k, 1, inputs, dbackward, tape)
                if isinstance(inputs, VectorInput) and inputs.dx is not None:
                    dh += tape.reversal.vectors(inputs.dx, out=cut(tape.below, *dh.shape))
            if k and self.dropout and dropped:
                self.dropout.backward(dh, tape.masks[k - 1][:length])
        if self.embedding:
            self.embedding.backward(ids, dh, grad[Embedding.name])

    def _layer_back(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        k: int,
        direction: int,
        inputs: LayerInput,
        dh: Array,
        tape: EncoderTape,
    ) -> None:
        p, g = self.bind(value, k, direction), self.bind(grad, k, direction)
        self.levels[k][direction].backward(p, g, inputs, dh, tape.layers[k][direction], tape.work)
