"""In-place array kernels: the arithmetic that more than one layer needs.

Names that end in `_` overwrite their first argument. M counts rows (time steps x streams), V the vocabulary,
G gates, H units. All work in float32, float64 and (for complex-step checks of derivatives) complex128.
Nothing here keeps a reference; what a kernel allocates is small beside its arguments.
"""

import numpy as np

from charrnn.params import Array

HALF, ONE = np.array(0.5, np.float32), np.array(1, np.float32)  # as arrays: a Python number costs 0.3 us in each call
RUN = 32  # rows that scatter_rows takes at a time, or a 32nd of all, which bounds its memory


def sigmoid_(x: Array) -> Array:
    """The logistic function 1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2, which cannot overflow."""
    x *= HALF
    np.tanh(x, out=x)
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


def gather_rows(table: Array, bias: Array, ids: Array, out: Array) -> None:
    """out[g, m] = table[g, ids[m]] + bias[g]: what a one-hot product would give, without the product.

    Shapes: table (G, V, H), bias (G, H), ids (M,) of any integer type, out (G, M, H). `ids` must be in range.
    """
    few = len(ids) < table.shape[1]
    if not few:  # adding the bias to the table is the smaller job
        table = table + bias[:, None]
    for plane, rows in zip(out, table, strict=True):
        np.take(rows, ids, axis=0, out=plane, mode="clip")  # the default mode would buffer `out`
    if few:
        out += bias[:, None]


def scatter_rows(dout: Array, ids: Array, dtable: Array) -> None:
    """The gradient of gather_rows for its table: dtable[g, v] = sum of dout[g, m] over ids[m] == v.

    Shapes: dout (G, M, H), ids (M,), dtable (G, V, H), overwritten. The rows of each id that occurs are taken together
    and summed: twice as fast as a one-hot product at V = 65, and no slower at V = 5,000.
    """
    order = np.argsort(ids, kind="stable")
    present, starts = np.unique(ids[order], return_index=True)
    dtable[...] = 0
    some = max(RUN, len(ids) // RUN)
    for v, rows in zip(present.tolist(), np.split(order, starts[1:]), strict=True):
        for start in range(0, len(rows), some):
            dtable[:, v] += np.add.reduce(dout[:, rows[start : start + some]], axis=1)
