"""A disk that fails when it is told to: the one seam to the file system (files.py), with every call counted."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from charrnn.storage import files


def only(where: Callable[[Any], bool], watched: Callable[..., Any], system: Callable[..., Any]) -> Callable[..., Any]:
    """A call that is watched for some paths, and the system's own for all others."""
    return lambda path, *how, **options: (watched if where(path) else system)(path, *how, **options)


def runs_own(path: Any) -> bool:
    """Not a file that multiprocessing makes for the memory that processes share, whenever it wants more of it."""
    return "pym-" not in os.fspath(path)


class PowerOff(BaseException):
    """The machine is gone: nothing that was to follow happens."""


class Disk:
    """The I/O calls of files.py, noted by name; number `fails` raises an error, and so do all after it if `lasting`.

    `power` turns the error into the end of the machine: then no clearing up succeeds either, and of a write that is
    cut off only the first half has happened.
    """

    def __init__(self, fails: int = 0, lasting: bool = False, code: int = errno.EIO, power: bool = False) -> None:
        self.fails, self.lasting, self.code, self.power = fails, lasting or power, code, power
        self.calls: list[str] = []

    def watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.calls.append(name)
            at = len(self.calls)
            if self.fails and (at == self.fails or (self.lasting and at > self.fails)):
                if not self.power:
                    raise OSError(self.code, os.strerror(self.code))
                if name == "write" and at == self.fails:
                    function(bytes(args[0])[: len(args[0]) // 2])
                raise PowerOff
            return function(*args, **options)

        return call

    @contextmanager
    def mounted(self) -> Iterator["Disk"]:
        disk = self

        class File(io.FileIO):  # unbuffered, so that what was written before the end is on disk
            def write(self, data: Any) -> int:
                written: int = disk.watched("write", super().write)(data)
                return written

            def flush(self) -> None:
                if not self.closed and self.mode == "wb":  # nothing else has a buffer
                    disk.watched("flush", super().flush)()

        def open_file(path: Path, mode: str) -> File:
            return File(path, mode.replace("b", ""))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "open", self.watched("open", open_file), raising=False)
            for name in ("fsync", "replace", "link"):
                patch.setattr(os, name, self.watched(name, getattr(os, name)))
            folder = only(os.path.isdir, self.watched("open folder", os.open), os.open)
            patch.setattr(os, "open", folder)
            if self.power:
                patch.setattr(os, "unlink", only(runs_own, self.watched("unlink", os.unlink), os.unlink))
            yield disk
