"""Checkpoints written by hand, member by member: what a forger or another program might write."""

import hashlib
import io
import json
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

Members = list[tuple[str, bytes]]


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version, allow_pickle=True)
    return file.getvalue()


def npy_saying(text: str, data: bytes = b"") -> bytes:
    """An array file whose header is `text`."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n" + data


def header_saying(document: Any) -> tuple[str, bytes]:
    text = document if isinstance(document, str) else json.dumps(document)
    return "header.npy", npy(np.frombuffer(text.encode(), np.uint8))


def entry(array: np.ndarray, **changes: Any) -> dict[str, Any]:
    """What the manifest says of an array."""
    sha = hashlib.sha256(array.tobytes("A")).hexdigest()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": sha, **changes}


GRID = np.arange(6, dtype="<f4").reshape(2, 3)


def zipped(path: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", compression) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of names that stand twice
        for name, data in members:
            archive.writestr(name, data)
    return path
