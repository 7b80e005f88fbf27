"""Dynamic evaluation: a network whose weights follow the text while it is scored (Krause et al. 2018).

The text is read in segments. Each is scored with the weights as they stand; then they take a step down its gradient,
and a little way back to where they began. So no character is seen before it is scored. It is one stream, for the next
segment needs the weights that the last one left. The network is given back as it was.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Batch
from charrnn.errors import DivergedError
from charrnn.models import Network

Rule = Literal["rms", "sgd"]
SEGMENT = 20  # characters, as in the paper
RATE: dict[Rule, float] = {"rms": 2e-4, "sgd": 0.005}
DECAY = 1e-3  # of the way back to the trained weights, at each step
EPSILON = 0.1  # of the mean size of gradients, added to each size
STRETCHES, STRETCH = 50, 10  # pieces of the training text on which gradients are measured, and segments of each


def score_dynamically(
    network: Network, ids: Array, train: Array, rule: Rule = "rms", rate: float | None = None
) -> Array:
    """-ln p of each character of ids (len,) by a network that adapts as it reads; (len,) float64.

    Arguments: `rule`, sgd for a plain step; rms to divide each gradient by its root mean square on the training text
    `train` (len,), ids too, and to draw the weights back in proportion to that; `rate`, of the steps. Raises
    DivergedError where the rate is too high.
    """
    values, grads = network.params.values, network.params.grads
    start, rate = values.copy(), RATE[rule] if rate is None else rate
    pace, back = np.full_like(values, rate), np.zeros_like(values)
    if rule == "rms":
        size = root_mean_square(network, train)
        pace /= size + EPSILON * size.mean()
        back = np.minimum(DECAY * size / size.mean(), 1)
    nats = np.zeros(len(ids))
    state = network.start(1)
    first = network.predict(state)[0].astype(np.float64)
    nats[0] = np.log(np.exp(first - first[ids[0]]).sum())
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for at, losses in segments(network, ids, state):
                nats[at : at + len(losses)] = losses
                values += back * (start - values) - pace * grads
    finally:
        values[...] = start
    if not np.isfinite(nats).all():
        raise DivergedError(f"dynamic evaluation diverged at the rate {rate:g}; lower --dynamic-rate")
    return nats


def segments(network: Network, ids: Array, state: Array) -> Iterator[tuple[int, Array]]:
    """Read ids (len,) segment by segment, moving `state` on; where each one's targets begin, and -ln p of them.

    The network's gradient is then that of the mean of these.
    """
    tape = network.tape(SEGMENT, 1)
    for begin in range(0, len(ids) - 1, SEGMENT):
        text = ids[begin : begin + SEGMENT + 1].astype(np.int64)[:, None]
        batch = Batch(text[:-1], text[1:], None, len(text) - 1, fresh=False)
        network.forward(batch, state, tape)
        probs = tape.scores[np.arange(batch.count), batch.y[:, 0]]
        losses = -np.log(probs, dtype=np.float64)
        network.backward(batch, tape)
        yield begin + 1, losses


def root_mean_square(network: Network, train: Array) -> Array:
    """The root mean square of each parameter's gradient on segments from all over the training text, flat."""
    squares, count = np.zeros_like(network.params.values), 0
    length = STRETCH * SEGMENT
    for begin in np.linspace(0, max(len(train) - length - 1, 0), STRETCHES).astype(int):
        for _ in segments(network, train[begin : begin + length + 1], network.start(1)):
            squares += network.params.grads**2
            count += 1
    root: Array = np.sqrt(squares / count)
    return root
