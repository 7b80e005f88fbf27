"""The contract between a recurrent layer and its cell.

The layer owns the time loop, the memory and every matrix product; the cell owns the equations of one step. A cell
declares the names of its planes and products. For each step of a window the layer fills a record with the views and
prepared products that the cell's equations use.

Shapes: N streams, D inputs, H hidden units, G gates. A plane is one (N, H) array.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from charrnn.arrays import Array

Product = Callable[[], Any]  # computes a prepared matrix product
NO_BIAS: Array = np.zeros(0)


@dataclass(slots=True)
class Weights:
    """The parameters of a layer, or their gradients."""

    W: Array  # (G, D, H), input weights
    U: Array  # (G, H, H), recurrent weights
    b: Array  # (G, H), biases
    bias_hn: Array = field(default_factory=lambda: NO_BIAS)  # (H,), of a GRU that resets after the product


@dataclass(slots=True, init=False, eq=False, repr=False)
class Step:
    """The views and products that every cell uses in one time step. Gradients are unset for inference."""

    gates: Array  # (G, N, H)
    h_prev: Array
    h: Array
    dh: Array
    tmp: Array
    tmp2: Array


@dataclass(frozen=True)
class HiddenProduct:
    """One product with recurrent weights.

    Forward, `s.times_{name}()` computes `out` = `left` U. Backward, `s.back_{name}()` computes `dleft` = (gradients of
    `planes`) U'. Over a window, dU = (all `left`)' (all gradients of `planes`).
    """

    name: str
    left: str  # name of the plane that is multiplied by U
    weights: tuple[int, ...]  # indices of U's gates, in the order of `planes`
    out: str  # "u" for the planes u_x of the gates, or the name of another plane
    planes: slice  # adjacent planes that have the gradients of `out`
    dleft: str  # name of the plane that takes the gradient of `left`


class Cell(Protocol):
    """What a layer needs to know of a cell."""

    record: type[Step]  # the views and products that its equations use
    gates: tuple[str, ...]  # planes of s.gates, in the order of the weights
    planes: tuple[str, ...]  # all planes that get a gradient: the gates in their order, and other ones
    sigmoids: dict[str, slice]  # name of a group of adjacent sigmoid gates -> their indices
    states: tuple[str, ...]  # planes carried from step to step; the first is the output
    saved: tuple[str, ...]  # further planes kept for the backward pass
    hidden_bias: dict[str, str]  # name of an additional bias -> the plane whose gradient, summed, is that of the bias
    products: tuple[HiddenProduct, ...]  # every gate's part of U belongs to exactly one

    def step(self, s: Any, p: Weights) -> None:
        """Compute this step's state from the previous state and s.gates."""

    def back(self, s: Any) -> None:
        """Compute the gradients of the planes and of the previous state from that of this step's state."""
