"""Documents: a text told apart into whole documents, and what is counted of them.

A document is a range of the text's codes. Joined, each document is followed by the symbol that ends it: the line end
for documents that are lines, else END. Empty documents are left out. A carriage return before a line end belongs to the
line end. Nothing here draws a split; splits.py does.

Shapes: len codes of the text, D documents.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from charrnn.arrays import Array
from charrnn.config import DataConfig, DocumentsConfig
from charrnn.data.decoding import transformed
from charrnn.data.reading import Raw
from charrnn.data.vocab import END
from charrnn.errors import TextError
from charrnn.storage import chunks, spool

BLANKS = " \t\r"  # what an empty line between paragraphs may hold
DIGEST_BYTES = 8


@dataclass(frozen=True)
class Documents:
    """The documents of a text.

    Attributes:
        codes: (len,), of the text; each is a position in `symbols`.
        symbols: the distinct characters, with `end`.
        begins, stops: (D,), the first position of each document, and the one after its last; none is empty.
        end: the symbol that ends a document.
        empty: how many empty documents were left out.
    """

    codes: Array
    symbols: str
    begins: Array
    stops: Array
    end: str
    empty: int

    def __len__(self) -> int:
        return len(self.begins)

    @property
    def lengths(self) -> Array:
        """The characters of each document, (D,), without its end."""
        lengths: Array = self.stops - self.begins
        return lengths

    def joined(self, chosen: Array) -> Iterator[Array]:
        """The codes of the chosen documents, each followed by its end, in pieces of about CHUNK codes.

        Arguments:
            chosen: (K,), positions of documents.
        """
        end = self.symbols.index(self.end)
        dtype = np.min_scalar_type(len(self.symbols) - 1)
        for group in _groups(self.lengths[chosen] + 1):
            begins, stops = self.begins[chosen[group]], self.stops[chosen[group]]
            if len(begins) == 1:
                for first in range(begins[0], stops[0], spool.CHUNK):
                    yield self.codes[first : min(first + spool.CHUNK, stops[0])].astype(dtype)
                yield np.array([end], dtype)
                continue
            sizes = stops - begins + 1
            after = np.cumsum(sizes)  # of the documents in this piece
            positions = np.arange(after[-1]) + np.repeat(begins - after + sizes, sizes)
            piece = self.codes.take(positions, mode="clip").astype(dtype)
            piece[after - 1] = end
            yield piece

    def digests(self) -> Array:
        """A number for each document, (D,) uint64; equal documents have equal ones."""
        points = np.array([*map(ord, self.symbols)], "<u4")
        values = np.zeros(len(self), np.uint64)
        for k, (begin, stop) in enumerate(zip(self.begins.tolist(), self.stops.tolist(), strict=True)):
            values[k] = _digest(points[piece].tobytes() for piece in chunks(self.codes[begin:stop]))
        return values


@dataclass(frozen=True)
class DocumentFacts:
    """What the header of a run says about its documents. Lengths are in characters, without the end.

    Attributes:
        count: documents of all splits, without empty ones.
        shortest, median, longest: their lengths.
        duplicates: documents that equal an earlier one.
        empty: empty documents that were left out.
        splits: the documents of each split.
        seen: for each split but train, how many of its documents also stand in the training text.
    """

    count: int
    shortest: int
    median: int
    longest: int
    duplicates: int
    empty: int
    splits: dict[str, int]
    seen: dict[str, int]


def facts_of(sets: Sequence[Documents], digests: Mapping[str, Array]) -> DocumentFacts:
    """The facts about sets of documents, given the digests of the documents in each split."""
    lengths = np.concatenate([documents.lengths for documents in sets])
    everything = np.concatenate(list(digests.values()))
    return DocumentFacts(
        count=len(lengths),
        shortest=int(lengths.min()),
        median=int(np.median(lengths)),
        longest=int(lengths.max()),
        duplicates=len(everything) - len(np.unique(everything)),
        empty=sum(documents.empty for documents in sets),
        splits={name: len(own) for name, own in digests.items()},
        seen={name: int(np.isin(own, digests["train"]).sum()) for name, own in digests.items() if name != "train"},
    )


def digest(text: str) -> int:
    """The number that Documents.digests() gives a document of this text."""
    return _digest([text.encode("utf-32-le", "surrogatepass")])


def _digest(pieces: Iterable[bytes]) -> int:
    found = blake2b(digest_size=DIGEST_BYTES)
    for piece in pieces:
        found.update(piece)
    return int.from_bytes(found.digest(), "little")


def digests_of_ids(ids: Array, symbols: str, end_id: int) -> Array:
    """The digests of documents that are given as ids, (len,), each followed by its end; (D,) uint64."""
    points = np.array([*map(ord, symbols), ord("�")], "<u4")
    values, begin = [], 0
    for end in find(ids, end_id).tolist():
        values.append(_digest(points[piece].tobytes() for piece in chunks(ids[begin:end])))
        begin = end + 1
    return np.array(values, np.uint64)


def find(codes: Array, code: int) -> Array:
    """The positions of a code in codes (len,), which may lie in a file."""
    found, offset = [], 0
    for chunk in chunks(codes):
        found.append(np.flatnonzero(chunk == code) + offset)
        offset += len(chunk)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def ends_of(ids: Array, end_id: int) -> Array:
    """The position after each document of ids (len,), (D,)."""
    stops: Array = find(ids, end_id) + 1
    return stops


def end_of(documents: DocumentsConfig) -> str:
    """The symbol that ends a document of a text that is read so; empty if the text is one stream."""
    if not documents:
        return ""
    return "\n" if documents.kind == "line" else END


def tell_apart(raw: Raw, data: DataConfig, name: str) -> Documents:
    """Find the documents of a text.

    Arguments:
        raw: the text; for files as documents, read with END after each file.
        data: how the text was read, and how its documents are told apart.
        name: what messages call the text.

    Raises:
        TextError: there is no document, the separator does not occur, or the text holds END itself.
    """
    documents, symbols = data.documents, raw.symbols
    end = end_of(documents)
    if end == END and documents.kind != "file" and END in symbols:
        raise TextError(f"{name}: the text holds the character U+FFFF, which Unicode keeps for internal use; remove it")
    if documents.kind == "file":
        stops = find(raw.codes, symbols.index(END))
        begins = np.concatenate([[0], stops[:-1] + 1]).astype(np.int64)
    elif documents.separator is not None:
        begins, stops = _between(raw, _as_read(documents.separator, data), name)
    else:
        begins, stops = _lines(raw)
        if documents.kind == "paragraph":
            begins, stops = _paragraphs(raw, begins, stops)
    used = stops > begins
    symbols = symbols if end in symbols else symbols + end
    if not used.any():
        raise TextError(f"{name}: every document is empty; data.documents says how they are told apart")
    return Documents(raw.codes, symbols, begins[used], stops[used], end, int((~used).sum()))


def _groups(sizes: Array) -> Iterator[slice]:
    """Cut documents of these sizes, (K,), into consecutive groups of at most CHUNK, or of a single larger one."""
    after = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        before = after[first - 1] if first else 0
        stop = max(int(np.searchsorted(after, before + spool.CHUNK, "right")), first + 1)
        yield slice(first, stop)
        first = stop


def _lines(raw: Raw) -> tuple[Array, Array]:
    """The begins and stops of all lines, without line ends; what follows the last line end is a line if not empty."""
    ends = find(raw.codes, raw.symbols.find("\n")) if "\n" in raw.symbols else np.zeros(0, np.int64)
    begins = np.concatenate([[0], ends + 1]).astype(np.int64)
    stops = np.concatenate([ends, [len(raw.codes)]]).astype(np.int64)
    if begins[-1] == stops[-1]:
        begins, stops = begins[:-1], stops[:-1]
    if "\r" in raw.symbols:
        last = raw.codes[np.maximum(stops - 1, 0)]
        finished = np.arange(len(stops)) < len(ends)  # by a line end
        stops = stops - (finished & (last == raw.symbols.index("\r")) & (stops > begins))
    return begins, stops


def _paragraphs(raw: Raw, begins: Array, stops: Array) -> tuple[Array, Array]:
    """Join lines that follow one another without an empty one between."""
    blank = np.zeros(len(raw.symbols) + 1, bool)
    blank[[k for k, symbol in enumerate(raw.symbols) if symbol in BLANKS]] = True
    position = begins.copy()
    open_lines = np.arange(len(begins))  # lines that have held only blanks so far
    while True:
        open_lines = open_lines[position[open_lines] < stops[open_lines]]
        open_lines = open_lines[blank[raw.codes[position[open_lines]]]]
        if not len(open_lines):
            break
        position[open_lines] += 1
    used = position < stops
    first = used & ~np.concatenate([[False], used[:-1]])
    last = used & ~np.concatenate([used[1:], [False]])
    return begins[first], stops[last]


def _as_read(separator: str, data: DataConfig) -> str:
    """A separator as the text holds it once it is read: in bytes, or in lower case and normal form."""
    if data.tokens == "byte":
        return separator.encode().decode("latin-1")
    return "".join(transformed([separator], data.normalize, data.lowercase))


def _places(raw: Raw, passage: str) -> Array:
    """Where a passage begins in a text."""
    codes = [raw.symbols.find(symbol) for symbol in passage]
    if min(codes) < 0:
        return np.zeros(0, np.int64)
    found = find(raw.codes, codes[0])
    for k, code in enumerate(codes[1:], 1):
        found = found[found + k < len(raw.codes)]
        found = found[raw.codes[found + k] == code]
    return found


def _between(raw: Raw, separator: str, name: str) -> tuple[Array, Array]:
    """The begins and stops of what stands between the separators; nothing after the last one is no document."""
    found = _places(raw, separator)
    if not len(found):
        advice, long_ends = "to read it as one stream, leave data.documents out", separator.replace("\n", "\r\n")
        if len(_places(raw, long_ends)):
            advice = f"its lines end with \\r\\n, so it should be {long_ends!r}"
        raise TextError(f"{name}: the separator {separator!r} of data.documents does not occur in the text; {advice}")
    kept, free = [], 0  # of separators that overlap, the first counts
    for position in found.tolist():
        if position >= free:
            kept.append(position)
            free = position + len(separator)
    begins = np.array([0, *(position + len(separator) for position in kept)], np.int64)
    stops = np.array([*kept, len(raw.codes)], np.int64)
    if begins[-1] == stops[-1]:
        begins, stops = begins[:-1], stops[:-1]
    return begins, stops
