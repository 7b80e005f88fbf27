"""The state of a run: where it stands, and what one step brought about."""

from dataclasses import dataclass, field
from typing import Any

from charrnn.optim import Plateau


@dataclass
class Counters:
    """Where a run stands; everything in it is saved, and nothing of it depends on time."""

    step: int = 0
    chars: int = 0
    best: float | None = None  # lowest validation loss, nats per character
    best_step: int = 0
    waited: int = 0  # evaluations since then
    stopped: str = ""  # why it ended, once it has
    plateau: Plateau = field(default_factory=Plateau)
    halvings: int = 0  # of the learning rate: one for each rollback
    rollbacks: int = 0  # since the latest save to which a rollback may return
    records: int = 0  # lines of the log; not bytes, which depend on how long a time is when written out
    # Of each evaluation: step, training loss, validation loss, mean gradient norm, share of steps clipped.
    history: list[list[float | None]] = field(default_factory=list)
    since_log: dict[str, float] = field(default_factory=dict)  # sums since the last record
    since_eval: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """One training step: `loss` in nats per character, `grad_norm` before clipping; and what the step brought about."""

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
    record: dict[str, Any] | None = None  # a line of the log
    sample: str | None = None
    saved: bool = False
    rollback: str = ""  # why the steps since an earlier one were undone before this one
