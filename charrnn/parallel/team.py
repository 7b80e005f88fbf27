"""One training step, shared out over processes: the gradient by streams, the update by parameters.

The N streams of a batch are cut into shards, each with its own state, tape and gradient row (P,); their sum is taken in
the order of the shards. The cut belongs to the config, so one, two or four workers give the same bits. Parameters,
moments, gradient rows and states lie in shared memory; a step costs each worker two messages there and two back.
It computes with one BLAS thread in each process; the caller sees to its own.

"""

import multiprocessing
import os
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import Vocab
from charrnn.errors import CharrnnError
from charrnn.models import Network
from charrnn.optim import RULES, Hyper
from charrnn.parallel.shards import Job, Worker, work
from charrnn.processes import close, receive, start, talk

ADVICE = "the run stops here, its last checkpoint is good: go on with --resume, or with --resume --set train.workers=1"


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
    which no more are started than there are shards; `file`, the one that `ids` is mapped from, if it holds nothing
    else: workers then map it themselves.
    Attributes: `network`, whose parameters all shards share and whose gradients hold the sum; `moments` (K, P) of the
    optimizer.
    """

    def __init__(self, config: Config, vocab: Vocab, ids: Array, workers: int, file: Path | None = None) -> None:
        shared = multiprocessing.get_context("spawn").RawArray
        train, plain = config.train, Network(config.model, vocab)
        shards, size, count = train.shards or 1, plain.params.size, RULES[train.optimizer][1]
        _check_memory(plain, train.batch_size, min(train.seq_length, len(ids)), 1 + shards + count)
        edges = [train.batch_size * k // shards for k in range(shards + 1)]
        self.bounds = list(pairwise(edges))
        self.workers = max(1, min(workers, shards))
        text: Any = str(file) if file else None
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
