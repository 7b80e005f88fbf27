"""The confusions of labels as a square: how often each label was given to examples of each true one.

Shapes: K labels that are shown by themselves, one more row and column for the others together.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.label_metrics import LabelFigures

LARGEST = 30  # labels shown by themselves


@dataclass(frozen=True)
class ConfusionMap:
    """Counts of examples by true and predicted label.

    Attributes:
        names: of the labels with the most examples, in their usual order, (K,).
        counts: (K, K) int64, rows for true labels, columns for predicted ones; (K + 1, K + 1) if there are others.
        others: how many labels the last row and column hold together, with those that the model does not know; 0 if
            there is no such row. Where they meet, right and wrong predictions are counted together.
    """

    names: tuple[str, ...]
    counts: Array
    others: int


def confusion_map(figures: LabelFigures, largest: int = LARGEST) -> ConfusionMap:
    """The square of the `largest` labels. Labels that no example has or was given are left out."""
    occurring = [row for row in figures.labels if row.support or row.predicted]
    by_size = sorted(occurring, key=lambda row: (-row.support, -row.predicted))
    kept = {row.name for row in by_size[:largest]}
    names = tuple(row.name for row in occurring if row.name in kept)
    position = {name: k for k, name in enumerate(names)}
    last = len(names)
    counts = np.zeros((last + 1, last + 1), np.int64)
    wrong: Counter[str] = Counter()
    for own in figures.confusions:
        counts[position.get(own.truth, last), position.get(own.predicted, last)] += own.count
        wrong[own.truth] += own.count
    for row in occurring:
        k = position.get(row.name, last)
        counts[k, k] += row.support - wrong[row.name]
    unknown = wrong.keys() - {row.name for row in figures.labels}
    others = len(occurring) - last + len(unknown)
    return ConfusionMap(names, counts if others else counts[:-1, :-1], others)
