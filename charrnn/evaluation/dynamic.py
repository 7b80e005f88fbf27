"""Dynamic evaluation: a network that keeps learning from the text while it is scored (Krause et al. 2018).

The text is read in segments. Each segment is scored first; then the weights take a step down its gradient and are drawn
a little towards the trained weights. So no character is seen before it is scored. There is only one stream, because
each segment needs the weights that the one before it left. Afterwards the network has its trained weights again.

Of a network with an n-gram inside, the network and its gate adapt, and the n-gram stays as it was counted.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Batch
from charrnn.errors import DivergedError
from charrnn.models import GatedNetwork, LanguageModel, Network, fold_log_probs

Rule = Literal["rms", "sgd"]
SEGMENT = 20  # characters, as in the paper
DEFAULT_RATE: dict[Rule, float] = {"rms": 2e-4, "sgd": 0.005}
DECAY = 1e-3  # share of the way back to the trained weights that a step takes
EPSILON = 0.1  # times the mean of the gradients' root mean squares; added to each of them
SAMPLE_PIECES = 50  # pieces of the training text on which gradients are measured
SEGMENTS_PER_PIECE = 10


def score_dynamically(
    model: Network | GatedNetwork, ids: Array, train: Array, rule: Rule = "rms", rate: float | None = None
) -> Array:
    """-ln p of each character of ids (len,) by a model that adapts as it reads, (len,) in float64.

    Arguments: `train`, the ids of the training text; `rule`, "sgd" for plain steps, or "rms" to divide each gradient by
    its root mean square on the training text and to make the decay proportional to it; `rate`, the step size, None for
    the default of the rule.

    Raises: DivergedError where the rate is too high.
    """
    network = network_in(model)
    values, grads = network.params.values, network.params.grads
    trained = values.copy()
    rate = DEFAULT_RATE[rule] if rate is None else rate
    step_size = np.full_like(values, rate)
    decay = np.zeros_like(values)
    if rule == "rms":
        rms = root_mean_square(model, train)
        step_size /= rms + EPSILON * rms.mean()
        decay = np.minimum(DECAY * rms / rms.mean(), 1)
    nats = np.zeros(len(ids))
    counted = model.ngram.log_probs(ids) if isinstance(model, GatedNetwork) else None
    scores = first_scores(model).astype(np.float64)
    nats[0] = np.log(np.exp(scores - scores[ids[0]]).sum())
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start, losses in segments(network, ids, counted):
                nats[start : start + len(losses)] = losses
                values += decay * (trained - values) - step_size * grads
    finally:
        values[...] = trained
    if not np.isfinite(nats).all():
        raise DivergedError(f"dynamic evaluation diverged at the rate {rate:g}", hint="lower --dynamic-rate")
    return nats


def first_scores(model: LanguageModel) -> Array:
    """The scores (V,) of the first character: logits, or ln p."""
    scores: Array = model.predict(model.start(1))[0]
    return scores


def network_in(model: Network | GatedNetwork) -> Network:
    """The network whose weights adapt."""
    return model.network if isinstance(model, GatedNetwork) else model


def segments(network: Network, ids: Array, counted: Array | None = None) -> Iterator[tuple[int, Array]]:
    """Read ids (len,) segment by segment. `counted`: with a gate, ln p of each by the n-gram, (len,).

    Yields: the position of a segment's first target, and -ln p of its targets. The network's gradient is then that of
    their mean.
    """
    state, tape = network.start(1), network.tape(SEGMENT, 1)
    for begin in range(0, len(ids) - 1, SEGMENT):
        text = ids[begin : begin + SEGMENT + 1].astype(np.int64)[:, None]
        expected = None if counted is None else counted[begin + 1 : begin + SEGMENT + 1, None]
        batch = Batch(text[:-1], text[1:], None, len(text) - 1, fresh=False, counted=expected)
        losses = network.losses(batch, state, tape).astype(np.float64)
        network.backward(batch, tape)
        yield begin + 1, losses


def root_mean_square(model: Network | GatedNetwork, train: Array) -> Array:
    """The root mean square of each parameter's gradient on segments from all over the training text, flat."""
    network, counted = network_in(model), None
    if isinstance(model, GatedNetwork):
        counted = fold_log_probs(model.vocab, train, model.ngram.order)
    squares = np.zeros_like(network.params.values)
    count = 0
    length = SEGMENTS_PER_PIECE * SEGMENT
    for begin in np.linspace(0, max(len(train) - length - 1, 0), SAMPLE_PIECES).astype(int):
        piece = slice(begin, begin + length + 1)
        for _ in segments(network, train[piece], None if counted is None else counted[piece]):
            squares += network.params.grads**2
            count += 1
    root: Array = np.sqrt(squares / count)
    return root
