"""In-place array kernels: the arithmetic that more than one layer needs.

Names that end in `_` overwrite their first argument. M counts rows (time steps x streams), V the vocabulary,
G gates, H units. All work in float32, float64 and (for complex-step checks of derivatives) complex128.
Nothing here keeps a reference; what a kernel allocates is small beside its arguments.
"""

import numpy as np

from charrnn.params import Array

HALF, ONE = np.array(0.5, np.float32), np.array(1, np.float32)  # as arrays: a Python number costs 0.3 us in each call
RUN = 32  # rows that scatter_rows takes at a time, or a 32nd of all, which bounds its memory
SMALL = 1_000_000  # multiplications up to which OpenBLAS (AVX-512) does not first copy the operands of a product
NARROWEST = 16  # columns of a block, below which that gains nothing
FEWEST, MOST = 8, 64  # rows of a piece, likewise
BLOCK, WIDEST = 32, 256  # rows and columns of a block of a sum, and of a sum that gains


def blocks(rows: int, depth: int, columns: int) -> int:
    """Into how many equal blocks of columns to cut the second factor of (rows, depth) @ (depth, columns).

    The copy costs as much as the product where rows are few: 32 rows of 256 units 89 -> 113 GFLOP/s in blocks, of 512
    units 87 -> 110, of 1,024 56 -> 88. Other kernels (Haswell, Zen) are as fast in blocks as without.
    """
    for count in range(1, columns // NARROWEST + 1):
        if columns % count == 0 and rows * depth * columns // count <= SMALL:
            return count
    return 1


def in_blocks(matrices: Array, count: int) -> Array:
    """Matrices (..., D, C) as blocks of columns (..., B, D, C / B), a view; as they are where B is 1."""
    if count == 1:
        return matrices
    cut: Array = matrices.reshape(*matrices.shape[:-1], count, -1).swapaxes(-2, -3)
    return cut


def product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b, for `b` as it is or in_blocks(); shapes (..., N, D) x (..., D, C) -> (..., N, C)."""
    width = b.shape[-1]
    if width == out.shape[-1]:
        np.matmul(a, b, out=out)
    else:
        np.matmul(a[..., None, :, :], b, out=in_blocks(out, out.shape[-1] // width))


def tall_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b for many rows, (M, D) x (D, C) -> (M, C), in equal pieces of a.

    The output layer's products at 65 characters: 92 -> 108 GFLOP/s.
    """
    for rows in range(min(MOST, SMALL // b.size), FEWEST - 1, -1):
        if len(a) % rows == 0:
            pieces = a.reshape(-1, rows, a.shape[1])
            np.matmul(pieces, np.ascontiguousarray(b), out=out.reshape(-1, rows, out.shape[1]))
            return
    np.matmul(a, b, out=out)


def deep_product(a: Array, b: Array, out: Array, scratch: Array) -> None:
    """out = a transposed @ b, sums over many rows, (M, D) and (G, M, C) -> (G, D, C), in equal pieces of M and blocks.

    `scratch` is flat, of at least the size of `out`. 5,000 rows of 128 units 86 -> 98 GFLOP/s, 3,200 of 256 93 -> 103.
    """
    (rows, depth), columns = a.shape, b.shape[2]
    if depth % BLOCK or columns % BLOCK or max(depth, columns) > WIDEST:
        np.matmul(a.T, b, out=out)
        return

    def cut(matrices: Array) -> Array:
        return matrices.reshape(*matrices.shape[:-1], -1, BLOCK).swapaxes(-2, -3)

    def result(matrices: Array) -> Array:  # (G, D / 32, C / 32, 32, 32)
        return cut(matrices.reshape(len(b), -1, BLOCK, columns))

    left, right = cut(a).swapaxes(1, 2)[:, None], cut(b)[:, None]  # (D / 32, 1, 32, M), (G, 1, C / 32, M, 32)
    part = scratch[: out.size].reshape(out.shape)
    pieces = -(-rows * BLOCK * BLOCK // SMALL)
    for k in range(pieces):
        some = slice(rows * k // pieces, rows * (k + 1) // pieces)
        np.matmul(left[..., some], right[..., some, :], out=result(part if k else out))
        if k:
            out += part


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


def sum_products(dout: Array, table_t: Array, out: Array, scratch: Array) -> None:
    """out = sum over g of dout[g] @ table_t[g]; shapes (G, T, N, H) x (G, H, D) -> (T, N, D).

    `table_t` may be in_blocks(), as for product(). `scratch` (S, N, D): S steps are worked on at a time, so that their
    sum stays in the cache.
    """
    steps = len(scratch)
    for start in range(0, len(out), steps):
        total = out[start : start + steps]
        product(dout[0, start : start + steps], table_t[0], out=total)
        for dplane, plane_t in zip(dout[1:], table_t[1:], strict=True):
            product(dplane[start : start + steps], plane_t, out=scratch[: len(total)])
            total += scratch[: len(total)]
