"""Bytes to characters: strict decoding in pieces, and the transformations that a config may ask for."""

import codecs
import unicodedata
from collections.abc import Iterable, Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import TextError


def code_points(text: str) -> Array:
    """The characters of a string as numbers, (len,), of the narrowest unsigned type that is at hand."""
    if text.isascii():
        return np.frombuffer(text.encode(), np.uint8)
    narrow = text.encode("utf-16-le", "surrogatepass")
    if len(narrow) == 2 * len(text):  # no character takes two units
        return np.frombuffer(narrow, "<u2")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def decoded(pieces: Iterable[tuple[str, bytes, bool]], encoding: str) -> Iterator[str]:
    """Decode pieces strictly; a byte order mark at the start of a UTF-8 file is dropped.

    Raises TextError with file, byte offset, line and byte of the first fault.
    """
    fresh = True
    for name, data, last in pieces:
        if fresh:
            decoder = codecs.getincrementaldecoder(encoding)("strict")
            read, lines = 0, 1
            if codecs.lookup(encoding).name == "utf-8" and data.startswith(codecs.BOM_UTF8):
                data, read = data[3:], 3
        read += len(data)
        try:
            text = decoder.decode(data, last)
        except UnicodeDecodeError as error:
            offset = read - len(error.object) + error.start
            line = lines + error.object[: error.start].count(b"\n")
            wrong = error.object[error.start]
            raise TextError(
                f"{name}: byte 0x{wrong:02x} at offset {offset} (line {line}) is not valid {encoding}; set "
                f"data.encoding to what the file is in (for instance cp1252), or "
                f"data.tokens to byte to model bytes as they are"
            ) from None
        lines += text.count("\n")
        fresh = last
        yield text


def decode_bytes(data: bytes, encoding: str, name: str) -> str:
    """Decode a whole byte string as decoded() does."""
    return "".join(decoded([(name, data, True)], encoding))


def transformed(pieces: Iterable[str], normalize: str, lowercase: bool) -> Iterator[str]:
    """Apply NFC and lower case where asked, with the same result wherever the pieces were cut.

    Both look at neighbours, so a piece is cut again before its last ASCII space or newline, which no
    rule reaches across.
    """
    if normalize == "none" and not lowercase:
        yield from pieces
        return

    def change(text: str) -> str:
        text = text.lower() if lowercase else text
        return unicodedata.normalize("NFC", text) if normalize == "nfc" else text

    rest = ""
    for piece in pieces:
        rest += piece
        cut = max(rest.rfind(" "), rest.rfind("\n"))
        if cut > 0:
            yield change(rest[:cut])
            rest = rest[cut:]
    yield change(rest)
