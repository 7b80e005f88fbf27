"""Learning-rate schedules."""

from dataclasses import dataclass
from math import cos, pi


@dataclass
class Plateau:
    """Counts evaluations without improvement; `rate` is the share of the learning rate that remains."""

    best: float | None = None
    waited: int = 0
    rate: float = 1.0

    def update(self, loss: float, factor: float, patience: int) -> None:
        """Note a validation loss; after `patience` of them without improvement the rate falls by `factor`."""
        if self.best is None or loss < self.best:
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited >= patience:
            self.rate, self.waited = self.rate * factor, 0


def rate_share(kind: str, step: int, epoch: int, total: int, factor: float, start_epoch: int, floor: float) -> float:
    """The share of the base learning rate at a step, by its schedule; `plateau` is kept by Plateau.

    Arguments: `step` from 0 of `total`; `epoch` from 1. exponential: factor per epoch after `start_epoch`.
    cosine: from 1 down to `floor` at the last step (Loshchilov and Hutter 2017).
    """
    if kind == "exponential":
        return float(factor ** max(0, epoch - start_epoch))
    if kind == "cosine":
        return floor + (1 - floor) * (1 + cos(pi * min(step / max(total - 1, 1), 1.0))) / 2
    return 1.0
