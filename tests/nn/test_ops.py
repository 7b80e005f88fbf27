"""The kernels: equal to their definitions, and finite wherever the result is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from charrnn.nn import ops

DTYPES = [np.float32, np.float64]
NUMBERS = st.one_of(st.sampled_from([-1e4, -1.0, 0.0, 1.0, 1e4]), st.floats(-1e4, 1e4, width=32, allow_subnormal=False))
LOGITS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS)
)


def random_rows(gates, rows, vocab_size, ids_dtype=np.int64):
    """A table (G, V, 5), rows (G, M, 5) and an id for each of the rows."""
    rng = np.random.default_rng(0)
    table, dense = rng.standard_normal((gates, vocab_size, 5)), rng.standard_normal((gates, rows, 5))
    return table, dense, rng.integers(0, vocab_size, rows).astype(ids_dtype)


def side_by_side(planes):
    """(G, M, H) as (M, G * H)."""
    return planes.swapaxes(0, 1).reshape(planes.shape[1], -1)


def test_a_numeric_fault_in_any_test_is_an_error():
    with pytest.raises(FloatingPointError):
        np.log(np.zeros(1))


# -- activations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "definition"),
    [
        (ops.sigmoid_, lambda x: 1 / (1 + math.exp(-x))),
        (ops.tanh_, math.tanh),
        (ops.relu_, lambda x: max(x, 0.0)),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_activation_overwrites_its_argument_with_its_definition(kernel, definition, dtype):
    x = np.linspace(-30, 30, 241, dtype=dtype)
    wanted = [definition(float(number)) for number in x]
    assert kernel(x) is x
    np.testing.assert_allclose(x, wanted, rtol=0, atol=4 * np.finfo(dtype).eps * max(wanted))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sigmoid_of_extreme_numbers_is_zero_or_one(dtype):
    np.testing.assert_array_equal(ops.sigmoid_(np.array([-1e30, -1e4, 0, 1e4, 1e30], dtype)), [0, 0, 0.5, 1, 1])


# -- softmax and cross-entropy ------------------------------------------------------------------------------------


@given(LOGITS, st.data())
def test_softmax_of_any_logits_is_finite_and_sums_to_one(logits, data):
    rows, vocab_size = logits.shape
    targets = np.array(data.draw(st.lists(st.integers(0, vocab_size - 1), min_size=rows, max_size=rows)))
    probs, log_probs = logits.copy(), ops.log_softmax_(logits.copy())
    nats = ops.softmax_cross_entropy_(probs, targets)
    assert probs.dtype == nats.dtype == log_probs.dtype == logits.dtype
    assert np.isfinite(probs).all()
    assert np.isfinite(log_probs).all()
    assert (probs >= 0).all()
    assert (nats >= 0).all()
    precision = 8 * np.finfo(logits.dtype).eps
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=precision)
    np.testing.assert_allclose(np.exp(log_probs), probs, rtol=20 * precision, atol=precision)
    np.testing.assert_allclose(nats, -log_probs[np.arange(rows), targets], rtol=precision, atol=precision)


@given(LOGITS, st.floats(-1e4, 1e4))
def test_adding_a_constant_to_a_row_of_logits_changes_nothing(logits, constant):
    logits = logits.astype(np.float64)
    moved = ops.log_softmax_(logits + constant)
    np.testing.assert_allclose(moved, ops.log_softmax_(logits), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("level", [-1e4, 0.0, 1e4])
@pytest.mark.parametrize("vocab_size", [1, 2, 65, 1000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loss_of_equal_logits_is_ln_v(level, vocab_size, dtype):
    nats = ops.softmax_cross_entropy_(np.full((3, vocab_size), level, dtype), np.array([0, vocab_size // 2, -1]))
    np.testing.assert_allclose(nats, math.log(vocab_size), rtol=4 * np.finfo(dtype).eps)


def test_the_loss_is_minus_ln_p_of_the_target():
    nats = ops.softmax_cross_entropy_(np.log([[0.2, 0.3, 0.5], [0.25, 0.25, 0.5]]), np.array([1, 2]))
    np.testing.assert_allclose(nats, [-math.log(0.3), math.log(2)], rtol=1e-14)


@pytest.mark.parametrize("gap", [30.0, 1e4])
def test_a_hopeless_target_costs_its_distance_from_the_best(gap):
    logits = np.array([[gap, 0.0]])
    assert ops.softmax_cross_entropy_(logits, np.array([1]))[0] == pytest.approx(gap, rel=1e-12)


@pytest.mark.parametrize("weight", [0.25, np.array([1.0, 0.0, 2.0])], ids=["a number", "one per row"])
def test_the_gradient_of_the_loss_is_the_complex_step_of_its_weighted_sum(weight):
    logits, targets, tiny = np.random.default_rng(0).standard_normal((3, 4)), np.array([3, 0, 3]), 1e-30
    probs = logits.copy()
    ops.softmax_cross_entropy_(probs, targets)
    found = ops.softmax_cross_entropy_back_(probs, targets, weight)
    assert found is probs
    for at in np.ndindex(logits.shape):
        moved = logits.astype(complex)
        moved[at] += 1j * tiny
        slope = (ops.softmax_cross_entropy_(moved, targets) * weight).sum().imag / tiny
        assert found[at] == pytest.approx(slope, rel=1e-12, abs=1e-15)


def test_the_loss_of_a_distribution_is_the_mean_loss_of_its_characters_and_its_gradient_that_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    logits, targets, weight = rng.normal(size=(3, 4)), rng.dirichlet(np.ones(4), 3), np.array([0.5, 2, 0])
    probs = logits.copy()
    nats = ops.softmax_cross_entropy_(probs, targets)
    of_each = [ops.softmax_cross_entropy_(logits.copy(), np.full(3, c)) for c in range(4)]
    np.testing.assert_allclose(nats, (targets.T * of_each).sum(axis=0), rtol=1e-12)
    theirs = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(theirs, torch.tensor(targets), reduction="none")
    (torch.tensor(weight) * loss).sum().backward()
    found = ops.softmax_cross_entropy_back_(probs, targets, weight)
    np.testing.assert_allclose(nats, loss.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(found, theirs.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_the_softmax_and_its_gradient_allocate_a_few_numbers_per_row(peak_memory):
    logits, targets = np.random.default_rng(0).standard_normal((400, 100)), np.arange(400) % 100

    def there_and_back():
        ops.softmax_cross_entropy_(logits, targets)
        ops.softmax_cross_entropy_back_(logits, targets, np.ones(400))

    there_and_back()
    assert peak_memory(there_and_back) < logits.nbytes / 4


# -- look-ups -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids_dtype", [np.uint8, np.uint16, np.int32, np.int64])
@pytest.mark.parametrize(("rows", "vocab_size"), [(4, 9), (9, 9), (40, 9)])
def test_gathering_rows_is_the_product_with_a_one_hot_matrix(rows, vocab_size, ids_dtype):
    table, _, ids = random_rows(3, rows, vocab_size, ids_dtype)
    found, at = ops.gate_rows(table, ids[:, None])
    assert np.shares_memory(found, table)
    wanted = np.eye(vocab_size)[ids] @ table  # (G, M, H)
    np.testing.assert_array_equal(found[at].swapaxes(0, 1).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("ids_dtype", [np.uint8, np.uint16, np.int32, np.int64])
@pytest.mark.parametrize("run", [1, 7, ops.MIN_GATHERED_ROWS])
@pytest.mark.parametrize(("rows", "vocab_size"), [(1, 1), (1, 200), (30, 200), (500, 200), (500, 2)])
def test_scattering_rows_is_np_add_at(rows, vocab_size, run, ids_dtype, monkeypatch):
    monkeypatch.setattr(ops, "MIN_GATHERED_ROWS", run)
    _, dense, ids = random_rows(3, rows, vocab_size, ids_dtype)
    wanted, found = np.zeros((3, vocab_size, 5)), np.full((3, vocab_size, 5), np.nan)  # what was there is overwritten
    for plane, rows_of_plane in zip(wanted, dense, strict=True):
        np.add.at(plane, ids, rows_of_plane)
    ops.scatter_rows(side_by_side(dense), ids, found)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    assert not found[:, ~np.isin(np.arange(vocab_size), ids)].any()


@pytest.mark.parametrize("vocab_size", [1, 65, 1000])
def test_scattering_is_the_transpose_of_gathering(vocab_size):
    table, dense, ids = random_rows(2, 600, vocab_size)
    scattered, (rows, at) = np.empty_like(table), ops.gate_rows(table, ids[None])
    gathered = rows[at[0]]
    ops.scatter_rows(side_by_side(dense), ids, scattered)
    assert np.vdot(gathered, dense) == pytest.approx(np.vdot(table, scattered), rel=1e-12)
