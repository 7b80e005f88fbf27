"""How well the units of examples are labelled: units, words and examples right, seen and unseen words apart.

A unit is a symbol or a token that has a label. A word is a token; or, if units are symbols, what stands between blanks.

Shapes: U units, W words, n examples, len symbols, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.results import Interval

SMALLEST_P = 1e-300  # a probability of 0 has no logarithm
NO_WORD = -1  # the word of a unit that is a blank


@dataclass(frozen=True)
class Share:
    """How many of `count` are right, as a share; NaN if there are none. The interval is over examples."""

    count: int
    right: float
    interval: Interval


@dataclass(frozen=True)
class TagFigures:
    """How well units were labelled.

    Attributes:
        units, words, examples: those with every label right.
        seen, unseen: the words that the training split has, and those that it lacks.
        ambiguous: units that have more than one label in the training split.
    """

    units: Share
    words: Share
    examples: Share
    seen: Share
    unseen: Share
    ambiguous: Share


@dataclass(frozen=True)
class Words:
    """The words of examples.

    Attributes:
        of_unit: (U,), the word of each unit, or NO_WORD.
        spellings: (W,), the symbols of each.
    """

    of_unit: Array
    spellings: list[str]


def token_words(units: Sequence[str]) -> Words:
    """Units that are words themselves; `units` are their symbols, (U,)."""
    return Words(np.arange(len(units)), list(units))


def symbol_words(units: Sequence[str], example: Array) -> Words:
    """The words that stand between blanks; `units` are symbols (U,), `example` the example of each (U,)."""
    of_unit = np.full(len(units), NO_WORD)
    spellings: list[list[str]] = []
    previous = -1  # the example of the open word
    for k, (unit, own) in enumerate(zip(units, example.tolist(), strict=True)):
        if unit.isspace():
            previous = -1
            continue
        if own != previous:
            spellings.append([])
            previous = own
        spellings[-1].append(unit)
        of_unit[k] = len(spellings) - 1
    return Words(of_unit, ["".join(own) for own in spellings])


def unit_probabilities(p: Array, bounds: Array) -> Array:
    """The probability of each label for each unit: the geometric mean over its symbols, scaled to a sum of 1.

    So the likeliest label is the one with the highest summed log-probability. Arguments: `p`, of each symbol (len, C);
    `bounds`, where each unit begins and ends, (U, 2).

    Returns: (U, C) float64.
    """
    if not len(bounds):
        return np.zeros((0, p.shape[1]))
    log_p = np.log(np.maximum(p, SMALLEST_P))
    padded = np.concatenate([log_p, np.zeros((1, p.shape[1]))])  # a unit may end with the last symbol
    means = np.add.reduceat(padded, bounds.reshape(-1), axis=0)[::2] / (bounds[:, 1] - bounds[:, 0])[:, None]
    scaled = np.exp(means - means.max(1, keepdims=True))
    probabilities: Array = scaled / scaled.sum(1, keepdims=True)
    return probabilities


def ambiguous_units(train_units: Sequence[str], train_labels: Array, units: Sequence[str]) -> Array:
    """Whether each unit has more than one label in the training split, (U,) bool."""
    labels_of: dict[str, set[int]] = {}
    for unit, label in zip(train_units, train_labels.tolist(), strict=True):
        labels_of.setdefault(unit, set()).add(label)
    return np.array([len(labels_of.get(unit, ())) > 1 for unit in units], bool)


def tag_figures(right: Array, example: Array, words: Words, known: set[str], ambiguous: Array) -> TagFigures:
    """Count what is labelled right.

    Arguments:
        right: whether each unit is, (U,) bool.
        example: the example of each unit, (U,) int; there is one unit at least.
        words: the words of these units.
        known: the words of the training split.
        ambiguous: as ambiguous_units() says.
    """
    in_word = words.of_unit != NO_WORD
    word_of, count = words.of_unit[in_word], len(words.spellings)
    word_right = np.bincount(word_of, ~right[in_word], count) == 0
    word_example = np.zeros(count, np.int64)
    word_example[word_of] = example[in_word]
    seen = np.array([spelling in known for spelling in words.spellings], bool)
    numbers, positions = np.unique(example, return_inverse=True)
    positions = positions.reshape(-1)  # examples without a unit do not count
    size = len(numbers)
    word_position = np.searchsorted(numbers, word_example)
    example_right = np.bincount(positions, ~right, size) == 0
    return TagFigures(
        units=_share(right, positions, size),
        words=_share(word_right, word_position, size),
        examples=_share(example_right, np.arange(size), size),
        seen=_share(word_right[seen], word_position[seen], size),
        unseen=_share(word_right[~seen], word_position[~seen], size),
        ambiguous=_share(right[ambiguous], positions[ambiguous], size),
    )


def _share(right: Array, example: Array, size: int) -> Share:
    """The share of what is right, (M,) bool; `example` (M,) is below `size`."""
    if not len(right):
        return Share(0, float("nan"), (float("nan"), float("nan")))
    sums = np.stack([np.bincount(example, right, size), np.bincount(example, minlength=size)], axis=1).astype(float)

    def share(weights: Array) -> Array:
        hits, counts = (weights @ sums).T
        values: Array = np.where(counts > 0, hits / np.maximum(counts, 1), np.nan)
        return values

    return Share(len(right), float(right.mean()), interval_of(share, size))
