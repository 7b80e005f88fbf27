"""Records of what a comparison of runs found. They hold numbers and text and compute nothing."""

from dataclasses import dataclass
from typing import Any

from charrnn.evaluation.results import Difference


@dataclass(frozen=True)
class RunSummary:
    """What a run reached. What is not known is None.

    Fields: `run`, its name; `valid_loss`, the best; `seconds` and `chars_per_second`, from its log; `text`, `chars` and
    `nats_per_char`, of its held-out text scored again, with `unknown_chars` charged in `nats_per_char_charged`;
    `difference`, from the first run that could be scored; `note`, why there is no score or no difference.
    """

    run: str
    valid_loss: float | None
    seconds: float | None = None
    chars_per_second: float | None = None
    text: str | None = None
    chars: int | None = None
    nats_per_char: float | None = None
    unknown_chars: int | None = None
    nats_per_char_charged: float | None = None
    difference: Difference | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The run as part of a comparison, without what is not known; only `valid_loss` is always there."""
        values = {name: value for name, value in vars(self).items() if value is not None and name != "difference"}
        difference = self.difference.to_dict() if self.difference else {}
        return {"valid_loss": None, **values, **difference}


@dataclass(frozen=True)
class Comparison:
    """The result of `charrnn compare`: runs, best validation loss first, and the config keys in which they differ.

    `differing`: key -> the value of each run, in the order of `runs`.
    """

    runs: list[RunSummary]
    differing: dict[str, list[Any]]

    def to_dict(self) -> dict[str, Any]:
        """What `charrnn compare --json` prints."""
        return {"runs": [run.to_dict() for run in self.runs], "differing": self.differing}
