"""Vocabularies: the characters that a model knows, and their ids 0 .. V - 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data.decoding import code_points, decode_bytes
from charrnn.errors import TextError

Tokens = Literal["char", "byte"]
Unknown = Literal["error", "skip", "replace"]
END = "\uffff"  # ends a document that may hold any character; Unicode keeps it for such internal use
MAX_UNKNOWN_NAMED = 8  # unknown characters that one message names


@dataclass(frozen=True)
class Vocab:
    """The characters that a model knows. The id of a character is its position in `symbols`.

    Arguments:
        symbols: distinct characters. With `tokens` "byte" they are the characters 0 to 255, one for each byte value.
        has_unknown: whether one more id, the last, stands for all other characters.
        tokens: "char" or "byte".
        end: the symbol that ends each document, a newline or END; empty if the text is one stream.
    """

    symbols: str
    has_unknown: bool = False
    tokens: Tokens = "char"
    end: str = ""

    @classmethod
    def of_bytes(cls, end: str = "") -> "Vocab":
        """The vocabulary of all 256 byte values, with which any file can be read and written, and of END."""
        return cls("".join(map(chr, range(256))) + (end if end == END else ""), tokens="byte", end=end)

    @property
    def size(self) -> int:
        """The number of ids, V."""
        return len(self.symbols) + self.has_unknown

    @property
    def end_id(self) -> int | None:
        """The id of the symbol that ends each document; None if the text is one stream."""
        return self.symbols.index(self.end) if self.end else None

    def table(self, symbols: str) -> Array:
        """The id of each character of `symbols`, (len,) int32: for unknown ones the unknown id, or -1 without one."""
        default = len(self.symbols) if self.has_unknown else -1
        ids = {symbol: k for k, symbol in enumerate(self.symbols)}
        return np.array([ids.get(symbol, default) for symbol in symbols], np.int32)

    def encode(self, text: str | bytes, unknown: Unknown = "error") -> Array:
        """Convert text to ids.

        Arguments:
            text: a string, or bytes: of any kind for a byte vocabulary, else UTF-8.
            unknown: what to do with a character that has no id (with has_unknown, all have one). "error" raises
                TextError; "skip" leaves it out; "replace" puts a space, or else the first character of the vocabulary
                that does not end a document.

        Returns:
            ids, (len,) int32.

        Raises:
            TextError: for "error", with the first unknown characters and their positions.
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
            first = 1 if self.end and self.symbols.startswith(self.end) and len(self.symbols) > 1 else 0
            ids[missing] = max(self.symbols.find(" "), first)
            return ids
        raise _unknown_characters(text, missing)

    def decode(self, ids: Array | Sequence[int]) -> str:
        """Convert ids, (len,), to text. A byte becomes the character of its number; to_bytes() turns it back."""
        points = np.array([*map(ord, self.symbols), ord("�")], "<u4")
        return points[np.minimum(np.asarray(ids, np.int64), len(self.symbols))].tobytes().decode("utf-32-le")

    def to_bytes(self, text: str) -> bytes:
        """Convert text from decode() to the bytes of a file, which holds no END."""
        text = text.replace(END, "") if self.end == END else text
        return text.encode("latin-1" if self.tokens == "byte" else "utf-8")

    def byte_lengths(self) -> Array:
        """The number of UTF-8 bytes of each id, (V,) int64. The unknown character counts as one byte, END as none."""
        lengths = [1 if self.tokens == "byte" else len(symbol.encode()) for symbol in self.symbols]
        if self.end == END:
            lengths[self.symbols.index(END)] = 0
        return np.array(lengths + [1] * self.has_unknown, np.int64)


def _unknown_characters(text: str, positions: Array) -> TextError:
    """The error for characters without an id, which stand at `positions` of a text."""
    first_positions: dict[str, int] = {}
    for position in positions.tolist():
        first_positions.setdefault(text[position], position)
    listed = list(first_positions.items())[:MAX_UNKNOWN_NAMED]
    named = ", ".join(f"{symbol!r} (position {position})" for symbol, position in listed)
    more = len(first_positions) - len(listed)
    return TextError(
        f"the model does not know {named}{f' and {more} more' if more else ''}; leave them out or replace them",
        hint="see --unknown",
    )


def build_vocab(codes: Iterable[Array], symbols: str, tokens: Tokens, min_count: int, end: str = "") -> Vocab:
    """The vocabulary of a training text.

    Arguments:
        codes: the text in pieces of any length, (len,), positions in `symbols`.
        symbols: the characters that the codes stand for.
        tokens: "byte" gives all byte values, whatever the text holds.
        min_count: characters that occur less often become the unknown one; with 1 there is none.
        end: the symbol that ends each document, which is always kept; empty if the text is one stream.

    Returns:
        A vocabulary in the order of code points.
    """
    if tokens == "byte":
        return Vocab.of_bytes(end)
    counts = np.zeros(len(symbols), np.int64)
    for chunk in codes:
        counts += np.bincount(chunk, minlength=len(symbols))
        if min_count <= 1 and counts.all():
            break  # every character occurs; how often does not matter
    least = max(min_count, 1)
    kept = sorted(
        symbol for symbol, count in zip(symbols, counts, strict=True) if count >= least or (end and symbol == end)
    )
    return Vocab("".join(kept), has_unknown=min_count > 1, end=end)
