"""Diagnosis of a run while it trains: sentences that say what is wrong, and what to try.

A rule looks at the history up to an evaluation and returns a sentence or "". A sentence is shown once its rule has held
at two evaluations in a row, so that one unusual evaluation does not raise it. Every rule is a function of history,
config and sizes, so a resumed run says the same as an unbroken one. Losses are in nats per character. This module
prints nothing and changes nothing.
"""

from collections.abc import Sequence

from charrnn.config import ModelConfig
from charrnn.models import Evaluation
from charrnn.training.facts import RunFacts

# Sentences shown at a time.
MAX_SENTENCES = 2

# Steps and characters before a run is judged by what it has learned. Sound runs do better than the frequencies of the
# characters by then, most of them after 100 steps.
MIN_STEPS = 300
MIN_CHARS = 100_000

# A training loss above this multiple of the loss of guessing has diverged from it: a run begins at 1.0 times that loss.
MAX_GUESSING_MULTIPLE = 1.1

# Rise of the training loss above its lowest that counts as one. Neighbouring evaluations of sound runs differ by 0.03.
MIN_TRAIN_RISE = 0.1

# Rise of the validation loss above its best that counts as one: 1 to 2 % (generalisation loss, Prechelt 1998).
MIN_VALID_RISE = 0.02

# Validation loss minus training loss from which the model is learning this text, and not only the language.
MEMORISING_GAP = 0.10

# Parameters per character with which a model can memorise its text. The best model of a megabyte of plays had 2.5, with
# dropout. The 20 characters per parameter of Hoffmann et al. (2022) hold for texts that are read once.
PARAMETERS_TO_MEMORISE = 3

# Share of clipped steps from which clipping is no longer the exception.
MIN_CLIPPED_SHARE = 0.5

# Lowest clip_norm in mean gradient norms that passes; Pascanu et al. (2013) advise half of the mean to ten times it.
MIN_CLIP_NORM = 0.5

# The clip_norm to recommend, in mean gradient norms.
ADVISED_CLIP_NORM = 5

# Optimizers whose steps are proportional to the gradient; the others divide the gradient by its usual size.
PROPORTIONAL_OPTIMIZERS = ("sgd", "momentum")

# Evaluations over which progress is measured (Prechelt 1998); a fifth of all evaluations if that is more.
STRIP_EVALUATIONS = 5

# Gain of the validation loss in a strip of evaluations below which there was no progress.
MIN_STRIP_GAIN = 0.005

# Validation loss minus training loss up to which a larger model may still help.
SMALL_GAP = 0.05


def diagnose(history: Sequence[Evaluation], facts: RunFacts) -> list[str]:
    """Return the sentences that hold after the latest evaluation, the most important first.

    Arguments:
        history: the evaluations so far, oldest first.
        facts: what the run is judged against.

    Returns:
        At most MAX_SENTENCES sentences; none if nothing is wrong. Each begins with the name of its rule and a colon,
        and ends with what to try.
    """
    evaluations = list(history)
    if len(evaluations) < 2:
        return []
    rules = RULES if facts.example_guessing is None else RULES_OF_EXAMPLES
    confirmed = [rule(evaluations, facts) for rule in rules if rule(evaluations[:-1], facts)]
    return [sentence for sentence in confirmed if sentence][:MAX_SENTENCES]


def rate_too_high(history: list[Evaluation], facts: RunFacts) -> str:
    """The training loss rose, or is worse than guessing, or was so and came down to the unigram entropy only."""
    latest, guessing = history[-1], facts.guessing
    lowest = min(evaluation.train_loss for evaluation in history)
    highest = max(evaluation.train_loss for evaluation in history)
    if latest.train_loss > MAX_GUESSING_MULTIPLE * guessing:
        fault = f"the training loss is {latest.train_loss:.2f}, worse than guessing ({guessing:.2f})"
    elif latest.train_loss > lowest + MIN_TRAIN_RISE:
        fault = f"the training loss rose from {lowest:.2f} to {latest.train_loss:.2f}"
    elif unlearned(latest, facts) and highest > MAX_GUESSING_MULTIPLE * guessing:
        fault = f"after a blow-up the loss is {latest.train_loss:.2f}, no better than knowing {facts.simplest}"
    else:
        return ""
    return f"Learning rate too high: {fault}; try train.learning_rate={facts.config.train.learning_rate / 10:.1g}."


def rate_too_low(history: list[Evaluation], facts: RunFacts) -> str:
    """Nothing was learned, although nothing diverged and no clipping shortened the steps."""
    latest, train = history[-1], facts.config.train
    chars = latest.step * train.batch_size * train.seq_length
    if latest.step < MIN_STEPS or chars < MIN_CHARS or not unlearned(latest, facts):
        return ""
    shortened = train.optimizer in PROPORTIONAL_OPTIMIZERS and clipping(history, facts)
    if shortened or rate_too_high(history, facts):
        return ""
    return (
        f"Learning rate too low: after {latest.step:,} steps the loss is {latest.train_loss:.2f}, no better than "
        f"knowing how frequent each character is ({facts.unigram_entropy:.2f}); try train.learning_rate="
        f"{train.learning_rate * 10:.1g}."
    )


