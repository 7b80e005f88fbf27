"""Evaluation: every character of a text scored once, in nats, summed in float64.

Works on any LanguageModel. Long texts are read as parallel streams, which is many times faster than one pass; every
stream but the first begins WARM_UP characters early and scores none of these, so that its state has settled. Where two
streams meet, the later must predict as the earlier does; a model that remembers longer is scored again, in one pass.
The first character is predicted from the state before any; characters outside the vocabulary are left out and counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

import numpy as np

from charrnn.arrays import Array
from charrnn.data import decode_bytes
from charrnn.errors import TextError
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_
from charrnn.processes import run_in_processes
from charrnn.storage import chunks

STREAMS = 64  # parallel streams at most
WARM_UP = 256  # characters that a stream reads before it scores: 4e-7 nats/char off one pass on a trained 2 x 128 LSTM
TOLERANCE = 0.01  # largest distance of two streams' predictions where they meet, in total variation (0 to 1)
SHARE = 200_000  # characters that a process should have: to start one costs as much time as some ten thousand
CHUNK = 64  # steps at a time: bounds memory, changes nothing in the result


@dataclass(frozen=True)
class Report:
    """The score of a text: `chars` scored, `unknown_chars` left out, `nats` in all, `bytes` that they take in UTF-8."""

    chars: int
    unknown_chars: int
    nats: float
    bytes: int

    @property
    def nats_per_char(self) -> float:
        """Cross-entropy: the mean of -ln p."""
        return self.nats / self.chars

    @property
    def bits_per_char(self) -> float:
        """Cross-entropy in bits."""
        return self.nats_per_char / log(2)

    @property
    def bits_per_byte(self) -> float:
        """Bits over bytes: comparable between vocabularies and with compressors."""
        return self.nats / log(2) / self.bytes

    @property
    def perplexity(self) -> float:
        """exp(nats per character): as uncertain as a fair choice among so many."""
        return exp(min(self.nats_per_char, 700))

    def to_dict(self) -> dict[str, float]:
        """What `charrnn eval --json` prints."""
        names = ("chars", "unknown_chars", "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Scores:
    """What a model made of each character of a text, all (len,), about 15 bytes a character in all.

    `nats`: -ln p. `rank`: how many characters it held likelier, 0 for its first guess (of equals the lower id is
    first). `sure`: the probability of its first guess. A mixture has the nats alone.
    """

    nats: Array
    rank: Array | None = None
    sure: Array | None = None


def predictions(
    model: LanguageModel, ids: Array, streams: int | None = None, chunk: int = CHUNK, gaps: list[float] | None = None
) -> Iterator[tuple[Array, Array]]:
    """The distribution of every character given all before it: (positions (K,), ln p (K, V)), each position once.

    Arguments: `ids` (len,), one or more; `streams`, 1 for a single pass, None for as many as pay; `chunk`,
    steps at a time;
    `gaps`, takes the distance of predictions (total variation) for each place where two streams meet.
    """
    length = len(ids)
    if streams is None:
        streams = min(STREAMS, (length - WARM_UP) // (4 * WARM_UP))
    streams = max(1, min(streams, length - WARM_UP))
    # Stream k reads [k * run, k * run + warm + run) and scores from k * run + warm; the first scores all it reads.
    warm = WARM_UP if streams > 1 else 0
    run = -(-(length - warm) // streams)
    state = model.start(streams)
    first = log_softmax_(np.array(model.predict(state)[:1]))
    yield np.zeros(1, np.int64), first
    starts = np.arange(streams) * run
    for begin in range(0, warm + run - 1, chunk):
        end = min(begin + chunk, warm + run - 1)
        at = starts + np.arange(begin, end)[:, None]
        logits = model.feed(ids[np.minimum(at, length - 1)], state)
        if begin <= warm - 2 < end:  # what the others' ends will predict too
            early = np.exp(log_softmax_(logits[warm - 2 - begin].copy()))
        target = at + 1
        scored = (target < length) & ((target - starts >= warm) | (starts == 0))
        positions = target[scored]
        if len(positions):
            yield positions, log_softmax_(logits[scored])
    if gaps is not None and streams > 1:
        late = np.exp(log_softmax_(logits[-1].copy()))
        meet = np.flatnonzero(starts[1:] + warm - 1 < length)
        gaps.extend((np.abs(early[meet + 1] - late[meet]).sum(axis=1) / 2).tolist())


def log_probs(
    model: LanguageModel, ids: Array, streams: int | None = None, chunk: int = CHUNK, gaps: list[float] | None = None
) -> Iterator[tuple[Array, Array]]:
    """ln p of every character given all before it: (positions (K,), ln p (K,)); arguments as for predictions()."""
    for positions, rows in predictions(model, ids, streams, chunk, gaps):
        yield positions, rows[np.arange(len(positions)), ids[positions]]


def score_each(model: LanguageModel, ids: Array, processes: int = 1) -> Scores:
    """Score ids (len,), one or more, character by character, in one pass like that of score().

    A long text is shared out over so many `processes`; where it is cut, each warms up as a stream does.
    """
    parts = max(1, min(processes, len(ids) // SHARE))
    edges = [len(ids) * k // parts for k in range(parts + 1)]
    asked = [(model, ids[max(a - WARM_UP, 0) : b], min(a, WARM_UP)) for a, b in pairwise(edges)]
    found = run_in_processes(_part, asked)
    if not all(agreed for _, agreed in found):
        return _each(model, ids, 1, [])
    scores = [part for part, _ in found]
    return Scores(*(np.concatenate([getattr(part, name) for part in scores]) for name in ("nats", "rank", "sure")))


def _part(model: LanguageModel, ids: Array, warm: int) -> tuple[Scores, bool]:
    """Score a part of a text after `warm` characters that count for another; and whether its streams agreed."""
    gaps: list[float] = []
    scores = _each(model, ids, None, gaps)
    assert scores.rank is not None
    assert scores.sure is not None
    kept = Scores(scores.nats[warm:], scores.rank[warm:], scores.sure[warm:])
    return kept, all(gap < TOLERANCE for gap in gaps)


def _each(model: LanguageModel, ids: Array, streams: int | None, gaps: list[float]) -> Scores:
    size = model.vocab.size
    nats, sure = np.zeros(len(ids)), np.zeros(len(ids), np.float32)
    rank = np.zeros(len(ids), np.min_scalar_type(size))
    for positions, rows in predictions(model, ids, streams, gaps=gaps):
        target = ids[positions].astype(np.int64)
        logs = rows[np.arange(len(rows)), target]
        nats[positions] = -logs
        sure[positions] = np.exp(rows.max(axis=1))
        rank[positions] = (rows > logs[:, None]).sum(axis=1)
        tied = (rows == logs[:, None]) & (np.arange(size) < target[:, None])
        rank[positions] += tied.sum(axis=1).astype(rank.dtype)
    return Scores(nats, rank, sure)


def score(model: LanguageModel, ids: Array, unknown: int = 0, streams: int | None = None, chunk: int = CHUNK) -> Report:
    """Score ids (len,).

    Arguments: `unknown`, characters that were left out of them, for the report; `streams`, None for as many as pay and
    agree with a single pass; `chunk` as for log_probs(). Raises TextError where there is nothing to score.
    """
    if not len(ids):
        left_out = f": all {unknown:,} characters are unknown to the model" if unknown else ""
        raise TextError(f"there is no text to score{left_out}")
    gaps: list[float] = []
    nats = _nats(model, ids, streams, chunk, gaps)
    if streams is None and not all(gap < TOLERANCE for gap in gaps):
        nats = _nats(model, ids, 1, chunk, gaps)
    counts = sum(np.bincount(piece, minlength=model.vocab.size) for piece in chunks(ids))
    size = int(model.vocab.byte_lengths() @ counts)
    return Report(len(ids), unknown, nats, size)


def _nats(model: LanguageModel, ids: Array, streams: int | None, chunk: int, gaps: list[float]) -> float:
    return -sum(float(logs.sum(dtype=np.float64)) for _, logs in log_probs(model, ids, streams, chunk, gaps))


def score_text(model: LanguageModel, text: str | bytes) -> Report:
    """Score a string, in one pass. Raises TextError where it is empty."""
    vocab = model.vocab
    if isinstance(text, bytes) and vocab.tokens == "char":
        text = decode_bytes(text, "utf-8", "the text")
    known = set(vocab.symbols)
    unknown = sum(symbol not in known for symbol in text) if isinstance(text, str) and vocab.tokens == "char" else 0
    return score(model, vocab.encode(text, unknown="skip"), unknown, streams=1)


BEST = 5  # guesses shown of each character


def guesses(model: LanguageModel, ids: Array) -> tuple[Array, Array, Array]:
    """Each character's nats (len,), and the model's BEST likeliest guesses in its place, likeliest first: their ids and
    their probabilities, both (len, up to BEST). Read in one pass, from the state before any character."""
    nats, best, chance = [], [], []
    for positions, rows in predictions(model, ids, streams=1):
        order = np.argsort(-rows, axis=1, kind="stable")[:, :BEST]
        nats.append(-rows[np.arange(len(rows)), ids[positions]])
        best.append(order)
        chance.append(np.exp(np.take_along_axis(rows, order, 1)))
    return np.concatenate(nats), np.concatenate(best), np.concatenate(chance)
