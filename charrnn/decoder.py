"""One character at a time: the forward step of a stack of layers for a single stream, as sampling needs it.

The cells' own equations, on weights laid out for one stream: the gates of a matrix side by side, (D, G * H), so that
one product serves them all; and what each character brings to the first layer, bias and embedding included, as a
table, (V, G * H). Everything else is a vector, (k * H,), which a product takes faster than a row.
LSTM 2 x 128: 25 us a character, beside 60 us through layers.py; the bare products take 14.
It holds copies of the parameters, and cannot be trained.
"""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np

from charrnn.cells import Step, Weights
from charrnn.layers import Embedding, Recurrent, Stack
from charrnn.params import Array


def side_by_side(planes: Array) -> Array:
    """Matrices (G, D, H) as one, (D, G * H); a copy."""
    return np.concatenate(list(planes), axis=1)


class Decoder:
    """The layers of a network for one stream. Arguments: `stack`, and `value`, its parameters by name."""

    def __init__(self, stack: Stack, value: Mapping[str, Array]) -> None:
        self.step_ = stack.cell.step
        bound = [layer.bind(value) for layer in stack.layers]
        self.states = np.zeros((len(bound), len(stack.cell.states), stack.hidden_size), bound[0].W.dtype)
        self.weights = [_weights(layer, p) for layer, p in zip(stack.layers, bound, strict=True)]
        self.steps = [_step(layer, states) for layer, states in zip(stack.layers, self.states, strict=True)]
        self.first, self.table = self.steps[0], self.weights[0].W
        if stack.embedding:
            self.table = value[Embedding.name] @ self.table
        self.table = self.table + self.weights[0].b
        self.above = list(zip(self.steps, self.steps[1:], self.weights[1:], strict=False))  # below, layer, its weights

    def step(self, character: int, state: Array) -> Array:
        """Read one id and move `state` (L, S, 1, H) on; returns the top layer's h, (H,), until the next."""
        self.states[...] = state[:, :, 0]
        self.first.gates[...] = self.table[character]
        self.step_(self.first, self.weights[0])
        for below, s, p in self.above:
            np.matmul(below.h, p.W, out=s.gates)
            s.gates += p.b
            self.step_(s, p)
        state[:, :, 0] = self.states
        h: Array = self.steps[-1].h
        return h


def _cuts(layer: Recurrent) -> dict[str, slice]:
    """The columns of each gate, and of each group of gates, in what lies side by side."""
    cell, width = layer.cell, layer.hidden_size
    cuts = {name: slice(g * width, (g + 1) * width) for g, name in enumerate(cell.gates)}
    groups = {name: slice(cut.start * width, cut.stop * width) for name, cut in cell.groups.items()}
    return cuts | groups


def _weights(layer: Recurrent, p: Weights) -> Weights:
    """A layer's weights, laid out anew."""
    new = SimpleNamespace(**vars(p))
    new.W, new.U, new.b = side_by_side(p.W), side_by_side(p.U), p.b.reshape(-1)
    for name, cut in _cuts(layer).items():
        setattr(new, f"U_{name}", new.U[:, cut])
    return new


def _step(layer: Recurrent, states: Array) -> Step:
    """The views of a step that overwrites its state (S, H), under the names that the cell's equations use."""
    cell, width = layer.cell, layer.hidden_size
    gates, u = np.zeros((2, len(cell.gates) * width), states.dtype)
    s = SimpleNamespace(gates=gates, u=u, tmp=np.zeros(width, states.dtype))
    for name, cut in _cuts(layer).items():
        setattr(s, name, gates[cut])
        setattr(s, f"u_{name}", u[cut])
    for name, state in zip(cell.states, states, strict=True):
        setattr(s, name, state)
        setattr(s, f"{name}_prev", state)
    for name in (*cell.saved, *cell.planes[len(cell.gates) :]):
        setattr(s, name, np.zeros(width, states.dtype))
    return s
