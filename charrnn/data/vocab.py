"""Vocabularies: the characters that a model knows, and their ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data.decoding import code_points, decode_bytes
from charrnn.errors import TextError
from charrnn.storage import chunks

Tokens = Literal["char", "byte"]


Unknown = Literal["error", "skip", "replace"]


@dataclass(frozen=True)
class Vocab:
    """The characters that a model knows: ids 0 .. size - 1 in the order of `symbols`.

    Arguments: `symbols`, distinct characters (with `tokens` "byte": the 256 byte values as characters 0 to 255);
    `has_unknown`, whether one more id, the last, stands for every character that is not in `symbols`.
    """

    symbols: str
    has_unknown: bool = False
    tokens: Tokens = "char"

    @classmethod
    def of_bytes(cls) -> "Vocab":
        """All 256 bytes, whatever the text holds, so that any file can be read and written."""
        return cls("".join(map(chr, range(256))), tokens="byte")

    @property
    def size(self) -> int:
        """The number of ids, V."""
        return len(self.symbols) + self.has_unknown

    def table(self, symbols: str) -> Array:
        """For each character of `symbols` its id, or the unknown id, or -1 where there is none; (len,) int32."""
        default = len(self.symbols) if self.has_unknown else -1
        ids = {symbol: k for k, symbol in enumerate(self.symbols)}
        return np.array([ids.get(symbol, default) for symbol in symbols], np.int32)

    def encode(self, text: str | bytes, unknown: Unknown = "error") -> Array:
        """Text (bytes for a byte vocabulary) to ids (len,), int32.

        `unknown` says what becomes of a character without an id (with has_unknown all have one): "error" raises
        TextError, naming the characters and where they stand; "skip" leaves them out; "replace" writes a space, or the
        first character of the vocabulary.
        """
        if self.tokens == "byte":
            data = text.encode() if isinstance(text, str) else text
            return np.frombuffer(data, np.uint8).astype(np.int32)
        if isinstance(text, bytes):
            text = decode_bytes(text, "utf-8", "the text")
        distinct, positions = np.unique(code_points(text), return_inverse=True)
        ids: Array = self.table("".join(map(chr, distinct)))[positions.reshape(-1)]
        missing = np.flatnonzero(ids < 0)
        if not len(missing):
            return ids
        if unknown == "skip":
            return ids[ids >= 0]
        if unknown == "replace":
            ids[missing] = max(self.symbols.find(" "), 0)
            return ids
        first: dict[str, int] = {}
        for at in missing.tolist():
            first.setdefault(text[at], at)
        named = ", ".join(f"{symbol!r} (position {at})" for symbol, at in list(first.items())[:8])
        more = f" and {len(first) - 8} more" if len(first) > 8 else ""
        raise TextError(
            f"the model does not know {named}{more}; leave them out, or use --unknown skip or --unknown replace"
        )

    def decode(self, ids: Array | Sequence[int]) -> str:
        """Ids to text; for bytes, each byte as the character of its number (to_bytes() gives the bytes)."""
        points = np.array([*map(ord, self.symbols), ord("�")], "<u4")
        return points[np.minimum(np.asarray(ids, np.int64), len(self.symbols))].tobytes().decode("utf-32-le")

    def to_bytes(self, text: str) -> bytes:
        """What decode() gave, as the bytes that belong in a file."""
        return text.encode("latin-1" if self.tokens == "byte" else "utf-8")

    def byte_lengths(self) -> Array:
        """Bytes of each id in UTF-8, (V,) int64; an unknown character counts as one."""
        lengths = [1 if self.tokens == "byte" else len(symbol.encode()) for symbol in self.symbols]
        return np.array(lengths + [1] * self.has_unknown, np.int64)


def build_vocab(raw_ids: Array, symbols: str, tokens: Tokens, min_count: int) -> Vocab:
    """The vocabulary of a training text, (len,) or (rows, len), in the order of code points; rarer characters become
    the unknown one.
    """
    if tokens == "byte":
        return Vocab.of_bytes()
    counts = np.zeros(len(symbols), np.int64)
    for piece in chunks(raw_ids):
        counts += np.bincount(piece, minlength=len(symbols))
        if min_count <= 1 and counts.all():
            break  # all are there: how often does not matter
    kept = sorted(symbol for symbol, n in zip(symbols, counts, strict=True) if n >= max(min_count, 1))
    return Vocab("".join(kept), has_unknown=min_count > 1)
