"""Shards of batches of examples or pairs: a fixed share of every batch each.

Which examples a shard gets is a function of seed and step, so there is nothing to carry from one step to the next.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from charrnn.config import ModelConfig
from charrnn.data import Examples, LengthBatches, PairBatches, PairExamples
from charrnn.models import Task, TaskNetwork, TranslateNetwork, Translation
from charrnn.parallel.memory import SharedArray


@dataclass(frozen=True)
class TaskExamples:
    """The training examples of a classifier or tagger, and what is learned from them."""

    examples: Examples
    task: Task


@dataclass(frozen=True)
class TranslatePairs:
    """The training pairs of a translator, and what is learned from them."""

    examples: PairExamples
    translation: Translation


class Work(Protocol):
    """What the shards of examples or pairs compute from; it travels to other processes."""

    def network(self, values: SharedArray, grads: SharedArray) -> Any:
        """The network, on shared parameters and the gradients of one shard."""

    def batches(self, seed: int) -> Any:
        """The batches of all epochs."""

    def tape(self, network: Any, batches: Any, count: int) -> Any:
        """Memory of the network for any batch of `count` examples."""


@dataclass(frozen=True)
class ExampleWork:
    """What the shards of a classifier or tagger compute from.

    Attributes:
        config, task: what the network is.
        size: examples of a batch.
        ids, bounds, targets: the training examples, as in Examples.
    """

    config: ModelConfig
    task: Task
    size: int
    ids: SharedArray
    bounds: SharedArray
    targets: SharedArray

    def network(self, values: SharedArray, grads: SharedArray) -> TaskNetwork:
        """The network, on shared parameters and the gradients of one shard."""
        return TaskNetwork(self.config, self.task, np.float32, values.array(), grads.array())

    def batches(self, seed: int) -> LengthBatches:
        """The batches of all epochs."""
        examples = Examples(self.ids.array(), self.bounds.array(), self.targets.array())
        return LengthBatches(examples, self.size, seed, self.task.tag)

    def tape(self, network: TaskNetwork, batches: LengthBatches, count: int) -> Any:
        """Memory of the network for any batch of `count` examples."""
        return network.tape(batches.longest, count)


@dataclass(frozen=True)
class PairWork:
    """What the shards of a translator compute from.

    Attributes:
        config, translation: what the network is.
        size: pairs of a batch.
        ids, bounds, target_ids, target_bounds: the training pairs, as in PairExamples.
    """

    config: ModelConfig
    translation: Translation
    size: int
    ids: SharedArray
    bounds: SharedArray
    target_ids: SharedArray
    target_bounds: SharedArray

    def network(self, values: SharedArray, grads: SharedArray) -> TranslateNetwork:
        """The network, on shared parameters and the gradients of one shard."""
        return TranslateNetwork(self.config, self.translation, np.float32, values.array(), grads.array())

    def batches(self, seed: int) -> PairBatches:
        """The batches of all epochs."""
        arrays = (self.ids, self.bounds, self.target_ids, self.target_bounds)
        examples = PairExamples(*(own.array() for own in arrays))
        return PairBatches(examples, self.size, seed, self.translation.target_size - 1)

    def tape(self, network: TranslateNetwork, batches: PairBatches, count: int) -> Any:
        """Memory of the network for any batch of `count` pairs."""
        return network.tape(batches.longest, batches.longest_target, count)


class ExampleShard:
    """A share of every batch, with its gradient.

    Arguments:
        work: the network and the examples or pairs.
        values, grads: memory of the parameters, and of the gradient of this shard.
        seed: of the order of the examples, and of what is dropped.
        index, shards: which of how many shards this one is.
    """

    def __init__(self, work: Work, values: SharedArray, grads: SharedArray, seed: int, index: int, shards: int) -> None:
        self.work = work
        self.seed, self.index, self.shards = seed, index, shards
        self.network = work.network(values, grads)
        self.batches = work.batches(seed)
        self.tapes: dict[int, Any] = {}  # by number of examples: the last batch of an epoch has fewer

    def forward_backward(self, step: int) -> float:
        """Compute the gradient of one step; return this shard's part of the mean loss of a target."""
        epoch, k = divmod(step, len(self.batches))
        batch = self.batches.shard(k, self.index, self.shards, epoch)
        count = len(batch.lengths)
        if not count:  # the last batch of an epoch may have fewer examples than there are shards
            self.network.params.grads[...] = 0
            return 0.0
        if count not in self.tapes:
            self.tapes[count] = self.work.tape(self.network, self.batches, count)
        tape = self.tapes[count]
        rng = np.random.default_rng([self.seed, step, self.index]) if self.network.drops else None
        loss = float(self.network.forward(batch, tape, rng))
        self.network.backward(batch, tape)
        return loss
