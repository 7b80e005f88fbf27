"""One training step, shared out over processes: the gradient by streams, the update by parameters.

The N streams of a batch are cut into shards, each with its own state, tape and gradient (P,). The gradients are
added as a binary tree over the shards. The cut belongs to the config, so one, two or four workers give the same bits.
On several machines each rank computes a range of the shards with its own workers. Each then adds up one range of the
parameters over all shards, and all receive the sums and update alike.
Parameters, moments, gradients and states lie in shared memory; a step costs each worker two messages there and two
back. Every worker computes with one BLAS thread; the caller limits its own.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.config import Config
from charrnn.data import Vocab
from charrnn.errors import CharrnnError
from charrnn.models import (
    Network,
    TaskNetwork,
    TranslateNetwork,
    build_stack,
    fold_log_probs,
)
from charrnn.optim import RULES, Hyper
from charrnn.parallel.example_shards import ExampleWork, PairWork, TaskExamples, TranslatePairs
from charrnn.parallel.memory import SharedArray, TextFile, shared, shared_copy
from charrnn.parallel.needs import Content, check_memory, content_size
from charrnn.parallel.ranks import Ranks
from charrnn.parallel.shards import Job, TextWork, Worker, work
from charrnn.parallel.tree import Sums, share
from charrnn.processes import call_worker, close, receive, start

REMEDY = "the run stops here; its last checkpoint is good: continue with --resume, or add --set train.workers=1 to that"
WISHES = ("stop", "save")  # what one rank may wish and all must then do after the same step


class Team:
    """The shards of a run and the processes that compute them; this process is the first worker.

    Arguments:
        config: with train.shards decided.
        vocab: the characters of a language model; else it is not used.
        content: the training text, ids (len,); or the training examples of a classifier or tagger, or pairs.
        workers: processes in all on this machine; no more are started than there are shards.
        file: the file that the ids are mapped from, if it holds nothing else: workers then map it themselves.
        ranks: all machines of the run; None for a single one.
        expected: what teachers expect of the training text, (len, V); None without teachers.

    Attributes: `network`, whose parameters all shards share and whose gradients hold the sum; `moments` (K, P) of the
    optimizer; `bounds`, the first stream of each shard and the one after its last; `workers`; `processes`, those that
    were started; `exchange_seconds`, which this rank has spent with the others since it was set to 0, waiting included.

    Raises:
        CharrnnError: the run does not fit into memory, or has fewer shards than there are ranks.
    """

    def __init__(
        self,
        config: Config,
        vocab: Vocab | None,
        content: Content,
        workers: int,
        file: Path | None = None,
        ranks: Ranks | None = None,
        expected: SharedArray | None = None,
    ) -> None:
        check_memory(config, vocab, content)
        shards = config.train.shards or 1
        rank, size = (ranks.number, ranks.size) if ranks else (0, 1)
        if shards < size:
            raise CharrnnError(
                f"train.shards: {shards} for {size} ranks, which need one each; add --set train.shards={size} or a "
                f"multiple of it"
            )
        self.ranks = ranks
        self.exchange_seconds = 0.0
        self._first, self._stop = share(shards, rank, size)
        self._sums = Sums.of(shards, rank, size)
        self._wishes = np.zeros(len(WISHES))  # of this rank; the largest of all ranks is in _agreed
        self._agreed = np.zeros(len(WISHES))
        edges = [config.train.batch_size * k // shards for k in range(shards + 1)]
        self.bounds = list(pairwise(edges))
        self.workers = max(1, min(workers, self._stop - self._first))
        work_of_shards: TextWork | ExampleWork | PairWork
        if isinstance(content, TranslatePairs):
            work_of_shards = self._pairs(config, content)
        elif isinstance(content, TaskExamples):
            work_of_shards = self._examples(config, content)
        else:
            assert vocab is not None, "a language model has a vocabulary"
            work_of_shards = self._text(config, vocab, content, file, expected)
        job = self._job(config, work_of_shards, content_size(config, vocab, content))
        started = [start(work, job, index) for index in range(1, self.workers)]
        self.processes = [process for process, _ in started]
        self._pipes = [pipe for _, pipe in started]
        self._own = Worker(job, 0)
        self._grads = [grad.array() for grad in job.grads]
        self._states = [state.array() for state in job.work.states] if isinstance(job.work, TextWork) else []
        self.moments = job.moments.array()
        self.network: Network | TaskNetwork | TranslateNetwork = job.work.network(job.values, job.grads[0])

    def _text(
        self, config: Config, vocab: Vocab, ids: Array, file: Path | None, expected: SharedArray | None
    ) -> TextWork:
        """The text of a language model, with the state of each shard."""
        stack = build_stack(config.model, vocab.size)
        order = config.model.ngram
        shapes: list[Shape] = [stack.state_shape(stop - first) for first, stop in self.bounds]
        return TextWork(
            config=config.model,
            vocab=vocab,
            streams=config.train.batch_size,
            length=config.train.seq_length,
            states=[shared("<f4", *shape) for shape in shapes],
            ids=TextFile(str(file), ids.dtype.str) if file else shared_copy(ids),
            counted=shared_copy(fold_log_probs(vocab, ids, order)) if order else None,
            expected=expected,
            share=config.train.teacher_share,
        )

    def _examples(self, config: Config, content: TaskExamples) -> ExampleWork:
        """The examples of a classifier or tagger."""
        examples = content.examples
        arrays = (examples.ids, examples.bounds, examples.targets)
        return ExampleWork(config.model, content.task, config.train.batch_size, *map(shared_copy, arrays))

    def _pairs(self, config: Config, content: TranslatePairs) -> PairWork:
        """The pairs of a translator."""
        examples = content.examples
        arrays = (examples.ids, examples.bounds, examples.target_ids, examples.target_bounds)
        return PairWork(config.model, content.translation, config.train.batch_size, *map(shared_copy, arrays))

    def _job(self, config: Config, content: TextWork | ExampleWork | PairWork, size: int) -> Job:
        """The work to share out, with all of its shared memory; `size` is P."""
        train = config.train
        return Job(
            work=content,
            seed=config.seed,
            optimizer=train.optimizer,
            hyper=Hyper(
                momentum=train.momentum,
                betas=train.betas,
                rho=train.rho,
                epsilon=train.epsilon,
                weight_decay=train.weight_decay,
            ),
            workers=self.workers,
            own=(self._first, self._stop),
            bounds=self.bounds,
            values=shared("<f4", size),
            moments=shared("<f4", RULES[train.optimizer][1], size),
            grads=[shared("<f4", size) for _ in self.bounds],
        )

    @property
    def state(self) -> Array:
        """The carried state of all streams, (L, S, N, H); a copy. Examples carry none: it is then empty, (0,).

        On several machines all ranks must ask for it at the same time.
        """
        if not self._states:
            return np.zeros(0, np.float32)
        if self.ranks:
            shards, size = len(self.bounds), self.ranks.size
            self.ranks.broadcast([(self._states[k], r) for r in range(size) for k in range(*share(shards, r, size))])
        return np.concatenate(self._states, axis=2)

    @state.setter
    def state(self, state: Array) -> None:
        for own, (first, stop) in zip(self._states, self.bounds, strict=bool(self._states)):
            own[...] = state[:, :, first:stop]

    def begin_equally(self) -> None:
        """Begin with the parameters of rank 0 on all ranks; other processors may have drawn others."""
        if self.ranks:
            self.ranks.broadcast([(self.network.params.values, 0)])

    def of_rank_0(self, *numbers: float) -> list[float]:
        """Rank 0's numbers, on all ranks, whose processors may round their own differently."""
        agreed = np.array(numbers, np.float64)
        if self.ranks:
            self.ranks.broadcast([(agreed, 0)])
        return [float(number) for number in agreed]

    def agree(self, wish: str, value: int) -> int:
        """Agree with all ranks on one of WISHES.

        Returns:
            The value itself; on several machines, the largest that any rank had wished for before the latest step.
        """
        if not self.ranks:
            return value
        index = WISHES.index(wish)
        agreed = int(self._agreed[index])
        self._wishes[index] = 0 if agreed else value
        return agreed

    def forward_backward(self, step: int) -> float:
        """Compute the gradient of one step into network.params.grads.

        Returns:
            The mean loss in nats per character, or of a target.

        Raises:
            CharrnnError: a worker has died, or another rank does not answer.
        """
        losses = np.zeros(len(self.bounds))
        for index, own in enumerate(self._all("forward_backward", step)):
            losses[self._first + index : self._stop : self.workers] = own
        for addition in self._sums.before:
            self._grads[addition.left] += self._grads[addition.right]
        if self.ranks:
            began = perf_counter()
            self._add_up(self.ranks)
            rows = self.ranks.gather(np.concatenate([losses, self._wishes]))
            losses = rows[:, : len(losses)].sum(axis=0)  # exact: all but one are zero
            self._agreed = rows[:, len(losses) :].max(axis=0)
            self.exchange_seconds += perf_counter() - began
        return sum(losses.tolist())

    def _add_up(self, ranks: Ranks) -> None:
        """Add up the range that this rank owns over the sums of all ranks, and join the ranges."""
        ranks.scatter([(self._grads[shard], rank) for shard, rank in self._sums.roots])
        own = ranks.own(self._grads[0].size)
        for addition in self._sums.after:
            self._grads[addition.left][own] += self._grads[addition.right][own]
        ranks.join(self._grads[0])

    def update(self, rate: float, t: int) -> str:
        """Update the parameters by their gradient at a learning rate; `t` counts steps from 1.

        Returns:
            What is no longer finite, "parameters" or "moments", or "".

        Raises:
            CharrnnError: a worker has died.
        """
        return next(filter(None, self._all("update", rate, t)), "")

    def spread(self, call: Callable[[Any], Any], each: Sequence[Any]) -> list[Any]:
        """Call a function for each of several arguments, as map() does, shared out over the workers of all ranks.

        Arguments and results are copied between processes. All ranks must call this with the same arguments, and a
        single call is made by each of them.

        Raises:
            CharrnnError: a worker has died, or another rank does not answer.
        """
        if len(each) < 2:
            return [call(one) for one in each]
        rank, size = (self.ranks.number, self.ranks.size) if self.ranks else (0, 1)
        own = each[rank::size]
        found = [None] * len(own)
        for index, part in enumerate(self._all("call_for_each", call, own)):
            found[index :: self.workers] = part
        if not self.ranks:
            return found
        everything = [None] * len(each)
        for index, part in enumerate(self.ranks.gather_objects(found)):
            everything[index::size] = part
        return everything

    def _all(self, name: str, *arguments: Any) -> list[Any]:
        """Have every worker call the same method, this process too; what each returned, in their order."""
        pairs = list(zip(self.processes, self._pipes, strict=True))
        for process, pipe in pairs:
            call_worker(process, REMEDY, pipe.send, (name, *arguments))
        own = getattr(self._own, name)(*arguments)
        return [own, *(call_worker(process, REMEDY, receive, pipe) for process, pipe in pairs)]

    def close(self) -> None:
        """End the workers."""
        for pipe in self._pipes:
            close(pipe)
        for process in self.processes:
            process.join(5)
        self._pipes, self.processes = [], []
