"""The plan of a run: its length and intervals in steps, and the learning rate of each step.

Pure functions of the config and the number of steps in an epoch.
"""

from dataclasses import dataclass

from charrnn.config import TrainConfig
from charrnn.models import TrainingState
from charrnn.optim import rate_share

# Bounds of the default eval_every, in steps; within them it is one epoch.
MIN_EVAL_EVERY, MAX_EVAL_EVERY = 100, 1000


@dataclass(frozen=True)
class Plan:
    """The length and the intervals of a run, all in steps."""

    steps: int
    steps_per_epoch: int
    eval_every: int
    log_every: int
    save_every: int
    sample_every: int

    @classmethod
    def of(cls, train: TrainConfig, steps_per_epoch: int) -> "Plan":
        """Return the plan of a config. The run ends at `epochs` or `max_steps`, whichever comes first."""
        limits = [train.epochs * steps_per_epoch if train.epochs else None, train.max_steps]
        eval_every = train.eval_every or min(max(steps_per_epoch, MIN_EVAL_EVERY), MAX_EVAL_EVERY)
        return cls(
            steps=min(limit for limit in limits if limit),
            steps_per_epoch=steps_per_epoch,
            eval_every=eval_every,
            log_every=train.log_every or max(eval_every // 10, 1),
            save_every=train.save_every or eval_every,
            sample_every=train.sample_every or eval_every,
        )

    @property
    def epochs(self) -> int:
        """The epoch of the last step, from 1."""
        return -(-self.steps // self.steps_per_epoch)

    def epoch(self, step: int) -> int:
        """Return the epoch, from 1, of the step that follows `step` steps."""
        return step // self.steps_per_epoch + 1

    def learning_rate(self, train: TrainConfig, state: TrainingState) -> float:
        """Return the learning rate of the next step: train.learning_rate by schedule, warm-up and rollbacks.

        The rate rises linearly over the warm-up, and each rollback halves it.
        """
        schedule, step = train.schedule, state.step
        if schedule.kind == "plateau":
            share = max(state.plateau.rate, schedule.floor)
        else:
            share = rate_share(
                schedule.kind,
                step,
                self.epoch(step),
                self.steps,
                schedule.factor,
                schedule.start_epoch,
                schedule.floor,
            )
        if step < train.warmup_steps:
            share *= (step + 1) / train.warmup_steps
        return train.learning_rate * share * 0.5**state.halvings
