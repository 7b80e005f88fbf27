"""Learning-rate schedules, as shares of the base rate."""

from dataclasses import dataclass
from math import cos, pi


@dataclass
class Plateau:
    """A schedule that lowers the learning rate when the validation loss stops improving."""

    best: float | None = None  # the lowest loss so far
    waited: int = 0  # evaluations since then, or since the rate was lowered
    rate: float = 1.0  # the share of the base learning rate that remains

    def update(self, loss: float, factor: float, patience: int) -> None:
        """Take in a validation loss. `patience` of them in a row without improvement multiply the rate by `factor`."""
        if self.best is None or loss < self.best:
            self.best = loss
            self.waited = 0
            return
        self.waited += 1
        if self.waited >= patience:
            self.rate *= factor
            self.waited = 0


def rate_share(kind: str, step: int, epoch: int, total: int, factor: float, start_epoch: int, floor: float) -> float:
    """The share of the base learning rate at a step.

    Arguments:
        kind: constant, 1 throughout; exponential, `factor` to the power of the epochs after `start_epoch`; cosine, from
            1 at the first step down to `floor` at the last (Loshchilov and Hutter 2017); plateau, 1, because Plateau
            keeps that share.
        step: number of the step, from 0.
        epoch: number of the epoch, from 1.
        total: steps of the run.
        factor, start_epoch: of the exponential schedule.
        floor: of the cosine schedule.
    """
    if kind == "exponential":
        return float(factor ** max(0, epoch - start_epoch))
    if kind == "cosine":
        return floor + (1 - floor) * (1 + cos(pi * min(step / max(total - 1, 1), 1.0))) / 2
    return 1.0
