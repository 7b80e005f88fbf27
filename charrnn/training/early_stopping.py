"""Early stopping: the best validation loss of a run, and whether its patience has run out. It writes nothing."""

from math import inf

from charrnn.config import TrainConfig
from charrnn.models import TrainingState


def note_validation(state: TrainingState, loss: float, train: TrainConfig) -> bool:
    """Take a validation loss into account: for the plateau schedule, the best loss and the patience.

    Arguments:
        state: the progress of the run, which is updated.
        loss: the validation loss after its latest step, in nats per character.
        train: the settings.

    Returns:
        Whether the loss is the best so far.
    """
    state.plateau.update(loss, train.schedule.factor, train.schedule.patience)
    state.waited += 1
    improved = state.best is None or loss < state.best
    if improved:
        state.best = loss
        state.best_step = state.step
        state.waited = 0
    elif train.patience and state.waited >= train.patience:
        state.stopped = f"validation has not improved for {state.waited} evaluations"
    return improved


def resume_if_patient(state: TrainingState, train: TrainConfig) -> None:
    """Let a run that had stopped early continue if train.patience has been raised since."""
    if state.stopped and state.waited < (train.patience or inf):
        state.stopped = ""
