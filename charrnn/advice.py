"""Plain sentences about a run: how it went, whether it over- or underfits, what to type next.

Pure functions of a Run; every number in a sentence is one that the log holds.
"""

import shlex
from math import log

from charrnn.train import BEST, Run

GAP = 0.10  # validation over training loss, in nats per character, from which a run is called overfitted
RISE = 0.02  # rise of the validation loss since its best


def conclusion(run: Run) -> list[str]:
    """What a user wants to know at the end of a run, one sentence each."""
    at, said = run.counters, []
    if at.stopped:
        said.append(f"Stopped early at step {at.step:,}: {at.stopped}.")
    if at.best is None:
        said.append(
            f"Finished at step {at.step:,} without a validation split, so nothing says how good it is on new text."
        )
    else:
        bits = at.best / log(2)
        said.append(
            f"Best validation loss {at.best:.4f} nats per character ({bits:.3f} bits) "
            f"at step {at.best_step:,} of {at.step:,}."
        )
        said.append(fit(run))
    return said


def fit(run: Run) -> str:
    """Over- or underfitting, from the evaluations of the run."""
    at = run.counters
    scored = [(step, train, valid) for step, train, valid in at.history if train is not None and valid is not None]
    step, train, valid = scored[-1]
    if at.best is not None and valid - at.best > RISE:
        return (
            f"Overfitting: since step {at.best_step:,} the validation loss rose by {valid - at.best:.2f} "
            f"while training went on to {train:.2f}; the best model is kept. More text, more model.dropout or a "
            f"smaller model would help."
        )
    if len(scored) > 1 and at.best_step == step and scored[-2][2] - valid > 0.005:
        return f"Still improving at the last evaluation: more {limit(run)} would lower it further."
    if valid - train > GAP:
        return (
            f"Training loss is {valid - train:.2f} lower than validation: more text or more model.dropout would help."
        )
    return "Training and validation loss lie close together: a larger model.hidden_size may do better."


def limit(run: Run) -> str:
    """The key that ends the run, and that would have to be raised for it to go on."""
    return "train.max_steps" if run.steps == run.config.train.max_steps else "train.epochs"


def next_commands(run: Run) -> list[str]:
    """What to type next."""
    folder = run.folder
    if folder is None:
        return []
    where = shell(f"./{folder}" if str(folder).startswith("-") else str(folder))
    commands = [f"charrnn sample {where}"]
    if len(run.corpus.test) or len(run.corpus.valid):
        commands.append(f"charrnn eval {where}")
    if not (folder / BEST).exists():
        commands.append(f"charrnn info {where}")
    return commands


def shell(word: str) -> str:
    """A word as a shell takes it."""
    return shlex.quote(word)
