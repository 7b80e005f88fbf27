"""Plain sentences at the end of a run: how it went, what would make it better, what to type next.

Pure functions of a Run; every number in a sentence is one that the log holds. What diagnosis.py says has precedence.
"""

import shlex
from math import log

from charrnn.training.diagnosis import MEMORISING_GAP, overfitting, regularisation, unlearned
from charrnn.training.loop import Run

GAIN = 0.005  # of the validation loss at the last evaluation, in nats per character, that promises more
USUAL = (
    1e-3  # learning rate of adam (Kingma and Ba 2015); at a tenth of a good one runs end 0.9 higher in as many steps
)


def conclusion(run: Run) -> list[str]:
    """What a user wants to know at the end of a run, one sentence each."""
    at, said = run.state, []
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
    said += run.advice
    if at.best is not None and all(sentence.startswith("Clipping") for sentence in run.advice):
        said.append(fit_verdict(run))
    return said


def fit_verdict(run: Run) -> str:
    """Over- or underfitting, from the last evaluations of the run."""
    seen = [each for each in run.state.history if each.valid_loss is not None]
    valid = [each.valid_loss for each in seen if each.valid_loss is not None]
    above = valid[-1] - seen[-1].train_loss
    if overfitted := overfitting(seen, run.facts):
        return overfitted
    if len(valid) > 1 and valid[-1] == min(valid) and valid[-2] - valid[-1] > GAIN:
        more, rate = f"more {limit(run)}", run.config.train.learning_rate
        if rate < USUAL and run.config.train.optimizer in ("adam", "adamw", "rmsprop"):
            more += f" or train.learning_rate={5 * rate:.1g}"
        return f"Still improving at the last evaluation: {more} would lower it further."
    if unlearned(seen[-1], run.facts):
        return f"It knows no more than how frequent each character is: more {limit(run)} would lower the loss."
    if above > MEMORISING_GAP:
        return (
            f"Training loss is {above:.2f} lower than validation: more text or {regularisation(run.facts)} would help."
        )
    larger = 2 * run.config.model.hidden_size
    return f"Training and validation loss lie close together: a larger model.hidden_size, say {larger}, may do better."


def limit(run: Run) -> str:
    """The key that ends the run, and that would have to be raised for it to go on."""
    return "train.max_steps" if run.plan.steps == run.config.train.max_steps else "train.epochs"


def next_commands(run: Run) -> list[str]:
    """What to type next."""
    if run.directory is None:
        return []
    folder = str(run.directory.path)
    where = shell(f"./{folder}" if folder.startswith("-") else folder)
    commands = [f"charrnn sample {where}"]
    if len(run.corpus.test) or len(run.corpus.valid):
        commands += [f"charrnn eval {where} --baselines", f"charrnn report {where}"]
    if not run.directory.best.exists():
        commands.append(f"charrnn info {where}")
    return commands


def shell(word: str) -> str:
    """A word as a shell takes it."""
    return shlex.quote(word)
