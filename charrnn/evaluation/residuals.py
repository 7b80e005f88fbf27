"""Predicted numbers beside true ones, for charts: points, and a histogram of what was predicted too much or too little.

Shapes: n examples, K columns, B bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array

MAX_POINTS = 1000  # of a column; of more, some are taken evenly
BINS = 21


@dataclass(frozen=True)
class Residuals:
    """The examples of one column.

    Attributes:
        name: of the column.
        points: true and predicted numbers, up to MAX_POINTS of them.
        count: how many numbers there are.
        edges: of the histogram's bins, (B + 1,): predicted minus true number. Zero is the middle.
        counts: examples in each bin, (B,).
    """

    name: str
    points: list[tuple[float, float]]
    count: int
    edges: Array
    counts: Array


def residuals(truth: Array, predicted: Array, names: Sequence[str]) -> list[Residuals]:
    """The columns that hold a number; `truth` and `predicted` (n, K) in their own unit, NaN where one is missing."""
    columns = []
    for k, name in enumerate(names):
        given = np.flatnonzero(~np.isnan(truth[:, k]))
        if not len(given):
            continue
        differences = predicted[given, k] - truth[given, k]
        widest = float(np.abs(differences).max()) or 1.0
        counts, edges = np.histogram(differences, BINS, (-widest, widest))
        chosen = given[np.linspace(0, len(given) - 1, min(len(given), MAX_POINTS)).astype(np.int64)]
        points = list(zip(truth[chosen, k].tolist(), predicted[chosen, k].tolist(), strict=True))
        columns.append(Residuals(name, points, len(given), edges, counts))
    return columns
