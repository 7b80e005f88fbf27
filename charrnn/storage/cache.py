"""The cache: finished arrays of large texts, each under a key, in a folder that may be deleted at any time.

A folder for each key holds one file for each array and, written last, about.json. Nothing here knows what the numbers
mean.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.storage.spool import Spool

UNUSED = 30 * 24 * 3600.0  # seconds after which what nobody asked for leaves the cache


ABOUT = "about.json"


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
