"""Bytes to characters: strict decoding in pieces, and the transformations that a config may ask for.

Nothing is guessed or replaced: a file that is not in the named encoding is refused with the place of its first fault.
"""

import codecs
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data.files import Piece
from charrnn.errors import TextError

NORMAL_FORMS: dict[str, Literal["NFC", "NFD", "NFKC", "NFKD"] | None] = {
    "none": None,
    "nfc": "NFC",
    "nfd": "NFD",
    "nfkc": "NFKC",
    "nfkd": "NFKD",
}
MAX_FAULTS_NAMED = 10  # files that one message lists
MAX_REASON = 200  # characters of a codec's own message that are shown
NOT_INCREMENTAL = {"punycode"}  # codecs of Python's whose incremental decoder gives wrong text from the second piece on


class EncodingError(TextError):
    """Files are not in the encoding that is asked of them: a line for each, up to MAX_FAULTS_NAMED, and what to do.

    Arguments:
        faults: what is wrong, a line for each file.
        encoding: the one that is asked of them.
        by_model: whether a trained model reads them, so that no key of a config helps.
    """

    def __init__(self, faults: list[str], encoding: str, by_model: bool = False) -> None:
        self.faults, self.encoding = faults, encoding
        several, more = len(faults) > 1, len(faults) - MAX_FAULTS_NAMED
        convert = f"convert {'them' if several else 'it'} to {encoding}"
        keys = (
            f"set data.encoding to what {'all files are' if several else 'the file is'} in (for instance cp1252), or "
            f"data.tokens to byte to model bytes as they are"
        )
        remedy = f"{convert}, which the model reads" if by_model else f"{convert}, {keys}" if several else keys
        count = f"and {more:,} more file{'s' * (more > 1)}; " if more > 0 else ""
        super().__init__(*([*faults[:MAX_FAULTS_NAMED], count + remedy] if several else [f"{faults[0]}; {remedy}"]))


def code_points(text: str) -> Array:
    """The characters of a string as code points, (len,), of the smallest unsigned type that is quick to get."""
    if text.isascii():
        return np.frombuffer(text.encode(), np.uint8)
    narrow = text.encode("utf-16-le", "surrogatepass")
    if len(narrow) == 2 * len(text):  # no character takes two units
        return np.frombuffer(narrow, "<u2")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def text_codec(encoding: str) -> codecs.CodecInfo:
    """Look up an encoding of text.

    Raises:
        TextError: there is no such encoding, or it is one of bytes to bytes, such as base64.
    """
    try:
        "".encode(encoding)
        return codecs.lookup(encoding)
    except (LookupError, ValueError, TypeError):
        raise TextError(
            f"data.encoding: {encoding!r} is not a text encoding; common ones are utf-8, latin-1, cp1252"
        ) from None


class _WholeDecoder(codecs.IncrementalDecoder):
    """Collects the bytes of a file and decodes them at its end: for codecs that cannot decode in pieces."""

    def __init__(self, codec: codecs.CodecInfo) -> None:
        super().__init__("strict")
        self._codec, self._data = codec, bytearray()

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
        self._data += data
        return self._codec.decode(bytes(self._data), "strict")[0] if final else ""


