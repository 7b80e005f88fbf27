"""Scoring documents: each by itself, from the state before any character, its end included.

Documents of similar length are read side by side, so that little is read beyond their ends, and what is read there is
never used. A document that is far longer than the rest is read like any long text. What a document scores does not
depend on what stands around it.

Shapes: len symbols, D documents, N of them side by side, T steps at a time, K positions at a time, V vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab, ends_of
from charrnn.evaluation.characters import shown
from charrnn.evaluation.results import PositionLoss, WorstDocument
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_

SIDE_BY_SIDE = 64
WORST_DOCUMENTS = 5
SHOWN_CHARS = 200  # of each of them, at most
LONG = 2048  # symbols from which a document is read as parallel streams, as a long text is

Group = tuple[Array, Array]  # where documents begin, and their sizes, both (N,)
ReadLong = Callable[[Array], Iterator[tuple[Array, Array]]]  # ids (len,) -> positions (K,) and ln p (K, V)


def bounds(vocab: Vocab, ids: Array) -> tuple[Array, Array]:
    """Where each document of ids (len,) begins, and where the next one does, both (D,).

    What follows the last end is one more document, which is not finished.
    """
    assert vocab.end_id is not None, "the text is one stream"
    stops = ends_of(ids, vocab.end_id)
    if not len(stops) or stops[-1] < len(ids):
        stops = np.append(stops, len(ids))
    return np.concatenate([[0], stops[:-1]]).astype(np.int64), stops


def document_groups(vocab: Vocab, ids: Array) -> list[Group]:
    """The documents of ids (len,) that are read together; a long one is read by itself."""
    begins, stops = bounds(vocab, ids)
    sizes = stops - begins
    order = np.argsort(sizes, kind="stable")
    short = int((sizes < LONG).sum())
    edges = [*range(0, short, SIDE_BY_SIDE), *range(short, len(order) + 1)]
    return [(begins[order[first:stop]], sizes[order[first:stop]]) for first, stop in pairwise(edges)]


def group_predictions(
    model: LanguageModel, ids: Array, group: Group, chunk: int, read_long: ReadLong
) -> Iterator[tuple[Array, Array]]:
    """The distribution of every symbol of a group of documents given its document so far.

    Arguments: `ids` (len,), of all documents; `chunk`, steps at a time; `read_long`, predicts a long document.

    Yields: positions (K,) and ln p (K, V), each position once, those of a long document as `read_long` yields them.
    """
    begins, sizes = group
    if sizes[0] < LONG:
        yield from _side_by_side(model, ids, begins, sizes, chunk)
        return
    for positions, logs in read_long(ids[begins[0] : begins[0] + sizes[0]]):
        yield positions + begins[0], logs


def _side_by_side(
    model: LanguageModel, ids: Array, begins: Array, sizes: Array, chunk: int
) -> Iterator[tuple[Array, Array]]:
    state = model.start(len(begins))
    yield begins, log_softmax_(np.array(model.predict(state)))
    for first in range(0, int(sizes.max()) - 1, chunk):
        steps = np.arange(first, min(first + chunk, int(sizes.max()) - 1))[:, None]
        inside = steps + 1 < sizes  # (T, N)
        logits = model.feed(ids[np.where(inside, begins + steps, begins)], state)
        yield (begins + steps + 1)[inside], log_softmax_(logits[inside])


def by_place(vocab: Vocab, ids: Array, nats: Array) -> list[PositionLoss]:
    """The loss of each symbol by its place in its document. Places 1, 2, 3-4, 5-8 ... are pooled."""
    begins, stops = bounds(vocab, ids)
    places = np.arange(len(ids)) - np.repeat(begins, stops - begins)
    pools = np.ceil(np.log2(places + 1)).astype(np.int64)
    counts, sums = np.bincount(pools), np.bincount(pools, nats)
    longest = int(places.max()) + 1
    return [
        PositionLoss((1 << k >> 1) + 1, min(1 << k, longest), float(total / count))
        for k, (count, total) in enumerate(zip(counts, sums, strict=True))
    ]


@dataclass(frozen=True)
class DocumentScores:
    """The scores of documents, in their order: `begins` and `sizes` in symbols, the end included, and `nats`, (D,)."""

    begins: Array
    sizes: Array
    nats: Array


def document_scores(vocab: Vocab, ids: Array, nats: Array) -> DocumentScores:
    """Add up the nats of symbols (len,) over documents."""
    begins, stops = bounds(vocab, ids)
    return DocumentScores(begins, stops - begins, np.add.reduceat(nats, begins))


def text_of(vocab: Vocab, ids: Array, escape: bool = False) -> str:
    """A document, ids (len,), as text to look at, without its end."""
    return shown(vocab, ids[:-1] if ids[-1] == vocab.end_id else ids, escape)


def worst_documents(vocab: Vocab, ids: Array, nats: Array) -> list[WorstDocument]:
    """The documents of ids (len,) with the highest loss per character, the end included; the highest first."""
    scores = document_scores(vocab, ids, nats)
    means = scores.nats / scores.sizes
    found = []
    for k in np.argsort(-means, kind="stable")[:WORST_DOCUMENTS].tolist():
        begin, size = int(scores.begins[k]), int(scores.sizes[k])
        text = text_of(vocab, ids[begin : begin + size])
        text = text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"
        found.append(WorstDocument(k + 1, size, float(scores.nats[k]), float(means[k]), text))
    return found
