"""Sentences at the end of a run: how it went, what would make it better, and which commands to type next.

Functions of a Run that print nothing and change nothing. Every number in a sentence is one that the log holds. The
diagnosis of the run (diagnosis.py) takes precedence over the verdict given here.
"""

import shlex
from math import log

from charrnn.data import reads_standard_input
from charrnn.training.diagnosis import MEMORISING_GAP, overfitting, regularisation, size_setting, unlearned
from charrnn.training.loop import Run

# Fall of the validation loss at the last evaluation, in nats per character, from which a longer run is worthwhile.
MIN_LAST_GAIN = 0.005

# The usual learning rate of adam (Kingma and Ba 2015). At a tenth of a good rate, runs end 0.9 nats per character
# higher in as many steps.
USUAL_RATE = 1e-3


def conclusion(run: Run) -> list[str]:
    """Return what a user wants to know at the end of a run, one sentence each."""
    state, sentences = run.state, []
    if state.stopped:
        sentences.append(f"Stopped early at step {state.step:,}: {state.stopped}.")
    if state.best is None:
        sentences.append(
            f"Finished at step {state.step:,} without a validation split, so nothing says how good it is on new "
            f"{run.facts.read}."
        )
    elif run.config.task != "language":
        sentences.append(
            f"Best validation {run.config.train.best} {state.best:.4f} at step {state.best_step:,} of {state.step:,}."
        )
    else:
        bits = state.best / log(2)
        sentences.append(
            f"Best validation loss {state.best:.4f} nats per character ({bits:.3f} bits) "
            f"at step {state.best_step:,} of {state.step:,}."
        )
    sentences += run.advice
    if state.best is not None and all(sentence.startswith("Clipping") for sentence in run.advice):
        sentences.append(fit_verdict(run))
    return [sentence for sentence in sentences if sentence]


def fit_verdict(run: Run) -> str:
    """Return the sentence that says whether the run ended over- or underfitted, by its last evaluations; or ""."""
    train = run.config.train
    scored = [evaluation for evaluation in run.state.history if evaluation.valid_loss is not None]
    valid = [evaluation.valid_loss for evaluation in scored if evaluation.valid_loss is not None]
    gap = valid[-1] - scored[-1].train_loss
    if sentence := overfitting(scored, run.facts):
        return sentence
    if len(valid) > 1 and valid[-1] == min(valid) and valid[-2] - valid[-1] > MIN_LAST_GAIN:
        remedy = f"more {limit(run)}"
        if train.learning_rate < USUAL_RATE and train.optimizer in ("adam", "adamw", "rmsprop"):
            remedy += f" or train.learning_rate={5 * train.learning_rate:.1g}"
        return f"Still improving at the last evaluation: {remedy} would lower it further."
    if unlearned(scored[-1], run.facts):
        return f"It knows no more than {run.facts.simplest}: more {limit(run)} would lower the loss."
    if gap > MEMORISING_GAP:
        remedy = f"more {run.facts.read} or {regularisation(run.facts)}"
        return f"Training loss is {gap:.2f} lower than validation: {remedy} would help."
    if train.label_smoothing or train.teacher:  # the loss of soft targets is higher: it may lie close to any other
        return ""
    model = run.config.model
    larger = size_setting(model, 2 * model.hidden_size)
    return f"Training and validation loss lie close together: a larger network, say {larger}, may do better."


def limit(run: Run) -> str:
    """Return the key that ends the run, which must be raised to continue it."""
    return "train.max_steps" if run.plan.steps == run.config.train.max_steps else "train.epochs"


def next_commands(run: Run) -> list[str]:
    """Return the commands to type after a run; none for a run without a directory.

    `charrnn eval` reads the text of the run again, which is impossible if it came from standard input.
    """
    if run.directory is None:
        return []
    folder = str(run.directory.path)
    word = shlex.quote(f"./{folder}" if folder.startswith("-") else folder)
    language = run.config.task == "language"
    commands = [f"charrnn {'sample' if language else 'predict'} {word}"]
    if reads_standard_input(run.config.data):
        return commands
    if len(run.corpus.test) or len(run.corpus.valid):
        commands.append(f"charrnn eval {word} --baselines")
        commands.append(f"charrnn report {word}")
    if not run.directory.best.exists():
        commands.append(f"charrnn info {word}")
    return commands
