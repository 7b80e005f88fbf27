"""Text in, ids out: files, vocabularies, splits, and batches of parallel streams.

Text is decoded strictly, in pieces, and never altered unless asked. One pass turns it into a Raw text: one small
integer per character and the list of its distinct characters. A Vocab then maps those to ids. Shapes: T steps, N
streams; ids lie time first, (T, N). It guesses no encoding, drops no character silently and knows no model.
"""

import bz2
import codecs
import glob
import gzip
import hashlib
import lzma
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from charrnn.errors import TextError
from charrnn.nn.params import Array
from charrnn.storage.spool import Spool, chunks

PIECE = 1 << 20  # bytes read at a time
CODE_POINTS = 0x110000
Tokens = Literal["char", "byte"]
Unknown = Literal["error", "skip", "replace"]


# -- vocabulary ---------------------------------------------------------------------------------------------------


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


def code_points(text: str) -> Array:
    """The characters of a string as numbers, (len,), of the narrowest unsigned type that is at hand."""
    if text.isascii():
        return np.frombuffer(text.encode(), np.uint8)
    narrow = text.encode("utf-16-le", "surrogatepass")
    if len(narrow) == 2 * len(text):  # no character takes two units
        return np.frombuffer(narrow, "<u2")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


# -- reading ------------------------------------------------------------------------------------------------------


def find_files(path: str | Sequence[str], key: str = "data.path") -> list[Path]:
    """The files that a path names: a file, a directory (every file below it, by name), a glob, or a list of these.

    Hidden files are passed over. Raises TextError, naming `key`, where nothing is found.
    """
    found: list[Path] = []
    for name in [path] if isinstance(path, str) else path:
        try:
            here = Path(name).expanduser()
            there = here.exists()
        except (OSError, RuntimeError) as error:  # too long for a path, or no such user
            raise TextError(f"{key}: {name[:80]}: {getattr(error, 'strerror', None) or error}") from None
        if here.is_dir():
            files = sorted(p for p in here.rglob("*") if p.is_file() and not _hidden(p.relative_to(here)))
            if not files:
                raise TextError(f"{key}: the directory {name} holds no files")
        elif there:
            files = [here]
        else:
            matches = sorted(glob.glob(str(here), recursive=True))
            files = [Path(match) for match in matches if Path(match).is_file()]
            if not files:
                raise TextError(
                    f"{key}: {name} does not exist (paths are relative to the working directory, {Path.cwd()})"
                )
        found += files
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def open_file(path: Path) -> IO[bytes]:
    """Open for reading, unpacking .gz, .bz2, .xz and (with the extra `zstd`) .zst by their ending."""
    openers: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    if path.suffix == ".zst":
        try:
            try:
                from compression import zstd
            except ImportError:
                from backports import zstd
        except ImportError:
            raise TextError(f"{path}: reading .zst needs one more package: pip install 'charrnn[zstd]'") from None
        openers[".zst"] = zstd.open
    opened: IO[bytes] = openers[path.suffix](path) if path.suffix in openers else open(path, "rb")  # noqa: SIM115
    return opened


def file_pieces(paths: Iterable[Path]) -> Iterator[tuple[str, bytes, bool]]:
    """Read files one after another in pieces of PIECE bytes: (name, bytes, whether the file ends here)."""
    for path in paths:
        try:
            with open_file(path) as file:
                yield from stream_pieces(str(path), file)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error) or "cannot be read"
            raise TextError(f"{path}: {reason}") from None


