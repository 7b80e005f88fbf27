"""What one training step brought about: Progress for whoever iterates, and LogRecord for the log.

How far a run has come altogether is a TrainingState, which is saved with every checkpoint: see models/header.py.
"""

from dataclasses import asdict, dataclass
from math import exp, log
from typing import Any

from charrnn.evaluation import Report
from charrnn.models import Sums

MAX_EXPONENT = 700  # exp() of more overflows


@dataclass(frozen=True)
class LogRecord:
    """One line of the log: means over the steps since the record before, and the validation loss if it was measured.

    Losses are in nats per character, `grad_norm` is before clipping, `clipped` a share of the steps, `seconds` those
    of training, earlier sessions included.
    """

    step: int
    epoch: int
    chars: int
    loss: float
    bits_per_char: float
    perplexity: float
    valid_loss: float | None
    valid_bits_per_char: float | None
    valid_perplexity: float | None
    learning_rate: float
    grad_norm: float
    clipped: float
    advice: list[str] | None  # None between evaluations
    seconds: float
    chars_per_second: int

    @classmethod
    def of(cls, sums: Sums, valid: Report | None, **fields: Any) -> "LogRecord":
        """A record from the sums since the last one, the latest validation report, and the fields not derived here."""
        loss = sums.nats / sums.chars
        return cls(
            loss=loss,
            bits_per_char=loss / log(2),
            perplexity=exp(min(loss, MAX_EXPONENT)),
            valid_loss=valid.nats_per_char if valid else None,
            valid_bits_per_char=valid.bits_per_char if valid else None,
            valid_perplexity=valid.perplexity if valid else None,
            grad_norm=sums.norm / sums.steps,
            clipped=sums.clipped / sums.steps,
            **fields,
        )

    def __getitem__(self, name: str) -> Any:
        """A field by its name in the log: programs written for 0.2 read records as mappings."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """One training step and what it brought about.

    `loss` is in nats per character, `grad_norm` before clipping; `chars_per_second` and `seconds` are of training
    alone, evaluation and saving not counted.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    learning_rate: float
    grad_norm: float
    clipped: bool
    chars_per_second: float
    seconds: float
    record: LogRecord | None = None  # the line of the log that was written, if one was due
    sample: str | None = None
    saved: bool = False
    rollback: str = ""  # why earlier steps were undone before this one
