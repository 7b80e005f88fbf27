"""Scoring: every character of a text scored once, given all before it, in nats, summed in float64.

Works on any LanguageModel. Long texts are read as parallel streams; see streams.py. Adjacent streams must agree where
they meet. If they do not, the model remembers longer than the warm-up, and the text is scored again in a single pass.
The first character is predicted from the state before any character. Characters outside the vocabulary are left out
and counted.

Shapes: len characters, N streams, T steps at a time, K positions at a time, V vocabulary.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import exp, log

import numpy as np

from charrnn.arrays import Array
from charrnn.blas import one_thread
from charrnn.data import decode_bytes
from charrnn.errors import TextError
from charrnn.evaluation.documents import Group, bounds, document_groups, group_predictions
from charrnn.evaluation.scores import Scores, collect
from charrnn.evaluation.streams import WARM_UP, Layout, Meetings, read_streams
from charrnn.models import LanguageModel
from charrnn.processes import Map, run_in_processes
from charrnn.storage import chunks

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
        for group in document_groups(model.vocab, ids):
            yield from _group(model, ids, group, streams, chunk)
    else:
        yield from _stream(model, ids, streams, chunk, gaps)


def _group(
    model: LanguageModel, ids: Array, group: Group, streams: int | None, chunk: int
) -> Iterator[tuple[Array, Array]]:
    return group_predictions(model, ids, group, chunk, lambda own: _long_document(model, own, streams, chunk))


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
    layout, meetings = Layout.of(len(ids), streams), Meetings()
    yield from read_streams(model, ids, layout, chunk, meetings)
    if gaps is not None:
        gaps.extend(layout.gaps([meetings]))


def log_probs(predicted: Iterable[tuple[Array, Array]], ids: Array) -> Iterator[tuple[Array, Array]]:
    """ln p of the characters of ids (len,) whose distributions were predicted: positions (K,) and ln p (K,)."""
    for positions, rows in predicted:
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
    model: LanguageModel,
    ids: Array,
    unknown: int = 0,
    streams: int | None = None,
    chunk: int = CHUNK_STEPS,
    parts: int = 1,
    spread: Map = map,
) -> Report:
    """Score ids (len,).

    Arguments: `unknown`, how many characters were left out of them; `streams`, None for as many as make it faster,
    provided that they agree where they meet; `chunk`, steps at a time; `parts` of the streams, which are read one by
    one; `spread`, calls a function for each part, or for each group of documents, as map() does. The result depends
    on `parts` in the last bits, and on who reads which part not at all.

    Raises: TextError where there is nothing to score.
    """
    check_text(ids, unknown)
    if model.vocab.end_id is not None:
        nats = _nats_of_documents(model, ids, streams, chunk, spread)
    else:
        nats, gaps = _nats(model, ids, Layout.of(len(ids), streams), chunk, parts, spread)
        if streams is None and not all(gap < MAX_GAP for gap in gaps):
            nats, _ = _nats(model, ids, Layout.of(len(ids), 1), chunk, parts, spread)
    counts = sum(np.bincount(piece, minlength=model.vocab.size) for piece in chunks(ids))
    size = int(model.vocab.byte_lengths() @ counts)
    return Report(len(ids), unknown, nats, size, len(bounds(model.vocab, ids)[0]) if model.vocab.end else None)


def _nats(
    model: LanguageModel, ids: Array, layout: Layout, chunk: int, parts: int, spread: Map
) -> tuple[float, list[float]]:
    """-ln p of a text that is read from its beginning to its end, and the gaps between its streams."""
    read = list(spread(partial(_read_part, model, ids, chunk), layout.parts(parts)))
    total = -sum(own for sums, _ in read for own in sums)
    return total, layout.gaps([meetings for _, meetings in read])


def _read_part(model: LanguageModel, ids: Array, chunk: int, layout: Layout) -> tuple[list[float], Meetings]:
    """The sum of ln p over each chunk of some streams, and what is predicted where these meet their neighbours."""
    meetings = Meetings()
    logs = log_probs(read_streams(model, ids, layout, chunk, meetings), ids)
    return [float(own.sum(dtype=np.float64)) for _, own in logs], meetings


def _nats_of_documents(model: LanguageModel, ids: Array, streams: int | None, chunk: int, spread: Map) -> float:
    nats = np.zeros(len(ids))
    for read in spread(partial(_read_group, model, ids, streams, chunk), document_groups(model.vocab, ids)):
        for positions, logs in read:
            nats[positions] = -logs
    return float(nats.sum())


def _read_group(
    model: LanguageModel, ids: Array, streams: int | None, chunk: int, group: Group
) -> list[tuple[Array, Array]]:
    """Positions and ln p of the symbols of a group of documents."""
    return list(log_probs(_group(model, ids, group, streams, chunk), ids))


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
