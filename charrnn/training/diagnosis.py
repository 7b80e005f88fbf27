"""What the evaluations of a run say about it, in sentences, while it trains: what is wrong, and what to try.

A rule sees the history up to an evaluation and says a sentence or nothing. It is believed when two evaluations in a row
agree, so that nothing is said too early or by accident. All of it is a function of history, config and sizes, so a
resumed run says the same. Losses are in nats per character. It prints nothing and changes nothing.
"""

from collections.abc import Sequence
from math import log

from charrnn.models import Evaluation
from charrnn.training.facts import RunFacts

SAID = 2  # sentences at a time; more are not read

SETTLED = 300  # steps after which sound runs knew more than how frequent each character is, most of them after 100; ...
READ = 100_000  # ... where they had read so many characters, for a step may be one of 25
ABSURD = 1.1  # times the loss of guessing; a run begins at 1.0, so that it was steps too long that led there
CLIMB = 0.1  # of the training loss above its lowest; in sound runs neighbours differ by 0.03
RISE = 0.02  # of the validation loss above its best, when training falls: 1 to 2 % (Prechelt 1998, generalisation loss)
GAP = 0.10  # validation above training loss, where not only the language but this text is being learned
HEART = 3  # parameters for a character, which can hold a text by heart; the best for a megabyte of plays had 2.5, with
# dropout. The 20 characters for a parameter of Hoffmann et al. (2022) are for texts that are read once.
CLIPPED = 0.5  # share of the steps: clipping is meant for exceptions
TIGHT = 0.5  # clip_norm in mean norms; Pascanu et al. (2013) advise half of it to ten times it
AMPLE = 5  # the same, when one is to be recommended
PLAIN = ("sgd", "momentum")  # optimizers whose steps are as long as the gradient; the others divide by its usual size
STRIP = 5  # evaluations over which progress is measured (Prechelt 1998), or a fifth of all, if that is more
FLAT = 0.005  # progress of the validation loss in a strip that is none
CLOSE = 0.05  # validation above training loss that leaves a larger model room


def diagnose(history: Sequence[Evaluation], case: RunFacts) -> list[str]:
    """The sentences that hold after an evaluation, the most important first; none where all seems well.

    Each begins with its name and a colon, and ends with what to try.
    """
    seen, said = list(history), list[str]()
    if len(seen) > 1:
        said = [rule(seen, case) for rule in RULES if rule(seen[:-1], case)]
    return [sentence for sentence in said if sentence][:SAID]


def rate_too_high(seen: list[Evaluation], case: RunFacts) -> str:
    """The training loss went up, or above guessing and from there to no more than the frequencies of characters."""
    now, lowest, guess = seen[-1], min(each.train_loss for each in seen), log(case.vocab_size)
    if now.train_loss > ABSURD * guess:
        what = f"the training loss is {now.train_loss:.2f}, worse than guessing ({guess:.2f})"
    elif now.train_loss > lowest + CLIMB:
        what = f"the training loss rose from {lowest:.2f} to {now.train_loss:.2f}"
    elif unlearned(now, case) and max(each.train_loss for each in seen) > ABSURD * guess:
        what = (
            f"after a blow-up the loss is {now.train_loss:.2f}, no better than knowing how frequent each character is"
        )
    else:
        return ""
    return f"Learning rate too high: {what}; try train.learning_rate={case.config.train.learning_rate / 10:.1g}."


def rate_too_low(seen: list[Evaluation], case: RunFacts) -> str:
    """Nothing was learned, though nothing blew up and no clipping held the steps back."""
    now, train = seen[-1], case.config.train
    if now.step < SETTLED or now.step * train.batch_size * train.seq_length < READ:
        return ""
    if not unlearned(now, case) or rate_too_high(seen, case) or (train.optimizer in PLAIN and clipping(seen, case)):
        return ""
    return (
        f"Learning rate too low: after {now.step:,} steps the loss is {now.train_loss:.2f}, no better than knowing how "
        f"frequent each character is ({case.unigram_entropy:.2f}); try train.learning_rate="
        f"{train.learning_rate * 10:.1g}."
    )


