"""Does a text copy its training text? The longest verbatim overlap, and the share of passages that are new, by length.

Passages of a length are told apart by numbers, for lengths that double (Karp, Miller and Rosenberg 1972): a passage of
n characters is the pair of numbers of its first and of its last 2^k. Each length is one sort of what both texts
still share, and about 2 log2(longest overlap) lengths are looked at: near-linear time. Texts are ids (len,).
"""

from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.models import distinct

LENGTHS = (2, 4, 8, 16, 32, 64)


class Passages:
    """The passages that two texts share, the training text and another, by length."""

    def __init__(self, train: Array, text: Array) -> None:
        self.doubled = [shared(train.astype(np.int64) + 1, text.astype(np.int64) + 1)]  # of 1, 2, 4 ... characters

    def of(self, length: int) -> tuple[Array, Array]:
        """A number for each passage of `length` characters of train, and of the text: equal where the passages are, 0
        where the other text does not hold it.
        """
        k = length.bit_length() - 1
        while len(self.doubled) <= k:
            self.doubled.append(self._longer(len(self.doubled) - 1, 1 << (len(self.doubled) - 1)))
        return self._longer(k, length - (1 << k)) if length > 1 << k else self.doubled[k]

    def _longer(self, k: int, shift: int) -> tuple[Array, Array]:
        """Passages that reach `shift` characters further than those of 2^k."""
        size = 1 + int(self.doubled[k][1].max(initial=0))
        parts = [(numbers[: max(len(numbers) - shift, 0)], numbers[shift:]) for numbers in self.doubled[k]]
        pairs = np.concatenate([np.where((a > 0) & (b > 0), a * size + b, 0) for a, b in parts])
        alive = np.flatnonzero(pairs)
        numbers = np.zeros(len(pairs), np.int64)
        numbers[alive] = distinct(pairs[alive])[1] + 1
        return shared(numbers[: len(parts[0][0])], numbers[len(parts[0][0]) :])


def shared(theirs: Array, ours: Array) -> tuple[Array, Array]:
    """Numbers of two texts, counted anew from 1; 0 where they are 0 or only in one of the two."""
    size = 1 + max(int(numbers.max(initial=0)) for numbers in (theirs, ours))
    both = np.ones(size, bool)
    for numbers in (theirs, ours):
        held = np.zeros(size, bool)
        held[numbers] = True
        both &= held
    both[0] = False
    anew = np.cumsum(both) * both
    return anew[theirs], anew[ours]


def novelty(train: Array, text: Array) -> dict[str, Any]:
    """`longest` characters that the text shares with the training text, where they stand `at` in it and where in the
    training text (`source`), and how large a share of its passages of each length is `new`.
    """
    passages = Passages(train, text)
    shares = [{"length": n, "new": float((passages.of(n)[1] == 0).mean())} for n in LENGTHS if n <= len(text)]
    longest, beyond = 0, 1
    while passages.of(beyond)[1].any():
        longest, beyond = beyond, 2 * beyond
    while beyond - longest > 1:
        middle = (longest + beyond) // 2
        longest, beyond = (middle, beyond) if passages.of(middle)[1].any() else (longest, middle)
    found: dict[str, Any] = {"longest": longest, "at": 0, "source": 0, "new": shares}
    if longest:
        theirs, ours = passages.of(longest)
        found["at"] = int((ours > 0).argmax())
        found["source"] = int((theirs == ours[found["at"]]).argmax())
    return found
