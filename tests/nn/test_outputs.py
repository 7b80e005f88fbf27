"""Outputs, pooling and reversal by themselves: extreme scores, missing targets, ties."""

import numpy as np
import pytest

from charrnn.nn.outputs import Linear, Sigmoid, Softmax
from charrnn.nn.pooling import Pooling
from charrnn.nn.reversal import Reversal


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_scores_overflow_nowhere(dtype):
    extreme = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype)
    scores = extreme.copy()
    np.testing.assert_allclose(Softmax(3, smoothing=0.3).loss_(scores, np.array([0, 0])), [3e3, 1.7e4], rtol=1e-6)
    np.testing.assert_allclose(scores, [[0.2, -0.1, -0.1], [-0.8, 0.9, -0.1]], rtol=1e-6)
    scores = extreme.copy()
    losses = Sigmoid().loss_(scores, np.array([[1, 0, np.nan], [1, 0, 1]]))
    np.testing.assert_allclose(losses, [0, 2e4 + np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(scores, [[0, 0, 0], [-1, 1, -0.5]], atol=1e-6)
    assert scores.dtype == losses.dtype == dtype
    np.testing.assert_array_equal(Softmax(3).predict_(extreme.copy()), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(Sigmoid().predict_(extreme.copy()), [[1, 0, 0.5], [0, 1, 0.5]])


@pytest.mark.parametrize(
    ("output", "missing"),
    [(Softmax(3, np.array([1.0, 2, 3]), 0.1), np.array([-1, 1])), (Sigmoid(), np.nan), (Linear(), np.nan)],
    ids=["softmax", "sigmoid", "linear"],
)
def test_a_missing_target_has_neither_loss_nor_gradient(output, missing):
    targets = missing if isinstance(missing, np.ndarray) else np.array([[missing] * 3, [1.0, 0, 1]])
    scores = np.random.default_rng(0).standard_normal((2, 3))
    losses = output.loss_(scores, targets)
    assert losses[0] == 0
    assert losses[1] > 0
    assert not scores[0].any()
    assert scores[1].all()


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equal_steps_inside_the_example():
    h = np.array([1.0, 5, 5, 9])[:, None, None]
    pooling, dh = Pooling("max", 1), np.full((4, 1, 1), np.nan)
    pooled = pooling.forward(h, np.array([3]))
    assert pooled.vectors == [[5]]
    pooling.backward(np.array([[2.0]]), pooled, dh)
    np.testing.assert_array_equal(dh.ravel(), [0, 2, 0, 0])


def test_a_batch_is_reversed_within_each_example_and_twice_reversed_is_as_before():
    ids = np.array([[1, 5, 7], [2, 6, 0], [3, 0, 0]])
    reversal = Reversal(np.array([3, 2, 1]), 3)
    np.testing.assert_array_equal(reversal.ids(ids), [[3, 6, 7], [2, 5, 0], [1, 0, 0]])
    x = np.random.default_rng(0).standard_normal((3, 3, 4))
    once = reversal.vectors(x, np.empty_like(x))
    np.testing.assert_array_equal(reversal.vectors(once, np.empty_like(x)), x)
    np.testing.assert_array_equal(once[:3, 0], x[::-1, 0])
    half, both = reversal.second_half(x, np.empty((3, 3, 2))), np.zeros((3, 3, 4))
    np.testing.assert_array_equal(half, once[:, :, 2:])
    reversal.into_second_half(half, both)
    np.testing.assert_array_equal(both[:, :, 2:], x[:, :, 2:])
    assert not both[:, :, :2].any()
