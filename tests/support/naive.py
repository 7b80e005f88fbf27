"""The reference implementation of the network, in plain loops: one gate, one stream, one step at a time.

It follows the equations in the docstrings of charrnn/nn/cells.py and uses no code of the package. Tests compare the
package with it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def relu(x: Array) -> Array:
    return np.array([max(number, 0.0) for number in x])


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {"tanh": np.tanh, "relu": relu, "sigmoid": sigmoid}


def rnn(x: Array, h: Array, W: Array, U: Array, b: Array, activation: str) -> list[Array]:
    """One step of one stream: x (D,) and h (H,) to [h]; here and below W is (G, D, H), U (G, H, H), b (G, H)."""
    return [ACTIVATIONS[activation](x @ W[0] + h @ U[0] + b[0])]


def lstm(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> list[Array]:
    """One step of one stream, to [h, c]."""
    i = sigmoid(x @ W[0] + h @ U[0] + b[0])
    f = sigmoid(x @ W[1] + h @ U[1] + b[1])
    o = sigmoid(x @ W[2] + h @ U[2] + b[2])
    g = np.tanh(x @ W[3] + h @ U[3] + b[3])
    c = f * c + i * g
    return [o * np.tanh(c), c]


def gru_after(x: Array, h: Array, W: Array, U: Array, b: Array, b_hn: Array) -> list[Array]:
    """One step of one stream, to [h]; reset after the recurrent product."""
    r = sigmoid(x @ W[0] + h @ U[0] + b[0])
    z = sigmoid(x @ W[1] + h @ U[1] + b[1])
    n = np.tanh(x @ W[2] + b[2] + r * (h @ U[2] + b_hn))
    return [(1 - z) * n + z * h]


def gru_before(x: Array, h: Array, W: Array, U: Array, b: Array) -> list[Array]:
    """One step of one stream, to [h]; reset before the recurrent product."""
    r = sigmoid(x @ W[0] + h @ U[0] + b[0])
    z = sigmoid(x @ W[1] + h @ U[1] + b[1])
    n = np.tanh(x @ W[2] + b[2] + (r * h) @ U[2])
    return [(1 - z) * n + z * h]


def step(config: Any, value: Mapping[str, Array], layer: int, x: Array, state: Array) -> list[Array]:
    """One step of one stream through one layer: x (D,) and its state (S, H) to the next state, h first."""
    W, U, b = (value[f"{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias"))
    if config.cell == "rnn":
        return rnn(x, state[0], W, U, b, config.activation)
    if config.cell == "lstm":
        return lstm(x, state[0], state[1], W, U, b)
    if config.reset == "after":
        return gru_after(x, state[0], W, U, b, value[f"bias_hn_l{layer}"])
    return gru_before(x, state[0], W, U, b)


def run(
    config: Any, value: Mapping[str, Array], ids: Array, start: Array, masks: Sequence[Array] = ()
) -> tuple[Array, Array]:
    """Run the network over ids (T, N).

    Arguments:
        config: a ModelConfig.
        value: parameters by name.
        ids: (T, N).
        start: the state before, (L, S, N, H).
        masks: dropout's factors (T, N, H) between each two layers; none without dropout.

    Returns:
        Logits (T, N, V), and the state (L, S, N, H) after the last step.
    """
    length, streams = ids.shape
    vocab_size = len(value["output_bias"])
    table = value["embedding"] if config.embedding_size else np.eye(vocab_size)
    logits, state = np.zeros((length, streams, vocab_size)), start.copy()
    for n in range(streams):
        for t in range(length):
            x, total = table[ids[t, n]], np.zeros(config.hidden_size)
            for k in range(config.num_layers):
                if k and masks:
                    x = x * masks[k - 1][t, n]
                state[k, :, n] = step(config, value, k, x, state[k, :, n])
                x = state[k, 0, n]
                total = total + x
            logits[t, n] = (total if config.skip_connections else x) @ value["output_weight"] + value["output_bias"]
    return logits, state


def document_nats(config: Any, value: Mapping[str, Array], document: Sequence[int], end: int) -> float:
    """-ln p of a whole document (ids without its end) and of its end, read by itself: after zeros and an end."""
    ids = np.array([end, *document, end])[:, None]
    states = 2 if config.cell == "lstm" else 1
    logits, _ = run(config, value, ids[:-1], np.zeros((config.num_layers, states, 1, config.hidden_size)))
    return loss(logits, ids[1:]) * (len(ids) - 1)


def loss(logits: Array, targets: Array, weight: Array | None = None) -> float:
    """The mean of -ln p(target), in nats, over the targets (T, N) whose weight is 1."""
    nats = []
    for t, n in np.ndindex(targets.shape):
        if weight is None or weight[t, n]:
            p = np.exp(logits[t, n]) / np.exp(logits[t, n]).sum()
            nats.append(-np.log(p[targets[t, n]]))
    return float(np.mean(nats))
