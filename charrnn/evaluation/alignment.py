"""Edit distances and alignments of two sequences of symbols (Levenshtein 1966), for many pairs at once.

Inserting, deleting and replacing a symbol costs 1 each. A row of the table of distances follows from the row above it
in one pass: going right costs 1 a symbol, so the cheapest way into each cell is a running minimum.

Shapes: n pairs, of which N at a time; I, J symbols of the longest first and second sequence among them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from charrnn.arrays import Array

MAX_CELLS = 1 << 21  # of the tables of the pairs that are compared at once
NOTHING = ""  # what a symbol is aligned with that was inserted or deleted

Symbols = Sequence[str]


def edit_distances(first: Sequence[Symbols], second: Sequence[Symbols]) -> Array:
    """How many edits turn each first sequence into the second one, (n,) int."""
    distances = np.zeros(len(first), np.int64)
    for rows, ids, others, lengths, other_lengths in _batches(first, second, _numbers(first, second)):
        for i, row in enumerate(_table_rows(ids, others)):
            ended = np.flatnonzero(lengths == i)
            distances[rows[ended]] = row[ended, other_lengths[ended]]
    return distances


def replacements(first: Sequence[Symbols], second: Sequence[Symbols]) -> Counter[tuple[str, str]]:
    """How often each symbol of the first sequences is aligned with another one of the second.

    Of several alignments with the fewest edits one is used: from the end backwards, a pair of symbols comes before a
    deleted symbol, and that before an inserted one.

    Returns:
        (symbol, other) -> count; one of the two is NOTHING where the other was inserted or deleted.
    """
    numbers = _numbers(first, second)
    names = [NOTHING, *numbers]
    counts: Counter[tuple[int, int]] = Counter()
    for _, ids, others, lengths, other_lengths in _batches(first, second, numbers):
        table = np.stack([*_table_rows(ids, others)])
        for own, other in _differences(table, ids, others, lengths, other_lengths):
            counts.update(zip(own.tolist(), other.tolist(), strict=True))
    return Counter({(names[own + 1], names[other + 1]): count for (own, other), count in counts.items()})


def _numbers(*sides: Sequence[Symbols]) -> dict[str, int]:
    """A number for each symbol."""
    symbols = {symbol for side in sides for sequence in side for symbol in sequence}
    return {symbol: k for k, symbol in enumerate(sorted(symbols))}


def _batches(
    first: Sequence[Symbols], second: Sequence[Symbols], numbers: dict[str, int]
) -> Iterator[tuple[Array, Array, Array, Array, Array]]:
    """Yield pairs of similar length: their places (N,), ids (N, I) and (N, J), and lengths (N,) and (N,)."""
    lengths = np.array([len(own) for own in first], np.int64)
    other_lengths = np.array([len(own) for own in second], np.int64)
    order = np.lexsort((other_lengths, lengths))[::-1]
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        widest = np.maximum.accumulate(other_lengths[order[start:]])
        cells = (longest + 1) * (widest + 1) * np.arange(1, len(widest) + 1)
        size = max(int(np.searchsorted(cells, MAX_CELLS, "right")), 1)
        rows = order[start : start + size]
        start += size
        ids, others = (_padded([side[k] for k in rows.tolist()], numbers) for side in (first, second))
        yield rows, ids, others, lengths[rows], other_lengths[rows]


def _padded(sequences: Sequence[Symbols], numbers: dict[str, int]) -> Array:
    """The numbers of the symbols of sequences, (N, length of the longest); what follows an end counts nowhere."""
    padded = np.zeros((len(sequences), max(map(len, sequences), default=0)), np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = [numbers[symbol] for symbol in sequence]
    return padded


def _table_rows(ids: Array, others: Array) -> Iterator[Array]:
    """Yield the rows 0 to I of the tables of N pairs: the distances of i symbols and 0 to J others, (N, J + 1)."""
    steps = np.arange(others.shape[1] + 1)
    row = np.tile(steps, (len(ids), 1))
    yield row
    for symbol in ids.T:
        entered = row + 1
        np.minimum(entered[:, 1:], row[:, :-1] + (others != symbol[:, None]), out=entered[:, 1:])
        row = np.minimum.accumulate(entered - steps, axis=1) + steps
        yield row


def _differences(
    table: Array, ids: Array, others: Array, lengths: Array, other_lengths: Array
) -> Iterator[tuple[Array, Array]]:
    """Go back through tables (I + 1, N, J + 1), all at once, and yield what differs: two arrays of ids, -1 nothing."""
    rows, i, j = np.arange(len(ids)), lengths.copy(), other_lengths.copy()
    while True:
        going = np.flatnonzero((i > 0) | (j > 0))
        if not len(going):
            return
        rows, i, j = rows[going], i[going], j[going]
        above, left = np.maximum(i - 1, 0), np.maximum(j - 1, 0)
        here = table[i, rows, j]
        own, other = _symbol(ids, rows, above), _symbol(others, rows, left)
        pairs = (i > 0) & (j > 0) & (table[above, rows, left] + (own != other) == here)
        deletes = ~pairs & (i > 0) & (table[above, rows, j] + 1 == here)
        inserts = ~pairs & ~deletes
        differ = ~(pairs & (own == other))
        yield np.where(inserts, -1, own)[differ], np.where(deletes, -1, other)[differ]
        i, j = i - ~inserts, j - ~deletes


def _symbol(ids: Array, rows: Array, positions: Array) -> Array:
    """The symbols at positions (N,) of rows; -1 of a side that has none."""
    own: Array = ids[rows, positions] if ids.shape[1] else np.full(len(rows), -1)
    return own
