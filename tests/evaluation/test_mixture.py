"""The weights of a mixture are the likeliest, and its probabilities the weighted sums."""

import numpy as np
import pytest

from charrnn.arrays import Array
from charrnn.evaluation.mixture import cross_mix, fit_weights, mix


def some_logs(length: int = 4000, models: int = 2, seed: int = 0) -> Array:
    """ln p that models gave to characters: each is good at some of them."""
    return np.log(np.random.default_rng(seed).beta(0.4, 0.6, (models, length)).clip(1e-6, 1))


def loss(logs: Array, weights: Array) -> float:
    return -float(np.log((np.exp(logs) * np.asarray(weights)[:, None]).sum(axis=0)).mean())


def test_two_weights_are_the_best_of_a_fine_grid() -> None:
    logs = some_logs() + np.array([[0.0], [-0.3]])
    grid = np.linspace(0, 1, 2001)
    best = min(grid, key=lambda w: loss(logs, np.array([w, 1 - w])))
    weights = fit_weights(logs)
    assert weights[0] == pytest.approx(best, abs=1e-3)
    assert weights.sum() == pytest.approx(1)


def test_no_change_of_three_weights_is_better() -> None:
    logs = some_logs(models=3)
    weights = fit_weights(logs)
    for change in np.random.default_rng(1).normal(0, 0.01, (50, 3)):
        other = np.abs(weights + change)
        assert loss(logs, weights) <= loss(logs, other / other.sum()) + 1e-9


def test_a_model_that_is_always_worse_gets_nothing() -> None:
    good = some_logs(models=1)
    assert fit_weights(np.concatenate([good, good - 1])) == pytest.approx([1, 0], abs=1e-4)


def test_a_mixture_is_the_weighted_sum_however_small_the_probabilities() -> None:
    logs, weights = some_logs(50), np.array([0.3, 0.7])
    np.testing.assert_allclose(np.exp(mix(logs, weights)), weights @ np.exp(logs))
    np.testing.assert_allclose(mix(logs - 5000, weights), mix(logs, weights) - 5000)
    assert fit_weights(logs - 5000) == pytest.approx(fit_weights(logs))


def test_each_half_is_mixed_with_the_weights_of_the_other() -> None:
    logs = some_logs(1001)
    logs[0, :500] -= 1
    mixed, weights = cross_mix(logs)
    first, second = fit_weights(logs[:, :500]), fit_weights(logs[:, 500:])
    np.testing.assert_allclose(mixed[:500], mix(logs[:, :500], second))
    np.testing.assert_allclose(mixed[500:], mix(logs[:, 500:], first))
    np.testing.assert_allclose(weights, (first + second) / 2)
    changed = logs.copy()
    changed[1, 700] = 0  # what is in the second half has no part in the weights there
    assert cross_mix(changed)[0][800] == pytest.approx(mixed[800])
