"""Joint units: pieces of a source side by side with pieces of its target (Bisani and Ney 2008).

    c h a t    ->    c:ʃ  h:  a:a  t:
    ʃ a

A unit has a shape (a, b): it takes `a` symbols of the source and `b` of the target. The probabilities of units are
found by expectation-maximisation: each round counts how often a unit is expected in the alignments of all pairs, each
of which is weighed by its probability (Jiampojamarn, Kondrak and Sherif 2007). A pair is then cut into the units of its
likeliest alignment.

Shapes: n pairs, of which N at a time; I, J symbols of the longest source and target among them; S shapes of units; K
different units.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array

UnitShape = tuple[int, int]
Ids = tuple[int, ...]
Pair = tuple[Ids, Ids]  # a source and its target
Unit = tuple[Ids, Ids]  # a piece of each

LONGEST = 2  # symbols on a side of a unit
ROUNDS = 10  # of expectation-maximisation
MAX_PLACES = 1 << 16  # where a unit may begin, in the pairs that are aligned at once


def cut_into_units(pairs: Sequence[Pair], shapes: Sequence[UnitShape]) -> list[list[Unit]]:
    """Fit the probabilities of units to pairs, and cut each pair into units.

    Arguments:
        pairs: n of them, no two the same.
        shapes: those that units may have: not (0, 0), and at most LONGEST symbols on a side.

    Returns:
        The units of each pair in order; none for a pair that units of these shapes cannot make up.
    """
    units, lattices = lattices_of(pairs, shapes)
    log_p = np.zeros(len(units))
    for _ in range(ROUNDS):
        counts = np.sum([lattice.expected(log_p) for lattice in lattices], axis=0)
        with np.errstate(divide="ignore"):
            log_p = np.log(counts / max(counts.sum(), 1))
    cuts: list[list[Unit]] = [[] for _ in pairs]
    for lattice in lattices:
        for row, numbers in zip(lattice.rows.tolist(), lattice.cut(log_p), strict=True):
            cuts[row] = [units[number] for number in numbers]
    return cuts


@dataclass
class Lattice:
    """All alignments of N pairs.

    Attributes:
        shapes: (S, 2), of units.
        rows: (N,), places of the pairs among all.
        lengths: (2, N), of sources and targets.
        units: (S, I + 1, J + 1, N), the unit of each shape that begins after i symbols of a source and j of its target.
            One that reaches beyond an end stands there too, without what is missing, but no alignment holds it.
    """

    shapes: Array
    rows: Array
    lengths: Array
    units: Array

    def expected(self, log_p: Array) -> Array:
        """How often each unit, (K,), is expected in an alignment of these pairs, by ln p (K,) of the units."""
        own = log_p[self.units]
        after = self._after(own, lambda ways: np.logaddexp.reduce(ways))
        _, height, width, _ = own.shape
        before = np.full(after.shape, -np.inf)
        before[0, 0] = 0
        a, b = self.shapes.T
        for i in range(height):
            for j in range(width):
                before[i + a, j + b] = np.logaddexp(before[i + a, j + b], before[i, j] + own[:, i, j])
        total = np.where(after[0, 0] > -np.inf, after[0, 0], 0)
        counts = np.zeros(len(log_p))
        for units, ways, (a, b) in zip(self.units, own, self.shapes.tolist(), strict=True):
            p = np.exp(before[:height, :width] + ways + after[a : a + height, b : b + width] - total)
            counts += np.bincount(units.reshape(-1), p.reshape(-1), len(log_p))
        return counts

    def cut(self, log_p: Array) -> list[list[int]]:
        """The units of the likeliest alignment of each pair, by ln p (K,) of the units; none where there is none."""
        own = log_p[self.units]
        best = self._after(own, lambda ways: ways.max(0))
        cuts: list[list[int]] = [[] for _ in self.rows]
        done = np.zeros_like(self.lengths)  # symbols of each side
        n = np.flatnonzero(best[0, 0] > -np.inf)
        a, b = self.shapes.T[:, :, None]
        while len(n := n[(done[:, n] < self.lengths[:, n]).any(0)]):
            i, j = done[:, n]
            chosen = (own[:, i, j, n] + best[i + a, j + b, n]).argmax(0)
            for k, unit in zip(n.tolist(), self.units[chosen, i, j, n].tolist(), strict=True):
                cuts[k].append(unit)
            done[:, n] += self.shapes[chosen].T
        return cuts

    def _after(self, log_p: Array, combine: Callable[[Array], Array]) -> Array:
        """ln p of the ways from each place to the end of its pair.

        Arguments:
            log_p: (S, I + 1, J + 1, N), of the units.
            combine: ln p of the ways that begin with each shape (S, N), to one of each pair (N,).

        Returns:
            (I + 1 + LONGEST, J + 1 + LONGEST, N); -inf where there is no way.
        """
        _, height, width, count = log_p.shape
        after = np.full((height + LONGEST, width + LONGEST, count), -np.inf)
        a, b = self.shapes.T
        for i in reversed(range(height)):
            for j in reversed(range(width)):
                after[i, j] = combine(log_p[:, i, j] + after[i + a, j + b])
                after[i, j, (self.lengths == [[i], [j]]).all(0)] = 0
        return after


def lattices_of(pairs: Sequence[Pair], shapes: Sequence[UnitShape]) -> tuple[list[Unit], list[Lattice]]:
    """The units that stand anywhere in pairs, K of them, and all alignments of the pairs."""
    base = 2 + max((symbol for pair in pairs for side in pair for symbol in side), default=0)
    lattices = [_lattice(pairs, rows, np.array(shapes), base) for rows in _batches(pairs)]
    keys = np.unique(np.concatenate([np.unique(lattice.units) for lattice in lattices]))
    for lattice in lattices:
        lattice.units = np.searchsorted(keys, lattice.units).astype(np.int32)
    units = []
    for digits in np.transpose(np.unravel_index(keys, (base,) * (2 * LONGEST))).tolist():
        source, target = (tuple(k - 1 for k in side if k) for side in (digits[:LONGEST], digits[LONGEST:]))
        units.append((source, target))
    return units, lattices


def _batches(pairs: Sequence[Pair]) -> Iterator[Array]:
    """Yield the positions of pairs of similar length, as many as MAX_PLACES allows, or one."""
    lengths = np.array([[len(source), len(target)] for source, target in pairs]).reshape(-1, 2)
    order = np.lexsort(lengths.T[::-1])
    while len(order):
        height, width = np.maximum.accumulate(lengths[order] + 1).T
        size = max(int(np.searchsorted(height * width * np.arange(1, len(order) + 1), MAX_PLACES, "right")), 1)
        yield order[:size]
        order = order[size:]


def _lattice(pairs: Sequence[Pair], rows: Array, shapes: Array, base: int) -> Lattice:
    """The alignments of the pairs at positions (N,); a unit is a number of 2 LONGEST digits: 0 nothing, else id + 1."""
    sides = [_laid_out([pairs[row][side] for row in rows.tolist()]) for side in (0, 1)]
    lengths = np.array([(side > 0).sum(0) for side in sides])
    units = [
        _pieces(sides[0], a, base)[:, None] * base**LONGEST + _pieces(sides[1], b, base) for a, b in shapes.tolist()
    ]
    return Lattice(shapes, rows, lengths, np.stack(units))


def _laid_out(side: Sequence[Ids]) -> Array:
    """The symbols of N sequences as digits, and nothing beyond their ends, (T + LONGEST, N)."""
    digits = np.zeros((max(map(len, side)) + LONGEST, len(side)), np.int64)
    for n, ids in enumerate(side):
        digits[: len(ids), n] = np.array(ids) + 1
    return digits


def _pieces(digits: Array, size: int, base: int) -> Array:
    """The pieces of `size` symbols that begin at each place of (T + LONGEST, N), as numbers, (T + 1, N)."""
    steps = len(digits) - LONGEST + 1
    pieces = np.zeros((steps, digits.shape[1]), np.int64)
    for k in range(LONGEST):
        pieces = pieces * base + (digits[k : k + steps] if k < size else 0)
    return pieces
