"""Batches of examples of similar length, so that little of a batch is padding.

Every epoch the examples are shuffled and cut into pools of 50 batches. Each pool is sorted by length and cut into
batches, and the batches of all pools are shuffled. Every example is in exactly one batch of an epoch.

Arrays are time first: T steps, N examples, K targets of an example. Examples that are shorter than T are padded at
their end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.examples import Examples

POOL_BATCHES = 50  # batches that are sorted by length together
PADDING_ID = 0  # any id does: what is read beyond the end of an example counts nowhere
NO_LABEL = -1  # the target of a symbol that has no label


@dataclass(frozen=True)
class ExampleBatch:
    """Some examples, padded to the length of the longest.

    Attributes:
        x: ids, (T, N).
        lengths: (N,), at least 1.
        targets: (N,) or (N, K) if an example has targets; (T, N) if each symbol has one, -1 beyond the end.
        count: targets that are present in the whole batch, including examples that a shard leaves out; at least 1.
        rows: (N,), places of the examples among all.
    """

    x: Array
    lengths: Array
    targets: Array
    count: int
    rows: Array


def present(targets: Array) -> Array:
    """Whether each target is there: a label that is not -1, a number that is not NaN."""
    if targets.dtype.kind == "f":
        return ~np.isnan(targets)
    is_label: Array = targets >= 0
    return is_label


def padded(examples: Examples, rows: Array) -> ExampleBatch:
    """The examples at positions (N,) as a batch to predict: without targets."""
    x, inside, _ = laid_out(examples.ids, examples.bounds, rows)
    no_targets = np.full(len(rows), NO_LABEL)
    return ExampleBatch(x, inside.sum(axis=0), no_targets, 1, rows)


def laid_out(ids: Array, bounds: Array, rows: Array) -> tuple[Array, Array, Array]:
    """The ids of sequences (T, N), which positions lie inside one, and where in the flat arrays those are."""
    firsts = bounds[rows]
    lengths = bounds[rows + 1] - firsts
    steps = np.arange(lengths.max(initial=0))[:, None]
    inside = steps < lengths
    positions = np.where(inside, firsts + steps, 0)
    return np.where(inside, ids[positions], PADDING_ID), inside, positions


class LengthBatches:
    """The batches of an epoch; index k gives batch k of the first epoch.

    Arguments:
        examples: none of them empty.
        size: examples in a batch; the last batch of the last pool may hold fewer.
        seed: the batches are a function of seed and epoch. None does not shuffle: all examples are sorted, the longest
            first, so that the first batch needs the most memory.
        tag: whether each symbol has a target, instead of each example.

    Attributes:
        lengths: (n,), of the examples.
        longest: the largest of them.

    Raises:
        ValueError: an example is empty.
    """

    def __init__(self, examples: Examples, size: int, seed: int | None, tag: bool = False) -> None:
        self.examples = examples
        self.size = size
        self.tag = tag
        self.lengths = np.diff(examples.bounds)
        if not self.lengths.all():
            raise ValueError(f"example {int(np.argmin(self.lengths))} is empty")
        self.longest = int(self.lengths.max(initial=0))
        there = present(examples.targets)
        if tag:
            there = np.add.reduceat(there, examples.bounds[:-1], dtype=int)
        self._present = there.reshape(len(self.lengths), -1).sum(axis=1)  # (n,), targets of each example
        self._seed = seed
        self._epoch = -1  # whose batches are laid out
        self._batches: list[Array] = []

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.lengths) // self.size)

    def __getitem__(self, k: int) -> ExampleBatch:
        if not 0 <= k < len(self):
            raise IndexError(f"batch {k} of {len(self)}")
        return self.batch(k)

    def batch(self, k: int, epoch: int = 0) -> ExampleBatch:
        """Batch number `k` of an epoch."""
        return self.shard(k, 0, 1, epoch)

    def shard(self, k: int, index: int, shards: int, epoch: int = 0) -> ExampleBatch:
        """Shard number `index` of `shards` of a batch.

        The examples are dealt out in the order of their lengths. The numbers of examples in two shards differ by one
        at most, and the numbers of characters by no more than the longest example has. A shard may be empty.
        """
        rows = self._rows(k, epoch)[index::shards]
        lengths = self.lengths[rows]
        x, inside, positions = laid_out(self.examples.ids, self.examples.bounds, rows)
        if self.tag:
            targets = np.where(inside, self.examples.targets[positions], NO_LABEL)
        else:
            targets = self.examples.targets[rows]
        return ExampleBatch(x, lengths, targets, self.count(k, epoch), rows)

    def count(self, k: int, epoch: int = 0) -> int:
        """Targets that are present in a batch of an epoch; at least 1, so that one can divide by it."""
        return max(int(self._present[self._rows(k, epoch)].sum()), 1)

    def chars(self, k: int, epoch: int = 0) -> int:
        """The symbols of a batch of an epoch, without padding."""
        return int(self.lengths[self._rows(k, epoch)].sum())

    def padding(self, epoch: int = 0) -> float:
        """The share of an epoch's positions that lie beyond the end of their example."""
        batches = [self.lengths[self._rows(k, epoch)] for k in range(len(self))]
        return 1 - float(self.lengths.sum()) / sum(len(lengths) * int(lengths.max()) for lengths in batches)

    def _rows(self, k: int, epoch: int) -> Array:
        """The places of the examples of a batch, sorted by length."""
        if epoch != self._epoch:
            self._lay_out(epoch)
        return self._batches[k]

    def _lay_out(self, epoch: int) -> None:
        """Draw the batches of an epoch."""
        number = len(self.lengths)
        if self._seed is None:
            order = np.argsort(-self.lengths, kind="stable")
            self._batches = [order[first : first + self.size] for first in range(0, number, self.size)]
        else:
            self._batches = draw_batches((self.lengths,), self.size, self._seed, epoch)
        self._epoch = epoch


def draw_batches(lengths: Sequence[Array], size: int, seed: int, epoch: int) -> list[Array]:
    """Draw the batches of an epoch.

    Arguments:
        lengths: (n,) each: a pool is sorted by the first, and where that is equal by the next.
        size: examples in a batch.
        seed, epoch: the batches are a function of both.

    Returns:
        The positions of the examples of each batch, sorted by length.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths[0]))
    batches = []
    for first in range(0, len(order), POOL_BATCHES * size):
        pool = order[first : first + POOL_BATCHES * size]
        pool = pool[np.lexsort([own[pool] for own in reversed(lengths)])]
        batches += [pool[start : start + size] for start in range(0, len(pool), size)]
    return [batches[k] for k in rng.permutation(len(batches))]
