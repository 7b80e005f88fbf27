"""What the evaluation of answers to sources found. It holds numbers and text and computes nothing.

A figure that is not defined is NaN here and null in JSON.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from charrnn.evaluation.task_results import Mistake, TaskRow, without_nan
from charrnn.evaluation.translation_metrics import Group, Replacement


@dataclass(frozen=True)
class TranslationAssessment:
    """The report of `charrnn eval` on a translator.

    Attributes:
        text: what the examples are called.
        examples, symbols, unknown: how many there are; `symbols` of the sources, `unknown` ones the vocabulary lacks.
        sources: how many different sources there are.
        unwritable: targets with a symbol that the model does not know, so that they can never be written.
        beam: how many beginnings of each target were kept; 1 is greedy.
        rows: the model, or several and their vote; then baselines. What follows is that of `scored`.
        scored: the name of the row that the other figures belong to.
        groups: all examples by the length of their source; then those whose source was seen in training, and others.
        replacements: the most frequent ones first.
        mistakes: the surest ones first.
        cut: answers that reached the bound on length.
    """

    text: str
    examples: int
    symbols: int
    unknown: int
    sources: int
    unwritable: int
    beam: int
    rows: list[TaskRow]
    scored: str
    groups: list[Group]
    replacements: list[Replacement]
    mistakes: list[Mistake]
    cut: int
    task: Literal["translate"] = "translate"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data."""
        document = asdict(self)
        document["rows"] = [row.to_dict() for row in self.rows]
        return {name: without_nan(value) for name, value in document.items()}
