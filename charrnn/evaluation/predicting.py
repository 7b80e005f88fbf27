"""Predictions: what a classifier, tagger or translator, or several that vote, say about texts.

Several models vote by the mean of their probabilities or numbers.

Shapes: n texts, C labels or columns, U units of a tagger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, overload

import numpy as np

from charrnn.arrays import Array
from charrnn.blas import one_thread
from charrnn.data import Examples, ExampleSplit, TextRules, encode_texts
from charrnn.errors import CheckpointError
from charrnn.evaluation.label_paths import choose_labels
from charrnn.evaluation.spans import NO_STOP, find_spans, span_types
from charrnn.evaluation.tag_metrics import unit_probabilities
from charrnn.evaluation.units import Range, SpelledUnits, has_tokens, is_blank, spell_units
from charrnn.generation import Answers, translate_texts
from charrnn.models import TaskModel, TranslateModel

THRESHOLD = 0.5  # the probability from which a yes/no label is predicted, where none was fitted


@dataclass(frozen=True)
class Prediction:
    """What is predicted for one text. An empty text has no labels and no scores.

    Attributes:
        labels: the predicted label; or the yes/no labels that hold; or one for each unit of a tagger; none for numbers.
        scores: the probability of every label (C,); for numbers the numbers (C,); for a tagger (U, C).
        names: of the C labels or columns.
        places: for a tagger, where each unit begins and ends in the text.
    """

    labels: tuple[str, ...]
    scores: Array
    names: tuple[str, ...]
    places: tuple[Range, ...] = ()

    @property
    def label(self) -> str:
        """The first predicted label, or nothing."""
        return self.labels[0] if self.labels else ""

    @property
    def label_scores(self) -> Array:
        """The probability of each predicted label, of a text or of units."""
        chosen = [self.names.index(label) for label in self.labels]
        own: Array = self.scores[np.arange(len(chosen)), chosen] if self.scores.ndim == 2 else self.scores[chosen]
        return own

    @cached_property
    def probabilities(self) -> Mapping[str, float]:
        """The probability of every label, or the number of every column; of a tagger none."""
        return dict(zip(self.names, self.scores.tolist(), strict=False)) if self.scores.ndim == 1 else {}


@dataclass(frozen=True)
class PredictedSpan:
    """A span in a text: its type, where it begins, and the position after its end."""

    type: str
    start: int
    stop: int


def predicted_spans(prediction: Prediction) -> list[PredictedSpan]:
    """The spans that the labels of units stand for; see spans.py. The labels are B, I and O, with or without types."""
    names = prediction.names
    labels = np.array([names.index(label) for label in prediction.labels], np.int64)
    spans = find_spans(labels, np.zeros(len(labels), np.int64), names, "bio")
    types = span_types(names, "bio")
    found = []
    for start, stop, kind in zip(spans.starts.tolist(), spans.stops.tolist(), spans.types.tolist(), strict=True):
        if stop != NO_STOP:
            found.append(PredictedSpan(types[kind], prediction.places[start][0], prediction.places[stop - 1][1]))
    return found


@overload
def predict(
    model: TaskModel | Sequence[TaskModel], texts: Sequence[str], threshold: float | None = None
) -> list[Prediction]: ...


@overload
def predict(
    model: TranslateModel | Sequence[TranslateModel],
    texts: Sequence[str],
    *,
    features: Sequence[Sequence[str]] | None = None,
    beam: int = 1,
    top: int = 1,
) -> list[Answers]: ...


def predict(
    model: Any,
    texts: Sequence[str],
    threshold: float | None = None,
    features: Sequence[Sequence[str]] | None = None,
    beam: int = 1,
    top: int = 1,
) -> list[Prediction] | list[Answers]:
    """Predict the labels or numbers of texts, or write their targets, in their order.

    Arguments:
        model: a classifier, tagger or translator, as load() gives it; or several, which vote.
        texts: as they are; they are folded as the training text was.
        threshold: the probability from which a yes/no label is predicted; None: that of each label, which training
            fitted on the validation split (of several models the mean), else 0.5.
        features: for a translator that reads feature columns, their cells for each text.
        beam: how many beginnings of a target a translator keeps; 1 is greedy.
        top: how many targets it writes for each text.

    Raises:
        CheckpointError: a model is one of a language, or the models cannot vote.
    """
    models = list(model) if isinstance(model, Sequence) else [model]
    with one_thread():
        if any(isinstance(one, TranslateModel) for one in models):
            return translate_texts(models, texts, features, beam, top)
        check_voters(models)
        return _labelled(models, texts, threshold)


def _labelled(models: Sequence[TaskModel], texts: Sequence[str], threshold: float | None) -> list[Prediction]:
    """The predictions of classifiers or taggers."""
    if models[0].network.task.tag:
        return predict_units(models, [spell_units(text, models[0].rules) for text in texts])
    votes = [one.predict(texts) for one in models]
    limits = thresholds_of(models) if threshold is None else np.array(threshold)
    return _of_scores(np.mean(votes, axis=0), models[0].labels.names, models[0].network.task.output, limits)


def thresholds_of(models: Sequence[TaskModel]) -> Array:
    """The threshold of each label, (C,): the mean of those that the models have; 0.5 of a model without."""
    count = len(models[0].labels)
    mean: Array = np.mean([own.thresholds or (THRESHOLD,) * count for own in models], axis=0)
    return mean


def _of_scores(scores: Array, names: tuple[str, ...], output: str, thresholds: Array) -> list[Prediction]:
    """The predictions of a classifier with scores (n, C), which are NaN for an empty text.

    `thresholds`, (C,) or one number, are those of yes/no labels.
    """
    chosen: list[tuple[str, ...]] = [()] * len(scores)
    if output == "softmax":
        chosen = [(names[k],) for k in scores.argmax(1).tolist()]
    elif output == "sigmoid":
        chosen = [tuple(names[k] for k in np.flatnonzero(own)) for own in scores >= thresholds]
    empty = np.logical_and.reduce(np.isnan(scores), axis=1)
    return [
        Prediction((), own[:0], names) if nothing else Prediction(labels, own, names)
        for labels, own, nothing in zip(chosen, scores, empty.tolist(), strict=True)
    ]


def predict_units(models: Sequence[TaskModel], texts: Sequence[SpelledUnits]) -> list[Prediction]:
    """Predict the labels of the units of texts, as the first of these taggers spells them."""
    first, *others = models
    spelled: list[Sequence[SpelledUnits]] = [texts]
    for other in others:
        same = other.rules.text == first.rules.text
        spelled.append(texts if same else [_respell(own, first, other) for own in texts])
    votes = [_unit_scores(model, own) for model, own in zip(models, spelled, strict=True)]
    scores = np.mean(votes, axis=0)
    names, rules = first.labels.names, first.rules
    counts = [len(text.bounds) for text in texts]
    blank = is_blank(_spellings(texts, rules.text)) if rules.scheme == "segments" else None
    chosen = choose_labels(scores, np.repeat(np.arange(len(texts)), counts), names, rules.scheme, blank).tolist()
    found = []
    for text, (begin, stop) in zip(texts, pairwise([0, *accumulate(counts)]), strict=True):
        found.append(Prediction(tuple(names[k] for k in chosen[begin:stop]), scores[begin:stop], names, text.places))
    return found


def _spellings(texts: Sequence[SpelledUnits], rules: TextRules) -> list[str]:
    """The folded symbols of the units of texts, (U,), which these rules spelled."""
    return [rules.unspell(text.text[first:stop]) for text in texts for first, stop in text.bounds]


def _respell(text: SpelledUnits, model: TaskModel, other: TaskModel) -> SpelledUnits:
    """A text that a model spelled, as another one reads it: bytes become characters, or the other way."""
    edges = [0, *(edge for own in text.bounds for edge in own), len(text.text)]
    pieces = [text.text[first:stop] for first, stop in pairwise(edges)]  # gap, unit, gap, ..., unit, gap
    pieces = [other.rules.text.spell(model.rules.text.unspell(piece)) for piece in pieces]
    stops = [*accumulate(map(len, pieces))]
    bounds = tuple(zip(stops[0:-1:2], stops[1::2], strict=True))
    return SpelledUnits("".join(pieces), bounds, text.places)


def _unit_scores(model: TaskModel, texts: Sequence[SpelledUnits]) -> Array:
    """The probabilities of the labels of all units, (U, C)."""
    ids, edges = encode_texts([own.text for own in texts], model.vocab)
    counts = [len(own.bounds) for own in texts]
    bounds = np.array([edge for own in texts for edge in own.bounds], np.int64).reshape(-1, 2)
    bounds += np.repeat(edges[:-1], counts)[:, None]
    symbols = model.predict_symbols(Examples(ids, edges, np.full(len(ids), -1)))
    return unit_probabilities(symbols, bounds)


def split_scores(model: TaskModel, split: ExampleSplit) -> Array:
    """The probabilities or numbers that a model predicts for a split in its own vocabulary: (n, C), of units (U, C)."""
    if split.units is not None:
        return unit_probabilities(model.predict_symbols(split.examples), split.units.bounds)
    predicted = model.predict_examples(split.examples)
    assert isinstance(predicted, np.ndarray)
    return predicted


def check_voters(models: Sequence[object]) -> None:
    """Raises: CheckpointError where models cannot vote: one is of another kind, or their labels differ."""
    for model in models:
        if not isinstance(model, TaskModel):
            raise CheckpointError("this is a language model; it predicts no labels: sample and score text with it")
    if not models:
        raise CheckpointError("no model is given; give one at least")
    first, *others = [model for model in models if isinstance(model, TaskModel)]
    for other in others:
        if other.labels.names != first.labels.names or other.network.task.output != first.network.task.output:
            raise CheckpointError("models vote only if they predict the same labels; these do not")
        if other.network.task.tag != first.network.task.tag or _reading(other) != _reading(first):
            raise CheckpointError("models vote only if they read text in the same way; these do not")


def _reading(model: TaskModel) -> object:
    """What decides on the units of a tagger; models that differ in it cannot vote."""
    rules = model.rules
    folding = rules.text.normalize, rules.text.lowercase
    return (has_tokens(rules), rules.separator, folding) if rules.task == "tag" else None
