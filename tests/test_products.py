"""Products in pieces are the products: for every shape, cut or whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import products


@pytest.mark.parametrize("count", [1, 2, 3, 6])
@pytest.mark.parametrize(
    ("a", "b"), [((5, 4), (4, 6)), ((5, 4), (3, 4, 6)), ((3, 5, 4), (3, 4, 6)), ((2, 5, 4), (3, 1, 4, 6))]
)
def test_a_product_in_blocks_is_the_product(a, b, count):
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal(a), rng.standard_normal(b)
    out = np.full((left @ right).shape, np.nan)
    products.product(left, products.in_blocks(right, count), out=out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-13)
    out[...] = np.nan
    products.product(left, np.ascontiguousarray(products.in_blocks(right, count)), out=out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-13)


@pytest.mark.parametrize("rows", [1, 7, 8, 61, 67, 130, 600])  # one piece, several, or none that divides them
@pytest.mark.parametrize("small", [0, 1, 300, 1_000_000])  # 0: another library than OpenBLAS
def test_a_product_of_many_rows_is_the_product(rows, small, monkeypatch):
    monkeypatch.setattr(products, "SMALL", small)
    rng = np.random.default_rng(1)
    left, right, out = rng.standard_normal((rows, 4)), rng.standard_normal((6, 4)).T, np.full((rows, 6), np.nan)
    products.tall_product(left, right, out=out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-13)


@pytest.mark.parametrize(("depth", "columns"), [(5, 3), (4, 6), (2, 2), (6, 4), (8, 2)])  # cut, or not, or too wide
@pytest.mark.parametrize("rows", [1, 7, 12, 30])
@pytest.mark.parametrize("small", [0, 28])  # rows of a piece: 7
def test_a_sum_over_many_rows_is_the_product(rows, depth, columns, small, monkeypatch):
    monkeypatch.setattr(products, "BLOCK", 2)
    monkeypatch.setattr(products, "WIDEST", 6)
    monkeypatch.setattr(products, "SMALL", small)
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((rows, depth)), rng.standard_normal((3, rows, columns))
    out, scratch = np.full((3, depth, columns), np.nan), np.full(3 * depth * columns + 1, np.nan)
    products.deep_product(left, right, out, scratch)
    np.testing.assert_allclose(out, left.T @ right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("some", [1, 3, 7, 9])
@pytest.mark.parametrize("gates", [1, 3, 4])
def test_sum_products_is_the_sum_over_gates(gates, some, count):
    rng = np.random.default_rng(0)
    dout, table_t = rng.standard_normal((gates, 7, 2, 5)), rng.standard_normal((gates, 5, 3))
    out, scratch = np.full((7, 2, 3), np.nan), np.full((some, 2, 3), np.nan)
    products.sum_products(dout, products.in_blocks(table_t, count), out, scratch)
    np.testing.assert_allclose(out, np.einsum("gtnh,ghd->tnd", dout, table_t), rtol=1e-12, atol=1e-14)


@given(rows=st.integers(1, 2000), depth=st.integers(1, 3000), columns=st.integers(1, 3000))
def test_blocks_are_equal_small_as_few_as_can_be_and_not_too_narrow(rows, depth, columns):
    """Where no cut makes them small, and with another library than OpenBLAS, there is one."""
    count = products.blocks(rows, depth, columns)
    assert columns % count == 0
    possible = [n for n in range(1, columns + 1) if columns % n == 0 and columns // n >= min(16, columns)]
    small = [n for n in possible if rows * depth * (columns // n) <= products.SMALL]
    assert count == min(small, default=1)
