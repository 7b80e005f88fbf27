"""Stepper: a network that reads one character at a time, in one stream or several, as sampling needs it.

It runs the steps of the layers. Two things are done once rather than in every window: weights are packed, and W x + b
of the first layer is computed for every character, embedding included. A stepper holds copies of the parameters, so
later training does not affect it. It cannot be trained.

Shapes: N streams, V vocabulary, G gates, H hidden units, L layers, S states.
"""

from collections.abc import Mapping

import numpy as np

from charrnn.arrays import Array, zeros
from charrnn.nn.embedding import Embedding
from charrnn.nn.heads import Head
from charrnn.nn.stack import Stack, add_up


class Stepper:
    """A network that reads one character of each stream at a time.

    Arguments: `stack` and `head`; `named`, their parameters by name; `state` (L, S, N, H), moved on by every step.
    """

    def __init__(self, stack: Stack, head: Head, named: Mapping[str, Array], state: Array) -> None:
        streams = state.shape[2]
        self._cell_step = stack.cell.step
        self._layers = []
        for k, layer in enumerate(stack.layers):
            work = stack.workspace(1, streams, state.dtype, training=False)
            below = state[k - 1, :1] if k else None
            single = layer.single_step(named, state[k], work, below)
            self._layers.append((single.views, single.weights, single.bias, single.times_W))
        first, views, weights = stack.layers[0], self._layers[0][0], self._layers[0][1]
        rows = named[Embedding.name] @ weights.W if stack.embedding else weights.W
        self._table = np.ascontiguousarray(first.packing.table(weights, rows).swapaxes(0, 1))  # (V, G, H)
        self._input = views.gates.swapaxes(0, 1)  # (N, G, H)
        self._outputs, self._total = state[:, 0], None
        if stack.skip_connections:
            self._total = zeros(state.shape[2:], state.dtype)
        self._scores = head.prepare_scores(named, state[-1, :1] if self._total is None else self._total[None])

    def step(self, ids: Array) -> Array:
        """Read one id of each stream, (N,), and move the state on.

        Returns:
            Logits (N, V) of the next character; the next call overwrites them.
        """
        self._input[...] = self._table[ids[0] if len(ids) == 1 else ids]
        for views, weights, bias, times_W in self._layers:
            if times_W:
                times_W()
                views.gates += bias
            self._cell_step(views, weights)
        if self._total is not None:
            add_up(self._outputs, self._total)
        return self._scores()
