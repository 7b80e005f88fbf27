"""Shards: a fixed part of the streams of every batch each, and the work of one process on its shards.

Shapes: P parameters, K optimizer moments, L layers, S states, n streams of a shard, H hidden units. A process
computes its shards' gradients and updates its own range of the parameters. Which process computes a shard does not
affect a bit of the result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from charrnn.config import ModelConfig
from charrnn.data import Batches, DocumentBatches, SoftTargets, Vocab, make_batches
from charrnn.models import Network
from charrnn.optim import Hyper, Optimizer, global_norm
from charrnn.parallel.example_shards import ExampleShard, ExampleWork, PairWork
from charrnn.parallel.memory import SharedArray, TextFile
from charrnn.processes import cores, receive

MIN_FLOPS = 1e8  # floating-point operations of a step below which sharding costs more time than it saves
FLOPS_PER_WEIGHT = 6.0  # of a step, per parameter and character: one multiply-add forward, two backward
MIN_STREAMS_PER_SHARD = 8  # fewer rows make matrix products slow
SHARD_COUNTS = (1, 2, 4, 8)


def auto_shards(parameters: int, streams: int, length: int) -> int:
    """How many shards a batch of `streams` x `length` characters is best split into on this machine: 1, 2, 4 or 8."""
    if FLOPS_PER_WEIGHT * parameters * streams * length < MIN_FLOPS:
        return 1
    return max(n for n in SHARD_COUNTS if n == 1 or (n <= cores() and streams >= n * MIN_STREAMS_PER_SHARD))


@dataclass(frozen=True)
class TextWork:
    """What the shards of a language model compute from.

    Attributes:
        config, vocab: what the network is.
        streams, length: of a window.
        states: the carried state of each shard, (L, S, n, H).
        ids: the training text, (len,).
        counted: with model.ngram, what fold_log_probs() gives for it, (len,).
        expected, share: with teachers, what they expected of it, (len, V), and how much of a target that is.
    """

    config: ModelConfig
    vocab: Vocab
    streams: int
    length: int
    states: list[SharedArray]
    ids: SharedArray | TextFile
    counted: SharedArray | None = None
    expected: SharedArray | None = None
    share: float = 0.0

    def network(self, values: SharedArray, grads: SharedArray) -> Network:
        """The network, on shared parameters and the gradients of one shard."""
        return Network(self.config, self.vocab, np.float32, values.array(), grads.array())

    def batches(self, seed: int) -> Batches | DocumentBatches:
        """The batches of the text, which the shards share out by streams."""
        counted = self.counted.array() if self.counted else None
        soft = SoftTargets(self.expected.array(), self.share) if self.expected else None
        return make_batches(self.ids.array(), self.vocab.end_id, self.streams, self.length, seed, counted, soft)


@dataclass(frozen=True)
class Job:
    """All that a process needs to do its part; it travels to workers when they start."""

    work: TextWork | ExampleWork | PairWork
    seed: int
    optimizer: str
    hyper: Hyper
    workers: int
    own: tuple[int, int]  # the first shard that this rank computes, and the one after its last
    bounds: list[tuple[int, int]]  # for each shard: its first stream or example, and the one after its last
    values: SharedArray  # parameters, (P,)
    moments: SharedArray  # of the optimizer, (K, P)
    grads: list[SharedArray]  # one gradient (P,) per shard; the first takes their sum

    def shard(self, index: int) -> "Shard | ExampleShard":
        """Shard number `index`."""
        if isinstance(self.work, TextWork):
            return Shard(self, self.work, index)
        return ExampleShard(self.work, self.values, self.grads[index], self.seed, index, len(self.bounds))


class Shard:
    """Some streams of every batch, with their state and their gradient."""

    def __init__(self, job: Job, work: TextWork, index: int) -> None:
        self.first, self.stop = job.bounds[index]
        self.seed = job.seed
        self.index = index
        self.network = work.network(job.values, job.grads[index])
        self.batches = work.batches(job.seed)
        self.state = work.states[index].array()
        self.tape = self.network.tape(min(work.length, self.batches.stream_length), self.stop - self.first)

    def forward_backward(self, step: int) -> float:
        """Compute the gradient of one step; return this shard's part of the mean loss in nats per character."""
        epoch, window = divmod(step, len(self.batches))
        batch = self.batches.window(window, self.first, self.stop, epoch)
        if batch.fresh:
            self.state[...] = 0
        rng = np.random.default_rng([self.seed, step, self.index]) if self.network.drops else None
        loss = float(self.network.forward(batch, self.state, self.tape, rng))
        self.network.backward(batch, self.tape)
        return loss


class Worker:
    """One process's part: every W-th shard of its rank, and one of W ranges of the parameters."""

    def __init__(self, job: Job, index: int) -> None:
        self.index, self.workers = index, job.workers
        self.shards = [job.shard(k) for k in range(job.own[0] + index, job.own[1], job.workers)]
        values, moments = job.values.array(), job.moments.array()
        own = slice(values.size * index // job.workers, values.size * (index + 1) // job.workers)
        self.values = values[own]
        self.gradient_sum = job.grads[0].array()[own]
        self.optimizer = Optimizer(job.optimizer, self.values, job.hyper, moments[:, own])

    def forward_backward(self, step: int) -> list[float]:
        """Compute the gradients of this worker's shards; return their parts of the loss."""
        return [shard.forward_backward(step) for shard in self.shards]

    def call_for_each(self, call: Callable[[Any], Any], each: Sequence[Any]) -> list[Any]:
        """Call a function for every W-th of several arguments; return the results."""
        return [call(one) for one in each[self.index :: self.workers]]

    def update(self, rate: float, t: int) -> str:
        """Take step `t`, counted from 1, for this worker's parameters.

        Returns:
            What is no longer finite, "parameters" or "moments", or "".
        """
        self.optimizer.step(self.values, self.gradient_sum, rate, t)
        if not isfinite(global_norm(self.values)):
            return "parameters"
        return "" if all(isfinite(global_norm(moment)) for moment in self.optimizer.moments) else "moments"


def work(pipe: Connection, job: Job, index: int) -> None:
    """The life of a worker process: receive the name of a method and its arguments, send back what it returns."""
    with np.errstate(over="ignore", invalid="ignore"):  # the caller detects what is not finite
        worker = Worker(job, index)
        while True:
            name, *arguments = receive(pipe)
            pipe.send(getattr(worker, name)(*arguments))
