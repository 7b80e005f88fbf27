"""Shards: some of a batch's streams each, and the work of one process on them."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import ModelConfig
from charrnn.data import Batches, Vocab
from charrnn.models import Network
from charrnn.optim import Hyper, Optimizer, global_norm
from charrnn.processes import cores, receive

SMALL = 1e8  # floating-point operations a step below which shards cost more than they bring


FEWEST = 8  # streams that a shard should have: fewer rows make the matrix products slow


def auto_shards(parameters: int, streams: int, length: int) -> int:
    """Into how many shards a batch is best cut on this machine: 1, 2, 4 or 8."""
    if 6.0 * parameters * streams * length < SMALL:
        return 1
    return max(n for n in (1, 2, 4, 8) if n == 1 or (n <= cores() and streams >= n * FEWEST))


@dataclass
class Job:
    """All that a process needs to do its part; travels to workers when they start."""

    config: ModelConfig
    vocab: Vocab
    seed: int
    streams: int
    length: int
    optimizer: str
    hyper: Hyper
    workers: int
    bounds: list[tuple[int, int]]  # of each shard: first stream, and the one after its last
    values: Any  # shared memory of the parameters (P,),
    moments: Any  # of the optimizer's moments (K, P),
    grads: list[Any]  # of one gradient row (P,) for each shard; the first takes their sum,
    states: list[Any]  # of the state (L, S, n, H) of each shard,
    ids: Any  # and of the text, or the name of the file that it is mapped from
    ids_dtype: str


class Shard:
    """Some streams of every batch, with their state and their gradient."""

    def __init__(self, job: Job, index: int) -> None:
        self.first, self.stop = job.bounds[index]
        self.seed, self.index = job.seed, index
        dtype = np.float32
        self.network = Network(
            job.config, job.vocab, dtype, np.frombuffer(job.values, dtype), np.frombuffer(job.grads[index], dtype)
        )
        mapped = isinstance(job.ids, str)
        ids: Array = np.memmap(job.ids, job.ids_dtype, "r") if mapped else np.frombuffer(job.ids, job.ids_dtype)
        self.batches = Batches(ids, job.streams, job.length)
        shape = self.network.start(self.stop - self.first).shape
        self.state: Array = np.frombuffer(job.states[index], dtype).reshape(shape)
        self.tape = self.network.tape(min(job.length, self.batches.stream_length), self.stop - self.first)

    def run(self, step: int) -> float:
        """Forward and back for one step; returns this shard's part of the mean loss in nats per character."""
        batch = self.batches.window(step % len(self.batches), self.first, self.stop)
        if batch.fresh:
            self.state[...] = 0
        dropout = self.network.config.dropout
        rng = np.random.default_rng([self.seed, step, self.index]) if dropout else None
        loss = float(self.network.forward(batch, self.state, self.tape, rng))
        self.network.backward(batch, self.tape)
        return loss


class Worker:
    """One process's part: every W-th shard of the batch, and one of W ranges of the parameters."""

    def __init__(self, job: Job, index: int) -> None:
        self.shards = [Shard(job, k) for k in range(index, len(job.bounds), job.workers)]
        values, total = (np.frombuffer(memory, np.float32) for memory in (job.values, job.grads[0]))
        moments = np.frombuffer(job.moments, np.float32).reshape(-1, values.size)
        part = slice(values.size * index // job.workers, values.size * (index + 1) // job.workers)
        self.values, self.total = values[part], total[part]
        self.optimizer = Optimizer(job.optimizer, self.values, job.hyper, moments[:, part])

    def gradient(self, step: int) -> list[float]:
        """Run this worker's shards; returns their parts of the loss."""
        return [shard.run(step) for shard in self.shards]

    def update(self, rate: float, t: int) -> str:
        """Take step `t`, counted from 1, for this worker's parameters; returns what is no longer finite, or nothing."""
        self.optimizer.step(self.values, self.total, rate, t)
        if not isfinite(global_norm(self.values)):
            return "parameters"
        return "" if all(isfinite(global_norm(moment)) for moment in self.optimizer.moments) else "moments"


def work(pipe: Any, job: Job, index: int) -> None:
    """The life of a worker process: do what is asked, (name of a method, arguments), and send back what it returns."""
    with np.errstate(over="ignore", invalid="ignore"):
        worker = Worker(job, index)
        while True:
            name, *arguments = receive(pipe)
            pipe.send(getattr(worker, name)(*arguments))
