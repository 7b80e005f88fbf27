"""In-place array kernels: the arithmetic that more than one layer needs.

Names that end in `_` overwrite their first argument. M counts rows (time steps x streams), V the vocabulary,
G gates, H units. All work in float32, float64 and (for complex-step checks of derivatives) complex128.
Nothing here keeps a reference; what a kernel allocates is small beside its arguments.
"""

from itertools import pairwise

import numpy as np

from charrnn.arrays import Array

HALF, ONE = np.array(0.5, np.float32), np.array(1, np.float32)  # as arrays: a Python number costs 0.3 us in each call
RUN = 32  # rows that scatter_rows takes at a time, or a 32nd of all, which bounds its memory


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
    """Turn rows of logits (M, V) into probabilities; return -ln p(target) of each row, (M,), in nats."""
    rows = np.arange(len(targets))
    logits -= logits.real.max(axis=1, keepdims=True)
    chosen = logits[rows, targets]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    logits /= total[:, None]
    nats: Array = np.log(total) - chosen
    return nats


def softmax_cross_entropy_back_(probs: Array, targets: Array, weight: Array | float) -> Array:
    """Turn probabilities (M, V) into the gradient of sum(weight * nats) with respect to the logits.

    d(-ln p_target)/dlogit = p - onehot(target) (Bridle 1990); `weight` is a number or one per row, (M,).
    """
    probs[np.arange(len(targets)), targets] -= 1
    probs *= weight if np.isscalar(weight) else np.asarray(weight)[:, None]
    return probs


def gate_rows(table: Array, ids: Array) -> tuple[Array, Array]:
    """Where the rows of every gate lie: `rows` (G * V, H), a view, and `at` (T, G, N), so that rows[at[t]] is what a
    one-hot product of step t would give, without the product.

    Shapes: table (G, V, H); ids (T, N) of any integer type, in range.
    """
    gates, size, width = table.shape
    at = ids[:, None].astype(np.intp)
    return table.reshape(-1, width), at + size * np.arange(gates)[:, None]


def scatter_rows(dout: Array, ids: Array, dtable: Array) -> None:
    """The gradient of a look-up for its table: dtable[g, v] = sum of dout[m], gate g, over ids[m] == v.

    Shapes: dout (M, G * H), ids (M,), dtable (G, V, H), overwritten. The rows of each id that occurs are taken together
    and summed: nearly twice as fast as a one-hot product at V = 65, five times as fast as reduceat, and no slower at
    V = 5,000.
    """
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    edges = [*starts.tolist(), len(ids)]
    dtable[...] = 0
    some = max(RUN, len(ids) // RUN)
    for v, (first, stop) in zip(present.tolist(), pairwise(edges), strict=True):
        for start in range(first, stop, some):
            rows = order[start : min(start + some, stop)]
            dtable[:, v] += np.add.reduce(dout[rows], axis=0).reshape(len(dtable), -1)
