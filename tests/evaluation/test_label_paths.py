"""The chosen labels are the likeliest valid ones: against every sequence of labels there is."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.evaluation import label_paths
from charrnn.evaluation.label_paths import choose_labels, valid_transitions
from charrnn.evaluation.units import is_blank

NAMES = ("B-X", "B-Y", "I-X", "I-Y", "O")


def is_valid(labels: tuple[str, ...]) -> bool:
    """From the definition: a continuation follows its beginning or another continuation of the same type."""
    return all(
        not own.startswith("I") or before in (own, "B" + own[1:])
        for before, own in zip(("O", *labels), labels, strict=False)
    )


def is_segmented(text: str, labels: tuple[str, ...]) -> bool:
    """From the definition: no token begins or ends with a blank, and all that is no blank is in a token."""
    own = "".join(labels)
    tokens = [match.span() for match in re.finditer("BI*", own)]
    in_tokens = {k for start, stop in tokens for k in range(start, stop)}
    return (
        is_valid(labels)
        and all(not text[k].isspace() for start, stop in tokens for k in (start, stop - 1))
        and all(k in in_tokens or symbol.isspace() for k, symbol in enumerate(text))
    )


def best_by_trial(p: Any, names: tuple[str, ...], valid_ones: Callable[..., bool] = is_valid) -> tuple[str, ...]:
    valid = [labels for labels in product(names, repeat=len(p)) if valid_ones(labels)]
    return max(valid, key=lambda labels: sum(np.log(p[t, names.index(own)]) for t, own in enumerate(labels)))


@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    seed=st.integers(0, 10**6),
    at_once=st.integers(1, 3),
    names=st.sampled_from([NAMES, ("B", "I"), ("B", "I", "O"), ("I-X", "O", "B-X")]),
)
def test_the_labels_are_the_likeliest_valid_sequence(
    lengths: list[int], seed: int, at_once: int, names: tuple[str, ...]
) -> None:
    p = np.random.default_rng(seed).dirichlet(np.full(len(names), 0.3), sum(lengths)).clip(1e-9)
    example = np.repeat(np.arange(len(lengths)) * 2, lengths)  # an example without units leaves a gap
    before, label_paths.EXAMPLES_AT_ONCE = label_paths.EXAMPLES_AT_ONCE, at_once
    try:
        found = choose_labels(p, example, names, "bio")
    finally:
        label_paths.EXAMPLES_AT_ONCE = before
    for own in np.unique(example):
        rows = np.flatnonzero(example == own)
        labels = tuple(names[k] for k in found[rows])
        assert labels == best_by_trial(p[rows], names)


@given(
    texts=st.lists(st.text("ab ", min_size=1, max_size=6), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    names=st.sampled_from([("B", "I", "O"), ("O", "B", "I"), ("B", "O")]),
)
def test_segments_are_the_likeliest_tokens_that_neither_begin_nor_end_with_a_blank(
    texts: list[str], seed: int, names: tuple[str, ...]
) -> None:
    lengths = [*map(len, texts)]
    p = np.random.default_rng(seed).dirichlet(np.full(len(names), 0.3), sum(lengths)).clip(1e-9)
    example = np.repeat(np.arange(len(texts)), lengths)
    found = choose_labels(p, example, names, "segments", is_blank("".join(texts)))
    for k, text in enumerate(texts):
        rows = np.flatnonzero(example == k)
        best = best_by_trial(p[rows], names, lambda labels, text=text: is_segmented(text, labels))
        assert tuple(names[own] for own in found[rows]) == best


def test_a_blank_is_decided_together_with_the_letter_after_it() -> None:
    """The network is nearly sure that a token begins after the blank, and would rather have the blank in one."""
    p = np.array([[0.9, 0.05, 0.05], [0.0, 0.6, 0.4], [0.9, 0.1, 0.0]])
    example, names = np.zeros(3, np.int64), ("B", "I", "O")
    assert [names[k] for k in choose_labels(p, example, names, "bio")] == ["B", "I", "B"]
    assert [names[k] for k in choose_labels(p, example, names, "segments", is_blank("a b"))] == ["B", "O", "B"]


def test_a_model_without_blanks_in_training_takes_one_for_any_other_symbol() -> None:
    p = np.array([[0.3, 0.7], [0.9, 0.1], [0.2, 0.8]])
    found = choose_labels(p, np.zeros(3, np.int64), ("B", "I"), "segments", is_blank("a b"))
    assert found.tolist() == [0, 0, 1]


def test_long_examples_are_padded_in_batches_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single long example does not have all the others padded to its length."""
    lengths = np.array([40, 1, 3, 2, 3, 1])
    p = np.random.default_rng(0).dirichlet(np.ones(len(NAMES)), lengths.sum())
    example = np.repeat(np.arange(len(lengths)), lengths)
    together = choose_labels(p, example, NAMES, "bio")
    best_paths, shapes = label_paths._best_paths, []
    monkeypatch.setattr(label_paths, "NUMBERS_AT_ONCE", 6 * len(NAMES))
    monkeypatch.setattr(label_paths, "_best_paths", lambda p, *rest: shapes.append(p.shape[:2]) or best_paths(p, *rest))
    assert choose_labels(p, example, NAMES, "bio").tolist() == together.tolist()
    assert shapes == [(40, 1), (3, 2), (2, 3)]


def test_plain_labels_are_chosen_each_by_itself() -> None:
    p = np.array([[0.1, 0.0, 0.9, 0.0, 0.0], [0.6, 0.0, 0.0, 0.0, 0.4]])
    example = np.zeros(2, np.int64)
    assert choose_labels(p, example, NAMES, "plain").tolist() == [2, 0]
    assert choose_labels(p, example, NAMES, "bio").tolist() == [0, 0]
    assert choose_labels(p[:0], example[:0], NAMES, "bio").tolist() == []


def test_what_may_stand_where() -> None:
    after_letter, after_blank = np.isfinite(valid_transitions(("B", "I", "O"))).tolist()
    assert after_letter == [[True, True, True], [True, True, True], [True, False, True]]
    assert after_blank == [[True, True, True], [False, True, False], [True, False, True]]
