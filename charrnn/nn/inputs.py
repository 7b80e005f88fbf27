"""What a recurrent layer reads in one window: characters, which look up rows of W, or vectors, which W multiplies.

Both kinds of input add W x + b to the gates of every step, and compute the gradients of W and of x.

Shapes: T steps, N streams, M = T * N rows, D inputs, G gates, H units, V vocabulary.
"""

from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.contract import Step, Weights
from charrnn.nn.ops import gate_rows, scatter_rows
from charrnn.nn.packing import GatePacking
from charrnn.nn.products import deep_product, pack, window_product
from charrnn.nn.tape import LayerTape, Workspace

AddInput = Callable[[int, Step], None]  # writes W x + b into the gates of step t


class CharacterInput:
    """Ids (T, N). Each selects a row of every W (D, H), where D = V: the product with a one-hot vector."""

    def __init__(self, ids: Array) -> None:
        self.ids = ids
        self.length = len(ids)

    def prepare(self, packing: GatePacking, p: Weights, tape: LayerTape, work: Workspace) -> AddInput:
        """Return a function that writes W x + b into the gates of one step."""
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
        """Write the gradient of W, given that of the gates (M, G * H)."""
        scatter_rows(dgates, self.ids.reshape(-1), g.W)


class VectorInput:
    """Vectors: embedded characters, or the output of the layer below.

    Arguments:
        x: (T, N, D).
        dx: (T, N, D), takes their gradient; may share memory with the gradient of the layer's output. None for
            inference.
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
        """Write the gradients of W and of x, given that of the gates (M, G * H)."""
        assert self.dx is not None, "this input was made for inference"
        length, streams, size_in = self.x.shape
        pack(p.W.swapaxes(1, 2), tape.transposed["W"])
        rows = dgates.reshape(length, streams, -1)
        window_product(tape.factors["W"].backward, rows, tape.transposed["W"], self.dx[:, None], work.partial_sums)
        deep_product(self.x.reshape(length * streams, size_in), dgates, g.W, work.weights["W"])


LayerInput = CharacterInput | VectorInput