def unlearned(now: Evaluation, case: RunFacts) -> bool:
    """Whether a model knows no more than how frequent each character is: by the training loss, for the frequencies are
    those of the training text. No margin: of some texts, such as DNA, there is hardly more to know.
    """
    return now.train_loss >= case.unigram_entropy


def overfitting(seen: list[Evaluation], case: RunFacts) -> str:
    """Validation rose since its best, while training fell."""
    scored = [(each.valid_loss, each) for each in seen if each.valid_loss is not None]
    now = seen[-1]
    if not scored or now.valid_loss is None:
        return ""
    best, then = min(scored)
    if now.valid_loss < best + RISE or now.train_loss > then.train_loss or unlearned(then, case):
        return ""
    return (
        f"Overfitting: since step {then.step:,} the validation loss rose by {now.valid_loss - best:.2f} while training "
        f"fell to {now.train_loss:.2f}; the best model is kept; try {regularised(case)} or more text."
    )


def text_too_small(seen: list[Evaluation], case: RunFacts) -> str:
    """Far more parameters than characters, and the text is being learned by heart."""
    now = seen[-1]
    if now.valid_loss is None or now.valid_loss - now.train_loss < GAP or case.parameters < HEART * case.chars:
        return ""
    return (
        f"Text too small: {case.chars:,} characters for {case.parameters:,} parameters, "
        f"{case.chars / case.parameters:.2g} for each; try more text or {regularised(case)}."
    )


def plateau(seen: list[Evaluation], case: RunFacts) -> str:
    """Validation neither falls nor rises; whether the model is too small for more, or the steps are too long."""
    valid = [each.valid_loss for each in seen if each.valid_loss is not None]
    strip, now, kind = max(STRIP, len(seen) // 5), seen[-1], case.config.train.schedule.kind
    if len(valid) <= strip or now.step < SETTLED or unlearned(now, case):
        return ""
    gain = min(valid[:-strip]) - min(valid[-strip:])
    if gain >= FLAT or valid[-1] > min(valid) + RISE:
        return ""
    what = f"validation gained less than {FLAT} in the last {strip} evaluations"
    if valid[-1] - now.train_loss < CLOSE:
        return (
            f"Underfitting: {what} and lies close to the training loss; try model.hidden_size="
            f"{2 * case.config.model.hidden_size}."
        )
    if kind in ("cosine", "plateau"):  # the rate falls by itself
        return ""
    return f"Plateau: {what}; try train.schedule=plateau, which lowers the learning rate, or {regularised(case)}."


def clipping(seen: list[Evaluation], case: RunFacts) -> str:
    """Most steps are clipped, and by much."""
    now, limit, entry = seen[-1], case.config.train.clip_norm, case.config.train.clip_value
    if now.clipped < CLIPPED:
        return ""
    what, optimizer = f"Clipping: {now.clipped:.0%} of the steps are clipped", case.config.train.optimizer
    if optimizer in PLAIN:
        means = "that, rather than train.learning_rate, decides how long they are"
    else:  # measured on the tales with adam at a 25th of the mean norm: no worse
        means = f"every gradient counts alike, which {optimizer} can take"
    if limit and limit < TIGHT * now.grad_norm:
        remedy = f"train.clip_norm={AMPLE * now.grad_norm:.1g}"
        return (
            f"{what}, at a mean gradient norm of {now.grad_norm:.2g}: {means}; to clip exceptions only, try {remedy}."
        )
    if entry and not (limit and limit < now.grad_norm):
        return f"{what}: {means}; to clip exceptions only, try train.clip_value={10 * entry:g}."
    return ""


RULES = (rate_too_high, rate_too_low, overfitting, text_too_small, plateau, clipping)


def regularised(case: RunFacts) -> str:
    """What makes learning by heart harder, by what helped on a tenth of the tales: more dropout where there is a place
    for it, or decay of the weights (1.67 to 1.66 with 0.1, 1.63 with 1; half the units made it 1.72).
    """
    model, train = case.config.model, case.config.train
    if model.num_layers > 1 and model.dropout < 0.5:
        return f"model.dropout={min(model.dropout + 0.2, 0.5):g}"
    if train.optimizer in ("adam", "adamw"):
        return f"train.optimizer=adamw with train.weight_decay={max(2 * train.weight_decay, 0.5):g}"
    return f"model.hidden_size={-(-model.hidden_size // 2)}"
