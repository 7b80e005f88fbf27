"""A stand-in with the signatures only, until the network itself is merged."""

from dataclasses import dataclass
from typing import Any

from charrnn.arrays import Array


@dataclass(frozen=True)
class Translation:
    source_size: int
    target_size: int
    attention: str = "general"
    bidirectional: bool = True
    input_dropout: float = 0.0
    unknown_id: int | None = None
    label_smoothing: float = 0.0


@dataclass
class Encoded:
    memory: Array
    lengths: Array
    state: Array

    def select(self, rows: Array) -> "Encoded": ...


class TranslateNetwork:
    params: Any

    def encode(self, batch: Any) -> Encoded: ...
    def step(self, ids: Array, encoded: Encoded) -> Array: ...
    def tape_bytes(self, *args: Any, **kw: Any) -> int: ...
