"""The results of one training step: Progress for whoever iterates over a run, and LogRecord for the log.

The progress of a whole run is a TrainingState, which every checkpoint holds: see models/header.py.
"""

from dataclasses import asdict, dataclass, field
from math import exp, isfinite, log
from typing import Any

from charrnn.models import Evaluation, Sums, TrainingState
from charrnn.training.validation import Validation

# exp() of more overflows.
MAX_EXPONENT = 700

# Evaluations that a checkpoint lists: the latest ones; the log has them all.
MAX_HISTORY = 1000

# Fields of a record that examples do not have.
OF_TEXT = ("bits_per_char", "perplexity", "valid_bits_per_char", "valid_perplexity")


@dataclass(frozen=True)
class LogRecord:
    """One line of the log.

    `loss`, `grad_norm` and `clipped` are means over the steps since the record before. Losses are in nats per
    character; of examples, means over their targets. The validation fields are None if the step was not evaluated.

    Attributes:
        grad_norm: the norm of the gradient before clipping.
        clipped: the share of clipped steps.
        advice: the sentences of the diagnosis; None if the step was not evaluated.
        seconds: the time of training, earlier sessions included; evaluations and saves are not.
        bits_per_char, perplexity, and those of the validation split: None for examples.
        valid_figures: for examples, those of the validation split by name; the log has them as valid_NAME.
        of_examples: whether the run trains on examples.
    """

    step: int
    epoch: int
    chars: int
    loss: float
    bits_per_char: float | None
    perplexity: float | None
    valid_loss: float | None
    valid_bits_per_char: float | None
    valid_perplexity: float | None
    learning_rate: float
    grad_norm: float
    clipped: float
    advice: list[str] | None
    seconds: float
    chars_per_second: int
    valid_figures: dict[str, float] = field(default_factory=dict)
    of_examples: bool = False

    @classmethod
    def of(cls, sums: Sums, valid: Validation | None, of_examples: bool, **fields: Any) -> "LogRecord":
        """Return a record.

        Arguments:
            sums: of the steps since the record before.
            valid: what an evaluation after this step found, if there was one.
            of_examples: whether the run trains on examples.
            fields: the fields that none of them determines.
        """
        loss = sums.nats / sums.chars
        report = valid.report if valid else None
        return cls(
            loss=loss,
            bits_per_char=None if of_examples else loss / log(2),
            perplexity=None if of_examples else exp(min(loss, MAX_EXPONENT)),
            valid_loss=valid.loss if valid else None,
            valid_bits_per_char=report.bits_per_char if report else None,
            valid_perplexity=report.perplexity if report else None,
            valid_figures=valid.figures if valid else {},
            of_examples=of_examples,
            grad_norm=sums.norm / sums.steps,
            clipped=sums.clipped / sums.steps,
            **fields,
        )

    def __getitem__(self, name: str) -> Any:
        """Return a field by its name in the log; programs written for 0.2 read records as mappings."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON data; a figure that is not defined is null."""
        values = asdict(self)
        figures, of_examples = values.pop("valid_figures"), values.pop("of_examples")
        if not of_examples:
            return values
        kept = {name: value for name, value in values.items() if name not in OF_TEXT}
        return kept | {f"valid_{name}": value if isfinite(value) else None for name, value in figures.items()}


def note_evaluation(state: TrainingState, valid: Validation | None) -> None:
    """Add an evaluation after the latest step to the history of a run.

    Arguments:
        state: the progress of the run, which is updated.
        valid: what the evaluation found; None without a validation split.
    """
    sums, state.since_eval = state.since_eval, Sums()
    evaluation = Evaluation(
        step=state.step,
        train_loss=sums.nats / sums.chars,
        valid_loss=valid.loss if valid else None,
        grad_norm=sums.norm / sums.steps,
        clipped=sums.clipped / sums.steps,
    )
    state.history.append(evaluation)
    del state.history[:-MAX_HISTORY]


@dataclass(frozen=True)
class Progress:
    """One training step, and what was done after it.

    Attributes:
        step, steps: the number of this step, from 1, and of the last one.
        epoch, epochs: the number of its epoch, from 1, and of the last one.
        loss: the training loss in nats per character; of examples, the mean over their targets.
        learning_rate: the learning rate of this step.
        grad_norm: the norm of the gradient before clipping.
        clipped: whether the gradient was clipped.
        chars_per_second: the speed of training in this session, without evaluations and saves.
        seconds: the time of training, earlier sessions included, without evaluations and saves.
        record: the record that was written to the log, if one was due.
        sample: the text that was sampled, if a sample was due.
        saved: whether the run was saved.
        rollback: why earlier steps were undone before this one; "" if none were.
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
    record: LogRecord | None = None
    sample: str | None = None
    saved: bool = False
    rollback: str = ""
