"""Tab-separated tables for other programs: one row for each character, line or document of a scored text."""

from collections.abc import Iterator
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.evaluation.characters import shown
from charrnn.evaluation.documents import document_scores, text_of
from charrnn.evaluation.scores import Scores

ROWS_AT_ONCE = 1 << 16


def per_char(vocab: Vocab, ids: Array, scores: Scores) -> Iterator[str]:
    """The table of characters, in pieces: position, escaped character, bits, and rank (1: the most likely one)."""
    yield "position\tcharacter\tbits\trank\n"
    names = [shown(vocab, np.array([k]), escape=True) for k in range(vocab.size)]
    ranks = np.zeros(len(ids)) if scores.rank is None else scores.rank.astype(np.int64) + 1
    for begin in range(0, len(ids), ROWS_AT_ONCE):
        piece = slice(begin, begin + ROWS_AT_ONCE)
        bits = scores.nats[piece] / log(2)
        rows = zip(ids[piece].tolist(), bits.tolist(), ranks[piece].tolist(), strict=True)
        yield "".join(
            f"{position}\t{names[k]}\t{cost:.6f}\t{rank}\n" for position, (k, cost, rank) in enumerate(rows, begin)
        )


def per_line(vocab: Vocab, ids: Array, nats: Array) -> Iterator[str]:
    """The table of lines, in pieces: number, characters with the newline, bits, bits per character, escaped text.

    The end of a document ends its last line.
    """
    yield "line\tchars\tbits\tbits_per_char\ttext\n"
    newline = vocab.symbols.find("\n")
    breaks = [newline] if vocab.end_id is None else [newline, vocab.end_id]
    ends = np.flatnonzero(np.isin(ids, breaks)) + 1
    edges = np.unique(np.concatenate([[0], ends, [len(ids)]]))
    sums = np.add.reduceat(nats, edges[:-1]) / log(2)
    for number, (first, stop, bits) in enumerate(zip(edges[:-1], edges[1:], sums, strict=True), 1):
        line = ids[first:stop]
        text = shown(vocab, line[line != newline], escape=True)
        yield f"{number}\t{stop - first}\t{bits:.6f}\t{bits / (stop - first):.6f}\t{text}\n"


def per_document(vocab: Vocab, ids: Array, nats: Array, left_out: Array | None = None) -> Iterator[str]:
    """The table of documents, in pieces: number, characters with the end, nats, nats per character, unknown characters,
    escaped text.

    Arguments: `vocab`, of a model of documents; `ids` and `nats`, of each character, both (len,); `left_out`, for each
    character that was left out, how many ids stand before it; None if that is not known, which is shown as -.
    """
    yield "document\tchars\tnats\tnats_per_char\tunknown\ttext\n"
    scores = document_scores(vocab, ids, nats)
    rows = zip(scores.begins.tolist(), scores.sizes.tolist(), scores.nats.tolist(), strict=True)
    unknown: list[int] | None = None
    positions = np.flatnonzero(ids == len(vocab.symbols)) if vocab.has_unknown else left_out
    if positions is not None:
        of_document = np.searchsorted(scores.begins, positions, "right") - 1
        unknown = np.bincount(of_document, minlength=len(scores.begins)).tolist()
    for number, (begin, size, loss) in enumerate(rows, 1):
        text = text_of(vocab, ids[begin : begin + size], escape=True)
        lacks = "-" if unknown is None else unknown[number - 1]
        yield f"{number}\t{size}\t{loss:.6f}\t{loss / size:.6f}\t{lacks}\t{text}\n"
