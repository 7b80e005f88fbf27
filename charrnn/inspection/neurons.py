"""What single units do: their activity along a text, those that follow something readable, and how gates saturate.

Shapes: T steps, N streams, L layers, H units, U = L * H units of all layers, K features. After Karpathy, Johnson and
Fei-Fei (2015), who found such units by eye; here the features of a text are written down, and the unit that follows
each best is looked up. Reads a network; changes nothing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.models import Network

STREAMS, WARM_UP, READ = 32, 100, 600  # parallel pieces of the text, characters read before and while looking on
CHUNK = 50  # steps at a time
MOST = 1 << 25  # values kept at most
FEWEST = 20  # characters on either side of a feature, in each half, below which it says nothing
LOW, HIGH = 0.1, 0.9  # a gate below or above is saturated
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
class Activity:
    """What a network did on the beginning of a text.

    `at` (T, N): the place in the text of the character that was just read. `values` (T, N, L, H): each unit after it,
    tanh of the cell for an LSTM, else the output. `saturated`: gate -> (2, L, H), the share of steps at which it was
    below LOW and above HIGH.
    """

    at: Array
    values: Array
    saturated: dict[str, Array]


def watch(network: Network, ids: Array) -> Activity:
    """Run a network over the beginning of ids (len,), two characters or more, as parallel streams of consecutive
    pieces, and look on once each has read WARM_UP characters (a quarter of a short piece)."""
    layers, hidden = network.config.num_layers, network.config.hidden_size
    streams = max(1, min(STREAMS, len(ids) // (WARM_UP + READ), MOST // (READ * layers * hidden)))
    length = min(WARM_UP + READ, len(ids) // streams)
    warm = min(WARM_UP, length // 4)
    at = np.arange(streams) * length + np.arange(length)[:, None]
    values = np.zeros((length, streams, layers, hidden), np.float32)
    gates = {g: network.stack.cell.planes.index(g) for g in GATES[network.config.cell]}
    counts = {g: np.zeros((2, layers, hidden)) for g in gates}
    state, tape = network.start(streams), network.stack.tape(CHUNK, streams, network.dtype, training=False)
    for begin in range(0, length, CHUNK):
        part = slice(begin, min(begin + CHUNK, length))
        steps = part.stop - begin
        network.stack.forward(network.params.value, ids[at[part]], state, tape, None)
        for k, memory in enumerate(tape.layers):
            kept = memory.state(-1, steps)
            values[part, :, k] = np.tanh(kept) if network.config.cell == "lstm" else np.clip(kept, -1e9, 1e9)
            for g, plane in gates.items():
                gate = memory.plane(plane, steps)[max(warm - begin, 0) :]
                counts[g][:, k] += (gate < LOW).sum(axis=(0, 1)), (gate > HIGH).sum(axis=(0, 1))
    saturated = {g: count / ((length - warm) * streams) for g, count in counts.items()}
    return Activity(at[warm:], values[warm:], saturated)


def features(text: str) -> Array:
    """What a reader knows after each character: FEATURES, 0 or 1 or a count of characters, (K, len).

    Quotes and brackets end with an empty line at the latest, so that one that is never closed does no harm.
    """
    found = np.zeros((len(text), len(FEATURES)))
    column = indent = word = sentence = depth = 0
    quoted = False
    for k, c in enumerate(text):
        if c == "\n":
            if column == 0:
                quoted, depth = False, 0
            column = indent = word = 0
            sentence += 1
        else:
            indent += c in " \t" and column == indent
            column += 1
            word = word + 1 if c.isalpha() else 0
            sentence = 0 if c in ".!?" else sentence + 1
            quoted = not quoted if c == '"' else (quoted or c in "“«") and c not in "”»"
            depth = max(depth + (c in "([{") - (c in ")]}"), 0)
        kinds = (c == " ", c == "\n", c.isupper(), c in "aeiouAEIOU", c.isdigit(), c in ".,;:!?")
        found[k] = (quoted, depth > 0, column, indent, word, sentence, *kinds)
    return found.T


def followers(activity: Activity, vocab: Vocab, ids: Array) -> list[dict[str, Any]]:
    """For each feature that the text has, the unit that follows it best: layer and unit (from 0), the correlation r,
    and the share r^2 of the unit's variance that a straight line explains; the best first.

    A unit is chosen by the first half of what each stream read and judged by the second, for the best of hundreds on
    one text would look better than it is.
    """
    text = vocab.decode(ids[: int(activity.at.max()) + 1])
    if vocab.tokens == "byte":  # beyond ASCII a byte is only a part of a character
        text = text.encode("latin-1").decode("ascii", "replace")
    known = features(text)[:, activity.at]  # (K, T, N)
    half = len(activity.at) // 2
    first, second = (slice(half), slice(half, None))
    width = activity.values.shape[-1]
    found = []
    correlations = [correlate(known[:, part], activity.values[part]) for part in (first, second)]
    for k, name in enumerate(FEATURES):
        on = [(known[k, part] > 0).sum() for part in (first, second)]
        off = [(known[k, part] == 0).sum() for part in (first, second)]
        if min(on + off) < FEWEST:
            continue
        unit = int(np.abs(correlations[0][k]).argmax())
        r = float(correlations[1][k, unit])
        found.append({"feature": name, "layer": unit // width, "unit": unit % width, "r": r, "explained": r * r})
    return sorted(found, key=lambda each: -each["explained"])


def correlate(known: Array, values: Array) -> Array:
    """Pearson's correlation of features (K, T, N) with units (T, N, L, H), (K, U); 0 where one never changes."""
    f = known.reshape(len(known), -1)
    f = f - f.mean(axis=1, keepdims=True)
    v = values.reshape(f.shape[1], -1).astype(np.float64)
    v -= v.mean(axis=0)
    scale = np.sqrt(np.outer((f * f).sum(axis=1), (v * v).sum(axis=0)))
    found: Array = np.divide(f @ v, scale, out=np.zeros_like(scale), where=scale > 1e-12 * len(v))
    return found
