"""Matrix products, cut so that OpenBLAS does not first copy their operands.

With many rows that copy pays; the few of a recurrent step cost as much to copy as to multiply. On processors with
AVX-512 OpenBLAS goes without up to a million multiplications, so there larger products become several of that size: in
blocks of columns, pieces of rows, or pieces of the sum. With other kernels and libraries products stay whole: cut, they
take a tenth longer. Results are those of whole products, but for rounding.
N and M count rows, few and many, D is what is summed over, C columns, K matrices; R, S, B pieces of rows and sums, and
blocks of columns.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.blas import kernel
from charrnn.nn.ops import ONE

SMALL = 1_000_000 if kernel() in ("SkylakeX", "Cooperlake", "SapphireRapids") else 0  # multiplications; 0: never cut
NARROW, WIDE = 32, 64  # columns of a block: as near as can be to WIDE
FEWEST, LEAST, MOST = 8, 16, 64  # rows worth a cut, of a piece of these, and of a piece of many rows
DEEPEST = 512  # numbers of a sum in one piece
BLOCK, WIDEST = 32, 128  # rows and columns of a block of a sum over many rows, and of a sum that gains


@dataclass(frozen=True)
class Cut:
    """Into how many pieces to cut the rows, the sum, and the columns of a product."""

    rows: int = 1
    sums: int = 1
    blocks: int = 1
    single: bool = False  # of one row: its matrices lie side by side, so that one product serves them all

    def shape(self, count: int, depth: int, columns: int) -> Shape:
        """The shape in which K matrices (D, C) are laid out: (K, S, B, 1, D / S, C / B), or (D, K * C)."""
        if self.single:
            return depth, count * columns
        return count, self.sums, self.blocks, 1, depth // self.sums, columns // self.blocks

    def summands(self, out: Shape) -> int:
        """How many numbers the summands of a result of that shape take, beside the result; 0 for a sum in one piece."""
        return prod(out) * self.sums if self.sums > 1 else 0


def best_cut(rows: int, depth: int, columns: int, stacked: int = 1) -> Cut:
    """How to cut (N, D) @ (D, C), where the second factor may be several matrices `stacked` on top of one another.

    GFLOP/s whole and cut, N x D x C: 25 x 128 x 128 217, 236; 25 x 512 x 128 152, 235; 32 x 512 x 512 159, 247;
    64 x 512 x 512 201, 245; 64 x 1024 x 256 208, 245.
    """
    if rows < FEWEST:
        return Cut(single=rows == 1)
    widths = [width for width in range(WIDE, NARROW - 1, -1) if columns % width == 0] or [columns]
    pieces = [1, *(n for n in range(2, rows // LEAST + 1) if rows % (2 * n) == 0)]  # of an even number of rows
    for sums, width, some in itertools.product(dict.fromkeys((1, stacked, 2 * stacked, 4 * stacked)), widths, pieces):
        if depth % sums == 0 and depth // sums <= DEEPEST and rows * depth * width <= SMALL * sums * some:
            return Cut(some, sums, columns // width)
    return Cut()


def lay_out(matrices: Sequence[Array], room: Array, scale: Array | None = None) -> None:
    """Copy K matrices (D, C), each times its `scale` (K,), into room of a Cut's shape: for K matrices, or for one, in
    which they are stacked.
    """
    depth, columns = matrices[0].shape
    pieces = room.reshape(-1, *room.shape[2:])[:, :, 0] if room.ndim > 2 else room  # (K * S or S, B, D / S, C / B)
    for k, matrix in enumerate(matrices):
        if room.ndim == 2:  # (K * D, C) or (D, K * C)
            stacked = len(room) == len(matrices) * depth
            place = room[k * depth : (k + 1) * depth] if stacked else room[:, k * columns : (k + 1) * columns]
        else:
            height = min(depth, pieces.shape[2])
            piece, row = divmod(k * depth, pieces.shape[2])
            place = pieces[piece : piece + depth // height, :, row : row + height].swapaxes(1, 2)
        np.multiply(matrix.reshape(place.shape), ONE if scale is None else scale[k], out=place)


def ready(cut: Cut, a: Array, b: Array, out: Array, scratch: Array) -> Callable[[], Any]:
    """out[t, k] = a[t] @ b[k], made ready: what is returned computes it, as often as it is called.

    Arguments: `a` (T, N, D); `b`, K matrices (D, C) as lay_out() leaves them; `out` (T, K, N, C); `scratch`, flat, of
    at least cut.summands(out.shape) numbers.
    """
    steps, count, rows, columns = out.shape
    if cut.single and steps == 1:
        return partial(np.dot, a[0, 0], b, out.reshape(-1))
    if cut.single:
        return partial(np.matmul, a[:, 0], b, out=out.reshape(steps, -1))
    few = rows // cut.rows
    left = a.reshape(steps, cut.rows, few, cut.sums, -1).transpose(3, 0, 1, 2, 4)[:, None]  # (S, 1, T, R, N / R, D / S)
    summands = out[:, :, None]  # (T, K, S, N, C)
    if cut.sums > 1:
        summands = scratch[: cut.summands(out.shape)].reshape(steps, count, cut.sums, rows, columns)
    parts = summands.reshape(steps, count, cut.sums, cut.rows, few, cut.blocks, -1).transpose(1, 2, 5, 0, 3, 4, 6)
    # In order "C", a block of the weights is taken to all rows before the next is fetched.
    multiply = partial(np.matmul, left, b[..., None, :, :], out=parts, order="C")
    if cut.sums == 1:
        return multiply

    def multiply_and_add() -> None:
        multiply()
        np.add.reduce(summands, axis=2, out=out)

    return multiply_and_add


def window_product(cut: Cut, a: Array, b: Array, out: Array, scratch: Array) -> None:
    """What ready() computes, of a whole window, as many steps at a time as `scratch` has room for."""
    needed = cut.summands(out.shape[1:])
    some = scratch.size // needed if needed else len(a)
    for t in range(0, len(a), some):
        ready(cut, a[t : t + some], b, out[t : t + some], scratch)()


def tall_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b for many rows, (M, D) x (D, C) -> (M, C), in equal pieces of `a`; copies `b` where it is transposed.

    GFLOP/s whole and cut, for 65 characters: 92, 108.
    """
    for rows in range(min(MOST, SMALL // b.size), FEWEST - 1, -1):
        if len(a) % rows == 0:
            pieces = a.reshape(-1, rows, a.shape[1])
            np.matmul(pieces, np.ascontiguousarray(b), out=out.reshape(-1, rows, out.shape[1]))
            return
    np.matmul(a, b, out=out)


def deep_product(a: Array, rows: Array, out: Sequence[Array], scratch: Array) -> None:
    """out[k] = a transposed @ (columns of gate k in `rows`): sums over many rows, (M, D) and (M, K * C) -> K of (D, C).

    `scratch` is flat, of at least the size of all results. In equal pieces of M and blocks where that gains: GFLOP/s
    whole and cut, 1,250 rows of 128 units 213, 244.
    """
    depth, columns = out[0].shape
    if not SMALL or depth % BLOCK or columns % BLOCK or max(depth, columns) > WIDEST:
        whole = scratch[: depth * len(out) * columns].reshape(depth, -1)
        np.matmul(a.T, rows, out=whole)
        for k, result in enumerate(out):
            np.copyto(result, whole[:, k * columns : (k + 1) * columns])
        return

    def in_blocks(matrix: Array) -> Array:
        """(..., C) as (..., C / 32, 32), the blocks before the rows."""
        return matrix.reshape(*matrix.shape[:-1], -1, BLOCK).swapaxes(-2, -3)

    left, part = in_blocks(a).swapaxes(1, 2)[:, None], scratch[: depth * columns].reshape(depth, columns)
    pieces = -(-len(a) * BLOCK * BLOCK // SMALL)
    for k, result in enumerate(out):
        right = in_blocks(rows[:, k * columns : (k + 1) * columns])  # (C / 32, M, 32), beside `left` (D / 32, 1, 32, M)
        for n in range(pieces):
            some = slice(len(a) * n // pieces, len(a) * (n + 1) // pieces)
            target = part if n else result
            np.matmul(left[..., some], right[..., some, :], out=in_blocks(target.reshape(-1, BLOCK, columns)))
            if n:
                result += part
