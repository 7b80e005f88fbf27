"""The cache: finished arrays of large texts, each set under a key, in a folder that may be deleted at any time.

The folder is charrnn/ in $XDG_CACHE_HOME, or in ~/.cache. It holds

    KEY-RANDOM/         one entry: a file for each array (raw numbers) and about.json, which is written last; without
                        it the entry is unfinished and is ignored
    HASH.sha256         the SHA-256 of a list of files, remembered so that unchanged files need not be read again

Two processes that build the same entry at once write two folders; either may be used. Using an entry sets its time;
store() deletes whatever has not been used for MAX_AGE. The arrays of an entry are mapped, so that deleting it does not
disturb a process that uses it (on POSIX systems). Nothing here knows what the numbers mean.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.storage.spool import Spool

MAX_AGE = 30 * 24 * 3600.0  # seconds without use after which store() deletes a file or an entry
ABOUT = "about.json"


@dataclass(frozen=True)
class Content:
    """What an entry holds: a description that JSON can express, and arrays, (len,), by name."""

    about: dict[str, Any]
    arrays: dict[str, Array]


@dataclass(frozen=True)
class Entry(Content):
    """An entry of the cache. Each array is mapped from the file of its name in `folder`, unless it is empty."""

    folder: Path


def cache_folder() -> Path:
    """The folder of the cache, created if it is missing. Raises OSError."""
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "charrnn"
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest_of_files(paths: list[Path], read: Callable[[list[Path]], Iterator[bytes]]) -> str:
    """The SHA-256 of the content of files, which `read` yields in pieces.

    It is remembered by name, device, inode, size and times of each file, as git does, so that files that have not
    changed are not read again.

    Raises:
        OSError: the cache cannot be read or written.
    """
    stats = [(str(path.resolve()), path.stat()) for path in paths]
    marks = [[name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns] for name, s in stats]
    memo = cache_folder() / f"{hashlib.sha256(json.dumps(marks).encode()).hexdigest()}.sha256"
    if memo.exists() and len(remembered := memo.read_text()) == 64:
        os.utime(memo)
        return remembered
    digest = hashlib.sha256()
    for data in read(paths):
        digest.update(data)
    memo.write_text(digest.hexdigest())
    return digest.hexdigest()


def recall(key: str) -> Entry | None:
    """The entry under a key, or None if there is no whole one. Raises OSError."""
    for place in cache_folder().glob(f"{key}-*"):
        with suppress(Exception):  # an entry that is unfinished or damaged in any way is not used
            about = json.loads((place / ABOUT).read_text())
            arrays = {}
            for name, (dtype, size) in about["arrays"].items():
                arrays[name] = np.memmap(f"{place / name}", dtype, "r", shape=size) if size else np.zeros(0, dtype)
            os.utime(place)
            return Entry(about, arrays, place)
    return None


def store(key: str, build: Callable[[Callable[[str], Spool]], Content]) -> Entry:
    """Build the content of an entry and keep it. Entries that have not been used for MAX_AGE are deleted first.

    Arguments:
        key: the name of the entry.
        build: makes the content. It gets a function that returns, for the name of an array, the Spool that must
            collect it: that spool writes the file of the entry.

    Raises:
        OSError: there is no space, or no right to write. The unfinished entry is deleted, as after any other error
            that `build` raises.
    """
    _delete_unused()
    place = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=cache_folder()))
    try:
        content = build(lambda name: Spool(lambda: (place / name).open("w+b"), limit=0))
        sizes = {name: [array.dtype.str, len(array)] for name, array in content.arrays.items()}
        (place / ABOUT).write_text(json.dumps(content.about | {"arrays": sizes}))
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return Entry(content.about, content.arrays, place)


def _delete_unused() -> None:
    for old in cache_folder().iterdir():
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > MAX_AGE:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
