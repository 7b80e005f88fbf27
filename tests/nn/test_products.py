"""Products in pieces are the products: for every shape, cut or whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.nn import products
from charrnn.nn.products import Tiling


def laid_out(cut, matrices, stacked=False, **scale):
    """Matrices (K, D, C) in fresh buffer of the cut's shape."""
    count, depth, columns = matrices.shape
    shape = cut.shape(1, count * depth, columns) if stacked else cut.shape(count, depth, columns)
    buffer = np.full(shape, np.nan)
    products.pack(matrices, buffer, **scale)
    return buffer


CUTS = [Tiling(), Tiling(2, 1, 1), Tiling(1, 2, 1), Tiling(1, 1, 4), Tiling(6, 4, 2), Tiling(3, 8, 8)]


@pytest.mark.parametrize("cut", [*CUTS, Tiling(single=True)], ids=str)
@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("steps", [1, 5])
def test_a_product_of_several_matrices_is_the_product_however_it_is_cut(cut, count, transposed, steps):
    """Into every step's place among others, as those of the gates are."""
    rng, rows = np.random.default_rng(1), 1 if cut.single else 6
    b = rng.standard_normal((count, 8, 8))
    b, scale = b.swapaxes(1, 2) if transposed else b, np.arange(1, count + 1)
    a, out = np.full((steps, rows, 8), np.nan), np.full((steps, count + 1, rows, 8), np.nan)[:, 1:]
    wanted = np.empty_like(out)
    buffer, needed = laid_out(cut, b, scale=scale), cut.partial_sums(out.shape)
    multiply = products.prepare_product(cut, a, buffer, out, np.full(needed, np.nan))
    for scratch in (np.full(needed // steps, np.nan), np.full(needed // steps * 2 + 1, np.nan)):
        a[...] = rng.standard_normal(a.shape)
        wanted[...] = a[:, None] @ b * scale[:, None, None]
        multiply()  # it follows what `a` holds
        np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-14)
        out[...] = np.nan
        products.window_product(cut, a, buffer, out, scratch)  # one step at a time, two, or all
        np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("cut", "count"),  # pieces of the sum are whole matrices, or equal parts of them
    [(cut, n) for cut in [*CUTS, Tiling(single=True)] for n in (1, 2, 4) if cut.sums in (1, n, 2 * n, 4 * n)],
)
def test_a_product_of_stacked_matrices_sums_over_all_of_them(cut, count):
    """Of rows that lie among others, into rows that do."""
    rng, rows = np.random.default_rng(1), 1 if cut.single else 6
    b = rng.standard_normal((count, 8, 8)).swapaxes(1, 2)
    a, out = rng.standard_normal((rows, 8 * count + 3))[:, 3:], np.full((rows, 11), np.nan)[:, 2:10]
    scratch = np.full(cut.partial_sums((1, rows, 8)), np.nan)
    products.prepare_product(cut, a[None], laid_out(cut, b, stacked=True), out[None, None], scratch)()
    np.testing.assert_allclose(out, a @ np.concatenate(list(b)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [1, 7, 8, 61, 67, 130, 600])  # one piece, several, or none that divides them
@pytest.mark.parametrize("small", [0, 1, 300, 1_000_000])  # 0: another library than OpenBLAS
def test_a_product_of_many_rows_is_the_product(rows, small, monkeypatch):
    monkeypatch.setattr(products, "MAX_UNPACKED", small)
    rng = np.random.default_rng(1)
    left, right, out = rng.standard_normal((rows, 4)), rng.standard_normal((6, 4)).T, np.full((rows, 6), np.nan)
    products.tall_product(left, right, out=out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-13)


@pytest.mark.parametrize(("depth", "columns"), [(5, 3), (4, 6), (2, 2), (6, 4), (8, 2)])  # cut, or not, or too wide
@pytest.mark.parametrize("rows", [1, 7, 12, 30])
@pytest.mark.parametrize("small", [0, 28])  # rows of a piece: 7
def test_a_sum_over_many_rows_is_the_product(rows, depth, columns, small, monkeypatch):
    monkeypatch.setattr(products, "SUM_BLOCK", 2)
    monkeypatch.setattr(products, "MAX_SUM_WIDTH", 6)
    monkeypatch.setattr(products, "MAX_UNPACKED", small)
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((rows, depth)), rng.standard_normal((rows, 3 * columns + 2))[:, 2:]
    out, scratch = np.full((3, depth, columns), np.nan), np.full(3 * depth * columns + 1, np.nan)
    products.deep_product(left, right, out, scratch)
    wanted = (left.T @ right).reshape(depth, 3, columns).swapaxes(0, 1)
    np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-14)


@given(
    rows=st.integers(1, 300),
    depth=st.sampled_from([1, 65, 100, 128, 384, 512, 1000, 1024, 3000]),
    columns=st.sampled_from([1, 31, 65, 100, 128, 512, 1000, 2048]),
    stacked=st.sampled_from([1, 2, 3, 4]),
    small=st.sampled_from([0, 1_000_000]),
)
def test_a_cut_makes_equal_pieces_that_are_small_enough_or_none(rows, depth, columns, stacked, small):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "MAX_UNPACKED", small)
        cut = products.best_tiling(rows, depth * stacked, columns, stacked)
    assert cut.single == (rows == 1)
    if cut in (Tiling(), Tiling(single=True)):
        return
    assert small
    assert rows % cut.rows == 0 == depth * stacked % cut.sums == columns % cut.blocks
    assert cut.sums == 1 or cut.sums % stacked == 0
    assert rows * depth * stacked * columns / (cut.rows * cut.sums * cut.blocks) <= small
    assert columns // cut.blocks >= min(32, columns)


def test_products_of_every_usual_size_are_cut_where_that_pays(monkeypatch):
    monkeypatch.setattr(products, "MAX_UNPACKED", 1_000_000)
    for rows, hidden in ((25, 128), (50, 128), (32, 256), (64, 256), (32, 512), (64, 512), (32, 1024)):
        for stacked in (1, 2, 3, 4):
            assert products.best_tiling(rows, stacked * hidden, hidden, stacked) != Tiling(), (rows, hidden, stacked)
