"""The one seam to the file system for everything that must not be lost: write whole or not at all, append, lock, sweep.

A file is written under a temporary name in its own folder, flushed to disk, renamed over the old one, and the folder
flushed: at any moment the name shows either the whole old file or the whole new one. The old one may be kept under a
second name, which it gets first, so that one of the two is there at every moment. Knows nothing of what it writes.

"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from charrnn.errors import RunInUseError

TEMPORARY = ".tmp"  # suffix of a file that is being written


LOCK = ".lock"


def write_atomic(path: Path, write: Callable[[IO[bytes]], Any], older: Path | None = None) -> None:
    """Call `write` with an open binary file and give the result the name `path` once it is safe on disk.

    What was there before is kept as `older`, where that is given. Raises OSError with the old file untouched and no
    temporary file left, whatever goes wrong.
    """
    temporary = _temporary(path)
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if older and path.exists():
            _keep(path, older)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def put(path: Path, data: bytes) -> None:
    """write_atomic() for bytes that are at hand."""
    write_atomic(path, lambda file: file.write(data))


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}{TEMPORARY}")


def _keep(path: Path, older: Path) -> None:
    """Let `older` name the file that `path` names, and `path` still name it: a reader finds both at any moment."""
    link = _temporary(older)
    try:
        os.link(path, link)
    except OSError:  # a file system without links: for a moment it has its second name only
        os.replace(path, older)
        return
    try:
        os.replace(link, older)
    finally:
        link.unlink(missing_ok=True)  # renaming does nothing where both are one file already


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, which need not be there; not flushed to disk. Raises OSError."""
    with open(path, "ab") as file:
        file.write(data)


def sync(path: Path) -> None:
    """Flush what was appended to a file to disk. Raises OSError."""
    with open(path, "ab") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's own entries; a no-op where the system has no such call (Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what an interrupted write_atomic() left in a folder."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with suppress(OSError):
            leftover.unlink()


class Lock:
    """An exclusive claim on a folder, held until close() or the end of the process, however it ends.

    The operating system drops the claim with the process, so no stale lock can remain. Raises RunInUseError.
    """

    def __init__(self, folder: Path) -> None:
        self._file = open(folder / LOCK, "a+b")  # noqa: SIM115 - held open on purpose
        try:
            if os.name == "nt":
                import msvcrt

                self._file.seek(0)
                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise  # a file system without locks, say
            raise RunInUseError(
                f"{folder}: another trainer is at work here; wait for it, stop it, or choose another --out"
            ) from None

    def close(self) -> None:
        """Give the folder free."""
        self._file.close()