def unlearned(evaluation: Evaluation, facts: RunFacts) -> bool:
    """Return whether a model predicts no better than the frequencies of the characters.

    The training loss decides, because the frequencies are those of the training text. There is no margin: for some
    texts, such as DNA, the best loss is close to the unigram entropy.
    """
    return evaluation.train_loss >= facts.unigram_entropy


def overfitting(history: list[Evaluation], facts: RunFacts) -> str:
    """The validation loss has risen since its best, while the training loss fell."""
    latest = history[-1]
    scored = [(evaluation.valid_loss, evaluation) for evaluation in history if evaluation.valid_loss is not None]
    if latest.valid_loss is None:
        return ""
    best_loss, best = min(scored)
    rise = latest.valid_loss - best_loss
    if latest.valid_loss < best_loss + MIN_VALID_RISE or latest.train_loss > best.train_loss or unlearned(best, facts):
        return ""
    return (
        f"Overfitting: since step {best.step:,} the validation loss rose by {rise:.2f} while training fell to "
        f"{latest.train_loss:.2f}; the best model is kept; try {regularisation(facts)} or more {facts.read}."
    )


def text_too_small(history: list[Evaluation], facts: RunFacts) -> str:
    """There are far more parameters than characters, and the text is being memorised."""
    latest = history[-1]
    if latest.valid_loss is None or latest.valid_loss - latest.train_loss < MEMORISING_GAP:
        return ""
    if facts.parameters < PARAMETERS_TO_MEMORISE * facts.chars:
        return ""
    return (
        f"Text too small: {facts.chars:,} characters for {facts.parameters:,} parameters, "
        f"{facts.chars / facts.parameters:.2g} for each; try more text or {regularisation(facts)}."
    )


def plateau(history: list[Evaluation], facts: RunFacts) -> str:
    """The validation loss neither falls nor rises: the model is too small, or the learning rate no longer suits."""
    latest = history[-1]
    valid = [evaluation.valid_loss for evaluation in history if evaluation.valid_loss is not None]
    strip = max(STRIP_EVALUATIONS, len(history) // 5)
    if len(valid) <= strip or latest.step < MIN_STEPS or unlearned(latest, facts):
        return ""
    gain = min(valid[:-strip]) - min(valid[-strip:])
    if gain >= MIN_STRIP_GAIN or valid[-1] > min(valid) + MIN_VALID_RISE:
        return ""
    fault = f"validation gained less than {MIN_STRIP_GAIN} in the last {strip} evaluations"
    if valid[-1] - latest.train_loss < SMALL_GAP:
        return (
            f"Underfitting: {fault} and lies close to the training loss; try "
            f"{size_setting(facts.config.model, 2 * facts.config.model.hidden_size)}."
        )
    if facts.config.train.schedule.kind in ("cosine", "plateau"):  # these lower the rate themselves
        return ""
    return f"Plateau: {fault}; try train.schedule=plateau, which lowers the learning rate, or {regularisation(facts)}."


def clipping(history: list[Evaluation], facts: RunFacts) -> str:
    """Most steps are clipped, and by much."""
    latest, train = history[-1], facts.config.train
    if latest.clipped < MIN_CLIPPED_SHARE:
        return ""
    fault = f"Clipping: {latest.clipped:.0%} of the steps are clipped"
    if train.optimizer in PROPORTIONAL_OPTIMIZERS:
        effect = "that, rather than train.learning_rate, decides how long they are"
    else:  # with adam, a clip_norm of a 25th of the mean norm did no harm on the tales
        effect = f"every gradient counts alike, which {train.optimizer} can take"
    if train.clip_norm and train.clip_norm < MIN_CLIP_NORM * latest.grad_norm:
        return (
            f"{fault}, at a mean gradient norm of {latest.grad_norm:.2g}: {effect}; to clip exceptions only, try "
            f"train.clip_norm={ADVISED_CLIP_NORM * latest.grad_norm:.1g}."
        )
    clipped_by_norm = train.clip_norm and train.clip_norm < latest.grad_norm
    if train.clip_value and not clipped_by_norm:
        return f"{fault}: {effect}; to clip exceptions only, try train.clip_value={10 * train.clip_value:g}."
    return ""


RULES = (rate_too_high, rate_too_low, overfitting, text_too_small, plateau, clipping)  # the most important first
RULES_OF_EXAMPLES = (rate_too_high, overfitting, clipping)  # the others judge by characters


def regularisation(facts: RunFacts) -> str:
    """Return the setting that makes memorising harder: more dropout, weight decay, or half the hidden units.

    Dropout needs two layers. The order is by the effect on a tenth of the tales: weight decay lowered the validation
    loss from 1.67 to 1.63, half the units raised it to 1.72.
    """
    model, train = facts.config.model, facts.config.train
    if model.num_layers > 1 and model.dropout < 0.5:
        return f"model.dropout={min(model.dropout + 0.2, 0.5):g}"
    if train.optimizer in ("adam", "adamw"):
        return f"train.optimizer=adamw with train.weight_decay={max(2 * train.weight_decay, 0.5):g}"
    return size_setting(model, -(-model.hidden_size // 2))


def size_setting(model: ModelConfig, hidden_size: int) -> str:
    """The setting of another hidden_size, and of the n-gram inside, which follows the text only where that does."""
    inside = f" with model.ngram={model.ngram}" if model.ngram else ""
    return f"model.hidden_size={hidden_size}{inside}"
