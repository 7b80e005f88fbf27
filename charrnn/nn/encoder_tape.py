"""The memory of an encoder: the tapes of its layers, what they put out, and gradients on their way down.

Shapes: T steps, N examples, E embedding, H hidden units, S states, W width of what a level of layers puts out.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.reversal import Reversal
from charrnn.nn.tape import LayerTape, Workspace


@dataclass
class EncoderTape:
    """Memory of an encoder for batches of `streams` examples of up to `length` steps. Flat arrays are cut to a batch.

    `outputs[k]` is what is read above level k: with both directions, or with dropout, memory of its own.
    """

    length: int
    streams: int
    layers: list[list[LayerTape]]  # of each level, for each direction
    work: Workspace
    state: Array  # (S, N, H): set to zero, and moved on by each layer in turn
    embedded: Array | None  # (T, N, E)
    outputs: list[Array]  # of each level, (T, N, W)
    masks: list[Array]  # between levels, each (T, N, W); none without dropout
    below: Array  # flat: what the backward direction reads
    dh: Array | None  # flat: gradient on its way down; None for inference
    dbackward: Array | None  # flat: gradient of the output of a backward layer
    dbelow: Array | None  # flat: gradient of what the backward direction reads
    reversal: Reversal | None = None  # of the batch of the latest forward pass

    @property
    def nbytes(self) -> int:
        """Bytes held; the views of single steps are not counted."""
        work, names = self.work, ("embedded", "below", "dh", "dbackward", "dbelow", "state")
        arrays = [*work.weights.values(), work.partial_sums, work.u, work.bias, work.tmp, work.dstate, *self.masks]
        arrays += [array for name in names if (array := getattr(self, name)) is not None]
        for level, output in zip(self.layers, self.outputs, strict=True):
            arrays += [] if np.may_share_memory(output, level[0].states) else [output]
            for layer in level:
                arrays += [layer.activations, layer.states, *layer.saved.values()]
        return sum(array.nbytes for array in arrays)


def cut(flat: Array, length: int, streams: int, width: int) -> Array:
    """The beginning of flat memory, as (T, N, width)."""
    return flat[: length * streams * width].reshape(length, streams, width)
