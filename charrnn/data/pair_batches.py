"""Batches of pairs of similar lengths, of sources first and of targets next; see length_batches.py.

Arrays are time first: Ts steps of the source, Tt of the target, the end of a target included, N pairs.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.length_batches import NO_LABEL, draw_batches, laid_out
from charrnn.data.pairs import PairExamples


@dataclass(frozen=True)
class PairBatch:
    """Some pairs, each side padded to the length of the longest.

    Attributes:
        x: ids of the sources, (Ts, N).
        lengths: (N,), of the sources, at least 1.
        y_in: what a decoder reads, (Tt, N): the end of a target, and then the target.
        y_out: what it is to write, (Tt, N): the target, and then its end; -1 for an unknown symbol and beyond the end.
        count: symbols to write in the whole batch, including pairs that a shard leaves out; at least 1.
        rows: (N,), places of the pairs among all.
    """

    x: Array
    lengths: Array
    y_in: Array
    y_out: Array
    count: int
    rows: Array


def padded_pairs(examples: PairExamples, rows: Array, end_id: int, count: int | None = None) -> PairBatch:
    """The pairs at positions (N,) as a batch.

    Arguments:
        examples: the pairs.
        rows: the positions.
        end_id: the symbol that ends a target.
        count: of the batch; None for the symbols to write of these pairs.
    """
    x, _, _ = laid_out(examples.ids, examples.bounds, rows)
    targets, inside, _ = laid_out(examples.target_ids, examples.target_bounds, rows)
    y_out = np.full((len(targets) + 1, len(rows)), NO_LABEL)
    y_out[:-1][inside] = targets[inside]
    y_in = np.full(y_out.shape, end_id)
    y_in[1:] = np.where(y_out[:-1] >= 0, y_out[:-1], end_id)  # an unknown symbol is read as an end, as is padding
    y_out[inside.sum(axis=0), np.arange(len(rows))] = end_id
    count = max(int((y_out >= 0).sum()), 1) if count is None else count
    return PairBatch(x, examples.lengths[rows], y_in, y_out, count, rows)


class PairBatches:
    """The batches of an epoch; every pair is in one of them.

    Arguments:
        examples: no source of them is empty.
        size: pairs in a batch; the last batch of the last pool may hold fewer.
        seed: the batches are a function of seed and epoch.
        end_id: the symbol that ends a target.

    Attributes:
        longest, longest_target: symbols of the longest source and target, its end included.

    Raises:
        ValueError: a source is empty.
    """

    def __init__(self, examples: PairExamples, size: int, seed: int, end_id: int) -> None:
        self.examples = examples
        self.size = size
        self.end_id = end_id
        self.lengths, self.target_lengths = examples.lengths, examples.target_lengths + 1
        if not self.lengths.all():
            raise ValueError(f"source {int(np.argmin(self.lengths))} is empty")
        self.longest = int(self.lengths.max(initial=0))
        self.longest_target = int(self.target_lengths.max(initial=1))
        known = np.concatenate([[0], np.cumsum(examples.target_ids >= 0)])
        bounds = examples.target_bounds
        self._present = known[bounds[1:]] - known[bounds[:-1]] + 1  # (n,), symbols to write of each pair
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
        """Shard number `index` of `shards` of a batch; the pairs are dealt out in the order of their lengths."""
        return padded_pairs(self.examples, self._rows(k, epoch)[index::shards], self.end_id, self.count(k, epoch))

    def count(self, k: int, epoch: int = 0) -> int:
        """Symbols to write in a batch of an epoch, ends included; at least 1."""
        return max(int(self._present[self._rows(k, epoch)].sum()), 1)

    def chars(self, k: int, epoch: int = 0) -> int:
        """The symbols of both sides of a batch of an epoch, ends included, without padding."""
        rows = self._rows(k, epoch)
        return int(self.lengths[rows].sum() + self.target_lengths[rows].sum())

    def padding(self, epoch: int = 0) -> float:
        """The share of an epoch's positions, on both sides, that lie beyond the end."""
        used = int(self.lengths.sum() + self.target_lengths.sum())
        padded = 0
        for k in range(len(self)):
            rows = self._rows(k, epoch)
            padded += len(rows) * int(self.lengths[rows].max() + self.target_lengths[rows].max())
        return 1 - used / padded

    def _rows(self, k: int, epoch: int) -> Array:
        """The places of the pairs of a batch, sorted by length."""
        if epoch != self._epoch:
            self._batches = draw_batches((self.lengths, self.target_lengths), self.size, self._seed, epoch)
            self._epoch = epoch
        return self._batches[k]
