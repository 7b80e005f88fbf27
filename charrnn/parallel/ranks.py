"""The processes of one run on several machines, by MPI: what they exchange, and how all of them end when one fails.

R ranks; each owns one of R ranges of a row of P numbers. Every exchange is a nonblocking collective call of all ranks,
in the same order. It is tested in a loop, so that signals are handled meanwhile and a silent rank is noticed. mpi4py is
imported only when ranks are joined.
"""

import os
import signal
import sys
from collections.abc import Sequence
from time import perf_counter, sleep
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CharrnnError
from charrnn.parallel.tree import share

LAUNCHED = ("SLURM_STEP_NUM_TASKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_SIZE")  # what launchers set
WAIT_SECONDS = 300.0  # without an answer, after which a rank gives up
ABORT_SECONDS = 5  # that MPI may take to end the run
FORWARD_SECONDS = 0.2  # before that, in which the launcher passes on what a rank has written; it may discard the rest
EAGER_TESTS = 256  # of an exchange, before the processor is offered to other processes
EAGER_SECONDS = 1.0  # of waiting, after which the processor rests between tests
REST_SECONDS = 0.001
MISSING = "--mpi needs the package mpi4py and an MPI: pip install mpi4py mpich, or load the MPI of the cluster"


def launched_size() -> int:
    """The number of processes that a launcher such as mpiexec or srun says it has started; 1 without one."""
    return max((int(size) for name in LAUNCHED if (size := os.environ.get(name, "")).isdecimal()), default=1)


def check_alone() -> None:
    """Refuse to train without --mpi as one of several processes. Raises CharrnnError."""
    if (size := launched_size()) > 1:
        raise CharrnnError(
            f"mpiexec or srun started {size} processes without --mpi, which would all write to one directory; "
            f"add --mpi, or start one process"
        )


class Ranks:
    """All processes of a run, seen from one of them.

    Arguments:
        wait: seconds without an answer of another rank after which this one gives up.

    Attributes:
        number: of this rank, from 0.
        size: the number of ranks.

    Raises:
        CharrnnError: there is no MPI, or the launcher started several processes and MPI connects none.
    """

    def __init__(self, wait: float = WAIT_SECONDS) -> None:
        _end_after(int(wait) + 1)  # to join means to wait for all
        try:
            import mpi4py

            mpi4py.rc.thread_level = "funneled"
            mpi4py.rc.finalize = False  # leave() does so; a rank that ends otherwise would wait there for the others
            from mpi4py import MPI
        except (ImportError, RuntimeError):
            raise CharrnnError(MISSING) from None
        finally:
            _end_after(0)
        self._world: Any = MPI.COMM_WORLD
        self._mpi: Any = MPI
        self.wait = wait
        self.number = int(self._world.Get_rank())
        self.size = int(self._world.Get_size())
        if self.size == 1 and launched_size() > 1:
            raise CharrnnError(
                f"the launcher started {launched_size()} processes, and MPI does not connect them; start them with the "
                f"mpiexec of the same MPI, or with another --mpi of srun (srun --mpi=list names them)"
            )

    def broadcast(self, arrays: Sequence[tuple[Array, int]]) -> None:
        """Give each array the content that it has on the rank beside it."""
        self._finish([self._world.Ibcast(bytes_of(array), root=owner) for array, owner in arrays])

    def own(self, size: int) -> slice:
        """The range of `size` numbers that this rank owns."""
        return slice(*share(size, self.number, self.size))

    def scatter(self, rows: Sequence[tuple[Array, int]]) -> None:
        """Give each rank its range of each row (P,), from the rank beside it; the rest of the rows stays as it is."""
        requests = []
        for row, owner in rows:
            if owner == self.number:
                request = self._world.Iscatterv(self._in_ranges(row), self._mpi.IN_PLACE, root=owner)
            else:
                request = self._world.Iscatterv(None, bytes_of(row[self.own(row.size)]), root=owner)
            requests.append(request)
        self._finish(requests)

    def join(self, row: Array) -> None:
        """Give all ranks the range that each owns of a row (P,)."""
        self._finish([self._world.Iallgatherv(self._mpi.IN_PLACE, self._in_ranges(row))])

    def _in_ranges(self, row: Array) -> list[Any]:
        """A row as MPI takes it: its bytes, how many of them are each rank's, and where these begin."""
        edges = [row.itemsize * share(row.size, rank, self.size)[0] for rank in range(self.size)]
        counts = np.diff([*edges, row.nbytes])
        return [bytes_of(row), counts.tolist(), edges, self._mpi.BYTE]

    def gather(self, row: Array) -> Array:
        """The row (n,) of every rank, (R, n)."""
        rows = np.empty((self.size, row.size), row.dtype)
        self._finish([self._world.Iallgather(bytes_of(row), bytes_of(rows))])
        return rows

    def share(self, content: bytes | None) -> bytes:
        """What rank 0 gives, on all ranks."""
        size = np.array([len(content or b"")])
        self.broadcast([(size, 0)])
        data = np.frombuffer(content, np.uint8).copy() if content else np.zeros(int(size[0]), np.uint8)
        if data.size:
            self.broadcast([(data, 0)])
        return data.tobytes()

    def gather_objects(self, value: Any) -> list[Any]:
        """The value of every rank, as mpi4py copies objects."""
        pickle = self._mpi.pickle
        data = np.frombuffer(pickle.dumps(value), np.uint8)
        sizes = self.gather(np.array([data.size]))[:, 0]
        row = np.zeros(int(sizes.max()), np.uint8)
        row[: data.size] = data
        return [pickle.loads(own[:size].data) for own, size in zip(self.gather(row), sizes, strict=True)]

    def leave(self) -> None:
        """Wait until all ranks are done, and leave MPI. Raises CharrnnError if another rank does not answer."""
        self.gather(np.zeros(1))
        _end_after(int(self.wait) + 1)
        self._mpi.Finalize()
        _end_after(0)

    def abort(self, code: int) -> None:
        """End all ranks with an exit code. If MPI does not manage to, this one ends all the same."""
        sys.stdout.flush()
        sys.stderr.flush()
        sleep(FORWARD_SECONDS)
        _end_after(ABORT_SECONDS)
        self._world.Abort(code)

    def _finish(self, requests: list[Any]) -> None:
        """Wait for exchanges. Raises CharrnnError if they fail or take longer than `wait` seconds."""
        began = perf_counter()
        tests = 0
        try:
            while not self._mpi.Request.Testall(requests):
                tests += 1
                if tests < EAGER_TESTS:
                    continue
                if hasattr(os, "sched_yield"):
                    os.sched_yield()
                waited = perf_counter() - began
                if waited > EAGER_SECONDS:
                    sleep(REST_SECONDS)
                if waited > self.wait:
                    raise CharrnnError(
                        f"no answer of another rank for {self.wait:g} s: a machine or the network between them has "
                        f"failed; continue with --resume"
                    )
        except self._mpi.Exception as error:
            raise CharrnnError(f"the exchange with another rank failed ({error}); continue with --resume") from None


def _end_after(seconds: int) -> None:
    """End this process after some seconds, even within a call of MPI that never returns; 0 takes that back."""
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)


def bytes_of(array: Array) -> Array:
    """The bytes of an array, so that MPI need not know its type; a view, which it must be possible to take."""
    return array.reshape(-1).view(np.uint8)