def stream_pieces(name: str, file: IO[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    """Read an open binary file, or standard input, as file_pieces() does."""
    piece = file.read(PIECE)
    while following := file.read(PIECE):
        yield name, piece, False
        piece = following
    yield name, piece, True


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


# -- splits -------------------------------------------------------------------------------------------------------


def split_contiguous(ids: Array, fractions: Sequence[float]) -> tuple[Array, Array, Array]:
    """Cut once, in the order train, valid, test; `fractions` sum to 1."""
    first = int(len(ids) * fractions[0] + 1e-9)
    second = int(len(ids) * (fractions[0] + fractions[1]) + 1e-9)
    if not fractions[2]:
        second = len(ids)
    return ids[:first], ids[first:second], ids[second:]


def split_streams(ids: Array, fractions: Sequence[float], streams: int, length: int) -> tuple[Array, Array, Array]:
    """The split of char-rnn and of Karpathy, Johnson and Fei-Fei (2015), so that every split sees the whole book.

    The text, cut to a multiple of `streams` x `length`, is laid out as that many parallel streams; of their blocks of
    `length` columns the first share trains, the next validates, the rest tests. Each split is returned as its pieces,
    (streams, len): one text, in order. Raises TextError where the text gives fewer than one block for training.
    """
    blocks = len(ids) // (streams * length)
    train, valid = int(blocks * fractions[0] + 1e-9), int(blocks * fractions[1] + 1e-9)
    if not fractions[2]:
        valid = blocks - train
    if not train:
        raise TextError(
            f"data.split: streams cuts the text into blocks of {streams} x {length} = {streams * length:,} characters; "
            f"{len(ids):,} give none to train on: lower train.batch_size or train.seq_length, or use contiguous"
        )
    rows = ids[: blocks * streams * length].reshape(streams, blocks * length)
    first, second = train * length, (train + valid) * length
    return rows[:, :first], rows[:, first:second], rows[:, second:]


@dataclass(frozen=True)
class Split:
    """One part of a corpus: `ids` (len,), and how many characters outside the vocabulary were left out of it."""

    name: str
    ids: Array
    unknown: int = 0

    def __len__(self) -> int:
        return len(self.ids)


def make_split(name: str, raw_ids: Array, symbols: str, vocab: Vocab, spool: Spool | None = None) -> Split:
    """Map raw ids, (len,) or the pieces (rows, len), to a vocabulary; what it cannot express is left out and counted.

    `spool` takes the result, one that keeps a large one in a temporary file if none is given.
    """
    spool = spool or Spool()
    table = vocab.table(symbols)
    ids = table.astype(np.min_scalar_type(max(vocab.size - 1, 0)))
    foreign = table == len(vocab.symbols) if vocab.has_unknown else table < 0
    unknown = 0
    for piece in chunks(raw_ids):
        if foreign.any():
            strange = foreign[piece]
            unknown += int(strange.sum())
            piece = piece if vocab.has_unknown else piece[~strange]
        spool.append(ids.take(piece, mode="clip"))
    return Split(name, spool.finish(), unknown)


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


# -- batches ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """One window of parallel streams: inputs `x` and targets `y`, (T, N), y one character later.

    `weight` (T, N) is 0 where a stream has run out, or None where none has; `count` targets in the window, those of
    streams that this batch leaves out included; `fresh`: the state must be zero first.
    """

    x: Array
    y: Array
    weight: Array | None
    count: int
    fresh: bool


class Batches:
    """A text laid out as N parallel streams, cut into windows of T steps; index k gives window k of an epoch.

    Every character but the first is a target exactly once per epoch: the text's len - 1 transitions are dealt out in
    N runs of equal length, the last run is padded by fewer than N positions of weight 0, and the last window may be
    shorter.
    """

    def __init__(self, ids: Array, streams: int, length: int) -> None:
        self.ids, self.streams, self.length = ids, streams, length
        self.targets = max(len(ids) - 1, 0)
        self.run = -(-self.targets // streams)

    def __len__(self) -> int:
        """Windows per epoch."""
        return -(-self.run // self.length)

    def __getitem__(self, window: int) -> Batch:
        if not 0 <= window < len(self):
            raise IndexError(f"window {window} of {len(self)}")
        return self.window(window, 0, self.streams)

    def window(self, window: int, first: int, stop: int) -> Batch:
        """Window number `window` of the streams `first` to `stop` - 1."""
        begin = window * self.length
        end = min(begin + self.length, self.run)
        at = np.arange(begin, end)[:, None] + np.arange(first, stop) * self.run
        inside = at < self.targets
        weight = None if inside.all() else inside.astype(np.float32)
        at = np.minimum(at, self.targets - 1)
        return Batch(self.ids[at], self.ids[at + 1], weight, self.count(window), fresh=window == 0)

    def count(self, window: int) -> int:
        """Targets in a window, over all streams."""
        begin = window * self.length
        end = min(begin + self.length, self.run)
        full, rest = divmod(self.targets, self.run)  # streams that run to the end, and how far the next one does
        return full * (end - begin) + max(0, min(end, rest) - begin)
