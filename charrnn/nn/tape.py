"""The memory of a recurrent layer: its tape, its packed weights, and the workspace that all layers share.

Shapes: T steps, N streams, D inputs, H hidden units, G gates, P planes, S carried states. A plane is one (N, H)
array.

`activations[t]`, (P, N, H), holds the planes of step t. During the backward pass the gradients of step t overwrite
`activations[t + 1]`, which is no longer needed, laid out as (N, P, H), so that one matrix product covers all gates:

    forward    activations[0]   [1]        ...   [T - 1]      [T]
               planes of 0      of 1             of T - 1     unused
    backward                    gradients        gradients    gradients
                                of step 0        of T - 2     of T - 1      <- written from right to left

A tape can therefore be used for one backward pass per forward pass, and training needs one extra slot. A tape stores
per step, stream and unit: LSTM 6 numbers, GRU 5, RNN 2 (planes, states, and what the cell saves). Where streams may be
cut, it stores each state once more, as the step after it reads it.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.contract import Step
from charrnn.nn.products import Tiling

WINDOW_STEPS = 10  # steps whose partial sums fit into the workspace, if products with W are split in their sum


@dataclass(frozen=True)
class Factor:
    """Weights (K, D, C) that take part in one product, and how that product is tiled in each direction."""

    steps: int  # steps whose partial sums the workspace has to hold
    count: int
    depth: int
    columns: int
    forward: Tiling
    backward: Tiling

    @property
    def size(self) -> int:
        """Numbers in the weights."""
        return self.count * self.depth * self.columns

    def partial_sums(self, streams: int, training: bool) -> int:
        """How many numbers the partial sums of its products take."""
        forward = self.forward.partial_sums((self.steps, self.count, streams, self.columns))
        backward = self.backward.partial_sums((self.steps, 1, streams, self.depth)) if training else 0
        return max(forward, backward)


@dataclass
class LayerTape:
    """Memory of one recurrent layer for one window."""

    planes: tuple[str, ...]  # names of the cell's planes
    activations: Array  # (T, P, N, H), or (T + 1, P, N, H) to train
    states: Array  # (S, T + 1, N, H); row t is the state before step t, row t + 1 the state after it
    before: Array  # (S, T, N, H): the state that step t reads: rows of `states`, or of its own if streams may be cut
    saved: dict[str, Array]  # each (T, N, H)
    factors: dict[str, Factor]  # W and the parts of U
    packed: dict[str, Array]  # the factors, packed for the forward pass
    transposed: dict[str, Array]  # the factors, transposed and packed for the backward pass; in the memory of `packed`
    steps: list[Step]  # the record of each step
    keep: Array | None = None  # (T, N, 1) of the latest forward pass: 0 where a stream is cut before a step, else 1

    @property
    def cut(self) -> bool:
        """Whether streams may be cut inside a window."""
        return not np.may_share_memory(self.before, self.states)

    @property
    def output(self) -> Array:
        """The layer's output h, (T, N, H)."""
        return self.states[0, 1:]

    def state(self, index: int, length: int) -> Array:
        """Carried state number `index` after each of the first `length` steps, (length, N, H)."""
        return self.states[index, 1 : length + 1]

    def gate(self, name: str, length: int) -> Array:
        """A gate, or another plane of the cell, at each of the first `length` steps, (length, N, H).

        The backward pass overwrites it.
        """
        return self.activations[:length, self.planes.index(name)]


@dataclass
class Workspace:
    """Memory that every layer of a stack uses in turn."""

    weights: dict[str, Array]  # flat buffers for packed "W" and "U" of the current layer; also scratch
    partial_sums: Array  # flat, for products that are split in their sum
    u: Array  # (G, N, H): products with the recurrent weights
    bias: Array  # (G, N, H): b, repeated for every stream
    tmp: Array  # (2, N, H): scratch of a step
    dstate: Array  # (S, N, H): gradient of the state of the current step
