"""Gradient flow: how much the loss at one step depends on the state k steps before it, and what recurrent weights do.

Shapes: K steps back, N positions in the text, T steps of a window, L layers, S states, H units. The gradient is the one
for the state that a layer carries from step t - k to the next, as backpropagation through time computes it, in float64.
Where it vanishes (Hochreiter 1991; Bengio et al. 1994) nothing is learned over k steps. Where it explodes, clipping
must save the step (Pascanu et al. 2013). Reads a network; changes nothing.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import Batch, Vocab, ends_of
from charrnn.errors import TextError
from charrnn.models import Network

MAX_STEPS_BACK = 300
WARM_UP = 100  # characters read before the first step that counts
POSITIONS = 32  # steps, spread over the text, whose loss is followed back
POSITIONS_AT_ONCE = 8  # bounds memory
MIN_STEPS_BACK = 2
VANISHED = 0.01  # a gradient has vanished below this share of the gradient one step back


@dataclass(frozen=True)
class GateWeights:
    """The recurrent weights (H, H) of one gate of a layer, counted from 0.

    `radius`: the spectral radius. `singular`: the singular values, largest first.
    """

    layer: int
    gate: str
    radius: float
    singular: list[float]


@dataclass(frozen=True)
class GradientFlow:
    """How far gradients reach in a network.

    Fields: `norms`, for each layer the norm of the gradient 1, 2 ... K steps back; `reach`, for each layer the first
    distance at which it has vanished, or None; `weights`, for each layer and gate.
    """

    norms: list[list[float]]
    reach: list[int | None]
    weights: list[GateWeights]


@dataclass(frozen=True)
class ModelFlow:
    """The gradient flow of one of several models. `clipped`: the share of its training steps that were clipped."""

    name: str
    clipped: float | None
    flow: GradientFlow

    def to_dict(self) -> dict[str, Any]:
        """The model's entry in what `charrnn flow --json` prints."""
        return {"name": self.name, "clipped": self.clipped, **asdict(self.flow)}


def windows(ids: Array) -> tuple[Array, int]:
    """Windows that end at POSITIONS spread over ids (len,), two characters or more.

    Returns: the windows as columns (T + 1, N), shorter in a short text, and how many of their steps only warm up.
    """
    length = min(WARM_UP + MAX_STEPS_BACK + 1, len(ids))
    starts = np.linspace(0, len(ids) - length, POSITIONS).astype(np.int64)
    return ids[starts + np.arange(length)[:, None]], min(WARM_UP, (length - 1) // 4)


def windows_of_documents(ids: Array, end: int) -> tuple[Array, int]:
    """Windows inside documents of ids (len,), each ended by `end`: the longest ones, as those of short ones say little.

    Returns: as windows(). Up to POSITIONS documents are used, and all windows are as long as the shortest of these
        allows.

    Raises: TextError where they are too short.
    """
    stops = ends_of(ids, end)
    begins = np.concatenate([[0], stops[:-1]]).astype(np.int64)
    sizes = stops - begins
    longest = np.argsort(-sizes, kind="stable")[:POSITIONS]
    length = min(WARM_UP + MAX_STEPS_BACK + 1, int(sizes[longest].min(initial=WARM_UP + MAX_STEPS_BACK + 1)))
    if not len(sizes) or length <= MIN_STEPS_BACK:
        raise TextError("the documents of the held-out text are too short to follow a gradient back")
    chosen = np.resize(longest, POSITIONS)
    starts = begins[chosen] + (np.linspace(0, 1, POSITIONS) * (sizes[chosen] - length)).astype(np.int64)
    return ids[starts + np.arange(length)[:, None]], min(WARM_UP, (length - 1) // 4)


def gradient_norms(network: Network, ids: Array) -> Array:
    """The norm of the gradient of the loss at one step for each layer's state 1, 2 ... K steps before.

    It is the median over POSITIONS in ids (len,). A layer's state is all that it carries: of an LSTM both c and h.

    Returns: (L, K), where K is at most MAX_STEPS_BACK.
    """
    network = as_float64(network)
    end = network.vocab.end_id
    text, warm = windows(ids) if end is None else windows_of_documents(ids, end)
    length = len(text) - 1 - warm
    tape, norms = network.tape(length, POSITIONS_AT_ONCE), []
    gradients = [np.zeros((len(memory.states), length, *memory.states.shape[2:])) for memory in tape.stack.layers]
    weight = np.zeros((length, POSITIONS_AT_ONCE))
    weight[-1] = 1
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is a result: the gradient explodes
        for columns in np.split(text, POSITIONS // POSITIONS_AT_ONCE, axis=1):
            state = network.start(POSITIONS_AT_ONCE)
            if warm:
                network.feed(columns[:warm], state)
            begins = None if end is None else np.zeros((length, POSITIONS_AT_ONCE), bool)  # none inside a window
            batch = Batch(columns[warm:-1], columns[warm + 1 :], weight, 1, fresh=False, begins=begins)
            network.forward(batch, state, tape)
            network.backward(batch, tape, gradients)
            norms.append(np.sqrt((np.array(gradients) ** 2).sum(axis=(1, 4))))  # (L, T, N)
        median: Array = np.median(np.concatenate(norms, axis=2), axis=2)[:, ::-1]
    return median


def as_float64(network: Network) -> Network:
    """The same network in float64, so that a small gradient does not underflow."""
    copy = Network(network.config, network.vocab, np.float64)
    copy.params.values[...] = network.params.values
    return copy


def reach(norms: Array) -> int | None:
    """The first number of steps back at which the gradient (K,) has vanished, or None."""
    below = np.flatnonzero(norms < VANISHED * norms[0])
    return int(below[0]) + 1 if len(below) else None


def spectra(network: Network) -> list[GateWeights]:
    """The spectral radius and the singular values of each layer's recurrent weights, gate by gate.

    In a plain RNN, gradients are carried back by the product of such matrices, damped by the slopes of the activation.
    """
    weights = []
    for k, layer in enumerate(network.stack.layers):
        matrices = layer.bind(network.params.value).U.astype(np.float64)
        for gate, matrix in zip(layer.cell.gates, matrices, strict=True):
            radius = float(np.abs(np.linalg.eigvals(matrix)).max())
            weights.append(GateWeights(k, gate, radius, np.linalg.svd(matrix, compute_uv=False).tolist()))
    return weights


def flow(network: Network, ids: Array) -> GradientFlow:
    """How far gradients reach on ids (len,). Raises: TextError where text or documents are too short."""
    if len(ids) < 2:
        raise TextError("the held-out text is too short to follow a gradient back")
    norms = gradient_norms(network, ids)
    return GradientFlow(norms.tolist(), [reach(row) for row in norms], spectra(network))


def untrained(config: Config, vocab: Vocab) -> Network:
    """The network of a config before training; `config` has a value for every key of the model."""
    network = Network(config.model, vocab)
    network.initialise(np.random.default_rng(config.seed))
    return network
