"""Beam search for many sources at once: for each of them the likeliest sequences that a model writes, best first.

All sources are extended together, by one symbol at a time. For each of them the likeliest extensions of its beginnings
are looked at, as many as the beam is wide: those that end are complete, and the beginnings of the next step are the
likeliest extensions that do not end. So a beam of width 1 is greedy: it writes the likeliest symbol until that is the
end. A source is done when it has as many complete sequences as are wanted and no beginning is likelier than the last of
them, for nothing that follows can raise its probability; or when its bound on length is reached.

The search knows no model: a writer steps, and selects states. Where one source is searched with proof, see search.py.

Shapes: N sources, of which n are not done; B beginnings of each, side by side in order of the sources; U symbols, t of
a beginning; K sequences wanted.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from charrnn.arrays import Array

KEPT_SHARE = 0.75  # of the sources side by side; when no more of them are going on, the others are left out


class Writer(Protocol):
    """What writes: one model or several, with the states of all beginnings."""

    def step(self, ids: Array) -> Array:
        """Read the latest symbols (n * B,) of the beginnings and move their states on.

        Returns: ln p of the next symbols, (n * B, U) in float64.
        """

    def select(self, sources: Array | None, rows: Array) -> None:
        """Go on with the states at these rows, and with these of the n sources, or with all of them."""


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that was written.

    Attributes:
        ids: its symbols, without the end.
        log_p: ln p of all of it, its end included.
        cut: whether the bound on length was reached before an end; then `log_p` is that of the symbols alone.
    """

    ids: tuple[int, ...]
    log_p: float
    cut: bool


