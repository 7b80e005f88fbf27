"""Does a text copy its training text? The longest passage that occurs in both, and the share of new passages by length.

Prefix doubling (Karp, Miller and Rosenberg 1972): every passage of 2^k characters gets a number, and a passage of n
characters is identified by the numbers of its first and of its last 2^k. Each length costs one sort. About 2 log2 of
the longest overlap lengths are looked at, so time is nearly linear in the length of the texts. Texts are ids (len,).
Passages of documents lie within them: their ends occur in no passage.
"""

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.results import NewShare, Novelty
from charrnn.models import distinct

LENGTHS = (2, 4, 8, 16, 32, 64)


class SharedPassages:
    """The passages that a training text and another text have in common, by length."""

    def __init__(self, train: Array, text: Array, end: int | None = None) -> None:
        numbers = []
        for ids in (train, text):
            numbers.append(ids.astype(np.int64) + 1)
            if end is not None:
                numbers[-1][ids == end] = 0
        # doubled[k]: the numbers of the passages of 2^k characters, of train and of text
        self.doubled = [renumber(*numbers)]

    def of(self, length: int) -> tuple[Array, Array]:
        """A number for each passage of `length` characters, by where it begins in train, and in the text.

        Equal passages have equal numbers; a passage that does not occur in both texts has 0.
        """
        k = length.bit_length() - 1
        while len(self.doubled) <= k:
            last = len(self.doubled) - 1
            self.doubled.append(self._extended(last, 1 << last))
        return self._extended(k, length - (1 << k)) if length > 1 << k else self.doubled[k]

    def _extended(self, k: int, shift: int) -> tuple[Array, Array]:
        """Numbers for passages of 2^k + shift characters: two passages of 2^k that begin `shift` apart.

        A pair of numbers becomes one number, first * base + second. The pairs of both texts are numbered together.
        """
        base = 1 + int(self.doubled[k][1].max(initial=0))
        pairs = []
        for numbers in self.doubled[k]:
            first = numbers[: max(len(numbers) - shift, 0)]
            second = numbers[shift:]
            pairs.append(np.where((first > 0) & (second > 0), first * base + second, 0))
        both = np.concatenate(pairs)
        found = np.flatnonzero(both)
        numbers = np.zeros(len(both), np.int64)
        numbers[found] = distinct(both[found])[1] + 1
        cut = len(pairs[0])
        return renumber(numbers[:cut], numbers[cut:])


def renumber(train: Array, text: Array) -> tuple[Array, Array]:
    """Numbers of passages, counted anew from 1 over those that occur in both texts; 0 for all others, and for 0."""
    size = 1 + max(int(train.max(initial=0)), int(text.max(initial=0)))
    in_both = np.ones(size, bool)
    for numbers in (train, text):
        occurs = np.zeros(size, bool)
        occurs[numbers] = True
        in_both &= occurs
    in_both[0] = False
    renumbered = np.cumsum(in_both) * in_both
    return renumbered[train], renumbered[text]


def novelty(train: Array, text: Array, end: int | None = None) -> Novelty:
    """Compare a text with the training text, both ids (len,). Passage and documents are not filled in.

    Arguments: `end`, the id that ends each document; None if the texts are streams.
    """
    passages = SharedPassages(train, text, end)
    new = []
    for n in LENGTHS:
        whole = within_documents(text, n, end)
        if whole.any():
            new.append(NewShare(n, float((passages.of(n)[1][whole] == 0).mean())))
    longest = longest_overlap(passages)
    if not longest:
        return Novelty(0, 0, 0, new)
    in_train, in_text = passages.of(longest)
    start = int((in_text > 0).argmax())
    return Novelty(longest, start, int((in_train == in_text[start]).argmax()), new)


def within_documents(text: Array, length: int, end: int | None) -> Array:
    """Which passages of `length` characters of ids (len,) hold no end of a document, by where they begin."""
    count = max(len(text) - length + 1, 0)
    if end is None:
        return np.ones(count, bool)
    ends = np.concatenate([[0], np.cumsum(text == end)])
    whole: Array = ends[length : length + count] == ends[:count]
    return whole


def longest_overlap(passages: SharedPassages) -> int:
    """The length of the longest passage that occurs in both texts, by doubling and then by bisection."""
    longest, too_long = 0, 1
    while passages.of(too_long)[1].any():
        longest, too_long = too_long, 2 * too_long
    while too_long - longest > 1:
        middle = (longest + too_long) // 2
        if passages.of(middle)[1].any():
            longest = middle
        else:
            too_long = middle
    return longest
