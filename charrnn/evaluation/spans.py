"""Spans of labels, such as names of people: precision, recall and F1 as conlleval counts them (Tjong Kim Sang 2000).

A span is right if its first unit, its last unit and its type are. There are three ways to read spans from labels:

    bio     B-X begins a span of type X, I-X continues it, O is outside. An I-X that continues nothing begins a span,
            so labels in which B-X only parts adjacent spans are read too.
    plain   each label but O is a span of one unit, as `conlleval -r` counts them
    runs    adjacent units with the same label but O are one span

Shapes: U units of n examples, L labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.results import Interval

Scheme = Literal["bio", "plain", "runs"]

OUTSIDE = "O"
NO_STOP = -1
ENDS = {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("E", "E"), ("E", "I"), ("E", "O")}
STARTS = {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I"), ("E", "E"), ("E", "I"), ("O", "E")}


@dataclass(frozen=True)
class Spans:
    """Spans of units, in order. All arrays are (spans,)."""

    starts: Array
    stops: Array  # the positions after their last units; NO_STOP for a label that begins a span but cannot end one
    types: Array  # positions in the sorted list of types

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class SpanRow:
    """The figures of the spans of one type. `support`: true spans. `predicted`: spans that were predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int
    right: int


@dataclass(frozen=True)
class SpanFigures:
    """The figures of all spans together, with the interval of F1, and by type."""

    all: SpanRow
    f1_interval: Interval
    types: list[SpanRow]


def span_figures(
    truth: Array, predicted: Array, example: Array, names: Sequence[str], scheme: Scheme = "bio"
) -> SpanFigures:
    """Compare predicted spans with true ones.

    Arguments:
        truth: labels of the units, (U,) int; -1 for one that the model does not know: a span that cannot be right.
        predicted: labels, (U,) int.
        example: the example of each unit, (U,) int, in order from 0; no span crosses its end.
        names: of the labels, (L,).
        scheme: how spans are read.
    """
    types = span_types(names, scheme)
    true_spans = find_spans(truth, example, names, scheme)
    predicted_spans = find_spans(predicted, example, names, scheme)
    right = _right(true_spans, predicted_spans)
    by_type = _count(true_spans.types[right], predicted_spans.types, true_spans.types, len(types) + 1)
    examples = int(example[-1]) + 1 if len(example) else 1
    starts = true_spans.starts
    by_example = _count(example[starts[right]], example[predicted_spans.starts], example[starts], examples)

    def f1(weights: Array) -> Array:
        hits, given, wanted = (weights @ by_example).T
        values: Array = 2 * hits / np.maximum(given + wanted, 1)
        return values

    rows = [_row(name, *by_type[k].tolist()) for k, name in enumerate(types) if by_type[k].any()]
    return SpanFigures(_row("", *by_type.sum(0).tolist()), interval_of(f1, examples), rows)


def span_f1(truth: Array, predicted: Array, example: Array, names: Sequence[str], scheme: Scheme = "bio") -> float:
    """The F1 of all spans; arguments as for span_figures()."""
    true_spans = find_spans(truth, example, names, scheme)
    predicted_spans = find_spans(predicted, example, names, scheme)
    hits = int(_right(true_spans, predicted_spans).sum())
    return 2 * hits / max(len(true_spans) + len(predicted_spans), 1)


def _count(right: Array, predicted: Array, true: Array, size: int) -> Array:
    """How many spans of each kind 0 .. size - 1 are right, predicted and true: (size, 3); all arguments are kinds."""
    columns = [np.bincount(kinds, minlength=size) for kinds in (right, predicted, true)]
    return np.stack(columns, axis=1).astype(np.int64)


def span_types(names: Sequence[str], scheme: Scheme) -> list[str]:
    """The types of spans that labels stand for, sorted."""
    return sorted({_parse(name, scheme)[1] for name in names})


def _row(name: str, right: int, predicted: int, support: int) -> SpanRow:
    return SpanRow(
        name,
        precision=right / max(predicted, 1),
        recall=right / max(support, 1),
        f1=2 * right / max(predicted + support, 1),
        support=support,
        predicted=predicted,
        right=right,
    )


def find_spans(labels: Array, example: Array, names: Sequence[str], scheme: Scheme) -> Spans:
    """Read the spans from the labels of units; arguments as for span_figures()."""
    if not len(labels):
        return Spans(*(np.zeros(0, np.int64) for _ in range(3)))
    parsed = [*(_parse(name, scheme) for name in names), ("B", None), (OUTSIDE, "")]
    outside = len(names) + 1  # label before and after each example
    types = span_types(names, scheme)
    type_of = np.array([types.index(own) if own is not None and own in types else len(types) for _, own in parsed])
    starts_at = np.array([[_starts(before, after) for after in parsed] for before in parsed])
    ends_at = np.array([[_ends(before, after) for after in parsed] for before in parsed])
    own = np.where(labels < 0, len(names), labels)
    first = np.concatenate([[True], example[1:] != example[:-1]])
    last = np.concatenate([first[1:], [True]])
    before = np.where(first, outside, np.concatenate([[outside], own[:-1]]))
    after = np.where(last, outside, np.concatenate([own[1:], [outside]]))
    starts = np.flatnonzero(starts_at[before, own])
    ends = np.flatnonzero(ends_at[own, after])
    stops = np.append(ends, len(labels))[np.searchsorted(ends, starts)] + 1
    following = np.append(starts[1:], len(labels))
    return Spans(starts, np.where(stops <= following, stops, NO_STOP), type_of[own[starts]])


Parsed = tuple[str, str | None]  # the letter of a label, and its type: None for one that a model does not know


def span_parts(name: str) -> tuple[str, str]:
    """The letter of a label of a span, B, I or O, and its type, which may be empty."""
    return _parse(name, "bio")


def _parse(name: str, scheme: Scheme) -> tuple[str, str]:
    """The letter and the type of a label."""
    if name == OUTSIDE:
        return OUTSIDE, ""
    if scheme == "bio":
        letter, hyphen, own_type = name.partition("-")
        return letter, own_type if hyphen else ""
    return ("B" if scheme == "plain" else "I"), name


def _starts(before: Parsed, after: Parsed) -> bool:
    """Whether a span starts with the second of two adjacent labels."""
    changes = after[0] not in (OUTSIDE, ".") and before[1] != after[1]
    return changes or (before[0], after[0]) in STARTS or after[0] in ("[", "]")


def _ends(before: Parsed, after: Parsed) -> bool:
    """Whether a span ends with the first of two adjacent labels."""
    changes = before[0] not in (OUTSIDE, ".") and before[1] != after[1]
    return changes or (before[0], after[0]) in ENDS or before[0] in ("[", "]")


def _right(true_spans: Spans, predicted_spans: Spans) -> Array:
    """Which of the true spans were predicted, (spans,) bool."""
    if not len(predicted_spans):
        return np.zeros(len(true_spans), bool)
    position = np.searchsorted(predicted_spans.starts, true_spans.starts)
    inside = position < len(predicted_spans)
    position = np.minimum(position, len(predicted_spans) - 1)
    right: Array = (
        inside
        & (predicted_spans.starts[position] == true_spans.starts)
        & (predicted_spans.stops[position] == true_spans.stops)
        & (true_spans.stops != NO_STOP)
        & (predicted_spans.types[position] == true_spans.types)
    )
    return right
