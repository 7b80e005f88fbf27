"""Files in the format safetensors: arrays by name, and strings. They hold data alone, so reading one runs nothing.

A file is the length of a JSON header in 8 bytes, the header, and the arrays' bytes; all little-endian. The header gives
the type, the shape and the place of each array, and strings under `__metadata__`.
"""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CheckpointError

METADATA = "__metadata__"
ALIGNMENT = 8  # of the first array
MAX_HEADER = 100_000_000  # bytes, the bound of the format
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # floats; of bfloat16 the bits


def write_tensors(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """A file of float32 arrays."""
    header: dict[str, Any] = {METADATA: dict(metadata)}
    pieces = [array.astype("<f4").tobytes() for array in arrays.values()]
    start = 0
    for (name, array), piece in zip(arrays.items(), pieces, strict=True):
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [start, start + len(piece)]}
        start += len(piece)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *pieces])


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays of a file, in float32, and its strings.

    Raises:
        CheckpointError: the file cannot be read, is no such file, or holds an array of another type than a float.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    length = int.from_bytes(data[:8], "little")
    try:
        if len(data) < 8 or length > min(MAX_HEADER, len(data) - 8):
            raise ValueError
        header = dict(json.loads(data[8 : 8 + length]))
        metadata = {str(name): str(text) for name, text in dict(header.pop(METADATA, {})).items()}
        body = memoryview(data)[8 + length :]
        return {name: _array(path, name, entry, body) for name, entry in header.items()}, metadata
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckpointError(f"{path}: this is no safetensors file, or it is damaged; write it again") from None


def _array(path: Path, name: str, entry: Any, body: memoryview) -> Array:
    """One array. Raises ValueError, KeyError or TypeError if its entry is wrong."""
    start, stop = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if entry["dtype"] not in TYPES:
        raise CheckpointError(f"{path}: the array {name} is of type {entry['dtype']}; save the model in float32")
    type_ = np.dtype(TYPES[entry["dtype"]])
    if not 0 <= start <= stop <= len(body) or stop - start != prod(shape) * type_.itemsize or min(shape, default=1) < 0:
        raise ValueError
    array = np.frombuffer(body[start:stop], type_).reshape(shape)
    if entry["dtype"] == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore"):
        return array.astype(np.float32)
