"""Scoring: every character of a text scored once, given all before it, in nats, summed in float64.

Works on any LanguageModel. Long texts are read as parallel streams, which is many times faster than one pass. Every
stream but the first begins WARM_UP characters early and does not score them, so that its state has settled. Adjacent
streams must agree where they meet. If they do not, the model remembers longer than the warm-up, and the text is scored
again in a single pass. The first character is predicted from the state before any character. Characters outside the
vocabulary are left out and counted.

Shapes: len characters, N streams, T steps at a time, K positions at a time, V vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

import numpy as np

from charrnn.arrays import Array
from charrnn.blas import one_thread
from charrnn.data import decode_bytes
from charrnn.errors import TextError
from charrnn.evaluation.documents import bounds, document_predictions
from charrnn.evaluation.scores import Scores, collect
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_
from charrnn.processes import run_in_processes
from charrnn.storage import chunks

MAX_STREAMS = 64
WARM_UP = 256  # characters that a stream reads before it scores; a trained LSTM 2 x 128 is then 4e-7 nats/char off
MAX_GAP = 0.01  # how far apart two streams' predictions may be where they meet, in total variation (0 to 1)
MIN_CHARS_PER_PROCESS = 200_000  # starting a process takes as long as scoring some ten thousand characters
CHUNK_STEPS = 64  # steps at a time: bounds memory and does not affect the result


@dataclass(frozen=True)
class Report:
    """The score of a text.

    Fields: `chars` scored, ends of documents included; `unknown_chars` left out; `nats` in all; `bytes` of the scored
    text in UTF-8; `documents`, None if the text is one stream.
    """

    chars: int
    unknown_chars: int
    nats: float
    bytes: int
    documents: int | None = None

    @property
    def nats_per_document(self) -> float | None:
        """The mean of -ln p of whole documents; None if the text is one stream."""
        return None if self.documents is None else self.nats / self.documents

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
        """exp(nats per character): the model is as uncertain as a fair choice among so many characters."""
        return exp(min(self.nats_per_char, 700))

    def to_dict(self) -> dict[str, float]:
        """The counts and figures by name, as in `charrnn eval --json`."""
        names = ["chars", "unknown_chars", "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity"]
        names += ["documents", "nats_per_document"] if self.documents is not None else []
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Layout:
    """How parallel streams read a text: stream k reads `warm + stride` characters from position k * stride on.

    It scores all but the first `warm` of them; stream 0 scores these too (w: read only, s: read and scored):

        text      0123456789...
        stream 0  ssssssssssss
        stream 1          wwwwssssssss
        stream 2                  wwwwssssssss
                                            (stride 8, warm 4)

    So each position is scored by exactly one stream. The last position that a stream scores is also the last one of
    the next stream's warm-up: there the predictions of the two can be compared. The last stream may reach beyond the
    text.
    """

    length: int
    streams: int
    warm: int
    stride: int

    @classmethod
    def of(cls, length: int, streams: int | None) -> "Layout":
        """The layout of a text of `length` characters; `streams` None: as many as make it faster."""
        if streams is None:
            streams = min(MAX_STREAMS, (length - WARM_UP) // (4 * WARM_UP))
        streams = max(1, min(streams, length - WARM_UP))
        warm = WARM_UP if streams > 1 else 0
        return cls(length, streams, warm, stride=-(-(length - warm) // streams))

    @property
    def starts(self) -> Array:
        """The first position that each stream reads, (N,)."""
        return np.arange(self.streams) * self.stride

    @property
    def steps(self) -> int:
        """Characters that each stream feeds to the model: all that it reads but the last, which is only predicted."""
        return self.warm + self.stride - 1


def predictions(
    model: LanguageModel,
    ids: Array,
    streams: int | None = None,
    chunk: int = CHUNK_STEPS,
    gaps: list[float] | None = None,
) -> Iterator[tuple[Array, Array]]:
    """The distribution of every character given all before it, or for a model of documents all before it in its own.

    Arguments: `ids` (len,), one or more; `streams`, 1 for a single pass, None for as many as make it faster; `chunk`,
    steps at a time; `gaps`, a list that takes the distance of predictions, in total variation, for each place where two
    streams meet.

    Yields: positions (K,) and ln p (K, V), each once; those of a long document whose streams disagree again, corrected.
    """
    if model.vocab.end_id is not None:
        yield from document_predictions(model, ids, chunk, lambda own: _long_document(model, own, streams, chunk))
    else:
        yield from _stream(model, ids, streams, chunk, gaps)


def _long_document(model: LanguageModel, ids: Array, streams: int | None, chunk: int) -> Iterator[tuple[Array, Array]]:
    """predictions() of a document; whether its streams agree is judged by itself, so neighbours change nothing."""
    gaps: list[float] = []
    yield from _stream(model, ids, streams, chunk, gaps)
    if streams is None and not all(gap < MAX_GAP for gap in gaps):
        yield from _stream(model, ids, 1, chunk, None)


def _stream(
    model: LanguageModel, ids: Array, streams: int | None, chunk: int, gaps: list[float] | None
) -> Iterator[tuple[Array, Array]]:
    """predictions() of a text that is read from its beginning to its end."""
    layout = Layout.of(len(ids), streams)
    starts, warm = layout.starts, layout.warm
    state = model.start(layout.streams)
    yield np.zeros(1, np.int64), log_softmax_(np.array(model.predict(state)[:1]))
    for begin in range(0, layout.steps, chunk):
        end = min(begin + chunk, layout.steps)
        read = starts + np.arange(begin, end)[:, None]  # positions (T, N)
        logits = model.feed(ids[np.minimum(read, len(ids) - 1)], state)
        if begin <= warm - 2 < end:  # step warm - 2 predicts the last position of the warm-up
            after_warm_up = np.exp(log_softmax_(logits[warm - 2 - begin].copy()))
        target = read + 1
        scored = (target < len(ids)) & ((target - starts >= warm) | (starts == 0))
        positions = target[scored]
        if len(positions):
            yield positions, log_softmax_(logits[scored])
    if gaps is not None and layout.streams > 1:
        at_end = np.exp(log_softmax_(logits[-1].copy()))
        earlier = np.flatnonzero(starts[1:] + warm - 1 < len(ids))  # streams whose successor meets them in the text
        gaps.extend((np.abs(after_warm_up[earlier + 1] - at_end[earlier]).sum(axis=1) / 2).tolist())


def log_probs(
    model: LanguageModel,
    ids: Array,
    streams: int | None = None,
    chunk: int = CHUNK_STEPS,
    gaps: list[float] | None = None,
) -> Iterator[tuple[Array, Array]]:
    """ln p of every character given all before it: positions (K,) and ln p (K,). Otherwise as predictions()."""
    for positions, rows in predictions(model, ids, streams, chunk, gaps):
        yield positions, rows[np.arange(len(positions)), ids[positions]]


def score_each(model: LanguageModel, ids: Array, processes: int = 1) -> Scores:
    """Score ids (len,), one or more, character by character.

    A long text is cut into a piece for each of up to `processes` processes; each piece warms up as a stream does.
    """
    pieces = max(1, min(processes, len(ids) // MIN_CHARS_PER_PROCESS))
    edges, warm_up = [len(ids) * k // pieces for k in range(pieces + 1)], WARM_UP
    if model.vocab.end_id is not None:
        begins, warm_up = bounds(model.vocab, ids)[0], 0
        inner = begins[np.searchsorted(begins, edges[1:-1], "right") - 1].tolist()
        edges = sorted({0, *inner, len(ids)})
    jobs = [(model, ids[max(first - warm_up, 0) : stop], min(first, warm_up)) for first, stop in pairwise(edges)]
    results = run_in_processes(_score_piece, jobs)
    if not all(agreed for _, agreed in results):
        return _score_each(model, ids, 1, [])
    return Scores(
        nats=np.concatenate([scores.nats for scores, _ in results]),
        rank=np.concatenate([scores.rank for scores, _ in results if scores.rank is not None]),
        confidence=np.concatenate([scores.confidence for scores, _ in results if scores.confidence is not None]),
    )


def _score_piece(model: LanguageModel, ids: Array, warm: int) -> tuple[Scores, bool]:
    """The scores of a piece but for its first `warm` characters, and whether its streams agreed."""
    gaps: list[float] = []
    scores = _score_each(model, ids, None, gaps)
    assert scores.rank is not None
    assert scores.confidence is not None
    kept = Scores(scores.nats[warm:], scores.rank[warm:], scores.confidence[warm:])
    return kept, all(gap < MAX_GAP for gap in gaps)


def _score_each(model: LanguageModel, ids: Array, streams: int | None, gaps: list[float]) -> Scores:
    return collect(predictions(model, ids, streams, gaps=gaps), ids, model.vocab.size)


def check_text(ids: Array, unknown: int) -> None:
    """Raises: TextError where no characters are left to score; it says so if all of them were `unknown`."""
    if not len(ids):
        reason = f": all {unknown:,} characters are unknown to the model" if unknown else ""
        raise TextError(f"there is no text to score{reason}")


def score(
    model: LanguageModel, ids: Array, unknown: int = 0, streams: int | None = None, chunk: int = CHUNK_STEPS
) -> Report:
    """Score ids (len,).

    Arguments: `unknown`, how many characters were left out of them; `streams`, None for as many as make it faster,
    provided that they agree where they meet; `chunk`, steps at a time.

    Raises: TextError where there is nothing to score.
    """
    check_text(ids, unknown)
    gaps: list[float] = []
    nats = _nats(model, ids, streams, chunk, gaps)
    if streams is None and not all(gap < MAX_GAP for gap in gaps):
        nats = _nats(model, ids, 1, chunk, gaps)
    counts = sum(np.bincount(piece, minlength=model.vocab.size) for piece in chunks(ids))
    size = int(model.vocab.byte_lengths() @ counts)
    return Report(len(ids), unknown, nats, size, len(bounds(model.vocab, ids)[0]) if model.vocab.end else None)


def _nats(model: LanguageModel, ids: Array, streams: int | None, chunk: int, gaps: list[float]) -> float:
    pieces = log_probs(model, ids, streams, chunk, gaps)
    if model.vocab.end_id is None:
        return -sum(float(logs.sum(dtype=np.float64)) for _, logs in pieces)
    nats = np.zeros(len(ids))
    for positions, logs in pieces:
        nats[positions] = -logs
    return float(nats.sum())


def score_text(model: LanguageModel, text: str | bytes) -> Report:
    """Score a string in one pass; a model of lines scores each line, any other model of documents reads one document.

    Raises TextError where there is nothing to score.
    """
    vocab, unknown = model.vocab, 0
    if vocab.tokens == "char":
        text = decode_bytes(text, "utf-8", "the text") if isinstance(text, bytes) else text
        in_vocab = set(vocab.symbols)
        unknown = sum(symbol not in in_vocab for symbol in text)
    ids = vocab.encode(text, unknown="skip")
    if vocab.end_id is not None and (not len(ids) or ids[-1] != vocab.end_id):
        ids = np.append(ids, np.int32(vocab.end_id))
    with one_thread():
        return score(model, ids, unknown, streams=1)
