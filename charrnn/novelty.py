"""Does a text copy its training text? The longest verbatim overlap, and the share of passages that are new, by length.

Passages of one length are told apart by ranks, doubled in length from round to round (Karp, Miller and Rosenberg 1972):
a passage of n characters is the pair of ranks of its first and of its last 2^k. Each question is a sort of both texts,
and there are about 2 log2(longest overlap) questions: near-linear time. Texts are ids (len,) of one vocabulary.
"""

from typing import Any

import numpy as np

from charrnn.ngram import distinct
from charrnn.params import Array

LENGTHS = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64)


class Passages:
    """All passages of two texts, the training text and another, told apart by numbers."""

    def __init__(self, train: Array, text: Array) -> None:
        self.ranks = [(train.astype(np.int64), text.astype(np.int64))]  # of passages of 1, 2, 4 ... characters

    def numbers(self, length: int) -> tuple[Array, Array]:
        """A number for each passage of `length` characters, equal where the passages are: of train, and of the text."""
        k = length.bit_length() - 1
        while len(self.ranks) <= k:
            train, text = self._pairs(len(self.ranks) - 1, 1 << (len(self.ranks) - 1))
            ranks = distinct(np.concatenate([train, text]))[1]
            self.ranks.append((ranks[: len(train)], ranks[len(train) :]))
        return self._pairs(k, length - (1 << k))

    def _pairs(self, k: int, shift: int) -> tuple[Array, Array]:
        size = 1 + max(int(ranks.max(initial=0)) for ranks in self.ranks[k])
        train, text = (ranks[: max(len(ranks) - shift, 0)] * size + ranks[shift:] for ranks in self.ranks[k])
        return train, text


def novelty(train: Array, text: Array) -> dict[str, Any]:
    """`longest` characters that the text shares with the training text, where they stand `at` in it and where in the
    training text (`source`), and how large a share of its passages of each length is `new`.
    """
    passages = Passages(train, text)

    def known(length: int) -> Array:
        """Numbers of the passages of the text that the training text holds too, sorted, as often as they occur."""
        theirs, ours = (np.sort(numbers) for numbers in passages.numbers(length))
        places = np.searchsorted(theirs, ours)
        inside = places < len(theirs)
        inside[inside] = theirs[places[inside]] == ours[inside]
        return ours[inside]

    many = {n: len(text) - n + 1 for n in LENGTHS if n <= len(text)}
    shares = [{"length": n, "new": (count - len(known(n))) / count} for n, count in many.items()]
    longest, beyond = 0, 1
    while len(known(beyond)):
        longest, beyond = beyond, 2 * beyond
    while beyond - longest > 1:
        middle = (longest + beyond) // 2
        longest, beyond = (middle, beyond) if len(known(middle)) else (longest, middle)
    found: dict[str, Any] = {"longest": longest, "at": 0, "source": 0, "new": shares}
    if longest:
        shared = known(longest)[0]
        found["source"], found["at"] = (int((numbers == shared).argmax()) for numbers in passages.numbers(longest))
    return found
