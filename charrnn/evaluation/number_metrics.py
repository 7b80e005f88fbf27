"""How well numbers are predicted: root mean squared error, mean absolute error, correlation. Missing ones are left out.

Shapes: n examples, K columns, R rows of weights, which say how often each example counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.results import Interval

Metric = Callable[[Array, Array, Array], Array]  # truth (n,), predicted (n,), weights (R, n) -> values (R,)

ROUNDING = 1e-12  # a product of variances below this share of the squares is that of numbers that are all equal


@dataclass(frozen=True)
class NumberRow:
    """The figures of one column. `correlation` (Pearson's) is NaN where it is not defined."""

    name: str
    count: int
    rmse: float
    rmse_interval: Interval
    mae: float
    mae_interval: Interval
    correlation: float
    correlation_interval: Interval


def number_figures(truth: Array, predicted: Array, names: Sequence[str]) -> list[NumberRow]:
    """Compare predicted numbers with true ones, both (n, K) in their own unit; NaN where a true one is missing.

    Each column needs one number at least.
    """
    rows = []
    for k, name in enumerate(names):
        given = ~np.isnan(truth[:, k])
        own, other = truth[given, k], predicted[given, k]
        rows.append(
            NumberRow(
                name,
                len(own),
                *_with_interval(rmse, own, other),
                *_with_interval(mae, own, other),
                *_with_interval(correlation, own, other),
            )
        )
    return rows


def _with_interval(metric: Metric, truth: Array, predicted: Array) -> tuple[float, Interval]:
    point = metric(truth, predicted, np.ones((1, len(truth))))
    return float(point[0]), interval_of(lambda weights: metric(truth, predicted, weights), len(truth))


def rmse(truth: Array, predicted: Array, weights: Array) -> Array:
    """The root mean squared error of numbers (n,) under weights (R, n): (R,)."""
    error: Array = np.sqrt(weights @ (truth - predicted) ** 2 / weights.sum(1))
    return error


def mae(truth: Array, predicted: Array, weights: Array) -> Array:
    """The mean absolute error of numbers (n,) under weights (R, n): (R,)."""
    error: Array = weights @ np.abs(truth - predicted) / weights.sum(1)
    return error


def correlation(truth: Array, predicted: Array, weights: Array) -> Array:
    """Pearson's correlation of numbers (n,) under weights (R, n): (R,); NaN where all of one side are equal."""
    total = weights.sum(1)
    x, y = truth - truth.mean(), predicted - predicted.mean()  # so that little is lost to rounding
    mean_x, mean_y = weights @ x / total, weights @ y / total
    covariance = weights @ (x * y) / total - mean_x * mean_y
    square_x, square_y = weights @ x**2 / total, weights @ y**2 / total
    product = np.maximum(square_x - mean_x**2, 0) * np.maximum(square_y - mean_y**2, 0)
    defined = product > ROUNDING * square_x * square_y
    result: Array = np.where(defined, covariance / np.sqrt(np.where(defined, product, 1)), np.nan)
    return np.clip(result, -1, 1)
