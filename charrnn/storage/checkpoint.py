"""Checkpoints: one ordinary .npz file that holds everything, written whole or not at all, verified when it is read.

The members of the archive are arrays under readable names, and `header.npy`: JSON as bytes, with what the caller stores
and a manifest (dtype, shape and SHA-256 of every array). The same content gives the same bytes: no time, host or path
is written. `numpy.load(path, allow_pickle=False)` reads the file, too.
The reader refuses compressed members, allocates no more memory than the file has bytes, executes nothing, and raises
only CheckpointError. Nothing here knows a model.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CheckpointError, NewerFormatError
from charrnn.storage.files import write_atomic

FORMAT = "charrnn"
VERSION = 1
HEADER = "header"
MAX_HEADER_BYTES = 14 << 20  # a vocabulary of all of Unicode takes 13 MB
MAX_JSON_VALUES = 1 << 18  # in the header; each takes up to 100 bytes of memory, and a run needs a few thousand
MAX_DIRECTORY_BYTES = 1 << 17  # of the list of members: about a thousand members
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can hold; every member gets it
DTYPES = {"<f4", "<f8", "|u1", "<u2", "<u4", "<i4", "<i8"}
NPY = b"\x93NUMPY\x01\x00"
DESCRIBED = re.compile(rb"\{'descr': '([<|][fiu][1248])', 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n")


def save(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array], older: Path | None = None) -> None:
    """Write a checkpoint, whole or not at all.

    Arguments:
        path: the file to write.
        header: what JSON can express, without the keys format, version and arrays.
        arrays: little-endian arrays of any shape, by name.
        older: the name under which a file that `path` names before is kept; None: it is replaced.

    Raises:
        CheckpointError: a value is not finite, or an array is of a type that load() refuses.
        OSError: the file cannot be written; the old one is untouched.
    """
    ready = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in ready.items():
        if array.dtype.str not in DTYPES:
            raise CheckpointError(f"{path}: not written, because {name} is of type {array.dtype}, which is never read")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CheckpointError(f"{path}: not written, because {name} holds values that are not finite")
    manifest = {
        name: {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": _digest(array)}
        for name, array in ready.items()
    }
    whole = {"format": FORMAT, "version": VERSION, **header, "arrays": manifest}
    try:
        text = json.dumps(whole, ensure_ascii=True, allow_nan=False, sort_keys=False)
    except ValueError:
        raise CheckpointError(f"{path}: not written, because its header holds numbers that are not finite") from None

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _write_member(archive, HEADER, np.frombuffer(text.encode(), np.uint8))
            for name, array in ready.items():
                _write_member(archive, name, array)

    write_atomic(path, write, older)


def _write_member(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    info.create_system = 3  # the same bytes on every system
    info.external_attr = 0o644 << 16
    start = io.BytesIO()
    described = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(start, described)
    with archive.open(info, "w", force_zip64=array.nbytes > zipfile.ZIP64_LIMIT // 2) as member:
        member.write(start.getvalue())
        member.write(_bytes(array))


def _digest(array: Array) -> str:
    return hashlib.sha256(_bytes(array)).hexdigest()


def _bytes(array: Array) -> Any:
    """The bytes of a contiguous array, (nbytes,) uint8; a view."""
    return array.reshape(-1).view(np.uint8)


def load(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read and verify a whole checkpoint.

    Returns:
        The header, without its manifest, and the arrays by name.

    Raises:
        CheckpointError: the file cannot be opened, is not a checkpoint, or is damaged.
        NewerFormatError: only a later charrnn can read it.
    """
    try:
        exists = os.path.exists(path)  # False, not an error, for names that no system allows
        if not exists or not path.is_file():
            what = "is not a file" if exists else "does not exist"
            raise CheckpointError(f"{path}: {what}; name a checkpoint (.npz) or a run directory")
        with open(path, "rb") as file:  # opened once: a trainer may replace the file meanwhile
            return _read(path, file)
    except (CheckpointError, MemoryError):
        raise
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise CheckpointError(
            f"{path}: not a charrnn checkpoint, or a damaged one; name an .npz file or a run directory"
        ) from None
    except Exception as error:  # a damaged or hostile file can make any library fail
        raise CheckpointError(f"{path}: damaged ({type(error).__name__})") from None


