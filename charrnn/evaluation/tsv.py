"""Tables of characters and of lines for other programs, tab-separated."""

from collections.abc import Iterator
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.evaluation.figures import shown
from charrnn.evaluation.scoring import Scores


def per_char(vocab: Vocab, ids: Array, scores: Scores) -> Iterator[str]:
    """Lines of a tab-separated table: each character, escaped, its place, bits, and rank (1: the first guess)."""
    yield "position\tcharacter\tbits\trank\n"
    names = [shown(vocab, np.array([k]), escape=True) for k in range(vocab.size)]
    ranks = np.zeros(len(ids)) if scores.rank is None else scores.rank.astype(np.int64) + 1
    for begin in range(0, len(ids), 1 << 16):
        part = slice(begin, begin + (1 << 16))
        rows = zip(ids[part].tolist(), (scores.nats[part] / log(2)).tolist(), ranks[part].tolist(), strict=True)
        yield "".join(f"{at}\t{names[k]}\t{bits:.6f}\t{rank}\n" for at, (k, bits, rank) in enumerate(rows, begin))


def per_line(vocab: Vocab, ids: Array, nats: Array) -> Iterator[str]:
    """Lines of a tab-separated table: each line of the text, with its characters, newline included, and bits."""
    yield "line\tchars\tbits\tbits_per_char\ttext\n"
    newline = vocab.symbols.find("\n")
    ends = np.flatnonzero(ids == newline) + 1 if newline >= 0 else np.zeros(0, np.int64)
    cuts = np.unique(np.concatenate([[0], ends, [len(ids)]]))
    sums = np.add.reduceat(nats, cuts[:-1]) / log(2)
    for number, (first, stop, bits) in enumerate(zip(cuts[:-1], cuts[1:], sums, strict=True), 1):
        text = shown(vocab, ids[first:stop][ids[first:stop] != newline], escape=True)
        yield f"{number}\t{stop - first}\t{bits:.6f}\t{bits / (stop - first):.6f}\t{text}\n"
