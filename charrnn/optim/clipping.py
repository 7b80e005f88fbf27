"""The norm of a gradient, and clipping it. P parameters in one flat vector."""

from math import inf, isnan, sqrt

import numpy as np

from charrnn.arrays import Array
from charrnn.optim.rules import BLOCK


def global_norm(grads: Array) -> float:
    """The Euclidean norm of a flat gradient; blocks are added in float64, so large models lose no digits."""
    total = 0.0
    with np.errstate(over="ignore"):
        for start in range(0, grads.size, BLOCK):
            block = grads[start : start + BLOCK]
            total += float(np.dot(block, block))
    if 1e-30 < total < inf or isnan(total):
        return sqrt(total)
    peak = float(max(grads.max(), -grads.min()))  # squares of float32 numbers may over- or underflow
    return peak * global_norm(grads / peak) if 0 < peak < inf else peak


def clip_(grads: Array, norm: float, clip_norm: float | None, clip_value: float | None) -> bool:
    """Scale `grads` down to the global norm `clip_norm` (Pascanu et al. 2013), then clamp each entry to +-`clip_value`.

    `norm` is global_norm(grads). Returns whether anything was changed.
    """
    clipped = False
    if clip_norm is not None and norm > clip_norm:
        grads *= clip_norm / norm
        clipped = True
    if clip_value is not None and max(grads.max(), -grads.min()) > clip_value:
        np.clip(grads, -clip_value, clip_value, out=grads)
        clipped = True
    return clipped
