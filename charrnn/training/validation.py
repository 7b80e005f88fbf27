"""What an evaluation on the validation split found."""

from dataclasses import dataclass, field

from charrnn.evaluation import Report


@dataclass(frozen=True)
class Validation:
    """What an evaluation on the validation split found.

    Attributes:
        loss: nats per character; of examples, the mean over their targets; of pairs, over the symbols of their targets.
        figure: what train.best names.
        total: the loss of all targets together, which is finite unless the run has diverged.
        report: all that was scored of a text; None for examples.
        thresholds: fitted ones of yes/no labels, else empty.
        figures: those of examples, by the names of train.best, without the loss.
    """

    loss: float
    figure: float
    total: float
    report: Report | None = None
    thresholds: tuple[float, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
