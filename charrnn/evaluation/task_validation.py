"""The figures of a classifier or tagger that a run follows while it trains, without intervals.

Shapes: n examples, C labels or columns, U units, len symbols.
"""

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleSplit, has_span_labels
from charrnn.evaluation.label_metrics import macro_f1
from charrnn.evaluation.number_metrics import rmse
from charrnn.evaluation.rank_metrics import auc, best_threshold
from charrnn.evaluation.spans import span_f1
from charrnn.evaluation.tag_metrics import SMALLEST_P, unit_probabilities
from charrnn.evaluation.units import unit_labels
from charrnn.models import TaskModel
from charrnn.processes import Map

LOWER_IS_BETTER = ("loss", "rmse", "symbol_error")  # of the figures that train.best names


def validation_figures(
    model: TaskModel, split: ExampleSplit, spread: Map = map
) -> tuple[dict[str, float], tuple[float, ...]]:
    """Predict a split and compare; `spread` calls a function for each batch, as map() does.

    Returns:
        The figures, and for each yes/no label the threshold with the best F1.

        The figures are `loss`, the mean over the targets that are there, without class weights or smoothing, and of
        standardised numbers; and by the names of train.best what goes with the output: accuracy and macro_f1; auc, the
        mean over the labels; rmse, the mean over the columns in their own unit; accuracy of units, and span_f1 if
        labels are those of spans.
    """
    if model.network.task.tag:
        return _of_tags(model, split, spread), ()
    predicted, truth = model.predict_examples(split.examples, spread=spread), split.examples.targets
    assert isinstance(predicted, np.ndarray), "a classifier predicts one array"
    if model.network.task.output == "softmax":
        labels = predicted.argmax(1)
        return {
            "loss": _log_loss(predicted, truth),
            "accuracy": float((labels == truth).mean()),
            "macro_f1": macro_f1(truth, labels, len(model.labels)),
        }, ()
    there = ~np.isnan(truth)
    if model.network.task.output == "sigmoid":
        p = np.where(truth == 1, predicted, 1 - predicted)[there]
        areas = np.array([auc(truth[:, k], predicted[:, k])[0] for k in range(truth.shape[1])])
        defined = areas[~np.isnan(areas)]
        return {
            "loss": float(-np.log(np.maximum(p, SMALLEST_P)).mean()) if len(p) else np.nan,
            "auc": float(defined.mean()) if len(defined) else np.nan,
        }, tuple(best_threshold(truth[:, k], predicted[:, k]) for k in range(truth.shape[1]))
    errors = (model.labels.standardise(predicted) - truth)[there]
    loss = float((errors**2).mean()) if len(errors) else np.nan
    return {"loss": loss, "rmse": _rmse(model, truth, predicted)}, ()


def _log_loss(p: Array, truth: Array) -> float:
    """The mean of -ln p of the true labels; p (M, C), truth (M,), -1 where there is none."""
    rows = np.flatnonzero(truth >= 0)
    own = p[rows, truth[rows]]
    return float(-np.log(np.maximum(own, SMALLEST_P)).mean()) if len(own) else np.nan


def _rmse(model: TaskModel, truth: Array, predicted: Array) -> float:
    """The mean over the columns that hold a number, in their own unit; `truth` (n, C) is standardised."""
    numbers = model.labels.restore(truth)
    errors = []
    for own, other in zip(numbers.T, predicted.T, strict=True):
        there = ~np.isnan(own)
        if there.any():
            errors.append(rmse(own[there], other[there], np.ones((1, int(there.sum()))))[0])
    return float(np.mean(errors)) if errors else np.nan


def _of_tags(model: TaskModel, split: ExampleSplit, spread: Map) -> dict[str, float]:
    p, units = model.predict_symbols(split.examples, spread=spread), split.units
    assert units is not None, "the examples of a tagger have units"
    own = unit_probabilities(p, units.bounds)
    labels = unit_labels(own, split, model.labels.names, model.rules)
    figures = {"loss": _log_loss(p, split.examples.targets), "accuracy": float((labels == units.targets).mean())}
    if has_span_labels(model.labels.names):
        figures["span_f1"] = span_f1(units.targets, labels, units.example, model.labels.names)
    return figures
