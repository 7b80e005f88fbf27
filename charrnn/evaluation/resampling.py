"""95 % intervals by the bootstrap over examples (Efron 1979). Examples are drawn whole, with replacement.

Shapes: n examples, R resamples, of which r at a time, K kinds of examples.
"""

import warnings
from collections.abc import Callable, Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.bootstrap import RESAMPLES
from charrnn.evaluation.results import Interval

SEED = 1  # every interval is drawn anew from it, so the same examples give the same interval
MAX_NUMBERS = 1 << 21  # in one array of weights, 16 MB


def resampled_counts(counts: Array) -> Array:
    """How often each of K kinds of examples is drawn in each resample, (R, K); `counts` (K,), examples of each kind."""
    total = int(counts.sum())
    drawn: Array = np.random.default_rng(SEED).multinomial(total, counts / total, RESAMPLES)
    return drawn.astype(np.float64)


def resampled_weights(count: int) -> Iterator[Array]:
    """Yield how often each of `count` examples is drawn, (r, n) float, until there are RESAMPLES rows."""
    rng = np.random.default_rng(SEED)
    step = max(1, MAX_NUMBERS // count)
    for first in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - first)
        drawn = rng.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        weights: Array = np.bincount(drawn.reshape(-1), minlength=rows * count).reshape(rows, count)
        yield weights.astype(np.float64)


def interval_of(statistic: Callable[[Array], Array], count: int) -> Interval:
    """The interval of a statistic of `count` examples.

    Arguments:
        statistic: its values (r,) for weights (r, n); NaN where it is not defined, which is left out.
        count: n.
    """
    return percentiles(np.concatenate([statistic(weights) for weights in resampled_weights(count)]))


def percentiles(values: Array) -> Interval:
    """The interval of a statistic from its values in all resamples, (R,); NaN if it is defined in none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all values are NaN
        low, high = np.nanpercentile(values, [2.5, 97.5]).tolist()
    return low, high
