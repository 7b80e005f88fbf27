"""The figures of a classifier or tagger on a split, from its probabilities or numbers.

Shapes: n examples, C labels or columns, U units of a tagger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleRules, ExampleSplit, Labels, Row, Sentence, has_span_labels
from charrnn.evaluation.label_metrics import LabelFigures, label_figures
from charrnn.evaluation.number_metrics import NumberRow, number_figures
from charrnn.evaluation.rank_metrics import YesNoFigures, yes_no_figures
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.spans import SpanFigures, span_figures
from charrnn.evaluation.tag_metrics import (
    SMALLEST_P,
    TagFigures,
    Words,
    ambiguous_units,
    symbol_words,
    tag_figures,
    token_words,
)
from charrnn.evaluation.task_results import Measure, Mistake, TaskRow
from charrnn.evaluation.units import has_tokens, unit_labels, unit_spellings

MAX_MISTAKES = 10
MAX_LOOKED_AT = 1000  # mistakes; equal ones among them are shown once
SYMBOLS_AROUND, TOKENS_AROUND = 12, 3  # units shown on each side of one whose label is wrong


@dataclass(frozen=True)
class TaskFigures:
    """All figures of one model; `row` holds the most important ones. The others are as in TaskAssessment."""

    row: TaskRow
    labels: LabelFigures | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    answers: YesNoFigures | None = None
    numbers: list[NumberRow] | None = None
    tags: TagFigures | None = None
    spans: SpanFigures | None = None


def class_figures(name: str, p: Array, split: ExampleSplit, labels: Labels) -> TaskFigures:
    """The figures of probabilities (n, C) of one label for each example."""
    truth = split.examples.targets
    predicted = p.argmax(1)
    confidence = p.max(1)
    found = label_figures(truth, predicted, labels.names, confidence)
    losses = _label_losses(p, truth)
    row = TaskRow(name, (loss_measure(losses, truth >= 0, np.arange(len(truth))), *label_measures(found)))
    mistakes = []
    for k in _surest_mistakes(truth, predicted, confidence):
        own = split.rows[k]
        text = own.source if isinstance(own, Row) else " ".join(own.tokens)
        mistakes.append(_mistake(own, text, truth[k], predicted[k], confidence[k], labels))
    return TaskFigures(row, found, different_ones(mistakes))


def label_measures(found: LabelFigures) -> tuple[Measure, ...]:
    """Accuracy and macro-F1."""
    return (
        Measure("accuracy", found.accuracy, found.accuracy_interval, share=True),
        Measure("macro_f1", found.macro_f1, found.macro_f1_interval, share=True),
    )


def answer_figures(name: str, p: Array, split: ExampleSplit, labels: Labels, thresholds: Array) -> TaskFigures:
    """The figures of probabilities (n, C) of yes/no labels, with a threshold for each label, (C,)."""
    truth = split.examples.targets
    there = ~np.isnan(truth)
    losses = -np.log(np.maximum(np.where(truth == 1, p, 1 - p), SMALLEST_P)) * there
    found = yes_no_figures(truth, p, thresholds, labels.names)
    measures = (
        loss_measure(losses.sum(1), there.sum(1), np.arange(len(truth))),
        Measure("mean_auc", found.mean_auc, found.mean_auc_interval),
        Measure("mean_f1", found.mean_f1, share=True),
    )
    return TaskFigures(TaskRow(name, measures), answers=found)


def numeric_figures(name: str, numbers: Array, split: ExampleSplit, labels: Labels) -> TaskFigures:
    """The figures of predicted numbers (n, C) in their own unit. Columns without a true number are left out."""
    standardised = split.examples.targets
    there = ~np.isnan(standardised)
    errors = np.where(there, standardised - labels.standardise(numbers), 0) ** 2
    columns = np.flatnonzero(there.any(0)).tolist()
    truth = labels.restore(standardised)
    found = number_figures(truth[:, columns], numbers[:, columns], [labels.names[k] for k in columns])
    measures = [loss_measure(errors.sum(1), there.sum(1), np.arange(len(truth)))]
    if len(found) == 1:
        (own,) = found
        measures += [
            Measure("rmse", own.rmse, own.rmse_interval),
            Measure("mae", own.mae, own.mae_interval),
            Measure("correlation", own.correlation, own.correlation_interval),
        ]
    else:
        measures += [
            Measure(f"mean_{key}", float(np.mean([getattr(own, key) for own in found])))
            for key in ("rmse", "mae", "correlation")
        ]
    return TaskFigures(TaskRow(name, tuple(measures)), numbers=found)


def tagger_figures(
    name: str, p: Array, split: ExampleSplit, labels: Labels, rules: ExampleRules, train: ExampleSplit | None
) -> TaskFigures:
    """The figures of probabilities (U, C) of the labels of units.

    Without the training split no word counts as seen, and there is no figure of seen and unseen ones.
    """
    units = split.units
    assert units is not None
    truth, predicted = units.targets, unit_labels(p, split, labels.names, rules)
    confidence = p[np.arange(len(p)), predicted]
    spelled = unit_spellings(split, rules)
    tags = count_tags(truth == predicted, spelled, split, rules, train)
    found = label_figures(truth, predicted, labels.names, confidence)
    spans = None
    if has_span_labels(labels.names):
        spans = span_figures(truth, predicted, units.example, labels.names)
    loss = replace(loss_measure(_label_losses(p, truth), truth >= 0, units.example), name="unit_loss")
    row = TaskRow(name, (loss, *tag_measures(tags, spans, has_tokens(rules))))
    mistakes = []
    for k in _surest_mistakes(truth, predicted, confidence):
        own = split.rows[int(units.example[k])]
        text = _in_context(spelled, units.example, k, has_tokens(rules))
        mistakes.append(_mistake(own, text, truth[k], predicted[k], confidence[k], labels))
    return TaskFigures(row, found, different_ones(mistakes), tags=tags, spans=spans)


def tag_measures(tags: TagFigures, spans: SpanFigures | None, tokens: bool) -> tuple[Measure, ...]:
    """The shares of units, words and examples that are right, and F1 of spans. Tokens are words themselves."""
    shares = {"units": tags.units, **({} if tokens else {"words": tags.words}), "examples": tags.examples}
    measures = [Measure(name, own.right, own.interval, share=True) for name, own in shares.items()]
    if spans is not None:
        measures.append(Measure("span_f1", spans.all.f1, spans.f1_interval, share=True))
    return tuple(measures)


def count_tags(
    right: Array, spelled: Sequence[str], split: ExampleSplit, rules: ExampleRules, train: ExampleSplit | None
) -> TagFigures:
    """Count what is right among units (U,) bool with these spellings."""
    assert split.units is not None
    known: set[str] = set()
    ambiguous = np.zeros(len(right), bool)
    words = split_words(spelled, split, rules)
    if train is not None and train.units is not None:
        train_spelled = unit_spellings(train, rules)
        known = set(split_words(train_spelled, train, rules).spellings)
        ambiguous = ambiguous_units(train_spelled, train.units.targets, spelled)
    return tag_figures(right, split.units.example, words, known, ambiguous)


def split_words(spelled: Sequence[str], split: ExampleSplit, rules: ExampleRules) -> Words:
    """The words of a split whose units have these spellings."""
    assert split.units is not None
    return token_words(spelled) if has_tokens(rules) else symbol_words(spelled, split.units.example)


def loss_measure(losses: Array, counts: Array, example: Array) -> Measure:
    """The mean loss of a target: losses (M,) over `counts` (M,) targets of the examples `example` (M,)."""
    size = int(example[-1]) + 1
    sums = np.stack([np.bincount(example, losses, size), np.bincount(example, counts, size)], axis=1)
    if not sums[:, 1].any():
        return Measure("loss", float("nan"))

    def mean(weights: Array) -> Array:
        total, number = (weights @ sums).T
        values: Array = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        return values

    return Measure("loss", float(sums[:, 0].sum() / sums[:, 1].sum()), interval_of(mean, size))


def _label_losses(p: Array, truth: Array) -> Array:
    """-ln p of the true labels, 0 where there is none, (M,)."""
    own = p[np.arange(len(truth)), np.maximum(truth, 0)]
    losses: Array = -np.log(np.maximum(own, SMALLEST_P)) * (truth >= 0)
    return losses


def _surest_mistakes(truth: Array, predicted: Array, confidence: Array) -> list[int]:
    """Where the wrong labels are that are most probable, most probable first."""
    wrong = np.flatnonzero(truth != predicted)
    chosen: list[int] = wrong[np.argsort(-confidence[wrong], kind="stable")][:MAX_LOOKED_AT].tolist()
    return chosen


def different_ones(mistakes: list[Mistake]) -> list[Mistake]:
    """The first mistakes of which no two have the same text and labels."""
    first: dict[tuple[str, str, str], Mistake] = {}
    for own in mistakes:
        first.setdefault((own.text, own.truth, own.predicted), own)
    return [*first.values()][:MAX_MISTAKES]


def _mistake(own: Row | Sentence, text: str, truth: int, predicted: int, confidence: float, labels: Labels) -> Mistake:
    true_name = labels.names[truth] if truth >= 0 else ""
    return Mistake(own.place, text, true_name, labels.names[predicted], float(confidence))


def _in_context(spelled: Sequence[str], example: Array, position: int, tokens: bool) -> str:
    """A unit in brackets among the units of its example around it."""
    around, blank = (TOKENS_AROUND, " ") if tokens else (SYMBOLS_AROUND, "")
    first = max(position - around, int(np.searchsorted(example, example[position])))
    stop = min(position + around + 1, int(np.searchsorted(example, example[position], "right")))
    before, after = spelled[first:position], spelled[position + 1 : stop]
    return blank.join([*before, f"[{spelled[position]}]", *after])
