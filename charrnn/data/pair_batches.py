"""Batches of pairs whose sources, and whose targets, are of similar length; see length_batches.py.

Arrays are time first: Ts steps of the longest source, Tt + 1 of the longest target with its end, N pairs.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.length_batches import laid_out, rows_of_batches
from charrnn.data.pairs import PairExamples
from charrnn.data.symbols import NO_SYMBOL


@dataclass(frozen=True)
class PairBatch:
    """Some pairs, padded to the length of the longest source and the longest target.

    Attributes:
        x: ids of the sources, (Ts, N).
        lengths: of the sources, (N,), at least 1.
        y_in: what a decoder reads, (Tt + 1, N): the end, then the target; the end for a symbol that is unknown.
        y_out: what it is to write, (Tt + 1, N): the target, then the end; -1 for an unknown symbol and beyond the end.
        count: symbols to write in the whole batch, with those of pairs that a shard leaves out; at least 1.
        rows: (N,), places of the pairs among all.
    """

    x: Array
    lengths: Array
    y_in: Array
    y_out: Array
    count: int
    rows: Array


def padded_pairs(examples: PairExamples, rows: Array, end_id: int) -> PairBatch:
    """The pairs at positions (N,) as a batch by itself; `end_id` ends a target."""
    return _batch(examples, rows, end_id, max(int(_written(examples)[rows].sum()), 1))


def _batch(examples: PairExamples, rows: Array, end_id: int, count: int) -> PairBatch:
    x, _, _ = laid_out(examples.ids, examples.bounds, rows)
    targets, inside, _ = laid_out(examples.target_ids, examples.target_bounds, rows)
    lengths = examples.target_lengths[rows]
    y_in = np.full((len(targets) + 1, len(rows)), end_id)
    y_in[1:] = np.where(inside & (targets != NO_SYMBOL), targets, end_id)
    y_out = np.full_like(y_in, NO_SYMBOL)
    y_out[:-1] = np.where(inside, targets, NO_SYMBOL)
    y_out[lengths, np.arange(len(rows))] = end_id
    return PairBatch(x, examples.lengths[rows], y_in, y_out, count, rows)


def _written(examples: PairExamples) -> Array:
    """The symbols to write of each pair, its end included, (n,)."""
    known = np.concatenate([[0], np.cumsum(examples.target_ids != NO_SYMBOL)])
    written: Array = np.diff(known[examples.target_bounds]) + 1
    return written


class PairBatches:
    """The batches of an epoch, as LengthBatches makes them.

    Arguments:
        examples: none with an empty source.
        end_id: the symbol that ends a target.
        size: pairs in a batch; the last batch of the last pool may hold fewer.
        seed: the batches are a function of seed and epoch. None does not shuffle; the longest come first.

    Attributes: `longest` and `longest_target`, without its end, of all pairs.

    Raises:
        ValueError: a source is empty.
    """

    def __init__(self, examples: PairExamples, end_id: int, size: int, seed: int | None) -> None:
        self.examples = examples
        self.end_id = end_id
        self.size = size
        self.lengths, self.target_lengths = examples.lengths, examples.target_lengths
        if not self.lengths.all():
            raise ValueError(f"source {int(np.argmin(self.lengths))} is empty")
        self.longest = int(self.lengths.max(initial=0))
        self.longest_target = int(self.target_lengths.max(initial=0))
        self._written = _written(examples)
        self._seed = seed
        self._epoch = -1  # whose batches are laid out
        self._batches: list[Array] = []

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.lengths) // self.size)

    def batch(self, k: int, epoch: int = 0) -> PairBatch:
        """Batch number `k` of an epoch."""
        return self.shard(k, 0, 1, epoch)

    def shard(self, k: int, index: int, shards: int, epoch: int = 0) -> PairBatch:
        """Shard number `index` of `shards` of a batch: pairs are dealt out in the order of their lengths."""
        return _batch(self.examples, self._rows(k, epoch)[index::shards], self.end_id, self.count(k, epoch))

    def count(self, k: int, epoch: int = 0) -> int:
        """Symbols to write in a batch of an epoch; at least 1, so that one can divide by it."""
        return max(int(self._written[self._rows(k, epoch)].sum()), 1)

    def chars(self, k: int, epoch: int = 0) -> int:
        """The symbols of both sides of a batch of an epoch, without padding and ends."""
        rows = self._rows(k, epoch)
        return int(self.lengths[rows].sum() + self.target_lengths[rows].sum())

    def _rows(self, k: int, epoch: int) -> Array:
        """The places of the pairs of a batch, sorted by length."""
        if epoch != self._epoch:
            self._batches = rows_of_batches([self.lengths, self.target_lengths], self.size, self._seed, epoch)
            self._epoch = epoch
        return self._batches[k]
