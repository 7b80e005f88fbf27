"""What single units do: their activity along a text, which units follow something readable, and how gates saturate.

After Karpathy, Johnson and Fei-Fei (2015), who found such units by eye. Here the features of a text are written down,
and the unit that follows each of them best is looked up. Reads a network; changes nothing.

Shapes: T steps, N streams, L layers, H units, U = L * H units of all layers, F features.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.models import Network

MAX_STREAMS = 32  # parallel pieces of the text
WARM_UP = 100  # characters of a piece that are read before units are watched
WATCHED_CHARS = 600  # characters of a piece along which units are watched
CHUNK_STEPS = 50  # steps at a time: bounds memory
MAX_VALUES = 1 << 25  # values of units that are kept: bounds memory
MIN_CHARS = 20  # characters with a feature, and without it, in each half of the text; with fewer it is left out
LOW, HIGH = 0.1, 0.9  # a gate is saturated below or above
GATES = {
    "lstm": {"i": "input gate", "f": "forget gate", "o": "output gate"},
    "gru": {"r": "reset gate", "z": "update gate"},
    "rnn": {},
}
FEATURES = (
    "inside quotes", "inside brackets", "position in line", "indentation", "position in word", "position in sentence",
    "after a space", "after a newline", "after a capital", "after a vowel", "after a digit", "after punctuation",
)  # fmt: skip


@dataclass(frozen=True)
class GateSaturation:
    """How often the gate of each unit was saturated: the share of steps at which it was below LOW and above HIGH.

    `gate`: its letter, as in the equations; `name`: its name; `low` and `high`: both (L, H).
    """

    gate: str
    name: str
    low: Array
    high: Array


@dataclass(frozen=True)
class Activity:
    """What a network did on the beginning of a text.

    Fields: `positions` (T, N), that of the character just read; `values` (T, N, L, H), each unit after that character,
    tanh of the cell for an LSTM, else the output; `saturation`, for each sigmoid gate.
    """

    positions: Array
    values: Array
    saturation: list[GateSaturation]


@dataclass(frozen=True)
class Follower:
    """The unit that follows a feature of the text best; layer and unit are counted from 0.

    `correlation`: Pearson's r. `explained`: r^2, the share of the unit's variance that a straight line explains.
    """

    feature: str
    layer: int
    unit: int
    correlation: float
    explained: float


@dataclass(frozen=True)
class UnitTrace:
    """A unit along the piece of text in which it varies most: its value (T,) after each of the characters `ids` (T,).

    `follower`: the feature that it was chosen for, if any.
    """

    layer: int
    unit: int
    ids: Array
    values: Array
    follower: Follower | None = None


def watch(network: Network, ids: Array) -> Activity:
    """Run a network over the beginning of ids (len,), two characters or more, as parallel streams of adjacent pieces.

    Each stream is watched once it has read WARM_UP characters, or a quarter of a short piece. Where a document ends,
    the state becomes that in which the next one begins.
    """
    layers, hidden = network.config.num_layers, network.config.hidden_size
    streams = max(
        1, min(MAX_STREAMS, len(ids) // (WARM_UP + WATCHED_CHARS), MAX_VALUES // (WATCHED_CHARS * layers * hidden))
    )
    length = min(WARM_UP + WATCHED_CHARS, len(ids) // streams)
    warm = min(WARM_UP, length // 4)
    positions = np.arange(streams) * length + np.arange(length)[:, None]
    values = np.zeros((length, streams, layers, hidden), np.float32)
    counts = {g: np.zeros((2, layers, hidden)) for g in GATES[network.config.cell]}
    end = network.vocab.end_id  # with it only a tape for training can set states to zero inside a chunk
    state, tape = network.start(streams), network.stack.tape(CHUNK_STEPS, streams, network.dtype, end is not None)
    for begin in range(0, length, CHUNK_STEPS):
        chunk = slice(begin, min(begin + CHUNK_STEPS, length))
        steps = chunk.stop - begin
        read = ids[positions[chunk]]
        keep = None if end is None else (read != end)[:, :, None].astype(network.dtype)  # an end is read from zeros
        network.stack.forward(network.params.value, read, state, tape, None, keep)
        for k, memory in enumerate(tape.layers):
            kept = memory.state(-1, steps)
            values[chunk, :, k] = np.tanh(kept) if network.config.cell == "lstm" else np.clip(kept, -1e9, 1e9)
            for g, count in counts.items():
                gate = memory.gate(g, steps)[max(warm - begin, 0) :]
                count[:, k] += (gate < LOW).sum(axis=(0, 1)), (gate > HIGH).sum(axis=(0, 1))
    watched = (length - warm) * streams
    saturation = []
    for g, name in GATES[network.config.cell].items():
        low, high = counts[g] / watched
        saturation.append(GateSaturation(g, name, low, high))
    return Activity(positions[warm:], values[warm:], saturation)


def features(text: str, end: str = "") -> Array:
    """What a reader knows after each character: FEATURES, each 0 or 1 or a count of characters, (F, len).

    An empty line ends all quotes and brackets, so that one that is never closed does no harm. `end` ends a document,
    and with it all of them.
    """
    rows = np.zeros((len(text), len(FEATURES)))
    column = indent = word = sentence = depth = 0
    quoted = False
    for k, c in enumerate(text):
        if c == "\n":
            if column == 0 or c == end:
                quoted, depth = False, 0
            column = indent = word = 0
            sentence = 0 if c == end else sentence + 1
        elif c == end:
            quoted = False
            column = indent = word = sentence = depth = 0
        else:
            indent += c in " \t" and column == indent
            column += 1
            word = word + 1 if c.isalpha() else 0
            sentence = 0 if c in ".!?" else sentence + 1
            quoted = not quoted if c == '"' else (quoted or c in "“«") and c not in "”»"
            depth = max(depth + (c in "([{") - (c in ")]}"), 0)
        classes = (c == " ", c == "\n", c.isupper(), c in "aeiouAEIOU", c.isdigit(), c in ".,;:!?")
        rows[k] = (quoted, depth > 0, column, indent, word, sentence, *classes)
    return rows.T


def followers(activity: Activity, vocab: Vocab, ids: Array) -> list[Follower]:
    """For each feature that occurs in the text, the unit that follows it best, most variance explained first.

    A unit is chosen on the first half of what each stream read and judged on the second: the best of hundreds of units
    looks better on the text on which it was chosen than it is.
    """
    text = vocab.decode(ids[: int(activity.positions.max()) + 1])
    if vocab.tokens == "byte":  # beyond ASCII a byte is only a fraction of a character
        text = "".join(c if c.isascii() or c == vocab.end else "\ufffd" for c in text)
    feature_values = features(text, vocab.end)[:, activity.positions]  # (F, T, N)
    half = len(activity.positions) // 2
    to_choose, to_judge = feature_values[:, :half], feature_values[:, half:]
    choosing = correlate(to_choose, activity.values[:half])
    judging = correlate(to_judge, activity.values[half:])
    width = activity.values.shape[-1]
    best = []
    for k, feature in enumerate(FEATURES):
        if has_enough(to_choose[k]) and has_enough(to_judge[k]):
            unit = int(np.abs(choosing[k]).argmax())
            r = float(judging[k, unit])
            best.append(Follower(feature, unit // width, unit % width, r, r * r))
    return sorted(best, key=lambda each: -each.explained)


def has_enough(feature: Array) -> bool:
    """Whether a feature (T, N) is there at MIN_CHARS characters or more, and absent from as many."""
    return bool(min((feature > 0).sum(), (feature == 0).sum()) >= MIN_CHARS)


def correlate(feature_values: Array, values: Array) -> Array:
    """Pearson's correlation of features (F, T, N) with units (T, N, L, H), (F, U); 0 where one of them is constant."""
    f = feature_values.reshape(len(feature_values), -1)
    f = f - f.mean(axis=1, keepdims=True)
    v = values.reshape(f.shape[1], -1).astype(np.float64)
    v -= v.mean(axis=0)
    scale = np.sqrt(np.outer((f * f).sum(axis=1), (v * v).sum(axis=0)))
    r: Array = np.divide(f @ v, scale, out=np.zeros_like(scale), where=scale > 1e-12 * len(v))
    return r


def unit_trace(activity: Activity, ids: Array, layer: int, unit: int, follower: Follower | None = None) -> UnitTrace:
    """A unit, its layer and number counted from 0, along the piece of ids (len,) in which it varies most."""
    values = activity.values[:, :, layer, unit]
    stream = int(values.var(axis=0).argmax())
    return UnitTrace(layer, unit, ids[activity.positions[:, stream]], values[:, stream], follower)
