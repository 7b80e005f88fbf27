"""Spans as conlleval counts them, checked with its state machine in plain Python."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.evaluation.spans import find_spans, span_figures

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-PER", "S-LOC", "B", "I", ".", "X", "[", "]-A", "O-A"]
BIO = NAMES[:5]


def ended(prev_tag, tag, prev_type, kind):  # type: ignore[no-untyped-def]
    """endOfChunk() of conlleval.pl, version 2004-01-26."""
    end = False
    if prev_tag == "B" and tag == "B":
        end = True
    if prev_tag == "B" and tag == "O":
        end = True
    if prev_tag == "I" and tag == "B":
        end = True
    if prev_tag == "I" and tag == "O":
        end = True
    if prev_tag == "E" and tag == "E":
        end = True
    if prev_tag == "E" and tag == "I":
        end = True
    if prev_tag == "E" and tag == "O":
        end = True
    if prev_tag not in ("O", ".") and prev_type != kind:
        end = True
    return end or prev_tag in ("]", "[")


def begun(prev_tag, tag, prev_type, kind):  # type: ignore[no-untyped-def]
    """startOfChunk() of conlleval.pl."""
    start = False
    if prev_tag == "B" and tag == "B":
        start = True
    if prev_tag == "I" and tag == "B":
        start = True
    if prev_tag == "O" and tag == "B":
        start = True
    if prev_tag == "O" and tag == "I":
        start = True
    if prev_tag == "E" and tag == "E":
        start = True
    if prev_tag == "E" and tag == "I":
        start = True
    if prev_tag == "O" and tag == "E":
        start = True
    if tag not in ("O", ".") and prev_type != kind:
        start = True
    return start or tag in ("]", "[")


def conlleval(sentences: list[list[tuple[str, str]]]) -> tuple[int, int, int]:
    """Right, predicted and true chunks: the main loop of conlleval.pl, with a boundary line after each sentence."""
    right = predicted = true = 0
    inside = False
    last_true, last_guessed = ("O", ""), ("O", "")
    last_true_type = last_guessed_type = ""
    for sentence in sentences:
        for true_name, guessed_name in [*sentence, ("O", "O")]:
            t_tag, _, t_type = true_name.partition("-")
            g_tag, _, g_type = guessed_name.partition("-")
            if inside:
                t_end = ended(last_true[0], t_tag, last_true[1], t_type)
                g_end = ended(last_guessed[0], g_tag, last_guessed[1], g_type)
                if t_end and g_end and last_guessed_type == last_true_type:
                    inside = False
                    right += 1
                elif t_end != g_end or g_type != t_type:
                    inside = False
            t_start = begun(last_true[0], t_tag, last_true[1], t_type)
            g_start = begun(last_guessed[0], g_tag, last_guessed[1], g_type)
            if t_start and g_start and g_type == t_type:
                inside = True
            true += t_start
            predicted += g_start
            last_true, last_guessed = (t_tag, t_type), (g_tag, g_type)
            last_true_type, last_guessed_type = t_type, g_type
    return right, predicted, true


def figures(sentences, names, scheme="bio"):  # type: ignore[no-untyped-def]
    truth = np.array([names.index(t) for own in sentences for t, _ in own], np.int64)
    predicted = np.array([names.index(p) for own in sentences for _, p in own], np.int64)
    example = np.repeat(np.arange(len(sentences)), [*map(len, sentences)])
    return span_figures(truth, predicted, example, names, scheme)


def texts_of(names: list[str]):  # type: ignore[no-untyped-def]
    return st.lists(
        st.lists(st.tuples(*[st.sampled_from(names)] * 2), max_size=8).map(
            lambda own: [(t, t if k % 3 else p) for k, (t, p) in enumerate(own)]
        ),
        min_size=1,
        max_size=4,
    )


@given(sentences=texts_of(BIO) | texts_of(["O", "B-PER", "I-PER", "E-PER", "B-LOC", "I-LOC", "E-LOC"]))
@example([[("B-PER", "B-PER"), ("I-PER", "I-PER")], [("I-PER", "B-PER")]])
def test_spans_are_counted_as_by_conlleval(sentences: list[list[tuple[str, str]]]) -> None:
    names = sorted({name for own in sentences for pair in own for name in pair} | {"O"})
    found = figures(sentences, names).all
    assert (found.right, found.predicted, found.support) == conlleval(sentences)
    precision = found.right / found.predicted if found.predicted else 0
    recall = found.right / found.support if found.support else 0
    assert (found.precision, found.recall) == pytest.approx((precision, recall))
    assert found.f1 == pytest.approx(2 * precision * recall / (precision + recall) if found.right else 0)


@given(sentences=texts_of(NAMES))
def test_labels_of_any_kind_are_read_without_fault(sentences: list[list[tuple[str, str]]]) -> None:
    found = figures(sentences, NAMES).all
    assert (found.predicted, found.support) == conlleval(sentences)[1:]
    assert found.right <= min(found.predicted, found.support)


@given(sentences=texts_of(["O", "PER", "LOC"]))
def test_a_plain_label_is_a_span_of_its_own_as_with_the_option_r(sentences: list[list[tuple[str, str]]]) -> None:
    raw = [[tuple(f"B-{name}" if name != "O" else name for name in pair) for pair in own] for own in sentences]
    found = figures(sentences, ["O", "PER", "LOC"], "plain").all
    assert (found.right, found.predicted, found.support) == conlleval(raw)  # type: ignore[arg-type]


@given(sentences=texts_of(["O", "PER", "LOC"]))
def test_a_run_of_equal_labels_is_one_span(sentences: list[list[tuple[str, str]]]) -> None:
    raw = [[tuple(f"I-{name}" if name != "O" else name for name in pair) for pair in own] for own in sentences]
    found = figures(sentences, ["O", "PER", "LOC"], "runs").all
    assert (found.right, found.predicted, found.support) == conlleval(raw)  # type: ignore[arg-type]


def test_spans_by_hand() -> None:
    sentences = [
        [("B-PER", "B-PER"), ("I-PER", "I-PER"), ("O", "O"), ("B-LOC", "B-PER"), ("B-LOC", "B-LOC"), ("I-LOC", "O")],
        [("O", "I-PER"), ("B-PER", "I-PER")],
    ]
    found = figures(sentences, BIO)
    assert (found.all.right, found.all.predicted, found.all.support) == (1, 4, 4)
    assert [(row.name, row.right, row.predicted, row.support) for row in found.types] == [
        ("LOC", 0, 1, 2),
        ("PER", 1, 3, 2),
    ]
    assert found.all.f1 == 0.25
    low, high = found.f1_interval
    assert (low, high) == (0, pytest.approx(2 / 6))


def test_a_label_that_begins_a_span_but_cannot_end_one_is_never_right() -> None:
    found = figures([[("B-PER", "B-PER"), ("X", "X"), ("O", "O"), ("B-PER", "B-PER")]], NAMES).all
    assert (found.right, found.predicted, found.support) == (2, 3, 3)
    found = figures([[("B-PER", "B-PER"), ("X", "X")]], NAMES).all
    assert (found.right, found.predicted, found.support) == (1, 2, 2)


def test_positions_of_spans() -> None:
    labels = np.array([BIO.index(name) for name in ["B-PER", "I-PER", "B-PER", "O", "I-LOC", "I-LOC", "I-PER"]])
    found = find_spans(labels, np.array([0, 0, 0, 0, 0, 1, 1]), BIO, "bio")
    assert [*zip(found.starts, found.stops, strict=True)] == [(0, 2), (2, 3), (4, 5), (5, 6), (6, 7)]
    assert all(a <= b for a, b in pairwise(found.starts))


def test_an_unknown_label_is_a_span_that_cannot_be_right() -> None:
    names = ["O", "B-PER"]
    found = span_figures(np.array([1, -1, -1, 0]), np.array([1, 1, 0, 0]), np.zeros(4, int), names)
    assert (found.all.right, found.all.predicted, found.all.support) == (1, 2, 3)
