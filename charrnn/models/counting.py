"""Counting n-grams: those of a text that is one stream, or those within documents.

All work is done on sorted arrays: there are no hash tables. Nothing here knows a probability.

Shapes: len characters of the text, G n-grams of a length, C contexts, which are the n-grams of the length before, V
vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array


@dataclass(frozen=True)
class Counts:
    """The n-grams of one length as they occur in a text."""

    keys: Array  # (G,), sorted
    counts: Array  # (G,), occurrences of each
    predecessors: Array  # (C,), different characters before each context; Kneser and Ney's (1995) count of a context

    @property
    def contexts(self) -> int:
        """C."""
        return len(self.predecessors)


def count(ids: Array, size: int, order: int, end: int | None = None) -> Iterator[Counts]:
    """Yield the n-grams of ids (len,) of 1, 2 ... `order` characters; `size` is V.

    The contexts of a length are the n-grams of the length before. The beginning of the text counts as one more
    character before its first n-gram. With `end`, which ends each document, n-grams are counted within documents.
    """
    if end is not None:
        yield from _count_documents(np.concatenate([[end], ids]), size, order, end)
        return
    ranks = np.zeros(len(ids) + 1, np.int64)  # of the (n - 1)-gram that begins at each position
    contexts = 1
    for k in range(order):
        beginning, suffixes = ranks[0], ranks[1:]
        keys, ranks, counts = distinct(ranks[:-1] * size + ids[k:])
        suffix = np.zeros(len(keys), np.int64)
        suffix[ranks] = suffixes
        predecessors = np.bincount(suffix, minlength=contexts)
        predecessors[beginning] += 1
        yield Counts(keys, counts, predecessors)
        contexts = len(keys)


def _count_documents(text: Array, size: int, order: int, end: int) -> Iterator[Counts]:
    """Yield the n-grams within documents, as count() does.

    An n-gram may begin with the end before a document, as a mark of its beginning, and it may finish with the end of
    the document; no other holds an end. Nothing stands before a mark, so the count of an n-gram that begins with one
    takes the place of its predecessors, as usual for marks of sentences (Chen and Goodman 1998).

    Arguments:
        text: (len,), documents that each finish with `end`, though the last may be unfinished; and one `end` before
            the first.
    """
    ranks = np.zeros(len(text) + 1, np.int64)  # of the (n - 1)-gram that begins at each position
    places = np.arange(1, len(text))  # where n-grams begin; the first mark is no character of any document
    shorter, marked = np.zeros(1, np.int64), np.zeros(1, bool)  # of the (n - 1)-grams: counts, and which begin with one
    for k in range(order):
        if k == 1:
            places = np.arange(len(text) - 1)
        elif k > 1:
            places = places[places + k < len(text)]
            places = places[text[places + k - 1] != end]
        keys, own, counts = distinct(ranks[places] * size + text[places + k])
        suffix = np.zeros(len(keys), np.int64)
        suffix[own] = ranks[places + 1]
        predecessors = np.bincount(suffix, minlength=len(shorter))
        yield Counts(keys, counts, np.where(marked, shorter, predecessors))
        ranks = np.zeros(len(text) + 1, np.int64)
        ranks[places] = own
        if k == 0:
            ranks[0] = np.searchsorted(keys, end)
        shorter, marked = counts, np.zeros(len(keys), bool)
        if k:
            marked[own] = text[places] == end


def distinct(numbers: Array) -> tuple[Array, Array, Array]:
    """Sort and count whole numbers of at least 0, as np.unique() does.

    Arguments:
        numbers: (len,).

    Returns:
        The distinct numbers (G,), sorted; the rank (len,) of each number among them; and their counts (G,).

    Number and position are sorted as one integer if they fit into 63 bits together, which is several times faster than
    sorting positions by number.
    """
    bits = len(numbers).bit_length()
    if len(numbers) == 0 or int(numbers.max()) >> (63 - bits):
        result: tuple[Array, Array, Array] = np.unique(numbers, return_inverse=True, return_counts=True)
        return result
    packed = (numbers << bits) | np.arange(len(numbers))
    packed.sort()
    values = packed >> bits
    new = np.concatenate([[True], values[1:] != values[:-1]])
    starts = np.flatnonzero(new)
    ranks = np.empty(len(numbers), np.int64)
    ranks[packed & ((1 << bits) - 1)] = np.cumsum(new) - 1
    return values[starts], ranks, np.diff(starts, append=len(numbers))
