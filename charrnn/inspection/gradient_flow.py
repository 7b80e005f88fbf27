"""Gradient flow: how much the loss at one step depends on the state k steps before it, and what recurrent weights do.

Shapes: K steps back, N places in the text, L layers, S states, G gates, H units. The gradient is for the state that
a layer carries from step t - k to the next, as backpropagation through time computes it, in float64: where it vanishes
(Hochreiter 1991; Bengio et al. 1994) nothing is learned over k steps, where it explodes clipping must save the step
(Pascanu et al. 2013). Reads a network; changes nothing.
"""

from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import Batch, choose_split, load_corpus
from charrnn.errors import TextError
from charrnn.models import Network

BACK, WARM_UP = 300, 100  # steps back, characters read before
PLACES, AT_ONCE = 32, 8  # places in the text, and how many at a time: bounds memory
FADED = 0.01  # of the gradient one step back: what counts as vanished


def windows(ids: Array) -> tuple[Array, int]:
    """Windows that end at PLACES spread over ids (len,), two characters or more, as columns (T + 1, N), and how many of
    their steps only warm up; they are shorter in a short text."""
    length = min(WARM_UP + BACK + 1, len(ids))
    starts = np.linspace(0, len(ids) - length, PLACES).astype(np.int64)
    return ids[starts + np.arange(length)[:, None]], min(WARM_UP, (length - 1) // 4)


def gradient_norms(network: Network, ids: Array) -> Array:
    """The norm of the gradient of -ln p(the character at step t) for the state of each layer k = 1, 2 ... steps before,
    (L, up to BACK): the median over PLACES in ids (len,). A layer's state is all that it carries: an LSTM's c and h."""
    network = doubled(network)
    text, warm = windows(ids)
    length = len(text) - 1 - warm
    tape, norms = network.tape(length, AT_ONCE), []
    gradients = [np.zeros((len(memory.states), length, *memory.states.shape[2:])) for memory in tape.stack.layers]
    weight = np.zeros((length, AT_ONCE))
    weight[-1] = 1
    with np.errstate(over="ignore", invalid="ignore"):  # it may explode beyond all numbers, and that is an answer
        for some in np.split(text, PLACES // AT_ONCE, axis=1):
            state = network.start(AT_ONCE)
            if warm:
                network.feed(some[:warm], state)
            batch = Batch(some[warm:-1], some[warm + 1 :], weight, 1, fresh=False)
            network.forward(batch, state, tape)
            network.backward(batch, tape, gradients)
            norms.append(np.sqrt((np.array(gradients) ** 2).sum(axis=(1, 4))))  # (L, T, N)
        median: Array = np.median(np.concatenate(norms, axis=2), axis=2)[:, ::-1]
    return median


def doubled(network: Network) -> Network:
    """The same network in float64, so that a small gradient does not underflow."""
    copy = Network(network.config, network.vocab, np.float64)
    copy.params.values[...] = network.params.values
    return copy


def reach(norms: Array) -> int | None:
    """How many steps back the gradient (K,) first falls below FADED of what it is one step back, if it does."""
    below = np.flatnonzero(norms < FADED * norms[0])
    return int(below[0]) + 1 if len(below) else None


def spectra(network: Network) -> list[dict[str, Any]]:
    """Each layer's recurrent weights (H, H) gate by gate: the spectral radius, and the singular values, largest first.

    Of a plain RNN the product of such matrices, damped by the slopes of the activation, is what carries gradients back.
    """
    found = []
    for k, layer in enumerate(network.stack.layers):
        for gate, matrix in zip(layer.cell.gates, layer.bind(network.params.value).U.astype(np.float64), strict=True):
            radius = float(np.abs(np.linalg.eigvals(matrix)).max())
            singular = np.linalg.svd(matrix, compute_uv=False).tolist()
            found.append({"layer": k, "gate": gate, "radius": radius, "singular": singular})
    return found


def flow(network: Network, ids: Array) -> dict[str, Any]:
    """All of it as a plain dict: `norms` (L, K), `reach` of each layer, `weights`. Raises TextError for a text of less
    than two characters."""
    if len(ids) < 2:
        raise TextError("the held-out text is too short to follow a gradient back")
    norms = gradient_norms(network, ids)
    return {"norms": norms.tolist(), "reach": [reach(row) for row in norms], "weights": spectra(network)}


def fresh(config: Config) -> tuple[Network, Array]:
    """The network with which a config would start to train, and the ids of its held-out text. Raises TextError."""
    corpus = load_corpus(config)
    network = Network(config.model, corpus.vocab)
    network.initialise(np.random.default_rng(config.seed))
    return network, choose_split(corpus, None).ids
