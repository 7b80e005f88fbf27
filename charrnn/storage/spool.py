"""Arrays that arrive in pieces and may be larger than memory; and the cache, where finished ones are kept.

A Spool takes pieces and gives one array, (len,): in memory while it is small, beyond LARGE bytes in a file that is
mapped, so that only the pages in use take memory. The cache is a folder with a folder for each key, one file for each
array and, written last, about.json; all of it may be deleted at any time. Nothing here knows what the numbers mean.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from charrnn.nn.params import Array

LARGE = 1 << 25  # bytes up to which an array stays in memory: a text of that size is read in a moment
CHUNK = 1 << 20  # numbers worked on at a time
UNUSED = 30 * 24 * 3600.0  # seconds after which what nobody asked for leaves the cache
ABOUT = "about.json"


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


# -- the cache ----------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Where the cache lies, made if need be: charrnn/ in $XDG_CACHE_HOME, or in ~/.cache. Raises OSError."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "charrnn"
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest_of_files(paths: list[Path], read: Callable[[list[Path]], Iterator[bytes]]) -> str:
    """SHA-256 of the content of files, which `read` yields in pieces. Raises OSError.

    Kept by name, inode, size and times of each file, as git does, so that unchanged gigabytes need not be read again.
    """
    stats = [(str(path.resolve()), path.stat()) for path in paths]
    marks = [[name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns] for name, s in stats]
    memo = folder() / f"{hashlib.sha256(json.dumps(marks).encode()).hexdigest()}.sha256"
    if memo.exists() and len(known := memo.read_text()) == 64:
        os.utime(memo)
        return known
    digest = hashlib.sha256()
    for data in read(paths):
        digest.update(data)
    memo.write_text(digest.hexdigest())
    return digest.hexdigest()


Kept = tuple[dict[str, Any], dict[str, Array]]  # a description for JSON, and arrays by name


def recall(key: str) -> Kept | None:
    """What store() kept under a key, its arrays mapped; None where there is no such thing. Raises OSError."""
    for place in folder().glob(f"{key}-*"):
        with suppress(Exception):  # unfinished, or damaged in whatever way: it will be built again
            about = json.loads((place / ABOUT).read_text())
            arrays = {}
            for name, (dtype, size) in about["arrays"].items():
                arrays[name] = np.memmap(f"{place / name}", dtype, "r", shape=size) if size else np.zeros(0, dtype)
            os.utime(place)
            return about, arrays
    return None


def store(key: str, build: Callable[[Callable[[str], Spool]], Kept]) -> Kept:
    """Keep what `build` returns under a key; it gets a function that makes the spool for an array's name.

    What was not asked for lately leaves the cache. Raises OSError, and whatever `build` does, with nothing kept.
    """
    for old in folder().iterdir():
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > UNUSED:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
    place = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=folder()))
    try:
        about, arrays = build(lambda name: Spool(lambda: (place / name).open("w+b"), limit=0))
        sizes = {name: [array.dtype.str, len(array)] for name, array in arrays.items()}
        (place / ABOUT).write_text(json.dumps(about | {"arrays": sizes}))
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return about, arrays
