"""Shards of batches of examples or pairs: a fixed share of those of every batch each.

Which examples a shard gets is a function of seed and step, so there is nothing to carry from one step to the next.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import ModelConfig
from charrnn.data import Examples, LengthBatches, PairBatches, PairExamples
from charrnn.models import Task, TaskNetwork, TaskTape, TranslateNetwork, Translation
from charrnn.parallel.memory import SharedArray


@dataclass(frozen=True)
class TaskExamples:
    """The training examples of a classifier or tagger, and what is learned from them."""

    examples: Examples
    task: Task


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

    def network(self, values: Array, grads: Array) -> TaskNetwork:
        """The network, with its parameters and gradients in this memory."""
        return TaskNetwork(self.config, self.task, np.float32, values, grads)

    def batches(self, seed: int) -> LengthBatches:
        """The batches of examples, views of the shared memory."""
        examples = Examples(self.ids.array(), self.bounds.array(), self.targets.array())
        return LengthBatches(examples, self.size, seed, self.task.tag)

    def tape(self, network: TaskNetwork, batches: LengthBatches, streams: int) -> TaskTape:
        """Memory for so many examples."""
        return network.tape(batches.longest, streams)


@dataclass(frozen=True)
class TranslatePairs:
    """The training pairs of a translator, and what is learned from them."""

    examples: PairExamples
    task: Translation


@dataclass(frozen=True)
class PairWork:
    """What the shards of a translator compute from.

    Attributes:
        config, task: what the network is.
        size: pairs of a batch.
        ids, bounds, target_ids, target_bounds: the training pairs, as in PairExamples.
    """

    config: ModelConfig
    task: Translation
    size: int
    ids: SharedArray
    bounds: SharedArray
    target_ids: SharedArray
    target_bounds: SharedArray

    def network(self, values: Array, grads: Array) -> TranslateNetwork:
        """The network, with its parameters and gradients in this memory."""
        return TranslateNetwork(self.config, self.task, np.float32, values, grads)

    def batches(self, seed: int) -> PairBatches:
        """The batches of pairs, views of the shared memory."""
        arrays = (self.ids, self.bounds, self.target_ids, self.target_bounds)
        examples = PairExamples(*(own.array() for own in arrays))
        return PairBatches(examples, self.task.target_size - 1, self.size, seed)

    def tape(self, network: TranslateNetwork, batches: PairBatches, streams: int) -> Any:
        """Memory for so many pairs."""
        return network.tape(batches.longest, batches.longest_target, streams)


class ExampleShard:
    """A share of the examples of every batch, with its gradient.

    Arguments:
        work: the network and the examples.
        values, grads: memory of the parameters, and of the gradient of this shard.
        seed: of the order of the examples, and of what is dropped.
        index, shards: which of how many shards this one is.
    """

    def __init__(
        self, work: ExampleWork | PairWork, values: SharedArray, grads: SharedArray, seed: int, index: int, shards: int
    ) -> None:
        self.seed, self.index, self.shards = seed, index, shards
        self.work: Any = work
        self.network: Any = work.network(values.array(), grads.array())
        self.batches: Any = work.batches(seed)
        self.drops = bool(work.config.dropout or work.task.input_dropout)
        self.tapes: dict[int, Any] = {}  # by number of examples: the last batch of an epoch has fewer

    def forward_backward(self, step: int) -> float:
        """Compute the gradient of one step; return this shard's part of the mean loss of a target."""
        epoch, k = divmod(step, len(self.batches))
        batch = self.batches.shard(k, self.index, self.shards, epoch)
        streams = len(batch.lengths)
        if not streams:  # the last batch of an epoch may have fewer examples than there are shards
            self.network.params.grads[...] = 0
            return 0.0
        if streams not in self.tapes:
            self.tapes[streams] = self.work.tape(self.network, self.batches, streams)
        tape = self.tapes[streams]
        rng = np.random.default_rng([self.seed, step, self.index]) if self.drops else None
        loss = float(self.network.forward(batch, tape, rng))
        self.network.backward(batch, tape)
        return loss
