"""Records of what an evaluation found. They hold numbers and text and compute nothing.

`to_dict()` gives a record as `--json` prints it. A few JSON keys are older than the fields and have other names.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

Interval = tuple[float, float]  # the lower and the upper bound of a 95 % interval
T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Figures(Generic[T]):
    """The figures of a scored text: each a number, an interval, or an array of one number for each resample.

    `top1`, `top5`: the share of characters that were the model's most likely one, or among its five most likely ones.
    A figure is None where it is not defined: a mixture ranks no characters, a compressor has only the first two, and
    only a text of documents has nats per document.
    """

    nats_per_char: T
    bits_per_char: T
    bits_per_byte: T | None = None
    perplexity: T | None = None
    word_perplexity: T | None = None
    top1: T | None = None
    top5: T | None = None
    nats_per_document: T | None = None

    def map(self, function: Callable[[T], S]) -> "Figures[S]":
        """The figures with `function` applied to each that is defined."""
        return Figures(**{name: function(value) for name, value in self.to_dict().items()})

    def to_dict(self) -> dict[str, Any]:
        """The figures that are defined, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class KindLoss:
    """The loss of one kind of character: how many there are, and their share of the loss of the whole text."""

    kind: str
    chars: int
    nats_per_char: float
    share: float


@dataclass(frozen=True)
class CalibrationBin:
    """The characters at which the model was about equally confident of its most likely character.

    `confidence`: the mean probability of that character. `accuracy`: how often it was right.
    """

    chars: int
    confidence: float
    accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """The bin under its JSON keys."""
        return {"chars": self.chars, "sure": self.confidence, "right": self.accuracy}


@dataclass(frozen=True)
class PositionLoss:
    """The loss of characters `first` to `last` after a fresh state, counted from 1."""

    first: int
    last: int
    nats_per_char: float


@dataclass(frozen=True)
class WorstPassage:
    """A passage with a high loss. `start`: the position of its first character. `before`, `after`: its context."""

    start: int
    nats_per_char: float
    before: str
    text: str
    after: str

    def to_dict(self) -> dict[str, Any]:
        """The passage under its JSON keys."""
        fields = asdict(self)
        return {"at": fields.pop("start"), **fields}


@dataclass(frozen=True)
class WorstDocument:
    """A document with a high loss. `number`: its place in the text, from 1. `chars` and `nats` include its end."""

    number: int
    chars: int
    nats: float
    nats_per_char: float
    text: str


@dataclass(frozen=True)
class Analysis:
    """What the scores of one model say about a text.

    `calibration` is empty and `calibration_error` None where the model ranks no characters. `charged`: nats per
    character with unknown characters charged. A text of documents has `documents`, their number, and
    `worst_documents` instead of the `worst` passages.
    """

    chars: int
    unknown_chars: int
    figures: Figures[float]
    intervals: Figures[Interval]
    kinds: list[KindLoss]
    worst: list[WorstPassage]
    calibration: list[CalibrationBin]
    calibration_error: float | None = None
    charged: float | None = None
    documents: int | None = None
    worst_documents: list[WorstDocument] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The analysis as part of a report."""
        report = {
            "chars": self.chars,
            "unknown_chars": self.unknown_chars,
            **self.figures.to_dict(),
            "intervals": self.intervals.to_dict(),
            "kinds": [asdict(kind) for kind in self.kinds],
            "worst": [passage.to_dict() for passage in self.worst],
        }
        if self.charged is not None:
            report["nats_per_char_charged"] = self.charged
        if self.documents is not None:
            report["documents"] = self.documents
            report["worst_documents"] = [asdict(each) for each in self.worst_documents]
        if self.calibration_error is not None:
            report["calibration"] = [each.to_dict() for each in self.calibration]
            report["calibration_error"] = self.calibration_error
        return report


@dataclass(frozen=True)
class Row:
    """A row of the table of models and baselines.

    `interval`: of the nats per character. `charged`: nats per character with unknown characters charged, and
    `charged_bits_per_byte` the same in bits per byte, where a model of bytes stands beside one of characters.
    """

    name: str
    figures: Figures[float]
    interval: Interval | None = None
    charged: float | None = None
    charged_bits_per_byte: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row, without what is not defined for it."""
        others = {
            "interval": self.interval,
            "nats_per_char_charged": self.charged,
            "bits_per_byte_charged": self.charged_bits_per_byte,
        }
        return {
            "name": self.name,
            **self.figures.to_dict(),
            **{name: value for name, value in others.items() if value is not None},
        }


@dataclass(frozen=True)
class MixtureWeight:
    """The weight of a model in the mixture."""

    name: str
    weight: float


@dataclass(frozen=True)
class NewShare:
    """The share of a text's passages of `length` characters that do not occur in the training text."""

    length: int
    share: float


@dataclass(frozen=True)
class DocumentNovelty:
    """How many documents a text has, how many of them also stand in the training text, and how many repeat another."""

    count: int
    in_training: int
    duplicates: int


@dataclass(frozen=True)
class Novelty:
    """What a text has in common with the training text.

    `longest`: the length of the longest passage that occurs in both; `start` and `source_start`: its first positions in
    the text and in the training text; `passage`: the passage itself. Passages lie within documents, if there are any;
    `documents` counts these.
    """

    longest: int
    start: int
    source_start: int
    new: list[NewShare]
    passage: str = ""
    documents: DocumentNovelty | None = None

    def to_dict(self) -> dict[str, Any]:
        """The record under its JSON keys."""
        new = [{"length": each.length, "new": each.share} for each in self.new]
        place = {"longest": self.longest, "at": self.start, "source": self.source_start}
        documents = {} if self.documents is None else {"documents": asdict(self.documents)}
        return {**place, "new": new, "passage": self.passage, **documents}


@dataclass(frozen=True)
class Assessment:
    """The report of `charrnn eval`.

    Fields: `text`, what was scored; `analysis` and `positions`, of the first model; `rows`, one for each model, for
    their mixture, for the network and the n-gram of each model that holds both, for each adapted network and for each
    baseline; `weights` of the mixture, if there is one; `novelty`, if it was asked for; `window`, the characters after
    which models forgot the text before, or None; `apart`, whether each model read the text with its own vocabulary.
    """

    text: str
    analysis: Analysis
    positions: list[PositionLoss]
    rows: list[Row]
    weights: list[MixtureWeight]
    novelty: Novelty | None = None
    window: int | None = None
    apart: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What `charrnn eval --json` prints."""
        report = {"text": self.text, **self.analysis.to_dict()}
        if self.window is not None:
            report["window"] = self.window
        report["positions"] = [asdict(each) for each in self.positions]
        report["rows"] = [row.to_dict() for row in self.rows]
        if self.weights:
            report["weights"] = [asdict(each) for each in self.weights]
        if self.novelty is not None:
            report["novelty"] = self.novelty.to_dict()
        return report


@dataclass(frozen=True)
class Difference:
    """The mean difference of two models on the same text, its 95 % interval, and the unit of both."""

    mean: float
    interval: Interval
    unit: str = "nats/char"

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval[0] > 0 or self.interval[1] < 0

    def to_dict(self) -> dict[str, Any]:
        """The difference under its JSON keys."""
        figures = {"difference": self.mean, "interval": self.interval, "unit": self.unit}
        return {**figures, "beyond_noise": self.beyond_noise}
