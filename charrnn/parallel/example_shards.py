"""Shards of batches of examples: a fixed share of the examples of every batch each.

Which examples a shard gets is a function of seed and step, so there is nothing to carry from one step to the next.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.config import ModelConfig
from charrnn.data import Examples, LengthBatches
from charrnn.models import Task, TaskNetwork, TaskTape
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

    def examples(self) -> Examples:
        """The training examples; views of the shared memory."""
        return Examples(self.ids.array(), self.bounds.array(), self.targets.array())


class ExampleShard:
    """A share of the examples of every batch, with its gradient.

    Arguments:
        work: the network and the examples.
        values, grads: memory of the parameters, and of the gradient of this shard.
        seed: of the order of the examples, and of what is dropped.
        index, shards: which of how many shards this one is.
    """

    def __init__(
        self, work: ExampleWork, values: SharedArray, grads: SharedArray, seed: int, index: int, shards: int
    ) -> None:
        self.seed, self.index, self.shards = seed, index, shards
        self.network = TaskNetwork(work.config, work.task, np.float32, values.array(), grads.array())
        self.batches = LengthBatches(work.examples(), work.size, seed, work.task.tag)
        self.tapes: dict[int, TaskTape] = {}  # by number of examples: the last batch of an epoch has fewer

    def forward_backward(self, step: int) -> float:
        """Compute the gradient of one step; return this shard's part of the mean loss of a target."""
        epoch, k = divmod(step, len(self.batches))
        batch = self.batches.shard(k, self.index, self.shards, epoch)
        streams = len(batch.lengths)
        if not streams:  # the last batch of an epoch may have fewer examples than there are shards
            self.network.params.grads[...] = 0
            return 0.0
        if streams not in self.tapes:
            self.tapes[streams] = self.network.tape(self.batches.longest, streams)
        tape = self.tapes[streams]
        rng = np.random.default_rng([self.seed, step, self.index]) if self.network.drops else None
        loss = float(self.network.forward(batch, tape, rng))
        self.network.backward(batch, tape)
        return loss
