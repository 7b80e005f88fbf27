"""Tiled products equal whole products, for every shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.nn import products
from charrnn.nn.products import Tiling


def packed(tiling, matrices, stacked=False, **scale):
    """Matrices (K, D, C) packed into a fresh buffer of the tiling's shape."""
    count, depth, columns = matrices.shape
    shape = tiling.shape(1, count * depth, columns) if stacked else tiling.shape(count, depth, columns)
    buffer = np.full(shape, np.nan)
    products.pack(matrices, buffer, **scale)
    return buffer


TILINGS = [Tiling(), Tiling(2, 1, 1), Tiling(1, 2, 1), Tiling(1, 1, 4), Tiling(6, 4, 2), Tiling(3, 8, 8)]


@pytest.mark.parametrize("tiling", [*TILINGS, Tiling(single=True)], ids=str)
@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("steps", [1, 5])
def test_a_product_of_several_matrices_is_the_product_however_it_is_tiled(tiling, count, transposed, steps):
    """The results lie among other planes, as those of the gates do."""
    rng, rows = np.random.default_rng(1), 1 if tiling.single else 6
    b = rng.standard_normal((count, 8, 8))
    b, scale = b.swapaxes(1, 2) if transposed else b, np.arange(1, count + 1)
    a, out = np.full((steps, rows, 8), np.nan), np.full((steps, count + 1, rows, 8), np.nan)[:, 1:]
    expected = np.empty_like(out)
    buffer, needed = packed(tiling, b, scale=scale), tiling.partial_sums(out.shape)
    multiply = products.prepare_product(tiling, a, buffer, out, np.full(needed, np.nan))
    for scratch in (np.full(needed // steps, np.nan), np.full(needed // steps * 2 + 1, np.nan)):
        a[...] = rng.standard_normal(a.shape)
        expected[...] = a[:, None] @ b * scale[:, None, None]
        multiply()  # it reads what `a` holds now
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)
        out[...] = np.nan
        products.window_product(tiling, a, buffer, out, scratch)  # one step at a time, two, or all
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("tiling", "count"),  # pieces of the sum are whole matrices, or equal parts of them
    [
        (tiling, n)
        for tiling in [*TILINGS, Tiling(single=True)]
        for n in (1, 2, 4)
        if tiling.sums in (1, n, 2 * n, 4 * n)
    ],
)
def test_a_product_of_stacked_matrices_sums_over_all_of_them(tiling, count):
    """Both the rows that are multiplied and the rows of the result are parts of wider ones."""
    rng, rows = np.random.default_rng(1), 1 if tiling.single else 6
    b = rng.standard_normal((count, 8, 8)).swapaxes(1, 2)
    a, out = rng.standard_normal((rows, 8 * count + 3))[:, 3:], np.full((rows, 11), np.nan)[:, 2:10]
    scratch = np.full(tiling.partial_sums((1, rows, 8)), np.nan)
    products.prepare_product(tiling, a[None], packed(tiling, b, stacked=True), out[None, None], scratch)()
    np.testing.assert_allclose(out, a @ np.concatenate(list(b)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [1, 7, 8, 61, 67, 130, 600])  # one piece, several, or none that divides them
@pytest.mark.parametrize("limit", [0, 1, 300, 1_000_000])  # 0: another library than OpenBLAS
def test_a_product_of_many_rows_is_the_product(rows, limit, monkeypatch):
    monkeypatch.setattr(products, "MAX_UNPACKED_MULTIPLIES", limit)
    rng = np.random.default_rng(1)
    left, right, out = rng.standard_normal((rows, 4)), rng.standard_normal((6, 4)).T, np.full((rows, 6), np.nan)
    products.tall_product(left, right, out=out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-13)


@pytest.mark.parametrize(
    ("depth", "columns"), [(5, 3), (4, 6), (2, 2), (6, 4), (8, 2)]
)  # tiled, not divisible, or too wide
@pytest.mark.parametrize("rows", [1, 7, 12, 30])
@pytest.mark.parametrize("limit", [0, 28])  # rows of a piece: 7
def test_a_sum_over_many_rows_is_the_product(rows, depth, columns, limit, monkeypatch):
    monkeypatch.setattr(products, "SUM_BLOCK", 2)
    monkeypatch.setattr(products, "MAX_SUM_WIDTH", 6)
    monkeypatch.setattr(products, "MAX_UNPACKED_MULTIPLIES", limit)
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((rows, depth)), rng.standard_normal((rows, 3 * columns + 2))[:, 2:]
    out, scratch = np.full((3, depth, columns), np.nan), np.full(3 * depth * columns + 1, np.nan)
    products.deep_product(left, right, out, scratch)
    expected = (left.T @ right).reshape(depth, 3, columns).swapaxes(0, 1)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)


@given(
    rows=st.integers(1, 300),
    depth=st.sampled_from([1, 65, 100, 128, 384, 512, 1000, 1024, 3000]),
    columns=st.sampled_from([1, 31, 65, 100, 128, 512, 1000, 2048]),
    stacked=st.sampled_from([1, 2, 3, 4]),
    limit=st.sampled_from([0, 1_000_000]),
)
def test_a_tiling_makes_equal_tiles_that_are_small_enough_or_leaves_the_product_whole(
    rows, depth, columns, stacked, limit
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "MAX_UNPACKED_MULTIPLIES", limit)
        tiling = products.best_tiling(rows, depth * stacked, columns, stacked)
    assert tiling.single == (rows == 1)
    if tiling in (Tiling(), Tiling(single=True)):
        return
    assert limit
    assert rows % tiling.rows == 0 == depth * stacked % tiling.sums == columns % tiling.blocks
    assert tiling.sums == 1 or tiling.sums % stacked == 0
    assert rows * depth * stacked * columns / (tiling.rows * tiling.sums * tiling.blocks) <= limit
    assert columns // tiling.blocks >= min(32, columns)


def test_products_of_every_usual_size_are_tiled(monkeypatch):
    monkeypatch.setattr(products, "MAX_UNPACKED_MULTIPLIES", 1_000_000)
    for rows, hidden in ((25, 128), (50, 128), (32, 256), (64, 256), (32, 512), (64, 512), (32, 1024)):
        for stacked in (1, 2, 3, 4):
            assert products.best_tiling(rows, stacked * hidden, hidden, stacked) != Tiling(), (rows, hidden, stacked)
