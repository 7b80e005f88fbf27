"""Matrix products, cut so that OpenBLAS does not first copy their operands.

With many rows that copy pays; the few of a recurrent step cost as much to copy as to multiply. Up to a million
multiplications OpenBLAS goes without on processors with AVX-512, so here larger products become several of that size:
in blocks of columns, pieces of rows, or pieces of the sum. A training step takes 5 to 20 % less time for it. On other
processors (kernels Haswell and Zen) it makes no difference. Results are those of whole products, but for rounding.
N and M count rows, few and many, D is what is summed over, C columns, G gates, B blocks.
"""

import numpy as np

from charrnn.params import Array

BLAS = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {}).get("name", "")
# Multiplications. 0, with another library than OpenBLAS, leaves products whole: what pieces do there was not measured.
SMALL = 1_000_000 if "openblas" in BLAS.lower() else 0
NARROWEST = 16  # columns of a block, below which nothing is gained
FEWEST, MOST = 8, 64  # rows of a piece, likewise
BLOCK, WIDEST = 32, 256  # rows and columns of a block of a sum, and of a sum that gains


def blocks(rows: int, depth: int, columns: int) -> int:
    """Into how many equal blocks of columns to cut the second factor of (rows, depth) @ (depth, columns).

    GFLOP/s without and with, 32 rows: of 256 units 89, 113; of 512 units 87, 110; of 1,024 units 56, 88.
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
    """out = a @ b for many rows, (M, D) x (D, C) -> (M, C), in equal pieces of `a`; copies `b` where it is transposed.

    GFLOP/s without and with, for 65 characters: 92, 108.
    """
    for rows in range(min(MOST, SMALL // b.size), FEWEST - 1, -1):
        if len(a) % rows == 0:
            pieces = a.reshape(-1, rows, a.shape[1])
            np.matmul(pieces, np.ascontiguousarray(b), out=out.reshape(-1, rows, out.shape[1]))
            return
    np.matmul(a, b, out=out)


def deep_product(a: Array, b: Array, out: Array, scratch: Array) -> None:
    """out = a transposed @ b, sums over many rows, (M, D) and (G, M, C) -> (G, D, C), in equal pieces of M and blocks.

    `scratch` is flat, of at least the size of `out`. GFLOP/s without and with: 5,000 rows of 128 units 86, 98; 3,200 of
    256 units 93, 103; wider ones gain nothing.
    """
    (rows, depth), columns = a.shape, b.shape[2]
    if not SMALL or depth % BLOCK or columns % BLOCK or max(depth, columns) > WIDEST:
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
