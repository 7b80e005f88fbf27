"""Arrays that arrive in pieces and may be larger than memory.

A Spool takes pieces and gives one array, (len,): in memory while it is small, beyond LARGE bytes in a file that is
mapped, so that only the pages in use take memory. Nothing here knows what the numbers mean.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

import numpy as np

from charrnn.arrays import Array

LARGE = 1 << 25  # bytes up to which an array stays in memory: a text of that size is read in a moment


CHUNK = 1 << 20  # numbers worked on at a time


def chunks(array: Array) -> Iterator[Array]:
    """An array, (len,) or (rows, len), in order, in pieces of at most CHUNK numbers; views, not copies."""
    for row in array if array.ndim == 2 else [array]:
        for start in range(0, len(row), CHUNK):
            yield row[start : start + CHUNK]


class Spool:
    """Unsigned integers that arrive in pieces, then one array of the widest type that any piece had.

    Arguments: `create`, opens a file for what does not stay in memory; `limit`, how many bytes may stay (None: LARGE).
    A thread writes the file, one piece behind: on a virtual machine, whose system has to look for memory first, 1 GB of
    text is encoded in 5.3 s, and in 7.3 s without it.
    """

    def __init__(self, create: Callable[[], IO[bytes]] = tempfile.TemporaryFile, limit: int | None = None) -> None:
        self._create, self._limit = create, LARGE if limit is None else limit
        self._parts: list[Array] = []
        self._held = 0  # bytes in memory
        self._file: IO[bytes] | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._written: Future[None] | None = None  # what the thread is at
        self._dtype = np.dtype(np.uint8)

    def append(self, piece: Array) -> None:
        """Add numbers at the end, which must not change. Raises OSError or MemoryError, also of those before."""
        if piece.itemsize > self._dtype.itemsize:
            self._widen(piece.dtype)
        self._parts.append(piece)
        self._held += piece.nbytes
        if self._held > (min(self._limit, CHUNK) if self._file else self._limit):
            self._spill()

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Rewrite what the file holds; this happens once or twice in a text, when it shows its 257th character."""
        self._wait()
        narrow, self._dtype = self._dtype, dtype
        if self._file:
            old, self._file = self._map(narrow), self._create()
            _write(self._file, dtype, chunks(old))

    def _spill(self) -> None:
        self._wait()
        self._file = self._file or self._create()
        self._writer = self._writer or ThreadPoolExecutor(1, "spool")
        try:  # the thread knows nothing of this spool, which may thus end before it
            self._written = self._writer.submit(_write, self._file, self._dtype, self._parts)
        except RuntimeError:
            raise MemoryError("no thread to write with") from None
        self._parts, self._held = [], 0

    def _wait(self) -> None:
        """Until the thread is done. What failed there is raised, and forgotten, for it holds on to all of this."""
        if self._written:
            try:
                self._written.result()
            finally:
                self._written = None

    def finish(self) -> Array:
        """All numbers, (len,); read-only where a file is mapped. Raises OSError."""
        if self._file is None:
            return np.concatenate(self._parts).astype(self._dtype) if self._parts else np.zeros(0, self._dtype)
        self._spill()
        self._wait()
        return self._map(self._dtype)

    def _map(self, dtype: np.dtype[Any]) -> Array:
        """What the file holds; it stays mapped though the file is closed."""
        assert self._file is not None
        with self._file as file:
            file.flush()
            return np.memmap(file, dtype, "r")

    def __del__(self) -> None:
        """Close the file of a spool that was never finished."""
        if self._writer:
            self._writer.shutdown()
        if self._file:
            with suppress(OSError):  # a full disk, which was said before
                self._file.close()


def _write(file: IO[bytes], dtype: np.dtype[Any], parts: Iterable[Array]) -> None:
    for part in parts:
        file.write(np.ascontiguousarray(part, dtype).data)
