"""Beam search: the likeliest sequences that a model can write, best first.

All beginnings of one length are extended together, by one symbol at a time. The best complete sequences found so far
are kept, and a beginning that is less likely than the last of them is dropped, for nothing that follows can raise its
probability. At most some number of beginnings is kept beside one another. If that bound drops one that is likelier than
the last result, the search begins again with a higher bound, as long as memory allows: what was found before now drops
most beginnings early. If no dropped beginning is likelier, the results are exactly the likeliest sequences, up to
rounding.

The search knows no text: a model is a start, a step, and a way to select states.

Shapes: N beginnings side by side, V symbols, t symbols of each beginning.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from charrnn.arrays import Array

FIRST_WIDTH = 64  # beginnings that the first attempt keeps
WIDER = 8  # how many times as many the next one keeps

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Decoder:
    """What the search needs of a model.

    Attributes:
        state: the state of one stream, in which the next symbol is the first; it is left as it is.
        first: (V,), ln p of the first symbol; -inf for one that is never written.
        advance: reads ids (N,) in a state of N streams and moves it on; ln p (N, V) of the next symbols, in float64 and
            in an array that the search may change.
        select: the state of the streams at positions (N,) of a state.
        end_id: the symbol that completes a sequence.
    """

    state: Any
    first: Array
    advance: Callable[[Array, Any], Array]
    select: Callable[[Any, Array], Any]
    end_id: int


@dataclass(frozen=True)
class Bounds:
    """How far the search goes.

    Attributes:
        wanted: how many sequences.
        length: symbols of the longest sequence, without its end; 0 for no bound.
        memory: bytes that the beginnings may take.
        bytes_each: bytes that one beginning takes, without its symbols.
    """

    wanted: int
    length: int
    memory: int
    bytes_each: int

    def width(self, length: int) -> int:
        """How many beginnings of `length` symbols may be kept; at least one."""
        return max(1, self.memory // (self.bytes_each + 2 * np.dtype(np.int32).itemsize * length))


@dataclass
class Best:
    """The best complete sequences so far.

    Attributes:
        wanted: how many are kept.
        found: ids, without the end, and ln p of each, the likeliest first; of equally likely ones the one that comes
            first in the order of ids.
        dropped: the highest ln p of a beginning that a bound, and not a better sequence, has dropped.
    """

    wanted: int
    found: list[tuple[Ids, float]] = field(default_factory=list)
    dropped: float = -inf

    @property
    def least(self) -> float:
        """The ln p below which nothing is wanted."""
        return self.found[-1][1] if len(self.found) == self.wanted else -inf

    @property
    def proven(self) -> bool:
        """Whether no other sequence can be likelier than those found."""
        return self.dropped <= self.least

    def add(self, beginnings: Array, scores: Array) -> None:
        """Take beginnings (N, t) that are complete with ln p (N,), as far as they are among the best."""
        scores = np.where(scores >= self.least, scores, -inf)
        likeliest = np.argsort(-scores, kind="stable")[: self.wanted]
        found = dict(self.found)
        found.update((tuple(beginnings[k].tolist()), float(scores[k])) for k in likeliest.tolist() if scores[k] > -inf)
        self.found = sorted(found.items(), key=lambda item: (-item[1], item[0]))[: self.wanted]


def best_sequences(decoder: Decoder, bounds: Bounds) -> Best:
    """Search for the likeliest sequences.

    Arguments:
        decoder: the model.
        bounds: how many sequences, and how far to search.

    Returns:
        The sequences, fewer than wanted if there are no more within the bounds; `proven` says whether they are exactly
        the likeliest.
    """
    best = Best(bounds.wanted)
    width = FIRST_WIDTH
    while True:
        best.dropped = -inf
        _attempt(decoder, bounds, width, best)
        if best.proven or width >= bounds.width(0):
            return best
        width *= WIDER


def _attempt(decoder: Decoder, bounds: Bounds, width: int, best: Best) -> None:
    """Extend all beginnings until none is left, and note what is found and dropped in `best`."""
    state, logs = decoder.state, decoder.first[None].copy()
    beginnings = np.zeros((1, 0), np.int32)
    while True:
        best.add(beginnings, logs[:, decoder.end_id])
        logs[:, decoder.end_id] = -inf
        length = beginnings.shape[1]
        room = min(width, bounds.width(length + 1)) if length != bounds.length or not bounds.length else 0
        chosen = _likeliest(logs.reshape(-1), room, best)
        if not len(chosen):
            return
        rows, ids = np.divmod(chosen, logs.shape[1])
        scores = logs.reshape(-1)[chosen]
        beginnings = np.concatenate([beginnings[rows], ids[:, None].astype(np.int32)], axis=1)
        state = decoder.select(state, rows)
        logs = decoder.advance(ids, state)
        logs += scores[:, None]


def _likeliest(scores: Array, room: int, best: Best) -> Array:
    """The positions, in rising order, of the scores (N * V,) worth going on with: at most `room`, the highest ones."""
    chosen = np.flatnonzero((scores > -inf) & (scores >= best.least))
    if len(chosen) > room:
        order = np.argpartition(-scores[chosen], room)
        best.dropped = max(best.dropped, float(scores[chosen[order[room:]]].max()))
        chosen = np.sort(chosen[order[:room]])
    return chosen
