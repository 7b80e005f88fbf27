"""What a page shows of an evaluation of a classifier or tagger, beside the figures of its report."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from charrnn.arrays import Array
from charrnn.evaluation.confusion_map import ConfusionMap, confusion_map
from charrnn.evaluation.rank_metrics import precision_recall
from charrnn.evaluation.residuals import Residuals, residuals
from charrnn.evaluation.tagged_sentences import TaggedSentence, wrong_sentences
from charrnn.evaluation.task_assessment import ScoredModel
from charrnn.evaluation.task_results import TaskAssessment


@dataclass(frozen=True)
class LabelCurve:
    """Recall and precision of a yes/no label at every threshold, from the highest down."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class TaskDetails:
    """What goes with the output of the model; the rest is empty.

    Attributes:
        confusions: of labels.
        curves: of yes/no labels.
        residuals: of numbers.
        sentences: of a tagger.
    """

    confusions: ConfusionMap | None = None
    curves: list[LabelCurve] = field(default_factory=list)
    residuals: list[Residuals] = field(default_factory=list)
    sentences: list[TaggedSentence] = field(default_factory=list)


def task_details(scored: ScoredModel, report: TaskAssessment, scores: Array) -> TaskDetails:
    """The details of a model; `report` and `scores` are those of assess_task()."""
    model, split = scored.model, scored.split
    targets, names = split.examples.targets, model.labels.names
    if report.labels is not None:
        tag = model.network.task.tag
        sentences = wrong_sentences(split, scores, model.labels, model.rules) if tag else []
        return TaskDetails(confusion_map(report.labels), sentences=sentences)
    if report.answers is not None:
        curves = [LabelCurve(name, precision_recall(targets[:, k], scores[:, k])) for k, name in enumerate(names)]
        return TaskDetails(curves=curves)
    return TaskDetails(residuals=residuals(model.labels.restore(targets), scores, names))
