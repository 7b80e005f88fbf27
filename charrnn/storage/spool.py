"""Arrays that are built piece by piece and may be larger than memory.

A Spool collects pieces and returns one array, (len,). Up to LARGE bytes it stays in memory. Beyond that, a background
thread writes it to a file, and the array that is returned is mapped from that file, so that only the pages in use take
memory. By default the file is a temporary one without a name: the operating system frees its space when the array is
garbage or the process ends, even if it is killed. A caller that opens a named file deletes that file itself.
Nothing here knows what the numbers mean.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

import numpy as np

from charrnn.arrays import Array

LARGE = 1 << 25  # bytes: up to here arrays stay in memory, and texts are not cached
CHUNK = 1 << 20  # numbers to work on at a time


def chunks(array: Array) -> Iterator[Array]:
    """Cut an array, (len,) or (rows, len), into views of at most CHUNK numbers, in order."""
    for row in array if array.ndim == 2 else [array]:
        for start in range(0, len(row), CHUNK):
            yield row[start : start + CHUNK]


class Spool:
    """Collects pieces of unsigned integers into one array of the widest type that a piece has.

    The first pieces are held in memory. Once they exceed the limit, a file is created, and a writer thread writes what
    is held while the caller prepares the next pieces. One write runs at a time: the next one waits for it.

    Arguments:
        create: opens the file. The default creates a temporary file without a name.
        limit: bytes to hold in memory before there is a file; None is LARGE.
    """

    def __init__(self, create: Callable[[], IO[bytes]] = tempfile.TemporaryFile, limit: int | None = None) -> None:
        self._create = create
        self._limit = LARGE if limit is None else limit
        self._pieces: list[Array] = []  # not yet handed to the writer
        self._held = 0  # bytes of these
        self._file: IO[bytes] | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None  # the write that runs, or ran last
        self._dtype = np.dtype(np.uint8)

    def append(self, piece: Array) -> None:
        """Add numbers at the end. The caller must not change the piece afterwards.

        Raises:
            OSError: the file cannot be created, or an earlier piece could not be written.
            MemoryError: there is no memory for the writer thread.
        """
        if piece.itemsize > self._dtype.itemsize:
            self._widen(piece.dtype)
        self._pieces.append(piece)
        self._held += piece.nbytes
        if self._held > (min(self._limit, CHUNK) if self._file else self._limit):
            self._hand_to_writer()

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Change the type, copying what the file holds to a new one. A text does this at most twice."""
        self._wait()
        narrow, self._dtype = self._dtype, dtype
        if self._file:
            mapped, self._file = self._map(narrow), self._create()
            _write(self._file, dtype, chunks(mapped))

    def _hand_to_writer(self) -> None:
        self._wait()
        self._file = self._file or self._create()
        self._writer = self._writer or ThreadPoolExecutor(1, "spool")
        try:  # the thread gets no reference to this spool, which may thus be garbage before the write ends
            self._writing = self._writer.submit(_write, self._file, self._dtype, self._pieces)
        except RuntimeError:
            raise MemoryError("no thread to write with") from None
        self._pieces = []
        self._held = 0

    def _wait(self) -> None:
        """Wait for the writer thread and raise its error. The future is dropped: its traceback refers to this spool."""
        if self._writing:
            try:
                self._writing.result()
            finally:
                self._writing = None

    def finish(self) -> Array:
        """All numbers, (len,), in order; read-only if they are mapped from a file. Raises OSError."""
        if self._file is None:
            return np.concatenate(self._pieces).astype(self._dtype) if self._pieces else np.zeros(0, self._dtype)
        self._hand_to_writer()
        self._wait()
        return self._map(self._dtype)

    def _map(self, dtype: np.dtype[Any]) -> Array:
        """Map the file and close it; the mapping stays valid."""
        assert self._file is not None
        with self._file as file:
            file.flush()
            return np.memmap(file, dtype, "r")

    def __del__(self) -> None:
        """Close the file of a spool that was not finished, once the writer thread has ended."""
        if self._writer:
            self._writer.shutdown()
        if self._file:
            with suppress(OSError):  # a full disk, which append() has reported
                self._file.close()


def _write(file: IO[bytes], dtype: np.dtype[Any], pieces: Iterable[Array]) -> None:
    for piece in pieces:
        file.write(np.ascontiguousarray(piece, dtype).data)
