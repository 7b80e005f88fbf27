"""The norm of a gradient, and clipping by norm and by value. P parameters in one flat vector."""

from math import inf, isnan, sqrt

import numpy as np

from charrnn.arrays import Array
from charrnn.optim.rules import BLOCK_SIZE


def global_norm(grads: Array) -> float:
    """The Euclidean norm of a flat vector (P,). Blocks are added in float64, so that large models lose no digits."""
    total = 0.0
    with np.errstate(over="ignore"):
        for start in range(0, grads.size, BLOCK_SIZE):
            block = grads[start : start + BLOCK_SIZE]
            total += float(np.dot(block, block))
    if 1e-30 < total < inf or isnan(total):
        return sqrt(total)
    peak = float(max(grads.max(), -grads.min()))  # squares of float32 numbers may have overflowed or underflowed
    return peak * global_norm(grads / peak) if 0 < peak < inf else peak


def clip_(grads: Array, norm: float, clip_norm: float | None, clip_value: float | None) -> bool:
    """Limit a gradient in place: first its norm (Pascanu et al. 2013), then each entry.

    Arguments:
        grads: (P,).
        norm: global_norm(grads).
        clip_norm: the largest norm; a larger gradient is scaled down to it. None: any.
        clip_value: the largest absolute value of an entry; larger ones are clamped. None: any.

    Returns:
        Whether anything was changed.
    """
    clipped = False
    if clip_norm is not None and norm > clip_norm:
        grads *= clip_norm / norm
        clipped = True
    if clip_value is not None and max(grads.max(), -grads.min()) > clip_value:
        np.clip(grads, -clip_value, clip_value, out=grads)
        clipped = True
    return clipped
