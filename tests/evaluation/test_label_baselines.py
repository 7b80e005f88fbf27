"""Baselines of tasks: most frequent labels."""

import numpy as np

from charrnn.evaluation.label_baselines import (
    MostFrequent,
    TaggedWords,
    majority,
    most_frequent_by_unit,
    most_frequent_by_word,
)


def test_the_majority_is_the_most_frequent_label() -> None:
    assert majority(np.array([2, 1, 2, -1, -1, -1, 1, 2]), 4) == 2
    assert majority(np.array([1, 0]), 2) == 0


def test_of_equally_frequent_targets_the_smallest_counts() -> None:
    table = MostFrequent([*"aaabb"], [(1,), (0,), (1,), (3,), (2,)])
    assert [table[key] for key in "abc"] == [(1,), (2,), None]


def test_words_have_their_most_frequent_labels_and_unseen_ones_those_of_their_units() -> None:
    train = TaggedWords(["ab", "ab", "ab", "b"], ["ab", "ab", "ab", "b"], [(0, 1), (2, 3), (0, 1), (3,)])
    test = TaggedWords(["ab", "ba", "c"], ["ab", "ba", "c"], [(0, 0), (0, 0), (0,)])
    assert most_frequent_by_word(train, test, 4) == [(0, 1), (1, 0), (0,)]
    assert most_frequent_by_unit(train, test, 4) == [(0, 1), (1, 0), (0,)]
    train = TaggedWords(["ab", "ab", "a"], ["ab", "ab", "a"], [(0, 1), (0, 1), (2,)])
    assert most_frequent_by_unit(TaggedWords(["aa"], ["aa"], [(2, 2)]), test, 4) == [(2, 2), (2, 2), (2,)]
    assert most_frequent_by_word(train, test, 4) == [(0, 1), (1, 0), (0,)]
