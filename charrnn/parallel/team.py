"""One training step, shared out over processes: the gradient by streams, the update by parameters.

The N streams of a batch are cut into shards, each with its own state, tape and gradient row (P,); their sum is taken in
the order of the shards. The cut belongs to the config, so one, two or four workers give the same bits. Parameters,
moments, gradient rows and states lie in shared memory; a step costs each worker two messages there and two back.
It computes with one BLAS thread in each process; the caller sees to its own.
"""

import multiprocessing
import os
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, prod
from mmap import mmap
from typing import Any

import numpy as np

from charrnn.config.keys import Config, ModelConfig
from charrnn.data.reading import Batches, Vocab
from charrnn.errors import CharrnnError
from charrnn.models.network import Network
from charrnn.nn.params import Array
from charrnn.optim.rules import RULES, Hyper, Optimizer, global_norm
from charrnn.processes import close, cores, receive, start, talk

SMALL = 1e8  # floating-point operations a step below which shards cost more than they bring
FEWEST = 8  # streams that a shard should have: fewer rows make the matrix products slow
ADVICE = "the run stops here, its last checkpoint is good: go on with --resume, or with --resume --set train.workers=1"


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
        self.tape = self.network.tape(min(job.length, self.batches.run), self.stop - self.first)

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


def _check_memory(network: Network, streams: int, length: int, rows: int) -> None:
    """Refuse, before memory is taken, what this machine surely cannot hold. Raises CharrnnError."""
    if not hasattr(os, "sysconf"):
        return
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    needed = 4 * network.params.size * rows + network.tape_bytes(length, streams)
    if needed > there:
        raise CharrnnError(
            f"this model and window need about {needed / 1e9:,.1f} GB of memory, and this machine has "
            f"{there / 1e9:,.1f}; lower model.hidden_size, train.batch_size or train.seq_length"
        )


class Team:
    """The shards of a run and the processes that compute them; this process is the first worker.

    Arguments: `config`, with train.shards decided; `vocab`; `ids`, the training text; `workers`, processes in all, of
    which no more are started than there are shards.
    Attributes: `network`, whose parameters all shards share and whose gradients hold the sum; `moments` (K, P) of the
    optimizer.
    """

    def __init__(self, config: Config, vocab: Vocab, ids: Array, workers: int) -> None:
        shared = multiprocessing.get_context("spawn").RawArray
        train, plain = config.train, Network(config.model, vocab)
        shards, size, count = train.shards or 1, plain.params.size, RULES[train.optimizer][1]
        _check_memory(plain, train.batch_size, min(train.seq_length, len(ids)), 1 + shards + count)
        edges = [train.batch_size * k // shards for k in range(shards + 1)]
        self.bounds = list(pairwise(edges))
        self.workers = max(1, min(workers, shards))
        text: Any = ids.filename if isinstance(ids.base, mmap) else None  # a whole file; of a part, the name says less
        if text is None:
            text = shared("b", max(ids.nbytes, 1))
            np.frombuffer(text, ids.dtype)[...] = ids
        job = Job(
            config.model,
            vocab,
            config.seed,
            train.batch_size,
            train.seq_length,
            train.optimizer,
            Hyper(train.momentum, train.betas, train.rho, train.epsilon, train.weight_decay),
            self.workers,
            self.bounds,
            values=shared("f", size),
            moments=shared("f", count * size),
            grads=[shared("f", size) for _ in range(shards)],
            states=[shared("f", prod(plain.start(stop - first).shape)) for first, stop in self.bounds],
            ids=text,
            ids_dtype=ids.dtype.str,
        )
        started = [start(work, job, index) for index in range(1, self.workers)]
        self._processes, self._pipes = ([pair[k] for pair in started] for k in (0, 1))
        self._own = Worker(job, 0)
        self._rows = [np.frombuffer(row, np.float32) for row in job.grads]
        self._states = [
            np.frombuffer(state, np.float32).reshape(plain.start(stop - first).shape)
            for state, (first, stop) in zip(job.states, self.bounds, strict=True)
        ]
        self.moments: Array = np.frombuffer(job.moments, np.float32).reshape(count, size)
        self.network = self._own.shards[0].network

    @property
    def state(self) -> Array:
        """The carried state of all streams, (L, S, N, H); a copy."""
        return np.concatenate(self._states, axis=2)

    @state.setter
    def state(self, state: Array) -> None:
        for part, (first, stop) in zip(self._states, self.bounds, strict=True):
            part[...] = state[:, :, first:stop]

    def gradient(self, step: int) -> float:
        """The mean loss of a step, in nats per character; its gradient is left in network.params.grads.

        Raises CharrnnError where a worker has died.
        """
        losses = [0.0] * len(self.bounds)
        for index, part in enumerate(self._all("gradient", step)):
            losses[index :: self.workers] = part
        total = self._rows[0]
        for row in self._rows[1:]:
            total += row
        return sum(losses)

    def update(self, rate: float, t: int) -> str:
        """Move the parameters by their gradient at a learning rate; `t` counts steps from 1. Raises CharrnnError.

        Returns which is no longer finite, "parameters" or "moments", or nothing.
        """
        return next(filter(None, self._all("update", rate, t)), "")

    def _all(self, name: str, *arguments: Any) -> list[Any]:
        """Have every worker do the same, this process too; what each returned, in their order."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            talk(process, ADVICE, pipe.send, (name, *arguments))
        own = getattr(self._own, name)(*arguments)
        pairs = zip(self._processes, self._pipes, strict=True)
        return [own, *(talk(process, ADVICE, receive, pipe) for process, pipe in pairs)]

    def close(self) -> None:
        """End the workers."""
        for pipe in self._pipes:
            close(pipe)
        for process in self._processes:
            process.join(5)
        self._pipes, self._processes = [], []
