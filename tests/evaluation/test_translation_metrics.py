"""Figures of answers beside their targets: hand-computed cases."""

from math import isnan

import numpy as np
import pytest

from charrnn.evaluation.translation_metrics import (
    Edits,
    any_target_measure,
    edit_measures,
    group_of,
    length_groups,
    most_frequent_replacements,
)

TRUTH = [["a", "tʃ"], ["b"], ["a", "b", "c"], []]
ANSWERS = [["a", "tʃ"], ["b", "b", "b"], ["a", "c"], []]


def test_measures_by_hand() -> None:
    edits = Edits.of(TRUTH, ANSWERS)
    assert edits.edits.tolist() == [0, 2, 1, 0]
    exact, word_error, symbol_error = edit_measures(edits)
    assert (exact.value, word_error.value, symbol_error.value) == (0.5, 0.5, 3 / 6)
    assert exact.interval
    assert word_error.interval == (1 - exact.interval[1], 1 - exact.interval[0])
    assert symbol_error.interval
    assert symbol_error.interval[0] < 0.5 < symbol_error.interval[1]


def test_intervals_of_a_share_are_those_of_the_binomial_distribution() -> None:
    rng = np.random.default_rng(1)
    edits = Edits((rng.random(2000) < 0.2).astype(int), np.full(2000, 4))
    low, high = edits.exact_interval()
    assert (high - low) / (2 * 1.96) == pytest.approx(np.sqrt(0.2 * 0.8 / 2000), rel=0.1)
    low, high = edits.symbol_error_interval()
    assert (high - low) / (2 * 1.96) == pytest.approx(np.sqrt(0.2 * 0.8 / 2000) / 4, rel=0.1)


def test_targets_without_a_symbol_have_no_share_of_wrong_symbols() -> None:
    assert isnan(Edits.of([[]], [["a"]]).symbol_error)
    assert all(isnan(bound) for bound in Edits.of([[]], [["a"]]).symbol_error_interval())


def test_a_source_with_several_targets_is_right_if_the_answer_is_one_of_them() -> None:
    sources, targets = ["x", "x", "y", "y", "z"], [["b"], ["a"], ["a"], ["b"], ["c"]]
    edits = Edits.of(targets, [["b"], ["b"], ["c"], ["c"], ["c"]])
    (found,) = any_target_measure(sources, targets, edits)
    assert (found.name, found.value) == ("any_target", pytest.approx(2 / 3))
    assert edits.exact == 2 / 5
    # A source that stands twice with one target has no several ones.
    assert any_target_measure(["x", "x"], [["a"], ["a"]], Edits.of([["a"], ["a"]], [["a"], ["a"]])) == ()


def test_groups_by_length_hold_each_example_once() -> None:
    lengths = np.array([1, 1, 2, 3, 3, 3, 4, 9, 9, 12])
    edits = Edits(np.arange(10) % 2, np.ones(10, int))
    groups = length_groups(lengths, edits)
    assert [(own.name, own.count) for own in groups] == [
        ("1 symbol", 2), ("2 to 3 symbols", 4), ("4 to 9 symbols", 3), ("12 symbols", 1)
    ]  # fmt: skip
    assert [own.exact for own in groups] == [0.5, 0.5, pytest.approx(2 / 3), 0]
    assert length_groups(np.full(3, 7), edits.chosen(np.arange(3)))[0].name == "7 symbols"


def test_a_group_without_examples_has_no_figures() -> None:
    empty = group_of("seen", Edits(np.zeros(0, int), np.zeros(0, int)))
    assert empty.count == 0
    assert isnan(empty.exact)
    assert empty.exact_interval is None


def test_the_most_frequent_replacements_come_first() -> None:
    found = most_frequent_replacements([["a", "b"], ["b"], ["c"]], [["a", "x"], ["x"], ["c", "d"]])
    assert [(own.truth, own.predicted, own.count) for own in found] == [("b", "x", 2), ("", "d", 1)]
