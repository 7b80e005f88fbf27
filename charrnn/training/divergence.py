"""Divergence: when a run has diverged, which states it may return to, and what its error says. Writes nothing."""

from math import inf, isfinite

from charrnn.errors import DivergedError
from charrnn.models import AnyNetwork, TrainingState
from charrnn.optim import global_norm
from charrnn.storage import RunDirectory

# Multiple of the loss of guessing (of a text ln V) above which training has diverged, even if its loss is finite.
MAX_LOSS = 100

# Multiple of it above which the loss of a state is too high to roll back to it.
MAX_ROLLBACK_LOSS = 2

# Rollbacks in a row after which the run ends.
MAX_ROLLBACKS = 5


def has_diverged(loss: float, grad_norm: float, guessing: float) -> bool:
    """Return whether loss or gradient norm are not finite or the loss far above that of guessing."""
    return not (loss < MAX_LOSS * guessing and isfinite(grad_norm))


def may_roll_back_to(loss: float, guessing: float) -> bool:
    """Return whether a state with this training loss is good enough to return to; `guessing` is that of guessing."""
    return loss < MAX_ROLLBACK_LOSS * guessing


def rolled_back(earlier: TrainingState, undone: TrainingState) -> TrainingState:
    """Return the state in which a run goes on: an earlier one, with half the learning rate and the best figure so far.

    Arguments:
        earlier: the state that it returns to, which is updated.
        undone: the state in which it diverged, whose records the log keeps.
    """
    earlier.best, earlier.best_step, earlier.records = undone.best, undone.best_step, undone.records
    earlier.halvings, earlier.rollbacks = undone.halvings + 1, undone.rollbacks + 1
    return earlier


def diverged_error(fault: str, step: int, network: AnyNetwork, directory: RunDirectory | None) -> DivergedError:
    """Return the error of a run that has diverged; it names the array with the largest gradient, and what to try.

    Arguments:
        fault: what is wrong, with its numbers.
        step: the step in which it occurred, from 1.
        network: holds the gradients of that step.
        directory: the run directory, whose last good state the error names; None if nothing is written.
    """
    norms = {name: global_norm(grad.reshape(-1)) for name, grad in network.params.grad.items()}
    largest = max(norms, key=lambda name: norms[name] if isfinite(norms[name]) else inf)
    remedy = "; try a lower train.learning_rate, a smaller train.clip_norm, or train.warmup_steps"
    if directory and directory.last.exists():
        remedy += f". {directory.last} holds the last good state"
    return DivergedError(f"diverged at step {step}: {fault}, largest gradient in {largest}", remedy)
