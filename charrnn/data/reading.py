"""Reading: one pass turns a text into one small integer per character and the list of its distinct characters."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.decoding import code_points, decoded, transformed
from charrnn.data.vocab import Tokens, Vocab
from charrnn.errors import TextError
from charrnn.storage import Spool

CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Raw:
    """A text as numbers, before any vocabulary: `ids` (len,) of the smallest unsigned type, into `symbols`.

    `sha256` is that of the bytes of all files in order, unpacked; `size` counts them.
    """

    ids: Array
    symbols: str
    sha256: str
    size: int

    def __len__(self) -> int:
        return len(self.ids)


def read_raw(
    pieces: Iterable[tuple[str, bytes, bool]],
    tokens: Tokens = "char",
    encoding: str = "utf-8",
    normalize: str = "none",
    lowercase: bool = False,
    known: str | None = None,
) -> Raw:
    """Read a text in one pass; a large one is kept in a temporary file. Raises TextError where it cannot be read.

    `known`: the SHA-256 of its bytes where that need not be computed again, which takes a tenth of the time.
    """
    digest, size, spool = hashlib.sha256(), 0, Spool()

    def hashed() -> Iterator[tuple[str, bytes, bool]]:
        nonlocal size
        for name, data, last in pieces:
            if known is None:
                digest.update(data)
            size += len(data)
            yield name, data, last

    if tokens == "byte":
        for _, data, _ in hashed():
            spool.append(np.frombuffer(data, np.uint8))
        return Raw(spool.finish(), Vocab.of_bytes().symbols, known or digest.hexdigest(), size)
    table = np.full(CODE_POINTS, 0xFFFF, np.uint16)  # of each character its number; the type's highest: none yet
    symbols: list[int] = []
    for text in transformed(decoded(hashed(), encoding), normalize, lowercase):
        points = code_points(text)
        numbers = table.take(points, mode="clip")  # twice as fast as table[points]
        none = np.iinfo(table.dtype).max
        if numbers.max(initial=0) == none:
            new = np.unique(points[numbers == none]).astype(np.uint32)
            halves = new[(new >= 0xD800) & (new < 0xE000)]
            if len(halves):
                raise TextError(
                    f"the text holds half a surrogate pair, {chr(halves[0])!a}, which data.encoding "
                    f"{encoding} lets through; convert it to utf-8, or set data.tokens to byte"
                )
            symbols += new.tolist()
            if len(symbols) > none:  # a number can no longer be told from none
                table = np.where(table == none, np.uint32(0xFFFFFFFF), table)
            table[new] = np.arange(len(symbols) - len(new), len(symbols))
            numbers = table.take(points, mode="clip")
        spool.append(numbers.astype(np.min_scalar_type(max(len(symbols) - 1, 0))))
    return Raw(spool.finish(), "".join(map(chr, symbols)), known or digest.hexdigest(), size)
