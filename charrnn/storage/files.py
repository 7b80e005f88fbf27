"""The one place that writes files that must not be lost: whole or not at all. Also appending, locks and leftovers.

A file is written under a temporary name in its own folder, flushed to disk, and renamed over the old one; then the
folder is flushed. At any moment its name shows either the whole old file or the whole new one. The old file may be kept
under a second name. It gets that name first, so that at least one whole file exists at every moment.
Nothing here knows what the files contain.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from charrnn.errors import RunInUseError

TEMPORARY = ".tmp"  # suffix of a file that is being written
LOCK = ".lock"  # the file whose lock claims its folder


def write_atomic(path: Path, write: Callable[[IO[bytes]], Any], older: Path | None = None) -> None:
    """Write a file whole or not at all.

    Arguments:
        path: the name that the file gets once its content is safe on disk.
        write: is called with an open binary file, and writes the content.
        older: the name under which a file that `path` names before is kept; None: it is replaced.

    Raises:
        OSError: nothing was written. As after any other error, the old file is untouched and no temporary file is left.
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
    """Write bytes to a file, whole or not at all. Raises OSError."""
    write_atomic(path, lambda file: file.write(data))


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}{TEMPORARY}")


def _keep(path: Path, older: Path) -> None:
    """Give the file `path` the second name `older`. A reader finds both names at any moment."""
    link = _temporary(older)
    try:
        os.link(path, link)
    except OSError:  # a file system without hard links: until `path` is written, only the second name exists
        os.replace(path, older)
        return
    try:
        os.replace(link, older)
    finally:
        link.unlink(missing_ok=True)  # os.replace() does nothing if both names are the same file already


def append(path: Path, data: bytes) -> None:
    """Append to a file, which is created if it is missing, without flushing it to disk. Raises OSError."""
    with open(path, "ab") as file:
        file.write(data)


def sync(path: Path) -> None:
    """Flush a file to disk after append(). Raises OSError."""
    with open(path, "ab") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to disk. Windows has no such call, so nothing happens there."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Delete the temporary files in a folder that an interrupted write_atomic() has left there."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with suppress(OSError):
            leftover.unlink()


class Lock:
    """An exclusive claim on a folder, held until close() or the end of the process.

    The operating system releases it when the process ends, however it ends, so a stale lock cannot remain.

    Arguments:
        folder: what is claimed.
        wait: wait for another Lock that holds the folder.

    Raises:
        RunInUseError: another Lock holds the folder, without `wait`.
        OSError: the file system has no locks, or the folder cannot be written.
    """

    def __init__(self, folder: Path, wait: bool = False) -> None:
        self._file = open(folder / LOCK, "a+b")  # noqa: SIM115 - held open on purpose
        try:
            if os.name == "nt":
                import msvcrt

                self._file.seek(0)
                mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined,unused-ignore]
                msvcrt.locking(self._file.fileno(), mode, 1)  # type: ignore[attr-defined,unused-ignore]
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            self._file.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise  # for example, a file system without locks
            raise RunInUseError(
                f"{folder}: another trainer is at work here; wait for it, stop it, or choose another directory",
                hint="--out DIR",
            ) from None

    def close(self) -> None:
        """Release the folder."""
        self._file.close()
