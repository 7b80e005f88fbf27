"""Classifiers, taggers or translators side by side: what they reach on the same held-out examples.

The difference of two models has an interval of the paired bootstrap: both are measured on the same resamples. It says
whether one is better by more than noise.

Shapes: n examples, C labels or columns, U units, r resamples.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import flat
from charrnn.data import ExampleSplit, PairSplit
from charrnn.errors import CharrnnError
from charrnn.evaluation.comparison import differing
from charrnn.evaluation.label_metrics import macro_f1_of_counts
from charrnn.evaluation.number_metrics import rmse
from charrnn.evaluation.predicting import split_scores
from charrnn.evaluation.rank_metrics import mean_auc
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.results import Difference
from charrnn.evaluation.task_validation import LOWER_IS_BETTER
from charrnn.evaluation.translation_metrics import Edits
from charrnn.evaluation.units import unit_labels
from charrnn.generation import translate
from charrnn.models import SavedModel, TaskModel, TranslateModel

NOT_COMPARED = "its held-out examples or labels are not those of the first run, so the two cannot be compared"

Statistic = Callable[[Array], Array]  # weights of the examples (r, n) -> values (r,)


@dataclass(frozen=True)
class ComparedTask:
    """A run in a comparison.

    Attributes:
        run: its name.
        text: the split that it was scored on, or nothing.
        examples: how many there are.
        figures: by name; the first decides on the order of the runs.
        differences: by name, from the figures of the first run.
        note: why it was not scored or not compared.
    """

    run: str
    text: str = ""
    examples: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class TaskComparison:
    """The result of `charrnn compare` on examples: the runs, best first, and the keys in which they differ."""

    runs: list[ComparedTask]
    differing: dict[str, list[Any]]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON data; a figure that is not defined is null."""
        runs = []
        for run in self.runs:
            document = asdict(run)
            document["figures"] = {name: None if np.isnan(value) else value for name, value in run.figures.items()}
            document["differences"] = {name: found.to_dict() for name, found in run.differences.items()}
            runs.append(document)
        return {"runs": runs, "differing": self.differing}


@dataclass(frozen=True)
class _Scored:
    saved: SavedModel
    split: ExampleSplit | PairSplit
    statistics: dict[str, Statistic]
    summary: ComparedTask


def compare_tasks(models: Sequence[SavedModel]) -> TaskComparison:
    """Compare runs that classify, tag or translate. The best that can be scored is the one that others differ from."""
    scored: list[_Scored] = []
    failed: list[tuple[SavedModel, ComparedTask]] = []
    for saved in models:
        try:
            scored.append(_scored(saved))
        except CharrnnError as error:
            failed.append((saved, ComparedTask(saved.name, note=str(error))))
    scored.sort(key=_badness)
    runs = [own.summary if k == 0 else _compared(own, scored[0]) for k, own in enumerate(scored)]
    ordered = [*(own.saved for own in scored), *(saved for saved, _ in failed)]
    configs = [dict(flat(saved.config.to_dict())) for saved in ordered]
    return TaskComparison([*runs, *(run for _, run in failed)], differing(configs))


def _badness(scored: _Scored) -> float:
    """What the runs are sorted by: the first figure, from good to bad."""
    name, value = next(iter(scored.summary.figures.items()))
    if np.isnan(value):
        return np.inf
    return value if name in LOWER_IS_BETTER else -value


def _scored(saved: SavedModel) -> _Scored:
    split: ExampleSplit | PairSplit
    if saved.config.task == "translate":
        pairs = saved.pairs()
        split = pairs.test if len(pairs.test) else pairs.valid
        statistics = translation_statistics(saved.translate_model, split)
    else:
        examples = saved.examples()
        split = examples.test if len(examples.test) else examples.valid
        statistics = statistics_of(saved.task_model, split)
    ones = np.ones((1, len(split)))
    figures = {name: float(statistic(ones)[0]) for name, statistic in statistics.items()}
    return _Scored(saved, split, statistics, ComparedTask(saved.name, f"{split.name} split", len(split), figures))


