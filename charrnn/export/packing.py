"""Weights in few bytes: matrices in float16, or in int8 with a float32 scale for each row; biases in float32.

A row of a matrix holds the weights of one unit, so int8 has a scale for each unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from charrnn.arrays import Array

Kind = Literal["float16", "int8"]
FLOAT16_PARAMETERS = 2_000_000  # models with more get int8
LARGEST_INT8 = 127
LARGEST_FLOAT16 = 65504.0


@dataclass(frozen=True)
class Packed:
    """Matrices side by side in bytes.

    Attributes:
        kind: the type of the matrices.
        table: name, rows, columns, type and the first byte of each.
        data: the bytes, little-endian; of an int8 matrix first the scales of its rows.
    """

    kind: Kind
    table: list[dict[str, Any]]
    data: bytes


def kind_for(arrays: Mapping[str, Array]) -> Kind:
    """The type that suits a model: float16 if it is small and float16 holds its weights."""
    size = sum(array.size for array in arrays.values())
    largest = max(float(np.abs(array).max()) for array in arrays.values())
    return "float16" if size <= FLOAT16_PARAMETERS and largest <= LARGEST_FLOAT16 else "int8"


def scales(matrix: Array) -> Array:
    """The scale of each row of a matrix in int8, (rows, 1) float32: its largest number becomes 127."""
    scale: Array = np.abs(matrix).max(axis=1, keepdims=True).astype(np.float32) / np.float32(LARGEST_INT8)
    return np.maximum(scale, np.finfo(np.float32).tiny)


def rounded(arrays: Mapping[str, Array], kind: Kind) -> dict[str, Array]:
    """The arrays, in float32, as they will be unpacked."""
    return {name: _unpacked(array.astype(np.float32), kind) for name, array in arrays.items()}


def _unpacked(array: Array, kind: Kind) -> Array:
    if array.ndim == 1:
        return array
    if kind == "float16":
        return array.astype(np.float16).astype(np.float32)
    scale = scales(array)
    return np.rint(array / scale).astype(np.float32) * scale


def pack(arrays: Mapping[str, Array], kind: Kind) -> Packed:
    """Pack biases (rows,) and matrices (rows, columns)."""
    table: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    start = 0
    for name, array in arrays.items():
        type_, piece = _bytes(array, kind)
        columns = array.shape[1] if array.ndim == 2 else 1
        table.append({"name": name, "rows": len(array), "columns": columns, "type": type_, "start": start})
        pieces.append(piece)
        start += len(piece)
    return Packed(kind, table, b"".join(pieces))


def _bytes(array: Array, kind: Kind) -> tuple[str, bytes]:
    """The type of an array and its bytes."""
    if array.ndim == 1:
        return "float32", array.astype("<f4").tobytes()
    if kind == "float16":
        return kind, array.astype("<f2").tobytes()
    scale = scales(array)
    return kind, scale.astype("<f4").tobytes() + np.rint(array / scale).astype(np.int8).tobytes()
