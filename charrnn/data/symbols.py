"""Symbols: what one side of a translation is spelled with, and their ids 0 .. V - 1.

A symbol may be longer than a character: a phone such as t͡ʃ, or a tag. The last id is the unknown symbol of a source
and the end of a target; neither has a name.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from charrnn.arrays import Array

Spelling = Literal["char", "space"]
NO_SYMBOL = -1  # the id of a target symbol that a model does not know: it can never be predicted


@dataclass(frozen=True)
class Symbols:
    """The symbols that one side of a model knows. The id of a symbol is its position in `names`.

    Attributes:
        names: distinct symbols, sorted.
    """

    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """The number of ids, the last one included."""
        return len(self.names) + 1

    @property
    def last_id(self) -> int:
        """The unknown symbol of a source; the end of a target, with which a decoder also begins."""
        return len(self.names)

    def encode(self, spelled: Sequence[Sequence[str]], unknown: int | None = None) -> tuple[Array, Array]:
        """The ids of spelled texts side by side.

        Arguments:
            spelled: the symbols of each text, n of them.
            unknown: the id of a symbol that is not among the names; None: the last id.

        Returns:
            ids (len,) int32, and bounds (n + 1,) int64; text k is ids[bounds[k]:bounds[k + 1]].
        """
        default = self.last_id if unknown is None else unknown
        position = {name: k for k, name in enumerate(self.names)}
        ids = np.array([position.get(name, default) for name in chain.from_iterable(spelled)], np.int32)
        return ids, np.cumsum([0, *map(len, spelled)])

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The names of ids, none of which is the last one."""
        return [self.names[k] for k in ids]


def spell(text: str, spelling: Spelling) -> list[str]:
    """The symbols of a text: its characters, or what stands between blanks."""
    return list(text) if spelling == "char" else text.split()


def join(symbols: Iterable[str], spelling: Spelling) -> str:
    """The text that symbols spell."""
    return ("" if spelling == "char" else " ").join(symbols)


def symbols_of(spelled: Iterable[Sequence[str]], min_count: int = 1) -> Symbols:
    """The symbols that occur in spelled texts at least `min_count` times."""
    counts = Counter(chain.from_iterable(spelled))
    return Symbols(tuple(sorted(name for name, count in counts.items() if count >= min_count)))
