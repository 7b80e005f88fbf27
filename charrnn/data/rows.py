"""Rows: examples as files hold them, each with its place, and the faults that are found in them.

Text is decoded strictly and never changed. Nothing here knows a vocabulary or a label.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, NamedTuple

from charrnn.data.decoding import decoded
from charrnn.data.files import Piece, Source, file_pieces, names
from charrnn.data.vocab import END
from charrnn.errors import TextError, visible

Format = Literal["tsv", "csv", "jsonl", "lines", "files", "folders", "conll", "conllu"]
Empty = Literal["error", "skip"]  # see data.empty
Column = str | int  # the name of a column, or its number, counted from 1

FORMAT_OF_ENDING: dict[str, Format] = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".conll": "conll",
    ".conllu": "conllu",
}
COMPRESSED_ENDINGS = {".gz", ".bz2", ".xz", ".zst"}
MAX_FAULTS_SHOWN = 20
FEW_FAULTS = 5  # of a file in which nothing is right; with more it is likely of another kind
MAX_SHOWN_CHARS = 40  # of a cell, in a message


@dataclass(frozen=True)
class Layout:
    """How examples are laid out in files.

    Attributes:
        format: tsv (cells between tabs, no quoting), csv (RFC 4180), jsonl (an object a line), lines (an example a
            line, no target), files (likewise; the class is the name of the file without its ending), folders (an
            example a file; the class is the name of its folder), conll or conllu (a token a line).
        source: the column that holds the input.
        targets: the columns that hold the targets.
        split: the column that names the split of each row, if there is one.
        features: the columns of tags, if there are any.

    The first line of a TSV or CSV file is a header if any column is given by name.

    Raises:
        TextError: the number of a column is below 1.
    """

    format: Format
    source: Column = 1
    targets: tuple[Column, ...] = (2,)
    split: Column | None = None
    features: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        for column in self.columns:
            if isinstance(column, int) and column < 1:
                raise TextError(f"data.source, data.target, data.split: column {column}; columns count from 1")

    @property
    def columns(self) -> list[Column]:
        """All columns that are read: source, targets, features, split."""
        return [self.source, *self.targets, *self.features, *([] if self.split is None else [self.split])]

    @classmethod
    def usual(cls, format: Format) -> "Layout":
        """The layout of a format whose columns are not given."""
        if format == "jsonl":
            return cls(format, "text", ("label",))
        if format == "conllu":
            return cls(format, "form", ("upos",))
        return cls(format) if format in ("tsv", "csv", "conll") else cls(format, 1, ())


@dataclass(frozen=True, slots=True)
class Row:
    """One example.

    Attributes:
        file, line: where it begins; lines count from 1.
        source: the input.
        targets: the cells of the target columns, or the class that the name of a file or folder gives.
        split: the cell of the split column; empty without one.
        features: the cells of the columns of tags.
    """

    file: str
    line: int
    source: str
    targets: tuple[str, ...] = ()
    split: str = ""
    features: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it begins, as messages name it."""
        return f"{self.file}:{self.line}"


class FileText(NamedTuple):
    """The decoded text of one file, or a part of it that begins with line `first`."""

    name: str
    text: str
    first: int = 1

    def lines(self) -> Iterator[tuple[int, str]]:
        """Number and text of each line, without line ends. What follows the last line end is a line if not empty."""
        lines = self.text.split("\n")
        last = lines.pop()
        for number, line in enumerate(lines, self.first):
            yield number, line.removesuffix("\r")
        if last:
            yield self.first + len(lines), last


class Faults:
    """The faults of rows, in the order in which they were found.

    Arguments:
        empty: what data.empty says of an example that lacks its source or its target; None where it says nothing.

    Attributes: `count` of faults; `left_out`, the places of the examples that were skipped.
    """

    def __init__(self, empty: Empty | None = None) -> None:
        self._shown: list[str] = []
        self._empty = empty
        self.count = 0
        self.left_out: set[str] = set()

    @classmethod
    def of_model(cls, empty: Empty) -> "Faults":
        """The faults of rows that a trained model reads: they are left out as its config says, which is settled."""
        return cls("skip" if empty == "skip" else None)

    def add(self, place: str, reason: str) -> None:
        """Note one fault: where it is, what is wrong, and what to do."""
        self.count += 1
        if self.count <= MAX_FAULTS_SHOWN:
            self._shown.append(visible(f"{place}: {reason}", keep=""))

    def add_empty(self, place: str, reason: str, example: str = "") -> None:
        """Note that something is empty or missing, or leave out its example, as data.empty says.

        Arguments: `place` and `reason` as in add(); `example`, where it begins, if not at `place`.
        """
        if self._empty == "skip":
            self.left_out.add(example or place)
        else:
            self.add(place, f"{reason}, or set data.empty to skip" if self._empty else reason)

    def forget(self, before: int) -> None:
        """Drop all faults after the first `before`."""
        del self._shown[before:]
        self.count = before

    def sum_up(self, before: int, file: str, format: str) -> None:
        """Keep the first of the faults after the first `before`, which are all that was found in a file, and say so.

        A few faults stay as they are.
        """
        if self.count - before > FEW_FAULTS:
            self.forget(before + 1)
            self.add(file, f"nothing in it can be read as {format}; name another file")

    def check(self) -> None:
        """Raise TextError if there are faults: a line for each of the first, and the number of the others."""
        more = self.count - MAX_FAULTS_SHOWN
        if more > 0:
            raise TextError(*self._shown, f"and {more:,} more fault{'s' * (more > 1)}")
        if self._shown:
            raise TextError(*self._shown)


def shown(text: str) -> str:
    """A cell as a message quotes it: on one line, and cut if it is long."""
    cut = text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…"
    return f"'{visible(cut, keep='')}'"


def read_files(sources: Sequence[Source], encoding: str = "utf-8") -> tuple[list[FileText], str]:
    """Read and decode files.

    Returns:
        The texts, without byte order marks; and the SHA-256 of the unpacked bytes of all files, in order.

    Raises:
        TextError: a file cannot be read or decoded, with the place of its first fault, for all files at once.
    """
    digest = hashlib.sha256()

    def hashed(pieces: Iterable[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            digest.update(piece.data)
            yield piece

    texts = "".join(decoded(hashed(file_pieces(sources)), encoding, END)).split(END)[:-1]
    files = [FileText(names([source]), text) for source, text in zip(sources, texts, strict=True)]
    return files, digest.hexdigest()


def plain_name(name: str) -> PurePath:
    """The name of a file as a path, without the ending of a compressed file."""
    path = PurePath(name)
    return path.with_suffix("") if path.suffix in COMPRESSED_ENDINGS else path


def format_of(name: str) -> Format:
    """The format that the ending of a file stands for.

    Raises:
        TextError: the ending stands for no format.
    """
    ending = plain_name(name).suffix.lower()
    if ending not in FORMAT_OF_ENDING:
        known = ", ".join(FORMAT_OF_ENDING)
        raise TextError(
            f"{name}: the ending {ending or '(none)'} says nothing about the format (known are {known}); set "
            f"data.format, for instance to tsv or csv, or to files or folders where these are the classes"
        )
    return FORMAT_OF_ENDING[ending]
