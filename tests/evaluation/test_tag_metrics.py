"""Figures of tagged examples: units, words and sentences right, counted by plain loops."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.evaluation.tag_metrics import (
    NO_WORD,
    ambiguous_units,
    symbol_words,
    tag_figures,
    token_words,
    unit_probabilities,
)


def test_words_stand_between_blanks_and_within_examples() -> None:
    words = symbol_words([*"ab c", *"d\u00a0 ef"], np.array([0] * 4 + [1] * 5))
    assert words.of_unit.tolist() == [0, 0, NO_WORD, 1, 2, NO_WORD, NO_WORD, 3, 3]
    assert words.spellings == ["ab", "c", "d", "ef"]
    words = token_words(["New York", "."])
    assert (words.of_unit.tolist(), words.spellings) == ([0, 1], ["New York", "."])


@given(
    texts=st.lists(st.text("ab ", max_size=8).filter(bool), min_size=1, max_size=5),
    seed=st.integers(0, 99),
    known=st.sets(st.sampled_from(["a", "b", "ab", "aa", "ba"])),
)
def test_what_is_right_is_counted_by_plain_loops(texts: list[str], seed: int, known: set[str]) -> None:
    example = np.repeat(np.arange(len(texts)), [*map(len, texts)])
    right = np.random.default_rng(seed).random(len(example)) < 0.7
    ambiguous = np.array([symbol == "b" for text in texts for symbol in text])
    found = tag_figures(right, example, symbol_words([*"".join(texts)], example), known, ambiguous)
    words, sentences, position = [], [], 0
    for text in texts:
        own = right[position : position + len(text)].tolist()
        sentences.append(all(own))
        word, fine = "", True
        for symbol, good in [*zip(text, own, strict=True), (" ", True)]:
            if symbol == " ":
                words += [(word, fine)] if word else []
                word, fine = "", True
            else:
                word, fine = word + symbol, fine and good
        position += len(text)
    parts = {
        "units": right.tolist(),
        "words": [fine for _, fine in words],
        "examples": sentences,
        "seen": [fine for word, fine in words if word in known],
        "unseen": [fine for word, fine in words if word not in known],
        "ambiguous": right[ambiguous].tolist(),
    }
    for name, values in parts.items():
        share = getattr(found, name)
        assert share.count == len(values), name
        if values:
            assert share.right == pytest.approx(sum(values) / len(values)), name
            assert share.interval[0] - 1e-9 <= share.right <= share.interval[1] + 1e-9
        else:
            assert isnan(share.right)


def test_the_interval_draws_whole_examples() -> None:
    example = np.repeat(np.arange(100), 50)
    right = np.repeat(np.random.default_rng(0).random(100) < 0.5, 50)  # all of an example, or nothing
    found = tag_figures(right, example, token_words(["x"] * 5000), set(), np.zeros(5000, bool))
    low, high = found.units.interval
    assert high - low == pytest.approx(2 * 1.96 * 0.05, rel=0.1)
    assert found.examples.interval == pytest.approx(found.units.interval)
    assert found.unseen == found.words == found.units


def test_units_are_ambiguous_that_have_several_labels_in_training() -> None:
    assert ambiguous_units([*"aabb"], np.array([0, 1, 2, 2]), [*"abc"]).tolist() == [True, False, False]


def test_the_probability_of_a_unit_is_the_geometric_mean_of_its_symbols() -> None:
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [1.0, 0.0]])
    found = unit_probabilities(p, np.array([[0, 1], [1, 4], [4, 5]]))
    means = np.array([np.sqrt(0.5**2), (0.9 * 0.4 * 0.2) ** (1 / 3), (0.1 * 0.6 * 0.8) ** (1 / 3)])
    assert found[0] == pytest.approx([means[0], means[0]])
    assert found[1] == pytest.approx(means[1:] / means[1:].sum())
    assert found[2] == pytest.approx([1, 0])
    assert unit_probabilities(p, np.zeros((0, 2), np.int64)).shape == (0, 2)
