"""Pooling: one vector for each example out of the vectors of all of its steps.

Shapes: T steps, N examples, H hidden units of a direction, D = H or 2H. What lies beyond an example's end counts
nowhere and takes a gradient of zero.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array

Kind = Literal["last", "mean", "max"]


@dataclass
class Pooled:
    """The result of a pooling, and what its derivative needs."""

    vectors: Array  # (N, D)
    steps: Array | None = None  # last, max: the step that each number was taken from, (N, D)
    weight: Array | None = None  # mean: 1 / length, and 0 beyond the end, (T, N)


class Pooling:
    """Pools the output of an encoder.

    Arguments:
        kind: last, what each direction puts out after it has read the whole example: the forward direction at the last
            step, the backward direction at the first; mean or max, of each unit over the example's steps.
        hidden_size: H.
    """

    def __init__(self, kind: Kind, hidden_size: int) -> None:
        self.kind = kind
        self.hidden_size = hidden_size

    def forward(self, h: Array, lengths: Array) -> Pooled:
        """Pool h (T, N, D) of examples of these lengths (N,)."""
        if self.kind == "mean":
            inside = np.arange(len(h))[:, None] < lengths
            weight = (inside / lengths).astype(h.real.dtype)
            return Pooled(np.einsum("tn,tnd->nd", weight, h), weight=weight)
        steps = _steps_of_maxima(h, lengths) if self.kind == "max" else self._last_steps(h, lengths)
        return Pooled(np.take_along_axis(h, steps[None], axis=0)[0], steps)

    def backward(self, dvectors: Array, pooled: Pooled, dh: Array) -> None:
        """Write the gradient of h (T, N, D), given that of the pooled vectors (N, D)."""
        if pooled.weight is not None:
            np.multiply(pooled.weight[:, :, None], dvectors, out=dh)
        elif pooled.steps is not None:
            dh[...] = 0
            np.put_along_axis(dh, pooled.steps[None], dvectors[None], axis=0)

    def _last_steps(self, h: Array, lengths: Array) -> Array:
        """The last step that each direction reads, (N, D)."""
        steps = np.zeros(h.shape[1:], np.intp)
        steps[:, : self.hidden_size] = lengths[:, None] - 1
        return steps


def _steps_of_maxima(h: Array, lengths: Array) -> Array:
    """The first step at which each unit is largest, (N, D)."""
    steps = np.zeros(h.shape[1:], np.intp)
    largest = h[0].real.copy()
    for t in range(1, len(h)):
        larger = (h[t].real > largest) & (t < lengths)[:, None]
        np.copyto(largest, h[t].real, where=larger)
        steps[larger] = t
    return steps
