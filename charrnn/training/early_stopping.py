"""Early stopping: the best validation figure of a run, and whether its patience has run out. It writes nothing."""

from math import inf, isnan

from charrnn.config import TrainConfig
from charrnn.evaluation import LOWER_IS_BETTER
from charrnn.models import TrainingState


def note_validation(state: TrainingState, figure: float, train: TrainConfig) -> bool:
    """Take a validation figure into account: for the plateau schedule, the best figure and the patience.

    Arguments:
        state: the progress of the run, which is updated.
        figure: what train.best names, after its latest step: for a text the loss in nats per character. One that is
            not defined, NaN, is never the best.
        train: the settings.

    Returns:
        Whether the figure is the best so far.
    """
    sign = 1 if train.best in LOWER_IS_BETTER else -1
    if not isnan(figure):
        state.plateau.update(sign * figure, train.schedule.factor, train.schedule.patience)
    state.waited += 1
    improved = not isnan(figure) and (state.best is None or sign * figure < sign * state.best)
    if improved:
        state.best = figure
        state.best_step = state.step
        state.waited = 0
    elif train.patience and state.waited >= train.patience:
        state.stopped = f"validation has not improved for {state.waited} evaluations"
    return improved


def resume_if_patient(state: TrainingState, train: TrainConfig) -> None:
    """Let a run that had stopped early continue if train.patience has been raised since."""
    if state.stopped and state.waited < (train.patience or inf):
        state.stopped = ""
