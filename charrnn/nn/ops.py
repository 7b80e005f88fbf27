"""In-place array kernels: the arithmetic that more than one layer needs.

Names that end in `_` overwrite their first argument. M counts rows (time steps x streams), V the vocabulary,
G gates, H units. All work in float32, float64 and (for complex-step checks of derivatives) complex128.
Nothing here keeps a reference; what a kernel allocates is small beside its arguments.
"""

from itertools import pairwise

import numpy as np

from charrnn.arrays import Array

HALF, ONE = np.array(0.5, np.float32), np.array(1, np.float32)  # arrays: a ufunc converts a Python number in every call
MIN_GATHERED_ROWS = 32  # scatter_rows gathers this many rows at a time, or a 32nd of all, which bounds its memory


def sigmoid_(x: Array) -> Array:
    """The logistic function 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2, which cannot overflow."""
    x *= HALF
    return from_tanh_(np.tanh(x, out=x))


def from_tanh_(x: Array) -> Array:
    """sigmoid(2 y) from tanh(y): (1 + x) / 2."""
    x *= HALF
    x += HALF
    return x


def relu_(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0, out=x)


def tanh_(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x, out=x)


def log_softmax_(logits: Array) -> Array:
    """Turn rows of logits (M, V) into log-probabilities in nats; subtracts the maximum first, so never overflows."""
    logits -= logits.real.max(axis=-1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return logits


def softmax_cross_entropy_(logits: Array, targets: Array) -> Array:
    """Turn rows of logits (M, V) into probabilities; return -ln p(target) of each row, (M,), in nats.

    Targets are ids (M,), or distributions t (M, V), with -sum_c t_c ln p(c) in place of -ln p(target).
    """
    logits -= logits.real.max(axis=1, keepdims=True)
    chosen = logits[np.arange(len(targets)), targets] if targets.ndim == 1 else (targets * logits).sum(axis=1)
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    logits /= total[:, None]
    nats: Array = np.log(total) - chosen
    return nats


def softmax_cross_entropy_back_(probs: Array, targets: Array, weight: Array | float) -> Array:
    """Turn probabilities (M, V) into the gradient of sum(weight * nats) with respect to the logits.

    d(-ln p_target)/dlogit = p - onehot(target) (Bridle 1990), and p - t of a distribution t. `targets` are those of
    softmax_cross_entropy_(); `weight` is a number or one per row, (M,).
    """
    if targets.ndim == 1:
        probs[np.arange(len(targets)), targets] -= 1
    else:
        probs -= targets
    probs *= weight if np.isscalar(weight) else np.asarray(weight)[:, None]
    return probs


def gate_rows(table: Array, ids: Array) -> tuple[Array, Array]:
    """Indices for looking up all gates at once.

    Arguments:
        table: (G, V, H).
        ids: (T, N), of any integer type, in range.

    Returns:
        `rows` (G * V, H), a view of the table, and `index` (T, G, N), such that rows[index[t]] equals
        one_hot(ids[t]) @ table, with no matrix product.
    """
    gates, size, width = table.shape
    index = ids[:, None].astype(np.intp)
    return table.reshape(-1, width), index + size * np.arange(gates)[:, None]


def scatter_rows(dout: Array, ids: Array, dtable: Array) -> None:
    """The gradient of a look-up with respect to its table: dtable[g, v] = sum of dout[m], gate g, over ids[m] == v.

    Arguments:
        dout: (M, G * H), gradient of what was looked up.
        ids: (M,).
        dtable: (G, V, H), overwritten.

    The rows of each id that occurs are gathered and summed, which is faster than a one-hot product.
    """
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    edges = [*starts.tolist(), len(ids)]
    dtable[...] = 0
    most = max(MIN_GATHERED_ROWS, len(ids) // MIN_GATHERED_ROWS)
    for v, (first, stop) in zip(present.tolist(), pairwise(edges), strict=True):
        for start in range(first, stop, most):
            rows = order[start : min(start + most, stop)]
            dtable[:, v] += np.add.reduce(dout[rows], axis=0).reshape(len(dtable), -1)
