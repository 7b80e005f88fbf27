"""The bridge: the state from which a decoder begins, made of what the encoder put out last (Bahdanau et al. 2015).

s = tanh(W_b h + b_b) for every state of every layer, where h is what each direction put out after it had read the whole
source: the forward direction at the last step, the backward direction at the first.

Shapes: Ts steps of the source, N examples, W width of the source, L layers of the decoder, S states, H hidden units.
"""

from collections.abc import Mapping

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.nn.pooling import Pooled, Pooling


class Bridge:
    """From an encoder to the state of a decoder. It holds sizes only.

    Arguments:
        pooling: takes the last outputs of the encoder.
        width: W.
        state: L, S and H.
    """

    weight, bias = "bridge_weight", "bridge_bias"

    def __init__(self, pooling: Pooling, width: int, state: tuple[int, int, int]) -> None:
        self.pooling = pooling
        self.width = width
        self.state = state

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        size = int(np.prod(self.state))
        return {self.weight: (self.width, size), self.bias: (size,)}

    def forward(self, value: Mapping[str, Array], memory: Array, lengths: Array) -> tuple[Pooled, Array]:
        """Make the state (L, S, N, H) of a decoder from sources (Ts, N, W) of these lengths (N,).

        Returns:
            The last outputs, which backward() needs, and the state.
        """
        pooled = self.pooling.forward(memory, lengths)
        flat = pooled.vectors @ value[self.weight]
        flat += value[self.bias]
        state = np.tanh(flat, out=flat).reshape(len(lengths), *self.state)
        return pooled, np.ascontiguousarray(state.transpose(1, 2, 0, 3))

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        dstate: Array,
        pooled: Pooled,
        state: Array,
        dmemory: Array,
    ) -> None:
        """Run back; overwrites the gradients of the parameters.

        Arguments:
            value, grad: parameters and gradients by name.
            dstate: gradient of the state, (L, S, N, H); overwritten.
            pooled, state: the results of forward().
            dmemory: (Ts, N, W), to which the gradient of the source is added.
        """
        dstate *= 1 - state * state
        flat = np.ascontiguousarray(dstate.transpose(2, 0, 1, 3)).reshape(dstate.shape[2], -1)
        np.matmul(pooled.vectors.T, flat, out=grad[self.weight])
        np.add.reduce(flat, axis=0, out=grad[self.bias])
        assert pooled.steps is not None, "the bridge reads last steps"
        examples, units = np.ogrid[: flat.shape[0], : self.width]
        dmemory[pooled.steps, examples, units] += flat @ value[self.weight].T
