"""Matrix products, tiled so that OpenBLAS does not pack (copy) their operands first.

OpenBLAS packs both operands before it multiplies. With many rows that pays; for the few rows of a recurrent step
packing costs as much as the product. Its AVX-512 kernels skip packing below a million multiply-adds, so larger
products are split into tiles of that size: blocks of columns, pieces of rows, or pieces of the sum. With other
kernels and libraries products stay whole. Results equal those of whole products up to rounding.

Shapes: N and M count rows, few and many; D is what is summed over; C columns; K matrices; R, S, B pieces of rows,
pieces of the sum, and blocks of columns.
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

Matrices = Sequence[Array] | Array  # K matrices (D, C)

AVX512_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")
MAX_UNPACKED_MULTIPLIES = (
    1_000_000 if kernel() in AVX512_KERNELS else 0
)  # multiply-adds of a product that is not packed
MIN_TILED_ROWS = 8  # products of fewer rows stay whole
MIN_BLOCK_COLUMNS = 32
MAX_BLOCK_COLUMNS = 64  # columns of a block: as close to this as divides all columns
MIN_PIECE_ROWS = 16  # rows of a piece, where few rows are split
MAX_PIECE_ROWS = 64  # rows of a piece, where many rows are split
MAX_SUM_DEPTH = 512  # terms of a sum in one piece
SUM_BLOCK = 32  # rows and columns of a block of a sum over many rows
MAX_SUM_WIDTH = 128  # units up to which blocks make a sum over many rows faster


@dataclass(frozen=True)
class Tiling:
    """How many pieces the rows, the sum and the columns of a product are split into."""

    rows: int = 1
    sums: int = 1
    blocks: int = 1
    single: bool = False  # one row: its K matrices lie side by side, so that one product covers them all

    def shape(self, count: int, depth: int, columns: int) -> Shape:
        """The shape in which K matrices (D, C) are packed: (K, S, B, 1, D / S, C / B), or (D, K * C) for one row."""
        if self.single:
            return depth, count * columns
        return count, self.sums, self.blocks, 1, depth // self.sums, columns // self.blocks

    def partial_sums(self, out: Shape) -> int:
        """How many numbers the partial sums of a result of shape `out` take; 0 for a sum in one piece."""
        return prod(out) * self.sums if self.sums > 1 else 0


def best_tiling(rows: int, depth: int, columns: int, stacked: int = 1) -> Tiling:
    """How to split a product (N, D) @ (D, C) so that no tile is packed by BLAS; whole if that is not possible.

    Arguments:
        rows: N.
        depth: D.
        columns: C.
        stacked: how many matrices, on top of one another, make up the second factor. Pieces of the sum do not cut
            across them.
    """
    if rows < MIN_TILED_ROWS:
        return Tiling(single=rows == 1)
    widths = [width for width in range(MAX_BLOCK_COLUMNS, MIN_BLOCK_COLUMNS - 1, -1) if columns % width == 0]
    row_pieces = [1, *(n for n in range(2, rows // MIN_PIECE_ROWS + 1) if rows % (2 * n) == 0)]  # of even length
    sum_pieces = dict.fromkeys((1, stacked, 2 * stacked, 4 * stacked))
    for sums, width, pieces in itertools.product(sum_pieces, widths or [columns], row_pieces):
        fits = rows * depth * width <= MAX_UNPACKED_MULTIPLIES * sums * pieces
        if depth % sums == 0 and depth // sums <= MAX_SUM_DEPTH and fits:
            return Tiling(pieces, sums, columns // width)
    return Tiling()


def pack(matrices: Matrices, buffer: Array, scale: Array | None = None) -> None:
    """Copy K matrices (D, C), each times its `scale` (K,), into a buffer of a tiling's shape.

    The buffer is for K separate matrices, or for a single one that they form when stacked on top of one another.
    """
    depth = len(matrices[0])
    if buffer.ndim == 2:
        _pack_flat(matrices, buffer, scale)
        return
    pieces = buffer.reshape(-1, *buffer.shape[2:])[:, :, 0]  # (K * S or S, B, D / S, C / B)
    for k, matrix in enumerate(matrices):
        height = min(depth, pieces.shape[2])
        piece, row = divmod(k * depth, pieces.shape[2])
        place = pieces[piece : piece + depth // height, :, row : row + height].swapaxes(1, 2)
        np.multiply(matrix.reshape(place.shape), ONE if scale is None else scale[k], out=place)


def _pack_flat(matrices: Matrices, buffer: Array, scale: Array | None) -> None:
    """pack() into a buffer of two dimensions: (K * D, C), stacked, or (D, K * C), side by side."""
    depth, columns = matrices[0].shape
    stacked = len(buffer) == len(matrices) * depth
    for k, matrix in enumerate(matrices):
        rows, side = slice(k * depth, (k + 1) * depth), slice(k * columns, (k + 1) * columns)
        place = buffer[rows] if stacked else buffer[:, side]
        np.multiply(matrix, ONE if scale is None else scale[k], out=place)


def prepare_product(tiling: Tiling, a: Array, b: Array, out: Array, scratch: Array) -> Callable[[], Any]:
    """Return a function that computes out[t, k] = a[t] @ b[k] each time it is called.

    With R = S = B = 2, a product of one step and one matrix consists of eight products of tiles:

          a (N, D)               b (D, C)               out (N, C)
        +-------+-------+      +-------+-------+      +-------+-------+
        | r0 s0 | r0 s1 |      | s0 b0 | s0 b1 |      | r0 b0 | r0 b1 |     r0 b0 = (r0 s0) (s0 b0) + (r0 s1) (s1 b0)
        +-------+-------+  @   +-------+-------+  =   +-------+-------+
        | r1 s0 | r1 s1 |      | s1 b0 | s1 b1 |      | r1 b0 | r1 b1 |
        +-------+-------+      +-------+-------+      +-------+-------+

    Their indices are axes of one batched product, left @ right = parts, whose axes are k, s, b, t, r and a tile:

        left   (1, S, 1, T, R,  N / R, D / S)   a view of `a`
        right  (K, S, B, 1, 1,  D / S, C / B)   `b`
        parts  (K, S, B, T, R,  N / R, C / B)   a view of `out`; if S > 1, of `scratch`, which is then summed over S

    Arguments:
        tiling: how the product is split.
        a: (T, N, D).
        b: K matrices (D, C) as pack() leaves them.
        out: (T, K, N, C).
        scratch: flat, at least tiling.partial_sums(out.shape) numbers.
    """
    steps, count, rows, columns = out.shape
    if tiling.single and steps == 1:
        return partial(np.dot, a[0, 0], b, out.reshape(-1))
    if tiling.single:
        return partial(np.matmul, a[:, 0], b, out=out.reshape(steps, -1))
    piece = rows // tiling.rows
    left = a.reshape(steps, tiling.rows, piece, tiling.sums, -1).transpose(3, 0, 1, 2, 4)[:, None]
    sums = out[:, :, None]  # (T, K, S, N, C)
    if tiling.sums > 1:
        sums = scratch[: tiling.partial_sums(out.shape)].reshape(steps, count, tiling.sums, rows, columns)
    split = sums.reshape(steps, count, tiling.sums, tiling.rows, piece, tiling.blocks, -1)
    parts = split.transpose(1, 2, 5, 0, 3, 4, 6)
    # Order "C" multiplies all rows by one block of the weights before it fetches the next.
    multiply = partial(np.matmul, left, b[..., None, :, :], out=parts, order="C")
    if tiling.sums == 1:
        return multiply

    def multiply_and_add() -> None:
        multiply()
        np.add.reduce(sums, axis=2, out=out)

    return multiply_and_add


def window_product(tiling: Tiling, a: Array, b: Array, out: Array, scratch: Array) -> None:
    """Compute what prepare_product() prepares for a whole window, as many steps at a time as `scratch` holds."""
    per_step = tiling.partial_sums(out.shape[1:])
    steps = scratch.size // per_step if per_step else len(a)
    for t in range(0, len(a), steps):
        prepare_product(tiling, a[t : t + steps], b, out[t : t + steps], scratch)()


def tall_product(a: Array, b: Array, out: Array) -> None:
    """out = a @ b for many rows, (M, D) @ (D, C), in equal pieces of `a` if possible. A transposed `b` is copied."""
    for rows in range(min(MAX_PIECE_ROWS, MAX_UNPACKED_MULTIPLIES // b.size), MIN_TILED_ROWS - 1, -1):
        if len(a) % rows == 0:
            pieces = a.reshape(-1, rows, a.shape[1])
            np.matmul(pieces, np.ascontiguousarray(b), out=out.reshape(-1, rows, out.shape[1]))
            return
    np.matmul(a, b, out=out)


def deep_product(a: Array, rows: Array, out: Matrices, scratch: Array) -> None:
    """out[k] = transpose of a @ (columns of matrix k in `rows`): products that sum over many rows.

    Arguments:
        a: (M, D).
        rows: (M, K * C).
        out: K matrices (D, C).
        scratch: flat, at least as large as all results.
    """
    depth, columns = out[0].shape
    if not MAX_UNPACKED_MULTIPLIES or depth % SUM_BLOCK or columns % SUM_BLOCK or max(depth, columns) > MAX_SUM_WIDTH:
        whole = scratch[: depth * len(out) * columns].reshape(depth, -1)
        np.matmul(a.T, rows, out=whole)
        for k, result in enumerate(out):
            np.copyto(result, whole[:, k * columns : (k + 1) * columns])
        return
    left = _in_blocks(a).swapaxes(1, 2)[:, None]  # (D / 32, 1, 32, M)
    partial_sum = scratch[: depth * columns].reshape(depth, columns)
    pieces = -(-len(a) * SUM_BLOCK * SUM_BLOCK // MAX_UNPACKED_MULTIPLIES)
    edges = [len(a) * n // pieces for n in range(pieces + 1)]
    for k, result in enumerate(out):
        right = _in_blocks(rows[:, k * columns : (k + 1) * columns])  # (C / 32, M, 32)
        for n, (start, stop) in enumerate(itertools.pairwise(edges)):
            target = partial_sum if n else result
            tiles = _in_blocks(target.reshape(-1, SUM_BLOCK, columns))
            np.matmul(left[..., start:stop], right[..., start:stop, :], out=tiles)
            if n:
                result += partial_sum


def _in_blocks(matrix: Array) -> Array:
    """(..., M, C) as (..., C / 32, M, 32): blocks of columns in front of the rows; a view."""
    return matrix.reshape(*matrix.shape[:-1], -1, SUM_BLOCK).swapaxes(-2, -3)
