"""How well labels are predicted: accuracy, precision, recall and F1 by label, confusions.

All figures depend only on how often each label was predicted for each true one. So do their intervals: a resample of
examples is a draw of such pairs.

Shapes: n examples, C labels, K pairs of labels that occur, R resamples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.figures import calibration
from charrnn.evaluation.resampling import percentiles, resampled_counts
from charrnn.evaluation.results import CalibrationBin, Difference, Interval


@dataclass(frozen=True)
class LabelRow:
    """The figures of one label. `support`: how many examples have it. `predicted`: how many were given it."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


@dataclass(frozen=True)
class Confusion:
    """How many examples of a label were given another one."""

    truth: str
    predicted: str
    count: int


@dataclass(frozen=True)
class LabelFigures:
    """How well labels were predicted.

    `macro_f1` is the mean over the labels that occur, as true or predicted ones. `confusions`: most frequent first.
    `calibration_error`: the expected one (Guo et al. 2017), with its bins; None without probabilities.
    """

    count: int
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    labels: list[LabelRow]
    confusions: list[Confusion]
    calibration_error: float | None = None
    calibration: tuple[CalibrationBin, ...] = ()


def label_figures(
    truth: Array, predicted: Array, names: Sequence[str], confidence: Array | None = None
) -> LabelFigures:
    """Compare predicted labels with true ones.

    Arguments:
        truth: (n,) int, at least one; -1 for a label that the model does not know, which counts as wrong.
        predicted: (n,) int.
        names: of the labels, (C,).
        confidence: the probability of each predicted label, (n,), if there is one.
    """
    true_of, predicted_of, counts = _pairs(truth, predicted)
    hits, given, wanted = _by_label(true_of, predicted_of, counts[None].astype(float), len(names))
    drawn = resampled_counts(counts)
    precision, recall, f1 = _precision_recall_f1(hits, given, wanted)
    rows = [
        LabelRow(
            name,
            precision=float(precision[0, k]),
            recall=float(recall[0, k]),
            f1=float(f1[0, k]),
            support=int(wanted[0, k]),
            predicted=int(given[0, k]),
        )
        for k, name in enumerate(names)
    ]
    bins = [] if confidence is None else calibration(truth == predicted, confidence)
    return LabelFigures(
        count=len(truth),
        accuracy=float(counts[true_of == predicted_of].sum() / len(truth)),
        accuracy_interval=percentiles(drawn[:, true_of == predicted_of].sum(1) / len(truth)),
        macro_f1=float(macro_f1_of_counts(hits, given, wanted)[0]),
        macro_f1_interval=percentiles(macro_f1_of_counts(*_by_label(true_of, predicted_of, drawn, len(names)))),
        labels=rows,
        confusions=_confusions(true_of, predicted_of, counts, names),
        calibration_error=None if confidence is None else expected_calibration_error(bins),
        calibration=tuple(bins),
    )


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """The mean distance between confidence and accuracy of the bins, by the examples in them (Guo et al. 2017)."""
    return sum(own.chars * abs(own.confidence - own.accuracy) for own in bins) / sum(own.chars for own in bins)


@dataclass(frozen=True)
class LabelDifference:
    """How much better one model predicts labels than another, on the same examples."""

    accuracy: Difference
    macro_f1: Difference


def label_difference(truth: Array, predicted: Array, other: Array, classes: int) -> LabelDifference:
    """The figures of `predicted` minus those of `other`, with intervals of the paired bootstrap.

    Arguments: `truth`, `predicted`, `other`, labels of the same examples, (n,) int; `classes`, C.
    """
    triples, counts = np.unique(np.stack([truth, predicted, other]), axis=1, return_counts=True)
    true_of, one, two = triples
    drawn = np.concatenate([counts[None].astype(float), resampled_counts(counts)])  # row 0: as they are
    accuracy = drawn[:, true_of == one].sum(1) / len(truth) - drawn[:, true_of == two].sum(1) / len(truth)
    f1 = macro_f1_of_counts(*_by_label(true_of, one, drawn, classes)) - macro_f1_of_counts(
        *_by_label(true_of, two, drawn, classes)
    )
    return LabelDifference(_difference(accuracy), _difference(f1))


def _difference(values: Array) -> Difference:
    """From the values as they are and in all resamples, (1 + R,)."""
    return Difference(float(values[0]), percentiles(values[1:]))


def macro_f1(truth: Array, predicted: Array, classes: int) -> float:
    """The mean F1 over the labels that occur; arguments as for label_figures(), and C."""
    true_of, predicted_of, counts = _pairs(truth, predicted)
    return float(macro_f1_of_counts(*_by_label(true_of, predicted_of, counts[None].astype(float), classes))[0])


def _pairs(truth: Array, predicted: Array) -> tuple[Array, Array, Array]:
    """The pairs of labels that occur: true (K,), predicted (K,), and how often (K,)."""
    pairs, counts = np.unique(np.stack([truth, predicted]), axis=1, return_counts=True)
    return pairs[0], pairs[1], counts


def _by_label(true_of: Array, predicted_of: Array, counts: Array, classes: int) -> tuple[Array, Array, Array]:
    """From how often each pair occurs (R, K): by label how often it was right, predicted, and true, (R, C) each."""
    is_predicted = predicted_of[:, None] == np.arange(classes)
    is_true = true_of[:, None] == np.arange(classes)
    return counts @ (is_predicted & is_true), counts @ is_predicted, counts @ is_true


def _precision_recall_f1(hits: Array, given: Array, wanted: Array) -> tuple[Array, Array, Array]:
    """By label; 0 where a figure is not defined."""
    f1 = 2 * hits / np.maximum(given + wanted, 1)
    return hits / np.maximum(given, 1), hits / np.maximum(wanted, 1), f1


def macro_f1_of_counts(hits: Array, given: Array, wanted: Array) -> Array:
    """The mean F1 over the labels that occur, (R,), from how often each was right, predicted and true, (R, C) each."""
    f1 = _precision_recall_f1(hits, given, wanted)[2]
    mean: Array = f1.sum(1) / np.maximum((given + wanted > 0).sum(1), 1)
    return mean


def _confusions(true_of: Array, predicted_of: Array, counts: Array, names: Sequence[str]) -> list[Confusion]:
    """The pairs of different labels, the most frequent first, then by name."""
    found = [
        Confusion(names[true] if true >= 0 else "", names[other], count)
        for true, other, count in zip(true_of.tolist(), predicted_of.tolist(), counts.tolist(), strict=True)
        if true != other
    ]
    return sorted(found, key=lambda own: (-own.count, own.truth, own.predicted))