class _FileDecoder:
    """Decodes the pieces of one file, and counts bytes and lines to name the place of a fault."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._codec = text_codec(encoding)
        incremental = self._codec.incrementaldecoder if self._codec.name not in NOT_INCREMENTAL else None
        self._decoder = incremental("strict") if incremental else _WholeDecoder(self._codec)
        self._bytes = 0
        self._lines = 1

    def decode(self, piece: Piece) -> str:
        """The characters that this piece completes. Raises TextError, without advice, for the first fault."""
        data = piece.data
        if not self._bytes and self._codec.name == "utf-8" and data.startswith(codecs.BOM_UTF8):
            data = data[len(codecs.BOM_UTF8) :]
            self._bytes = len(codecs.BOM_UTF8)
        self._bytes += len(data)
        try:
            text = self._decoder.decode(data, piece.ends_file)
        except MemoryError:
            raise
        except Exception as error:  # codecs raise errors of many types
            raise TextError(f"{piece.source}: {self._fault(data, error)}") from None
        self._lines += text.count("\n")
        return text

    def _fault(self, data: bytes, error: Exception) -> str:
        name = self._codec.name
        if name in ("utf-16", "utf-32") and "BOM" in str(error):
            return f"no byte order mark at offset 0, which {name} calls for ({name}-le and {name}-be do without)"
        if isinstance(error, UnicodeDecodeError) and error.start < len(error.object):
            pending = error.object  # this piece, and before it what was left over from the one before
            if pending.endswith(data) or data.endswith(pending):
                offset = self._bytes - len(pending) + error.start
                before = data[: len(data) - len(pending)] if len(pending) < len(data) else b""
                line = self._lines + (before + pending[: error.start]).count(b"\n")
                byte = f"byte 0x{pending[error.start]:02x} at offset {offset} (line {line})"
                return f"{byte} is not valid {self.encoding}"
        reason = str(error)[:MAX_REASON] or type(error).__name__
        return f"not valid {self.encoding} ({reason})"


def decoded(pieces: Iterable[Piece], encoding: str, end: str = "") -> Iterator[str]:
    """Decode files strictly, each by itself. A byte order mark at the start of a UTF-8 file is dropped.

    `end` is put after each file, and must not occur in any.

    After the first fault no more text is yielded, but the other files are still read, to name all that fail.

    Raises:
        EncodingError: files are not in this encoding; with byte, offset and line of the first fault of each, if the
            codec tells them.
        TextError: there is no such encoding, or a file cannot be read.
    """
    faults: list[str] = []
    decoder, faulty = _FileDecoder(encoding), False
    for piece in _readable(pieces, faults):
        if not faulty:
            try:
                text = decoder.decode(piece)
            except TextError as error:
                faults.append(str(error))
                faulty = True
            else:
                if end and end in text:
                    raise TextError(f"{piece.source}: holds the character U+FFFF, which marks ends of files; remove it")
                if not faults:
                    yield text + end if piece.ends_file else text
        if piece.ends_file:
            decoder, faulty = _FileDecoder(encoding), False
    if faults:
        raise EncodingError(faults, encoding)


def _readable(pieces: Iterable[Piece], faults: list[str]) -> Iterator[Piece]:
    """The pieces. A file that cannot be read ends them; if there are faults already, it is added to these."""
    try:
        yield from pieces
    except TextError as error:
        if not faults:
            raise
        faults.append(str(error))


@contextmanager
def read_by_model() -> Iterator[None]:
    """Say of files that are not in their encoding that they must be converted: that of a trained model is settled."""
    try:
        yield
    except EncodingError as error:
        raise EncodingError(error.faults, error.encoding, by_model=True) from None


def decode_bytes(data: bytes, encoding: str, name: str) -> str:
    """Decode a byte string that a model reads, whole, as decoded() does; `name` is what messages call it."""
    with read_by_model():
        return "".join(decoded([Piece(name, data, True)], encoding))


def transformed(pieces: Iterable[str], normalize: str, lowercase: bool) -> Iterator[str]:
    """Apply a Unicode normal form (nfc, nfd, nfkc or nfkd) and lower case where asked.

    The result does not depend on where the pieces were cut.

    Both transformations depend on neighbouring characters, so each piece is cut again before its last ASCII space or
    newline: no rule of either looks across those.
    """
    if normalize == "none" and not lowercase:
        yield from pieces
        return

    form = NORMAL_FORMS[normalize]

    def change(text: str) -> str:
        text = text.lower() if lowercase else text
        return text if form is None else unicodedata.normalize(form, text)

    rest = ""
    for piece in pieces:
        rest += piece
        cut = max(rest.rfind(" "), rest.rfind("\n"))
        if cut > 0:
            yield change(rest[:cut])
            rest = rest[cut:]
    yield change(rest)
