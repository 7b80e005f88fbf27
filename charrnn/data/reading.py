"""Reading: one pass over a text gives one small integer for each character, and the list of distinct characters.

No vocabulary is applied yet: the numbers follow the order in which characters first appear.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.decoding import code_points, decoded, transformed
from charrnn.data.files import Piece
from charrnn.data.vocab import END, Tokens, Vocab
from charrnn.errors import TextError
from charrnn.storage import Spool

CODE_POINTS = 0x110000  # in Unicode
FIRST_SURROGATE, LAST_SURROGATE = 0xD800, 0xDFFF


@dataclass(frozen=True)
class Raw:
    """A text as numbers, before any vocabulary.

    Attributes:
        codes: (len,), of the smallest unsigned type; each is a position in `symbols`.
        symbols: the distinct characters, in the order of their first appearance.
        sha256: of the unpacked bytes of all files, in order.
        size: the number of these bytes.
    """

    codes: Array
    symbols: str
    sha256: str
    size: int

    def __len__(self) -> int:
        return len(self.codes)


class _Hashed:
    """Passes pieces on unchanged, counting and hashing their bytes; a hash that is given is not computed again."""

    def __init__(self, pieces: Iterable[Piece], sha256: str | None) -> None:
        self.size = 0
        self._pieces = pieces
        self._given = sha256
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[Piece]:
        for piece in self._pieces:
            if self._given is None:
                self._digest.update(piece.data)
            self.size += len(piece.data)
            yield piece

    @property
    def sha256(self) -> str:
        return self._given or self._digest.hexdigest()


class _Numbering:
    """Numbers characters from 0 on, in the order of their first appearance."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding  # for messages
        self._code_of = np.full(CODE_POINTS, 0xFFFF, np.uint16)  # the type's highest number means: no code yet
        self._symbols: list[int] = []

    @property
    def symbols(self) -> str:
        return "".join(map(chr, self._symbols))

    def codes(self, text: str) -> Array:
        """The codes of a text, (len,), of the smallest type that holds all codes so far. Raises TextError."""
        points = code_points(text)
        codes = self._code_of.take(points, mode="clip")  # twice as fast as indexing
        no_code = np.iinfo(codes.dtype).max
        if codes.max(initial=0) == no_code:
            self._add(np.unique(points[codes == no_code]).astype(np.uint32))
            codes = self._code_of.take(points, mode="clip")
        return codes.astype(np.min_scalar_type(max(len(self._symbols) - 1, 0)))

    def _add(self, points: Array) -> None:
        surrogates = points[(points >= FIRST_SURROGATE) & (points <= LAST_SURROGATE)]
        if len(surrogates):
            raise TextError(
                f"the text holds half a surrogate pair, {chr(surrogates[0])!a}, which data.encoding "
                f"{self._encoding} lets through; convert it to utf-8, or set data.tokens to byte"
            )
        self._symbols += points.tolist()
        no_code = np.iinfo(self._code_of.dtype).max
        if len(self._symbols) > no_code:  # the highest number of the type is about to become a code
            self._code_of = np.where(self._code_of == no_code, np.uint32(0xFFFFFFFF), self._code_of)
        self._code_of[points] = np.arange(len(self._symbols) - len(points), len(self._symbols))


def read_raw(
    pieces: Iterable[Piece],
    tokens: Tokens = "char",
    encoding: str = "utf-8",
    normalize: str = "none",
    lowercase: bool = False,
    sha256: str | None = None,
    end_files: bool = False,
) -> Raw:
    """Read a text in one pass. The codes of a large text lie in a temporary file.

    Arguments:
        pieces: the files, as file_pieces() reads them.
        tokens, encoding, normalize, lowercase: as in the data section of a config.
        sha256: the hash of all bytes, if it is known already.
        end_files: put END after each file.

    Raises:
        TextError: the text cannot be read or decoded, or holds END itself although files are to end with it.
        OSError: there is no space for the temporary file.
    """
    hashed, spool = _Hashed(pieces, sha256), Spool()
    if tokens == "byte":
        symbols = Vocab.of_bytes(END if end_files else "").symbols
        for piece in hashed:
            spool.append(np.frombuffer(piece.data, np.uint8))
            if end_files and piece.ends_file:
                spool.append(np.array([symbols.index(END)], np.uint16))
        return Raw(spool.finish(), symbols, hashed.sha256, hashed.size)
    numbering = _Numbering(encoding)
    for text in transformed(decoded(hashed, encoding, END if end_files else ""), normalize, lowercase):
        spool.append(numbering.codes(text))
    return Raw(spool.finish(), numbering.symbols, hashed.sha256, hashed.size)
