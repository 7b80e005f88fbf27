"""What `charrnn predict` adds to each row: the cells and the JSON data of a prediction of a classifier or tagger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from charrnn.data import StreamedRow
    from charrnn.evaluation import Prediction
    from charrnn.models import TaskModel

MAX_TEXT_BYTES = 1 << 30  # of memory to read one text
DECIMALS = 6  # of a probability in JSON


@dataclass(frozen=True)
class Shown:
    """What is printed of each row: the options of the command, and the format of the rows."""

    format: str
    top: int | None = None
    threshold: float | None = None
    only: bool = False
    as_json: bool = False


class Columns(Protocol):
    """What is added to each row. `longest`: the characters of the longest text that can be read."""

    longest: int

    def predict(self, rows: "Sequence[StreamedRow]") -> Sequence[Any]:
        """A prediction for each row."""

    def head(self) -> list[str]:
        """The names of the new columns."""

    def cells(self, prediction: Any) -> list[str]:
        """The new cells of a row."""

    def fields(self, prediction: Any) -> dict[str, Any]:
        """What is predicted, as JSON data."""


class TaskColumns:
    """What classifiers or taggers add.

    Arguments:
        voters: models with the same labels.
        shown: what is printed of each row.
    """

    def __init__(self, voters: "Sequence[TaskModel]", shown: Shown) -> None:
        self.voters = voters
        self.shown = shown
        first = voters[0]
        self.output = "tag" if first.network.task.tag else first.network.task.output
        self.names = first.labels.names
        self.between = separator_of(first)
        self.longest = min(longest_text(voter) for voter in voters)

    def predict(self, rows: "Sequence[StreamedRow]") -> "Sequence[Prediction]":
        """A prediction for each row."""
        from charrnn.evaluation import predict

        threshold = {} if self.shown.threshold is None else {"threshold": self.shown.threshold}
        return predict(self.voters, [row.source or "" for row in rows], **threshold)

    def head(self) -> list[str]:
        """The names of the new columns."""
        if self.output == "linear":
            return [f"predicted {name}" for name in self.names]
        count = min(self.shown.top or 1, len(self.names))
        pair = ["prediction"] if self.shown.only else ["prediction", "probability"]
        return [f"{name} {k}" for k in range(1, count + 1) for name in pair] if self.shown.top else pair

    def cells(self, prediction: "Prediction") -> list[str]:
        """The new cells of a row."""
        scores = prediction.scores
        if self.output == "linear":
            return [f"{value:.6g}" for value in scores.tolist()] or [""] * len(self.names)
        if self.shown.top:
            pairs = [(name, f"{p:.4f}") for name, p in self._likeliest(prediction)]
            pairs = pairs or [("", "")] * min(self.shown.top, len(self.names))
            return [cell for pair in pairs for cell in (pair[:1] if self.shown.only else pair)]
        label = self.between.join(prediction.labels)
        if self.shown.only:
            return [label]
        if self.output == "tag":
            return [label, f"{prediction.label_scores.mean():.4f}" if len(scores) else ""]
        if self.output == "softmax":
            return [label, f"{max(scores.tolist()):.4f}" if len(scores) else ""]
        return [label, self.between.join(f"{prediction.probabilities[name]:.4f}" for name in prediction.labels)]

    def _likeliest(self, prediction: "Prediction") -> list[tuple[str, float]]:
        """Labels with their probabilities, the likeliest first; --top says how many."""
        pairs = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
        return pairs[: self.shown.top]

    def fields(self, prediction: "Prediction") -> dict[str, Any]:
        """What is predicted, as JSON data."""
        if self.output == "tag":
            return tag_fields(prediction)
        numbers = prediction.probabilities
        if self.output == "linear":
            values = {name: float(f"{value:.{DECIMALS}g}") for name, value in numbers.items()}
            return {"prediction": next(iter(values.values()), None) if len(self.names) == 1 else values or None}
        rounded = {name: round(p, DECIMALS) for name, p in self._likeliest(prediction)}
        if self.output == "sigmoid":
            return {"prediction": list(prediction.labels), "probabilities": rounded}
        if not prediction.labels:
            return {"prediction": None, "probability": None, "probabilities": {}}
        return {"prediction": prediction.label, "probability": rounded[prediction.label], "probabilities": rounded}


def tag_fields(prediction: "Prediction") -> dict[str, Any]:
    """The labels of units and their places, and the spans that they stand for, as JSON data."""
    from charrnn.data import has_span_labels
    from charrnn.evaluation import predicted_spans

    p = prediction.label_scores.tolist()
    fields: dict[str, Any] = {
        "prediction": list(prediction.labels),
        "probability": round(sum(p) / len(p), DECIMALS) if p else None,
        "units": [
            {"start": start, "end": stop, "label": label, "probability": round(own, DECIMALS)}
            for (start, stop), label, own in zip(prediction.places, prediction.labels, p, strict=True)
        ],
    }
    if has_span_labels(prediction.names):
        spans = predicted_spans(prediction)
        fields["spans"] = [{"start": own.start, "end": own.stop, "label": own.type} for own in spans]
    return fields


def separator_of(model: "TaskModel") -> str:
    """What is written between the labels of a text."""
    from charrnn.evaluation import has_tokens

    if not model.network.task.tag:
        return model.rules.separator or ","
    return " " if has_tokens(model.rules) else model.rules.separator or ""


def longest_text(model: "TaskModel") -> int:
    """The characters of the longest text that a model reads in MAX_TEXT_BYTES."""
    symbols_per_char = 4 if model.vocab.tokens == "byte" else 1
    return int(MAX_TEXT_BYTES / model.symbol_bytes / symbols_per_char)
