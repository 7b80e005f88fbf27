"""What a recurrent layer reads: characters, which look up rows of its weights, or vectors, which are multiplied by
them.

Both put W x + b into the gates of every step and give back the gradients of W and of what they read. An input
belongs to one window. Shapes: T steps, N streams, M = T * N rows, D inputs, G gates, H units, V vocabulary.
"""

from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.contract import Step, Weights
from charrnn.nn.ops import gate_rows, scatter_rows
from charrnn.nn.packing import GatePacking
from charrnn.nn.products import deep_product, pack, window_product
from charrnn.nn.tape import LayerTape, Workspace

AddInput = Callable[[int, Step], None]  # puts the input's part into the gates of step t


class CharacterInput:
    """Ids (T, N). Each selects a row of W, as a one-hot input would, without the zeros."""

    def __init__(self, ids: Array) -> None:
        self.ids = ids
        self.length = len(ids)

    def prepare(self, packing: GatePacking, p: Weights, tape: LayerTape, work: Workspace) -> AddInput:
        """Return a function that fills the gates of one step."""
        if self.ids.size >= p.W.shape[1]:  # adding the bias to the whole table is less work than to every step
            table, index = gate_rows(packing.table(p, p.W), self.ids)

            def look_up(t: int, s: Step) -> None:
                np.take(table, index[t], axis=0, out=s.gates, mode="clip")  # the default mode would buffer `out`

            return look_up
        rows, index = gate_rows(p.W, self.ids)
        scale, bias = packing.scale[:, None, None], work.bias

        def look_up_and_add(t: int, s: Step) -> None:
            np.take(rows, index[t], axis=0, out=s.gates, mode="clip")
            s.gates *= scale
            s.gates += bias

        return look_up_and_add

    def backward(self, p: Weights, g: Weights, dgates: Array, tape: LayerTape, work: Workspace) -> None:
        """The gradient of W from that of the gates (M, G * H); overwritten."""
        scatter_rows(dgates, self.ids.reshape(-1), g.W)


class VectorInput:
    """Vectors x (T, N, D): embedded characters, or the output of the layer below.

    `dx` (T, N, D) takes their gradient. It may share the memory of the gradient of the layer's output.
    """

    def __init__(self, x: Array, dx: Array | None = None) -> None:
        self.x = x
        self.dx = dx
        self.length = len(x)

    def prepare(self, packing: GatePacking, p: Weights, tape: LayerTape, work: Workspace) -> AddInput:
        """Multiply the whole window by W at once; return a function that adds the bias to one step."""
        gates = tape.activations[: self.length, packing.gates]
        window_product(tape.factors["W"].forward, self.x, tape.packed["W"], gates, work.partial_sums)
        bias = work.bias

        def add_bias(t: int, s: Step) -> None:
            s.gates += bias

        return add_bias

    def backward(self, p: Weights, g: Weights, dgates: Array, tape: LayerTape, work: Workspace) -> None:
        """The gradients of W and of x from that of the gates (M, G * H); overwritten."""
        assert self.dx is not None, "this input was made for inference"
        length, streams, size_in = self.x.shape
        pack(p.W.swapaxes(1, 2), tape.transposed["W"])
        rows = dgates.reshape(length, streams, -1)
        window_product(tape.factors["W"].backward, rows, tape.transposed["W"], self.dx[:, None], work.partial_sums)
        deep_product(self.x.reshape(length * streams, size_in), dgates, g.W, work.weights["W"])


LayerInput = CharacterInput | VectorInput
