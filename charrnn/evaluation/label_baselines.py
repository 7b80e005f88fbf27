"""Baselines for classify and tag: models that need no gradient, fitted on the same training examples.

    majority         the most frequent label, whatever the input
    most frequent    the most frequent label of each symbol or word
    mean             of the training numbers, which the labels of a linear output hold already

N-grams with Bayes' rule are models of their own: see models/ngram_classifier.py. Of segments, see longest_match.py.

Shapes: n examples, C labels, U units.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array


def majority(labels: Array, classes: int) -> int:
    """The most frequent label of (n,); the first of equally frequent ones. -1 is no label."""
    return int(np.bincount(labels[labels >= 0], minlength=classes).argmax())


class MostFrequent:
    """The most frequent target of each key, such as the label of a symbol or the labels of a word.

    Arguments: `keys` and `targets`, of the training split, as many of each. Of equally frequent targets the smallest
    counts.
    """

    def __init__(self, keys: Sequence[Hashable], targets: Sequence[tuple[int, ...]]) -> None:
        counts: dict[Hashable, Counter[tuple[int, ...]]] = defaultdict(Counter)
        for key, target in zip(keys, targets, strict=True):
            counts[key][target] += 1
        self._target_of = {key: min(own, key=lambda target: (-own[target], target)) for key, own in counts.items()}

    def __getitem__(self, key: Hashable) -> tuple[int, ...] | None:
        return self._target_of.get(key)


@dataclass(frozen=True)
class TaggedWords:
    """Words, the units of each, and the labels of these.

    `words`: spellings. `units`, `labels`: for each word those of its units, as many of each.
    """

    words: Sequence[str]
    units: Sequence[Sequence[str]]
    labels: Sequence[tuple[int, ...]]


def most_frequent_by_unit(train: TaggedWords, test: TaggedWords, classes: int) -> list[tuple[int, ...]]:
    """The labels of the units of test words: the most frequent of each unit, or of all for one that is unseen."""
    units = [unit for own in train.units for unit in own]
    labels = [(label,) for own in train.labels for label in own]
    table = MostFrequent(units, labels)
    other = (majority(np.array(labels, np.int64).reshape(-1), classes),)
    return [tuple((table[unit] or other)[0] for unit in own) for own in test.units]


def most_frequent_by_word(train: TaggedWords, test: TaggedWords, classes: int) -> list[tuple[int, ...]]:
    """The labels of the units of test words: the most frequent of each word, or by unit for one that is unseen."""
    table = MostFrequent(train.words, train.labels)
    by_unit = most_frequent_by_unit(train, test, classes)
    return [table[word] or other for word, other in zip(test.words, by_unit, strict=True)]