def beam_search(writer: Writer, limits: Array, width: int, wanted: int, end_id: int) -> list[list[Hypothesis]]:
    """Search for the likeliest sequences of N sources.

    Arguments:
        writer: begins with one beginning for each source, which is empty.
        limits: (N,), the symbols of the longest sequence of each source, without its end.
        width: B, how many beginnings of a source are kept; as many as are wanted, or more.
        wanted: K.
        end_id: the symbol that ends a sequence; it is also read before the first one.

    Returns:
        For each source up to K different sequences, the likeliest first. Those that were cut are there only if the
        search came upon no complete one.
    """
    complete = _Complete(len(limits), wanted)
    trail = _Trail(len(limits), width)
    active = np.arange(len(limits))
    scores = np.zeros((len(limits), 1))  # (n, B) ln p of the beginnings, best first; -inf where there is none
    ids = np.full(len(limits), end_id)
    while len(active):
        step = len(trail)
        logs = writer.step(ids)
        size = logs.shape[1]
        totals = (logs.reshape(*scores.shape, size) + scores[:, :, None]).reshape(len(active), -1)
        best = _highest(totals, 2 * width)
        values = np.take_along_axis(totals, best, 1)
        beams, symbols = np.divmod(best, size)
        ends = symbols == end_id
        complete.add(active, np.where(ends, values, -np.inf)[:, :width], beams[:, :width], step)
        at_limit = limits[active] == step
        cut = np.flatnonzero(at_limit & (complete.best(active) == -np.inf))
        complete.add_cut(active[cut], scores[cut], step)

        order = np.argsort(ends, axis=1, kind="stable")[:, :width]
        beams, symbols = np.take_along_axis(beams, order, 1), np.take_along_axis(symbols, order, 1)
        scores = np.where(np.take_along_axis(ends, order, 1), -np.inf, np.take_along_axis(values, order, 1))
        done = at_limit | (complete.least(active) >= scores[:, 0])
        scores[done] = -np.inf
        trail.add(active, beams, symbols)
        rows = np.arange(len(active))[:, None] * (len(logs) // len(active)) + beams
        going = np.flatnonzero(~done)
        if len(going) > KEPT_SHARE * len(active):
            writer.select(None, rows.reshape(-1))
        else:
            active, scores, symbols, rows = active[going], scores[going], symbols[going], rows[going]
            if len(active):
                writer.select(going, rows.reshape(-1))
        ids = symbols.reshape(-1)
    return complete.sequences(trail)


def _highest(values: Array, count: int) -> Array:
    """The positions of the highest values of each row of (n, M), the highest first; at most `count`."""
    if count >= values.shape[1]:
        chosen = np.tile(np.arange(values.shape[1]), (len(values), 1))
    else:
        chosen = np.sort(np.argpartition(-values, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(values, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


class _Trail:
    """The symbols of all steps, each with the beginning that it extended: (N, B) of both for each step."""

    def __init__(self, count: int, width: int) -> None:
        self.shape = count, width
        self.symbols: list[Array] = []
        self.parents: list[Array] = []

    def __len__(self) -> int:
        return len(self.symbols)

    def add(self, sources: Array, parents: Array, symbols: Array) -> None:
        """Note a step: for these sources (n,) the symbols (n, b) and the beginnings that they extend."""
        for steps, own in ((self.symbols, symbols), (self.parents, parents)):
            row = np.zeros(self.shape, np.int32)
            row[sources, : own.shape[1]] = own
            steps.append(row)

    def follow(self, lengths: Array, beams: Array) -> Array:
        """The symbols of the beginnings `beams` (N, K) of `lengths` (N, K) symbols: (T, N, K), 0 beyond the end."""
        sources = np.arange(len(beams))[:, None]
        found = np.zeros((len(self), *beams.shape), np.int32)
        for t in reversed(range(len(self))):
            inside = lengths > t
            found[t] = np.where(inside, self.symbols[t][sources, beams], 0)
            beams = np.where(inside, self.parents[t][sources, beams], beams)
        return found


class _Complete:
    """The best sequences that are complete, (N, K), the likeliest first: ln p, length, and the beginning that ended."""

    def __init__(self, count: int, wanted: int) -> None:
        self.log_p = np.full((count, wanted), -np.inf)
        self.lengths = np.zeros((count, wanted), np.int64)
        self.beams = np.zeros((count, wanted), np.int64)
        self.cut = np.zeros(count, bool)

    def least(self, sources: Array) -> Array:
        """The ln p that a sequence of each source (n,) must exceed."""
        least: Array = self.log_p[sources, -1]
        return least

    def best(self, sources: Array) -> Array:
        """ln p of the best one of each source (n,); -inf where there is none."""
        best: Array = self.log_p[sources, 0]
        return best

    def add(self, sources: Array, log_p: Array, beams: Array, length: int) -> None:
        """Take sequences (n, b) of sources (n,) as far as they are among the best; -inf: there is none."""
        some = np.flatnonzero((log_p > -np.inf).any(1))
        sources = sources[some]
        kept = self.log_p.shape[1]
        order = np.argsort(-np.concatenate([self.log_p[sources], log_p[some]], 1), axis=1, kind="stable")[:, :kept]
        lengths = np.full((len(some), log_p.shape[1]), length)
        for own, added in ((self.log_p, log_p[some]), (self.lengths, lengths), (self.beams, beams[some])):
            own[sources] = np.take_along_axis(np.concatenate([own[sources], added], 1), order, 1)

    def add_cut(self, sources: Array, log_p: Array, length: int) -> None:
        """Take all beginnings (n, b) of sources that have nothing else."""
        self.cut[sources] = True
        self.add(sources, log_p, np.tile(np.arange(log_p.shape[1]), (len(sources), 1)), length)

    def sequences(self, trail: _Trail) -> list[list[Hypothesis]]:
        """The sequences of each source."""
        symbols = trail.follow(self.lengths, self.beams)
        results = []
        for n, (log_p, lengths, cut) in enumerate(
            zip(self.log_p.tolist(), self.lengths.tolist(), self.cut.tolist(), strict=True)
        ):
            own = []
            for k, (score, length) in enumerate(zip(log_p, lengths, strict=True)):
                if score > -np.inf:
                    own.append(Hypothesis(tuple(symbols[:length, n, k].tolist()), score, cut))
            results.append(own)
        return results