def _compared(own: _Scored, first: _Scored) -> ComparedTask:
    """The summary of a run with its differences from the first one, if both were scored on the same examples."""
    alike = (
        [row.place for row in own.split.rows] == [row.place for row in first.split.rows]
        and _label_names(own.saved) == _label_names(first.saved)
        and [*own.statistics] == [*first.statistics]
        and _same_targets(own.split, first.split)
    )
    if not alike:
        return replace(own.summary, note=NOT_COMPARED)
    differences = {}
    for name in own.statistics:
        one, other = own.statistics[name], first.statistics[name]
        interval = interval_of(_minus(one, other), len(own.split))
        differences[name] = Difference(own.summary.figures[name] - first.summary.figures[name], interval, name)
    return replace(own.summary, differences=differences)


def _label_names(saved: SavedModel) -> tuple[str, ...]:
    """The labels that a model predicts; a translator has none."""
    return saved.header.labels.names if saved.header.labels else ()


def _same_targets(own: ExampleSplit | PairSplit, other: ExampleSplit | PairSplit) -> bool:
    """Whether the same is right in two splits."""
    if isinstance(own, PairSplit) or isinstance(other, PairSplit):
        return isinstance(own, PairSplit) and isinstance(other, PairSplit) and own.targets == other.targets
    return np.array_equal(_targets(own), _targets(other), equal_nan=True)


def _targets(split: ExampleSplit) -> Array:
    """What is right, of examples or of units."""
    return split.examples.targets if split.units is None else split.units.targets


def _minus(one: Statistic, other: Statistic) -> Statistic:
    return lambda weights: one(weights) - other(weights)


def statistics_of(model: TaskModel, split: ExampleSplit) -> dict[str, Statistic]:
    """The figures of a model by which it is compared, as functions of how often each example counts."""
    scores = split_scores(model, split)
    truth = split.examples.targets
    if model.network.task.tag:
        return _of_units(model, scores, split)
    if model.network.task.output == "softmax":
        predicted = scores.argmax(1)
        return {
            "accuracy": lambda weights: weights @ (predicted == truth) / weights.sum(1),
            "macro_f1": _macro_f1(truth, predicted, len(model.labels)),
        }
    if model.network.task.output == "sigmoid":
        return {"mean_auc": lambda weights: mean_auc(truth, scores, weights)}
    return {"rmse": _rmse(model.labels.restore(truth), scores)}


def translation_statistics(model: TranslateModel, split: PairSplit) -> dict[str, Statistic]:
    """The same for a translator, which writes greedily."""
    answers = translate([model], [split.examples])
    edits = Edits.of(split.targets, [own.symbols for own in answers])
    return {
        "exact": lambda weights: weights @ edits.right / weights.sum(1),
        "symbol_error": lambda weights: weights @ edits.edits / np.maximum(weights @ edits.sizes, 1),
    }


def _macro_f1(truth: Array, predicted: Array, classes: int) -> Statistic:
    is_true = (truth[:, None] == np.arange(classes)).astype(float)
    is_predicted = (predicted[:, None] == np.arange(classes)).astype(float)
    return lambda weights: macro_f1_of_counts(
        weights @ (is_true * is_predicted), weights @ is_predicted, weights @ is_true
    )


def _rmse(truth: Array, numbers: Array) -> Statistic:
    """The mean over the columns."""
    columns = [(truth[:, k], numbers[:, k], ~np.isnan(truth[:, k])) for k in range(truth.shape[1])]
    columns = [column for column in columns if column[2].any()]

    def mean(weights: Array) -> Array:
        errors = []
        for own, other, there in columns:
            drawn = weights[:, there]
            counted = drawn.sum(1) > 0
            values = np.full(len(weights), np.nan)
            values[counted] = rmse(own[there], other[there], drawn[counted])
            errors.append(values)
        average: Array = np.mean(errors, axis=0)
        return average

    return mean


def _of_units(model: TaskModel, scores: Array, split: ExampleSplit) -> dict[str, Statistic]:
    assert split.units is not None
    labels = unit_labels(scores, split, model.labels.names, model.rules)
    right = (labels == split.units.targets).astype(float)
    example, count = split.units.example, len(split)
    hits, units = np.bincount(example, right, count), np.bincount(example, minlength=count).astype(float)
    whole = ((hits == units) & (units > 0)).astype(float)
    return {
        "units": lambda weights: weights @ hits / np.maximum(weights @ units, 1),
        "examples": lambda weights: weights @ whole / np.maximum(weights @ (units > 0), 1),
    }