def _read(path: Path, file: BinaryIO) -> tuple[dict[str, Any], dict[str, Array]]:
    limit = os.fstat(file.fileno()).st_size
    file.seek(max(limit - 42, 0))  # checked before zipfile reads the list of members into memory
    tail = file.read(42)
    zip64_locator, end_record = tail[:-22], tail[-22:]
    directory_bytes = int.from_bytes(end_record[12:16], "little")
    overridden = zip64_locator.startswith(b"PK\6\7") and limit < 1 << 32  # only files of 4 GB need a ZIP64 record
    if not end_record.startswith(b"PK\5\6") or directory_bytes > MAX_DIRECTORY_BYTES or overridden:
        raise CheckpointError(
            f"{path}: not a charrnn checkpoint, or a damaged one; name an .npz file or a run directory"
        )
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [info.filename for info in members]
        if len(set(names)) != len(names):
            raise CheckpointError(f"{path}: damaged (a member occurs twice)")
        if f"{HEADER}.npy" not in names:
            raise CheckpointError(f"{path}: not a charrnn checkpoint (it has no header)")
        if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in members):
            raise CheckpointError(f"{path}: not a charrnn checkpoint (members are compressed)")
        if sum(info.file_size for info in members) > limit:
            raise CheckpointError(f"{path}: damaged (members are larger than the file)")
        whole = archive.getinfo(f"{HEADER}.npy")
        if whole.file_size > MAX_HEADER_BYTES:
            raise CheckpointError(f"{path}: damaged (a header of {whole.file_size:,} bytes)")
        header = json.loads(_text(_member(archive, whole)))
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise CheckpointError(f"{path}: not a charrnn checkpoint")
        version = header.get("version")
        if not isinstance(version, int) or version < 1:
            raise CheckpointError(f"{path}: damaged (format version {version!r})")
        if version > VERSION:
            raise NewerFormatError(
                f"{path}: format version {version} is newer than this charrnn reads ({VERSION}); upgrade charrnn"
            )
        manifest = header.pop("arrays")
        if {f"{name}.npy" for name in manifest} | {f"{HEADER}.npy"} != set(names):
            raise CheckpointError(f"{path}: damaged (its arrays are not those of its manifest)")
        arrays = {}
        for name, entry in manifest.items():
            array = _member(archive, archive.getinfo(f"{name}.npy"))
            if [array.dtype.str, list(array.shape), _digest(array)] != [entry[k] for k in ("dtype", "shape", "sha256")]:
                raise CheckpointError(f"{path}: damaged (the array {name!a} is not what was saved)")
            arrays[name] = array
        return header, arrays


def _text(array: Array) -> str:
    """JSON as text. Raises ValueError if it has so many values that parsing it would take too much memory."""
    data = _bytes(array)
    if sum(np.count_nonzero(data == ord(mark)) for mark in "[{,:") > MAX_JSON_VALUES:
        raise ValueError
    return str(data, "ascii")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """Read and check one array. It is read to its end, so that the zip archive's own checksum is verified, too."""
    data = archive.read(info)
    start = 10 + int.from_bytes(data[8:10], "little")
    match = DESCRIBED.fullmatch(data[10:start])
    if not data.startswith(NPY) or not match or match[1].decode() not in DTYPES:
        raise CheckpointError(f"{archive.filename}: damaged (the array {info.filename!a})")
    shape = tuple(int(size) for size in match[2].split(b",") if size.strip())
    return np.frombuffer(data, match[1].decode(), offset=start).reshape(shape)
