"""Records of what an evaluation of a classifier or tagger found. They hold numbers and text and compute nothing.

A figure that is not defined is NaN here and null in JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isnan
from typing import Any, Literal

from charrnn.evaluation.label_metrics import LabelFigures
from charrnn.evaluation.number_metrics import NumberRow
from charrnn.evaluation.rank_metrics import YesNoFigures
from charrnn.evaluation.results import Interval
from charrnn.evaluation.spans import SpanFigures
from charrnn.evaluation.tag_metrics import TagFigures


@dataclass(frozen=True)
class Measure:
    """A figure with its interval, if it has one. `name` is also its JSON key; `share`: whether it is one of a whole."""

    name: str
    value: float
    interval: Interval | None = None
    share: bool = False


@dataclass(frozen=True)
class TaskRow:
    """The most important figures of one model, vote or baseline."""

    name: str
    measures: tuple[Measure, ...]

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON data."""
        values = {own.name: own.value for own in self.measures}
        intervals = {own.name: own.interval for own in self.measures if own.interval is not None}
        return {"name": self.name, **values, "intervals": intervals}


@dataclass(frozen=True)
class Mistake:
    """An example, or a unit of one, whose label was predicted wrongly with a probability of `probability`.

    `place`: file and line. `truth` is empty for a label that the model does not know.
    """

    place: str
    text: str
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class TaskAssessment:
    """The report of `charrnn eval` on a classifier or tagger.

    Attributes:
        text: what the examples are called.
        task, output: of the model.
        examples, symbols, unknown: how many there are; `unknown` symbols the vocabulary lacks.
        rows: the model, or several and their vote; then baselines. The figures below are those of `scored`.
        scored: the name of the row that the other figures belong to.
        labels: of one label for each example, or of the units of a tagger.
        mistakes: the surest ones first.
        answers, numbers: of yes/no labels, and of numbers.
        tags, spans: of a tagger; spans only if its labels are those of spans.
    """

    text: str
    task: Literal["classify", "tag"]
    output: Literal["softmax", "sigmoid", "linear"]
    examples: int
    symbols: int
    unknown: int
    rows: list[TaskRow]
    scored: str
    labels: LabelFigures | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    answers: YesNoFigures | None = None
    numbers: list[NumberRow] | None = None
    tags: TagFigures | None = None
    spans: SpanFigures | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data. What does not apply to the model is left out."""
        document = {name: value for name, value in asdict(self).items() if value is not None}
        document["rows"] = [row.to_dict() for row in self.rows]
        if self.labels is not None:
            bins = document["labels"].pop("calibration")
            document["labels"]["calibration"] = [{"examples": own.pop("chars"), **own} for own in bins]
        else:
            del document["mistakes"]
        return {name: without_nan(value) for name, value in document.items()}


def without_nan(value: Any) -> Any:
    """JSON data with None for NaN, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: without_nan(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(own) for own in value]
    return None if isinstance(value, float) and isnan(value) else value
