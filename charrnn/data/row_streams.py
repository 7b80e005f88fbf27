"""Rows to predict, read one after another, so that a file of any length takes little memory. They have no targets.

A fault ends the reading, with its place: rows before it have been read by then.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from charrnn.data.decoding import decoded
from charrnn.data.files import Source, file_pieces, names
from charrnn.data.rows import Column, Faults, FileText, Layout, shown
from charrnn.data.sentences import Sentence, read_sentences
from charrnn.data.tables import SURROGATES
from charrnn.errors import TextError

StreamFormat = Literal["lines", "tsv", "csv", "jsonl"]

MAX_LINE_CHARS = 1 << 24  # a longer one is likely no text, and would not fit into memory as a sequence
SENTENCES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class StreamedRow:
    """One row.

    Attributes:
        place: file and line.
        line: all of it as it stands in the file, without line end; a cell of a CSV file may span lines. Cells of target
            columns that it lacks at its end are there and empty.
        source: the text to predict from; None for the header of a table.
        record: of JSONL, the object; None for an empty line.
        features: the cells of the feature columns; empty ones where there is no text.
    """

    place: str
    line: str
    source: str | None
    record: dict[str, Any] | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SentenceBlock:
    """Some lines of a CoNLL or CoNLL-U file, without line ends, and their sentences. `first`: number of line 0."""

    first: int
    lines: list[str]
    sentences: list[Sentence]


def stream_rows(
    source: Source,
    format: StreamFormat,
    column: Column,
    encoding: str,
    features: Sequence[Column] = (),
    targets: Sequence[Column] = (),
) -> Iterator[StreamedRow]:
    """Read the rows of one file, or of standard input.

    Arguments:
        source: the file.
        format: how it is read; `lines` have no columns.
        column: the column of the text: by name, which needs a header except in JSONL, or by number from 1.
        encoding: of the file.
        features: the feature columns, likewise.
        targets: columns that a row of a table may lack at its end.

    Raises:
        TextError: the file is empty or cannot be read or decoded, or a row lacks a column.
    """
    lines = _numbered_lines(source, encoding)
    name = names([source])
    if format == "lines":
        return (StreamedRow(f"{name}:{number}", line, line) for number, line in lines)
    columns = [column, *features]
    if format == "jsonl":
        for own in columns:
            if isinstance(own, int):
                raise TextError(f"column {own}: the cells of jsonl have no numbers; name a key instead")
        keys = [*map(str, columns)]
        return (_of_object(f"{name}:{number}", line, keys) for number, line in lines)
    separated = _csv_rows(name, lines) if format == "csv" else _tsv_rows(name, lines)
    return _of_table(separated, columns, targets, "," if format == "csv" else "\t")


def stream_sentences(source: Source, layout: Layout, encoding: str) -> Iterator[SentenceBlock]:
    """Read the sentences of one file, some at a time. Target columns are not read.

    Raises:
        TextError: the file is empty or cannot be read or decoded, or a line has not the columns of its format.
    """
    name = names([source])
    block: list[str] = []
    first, ended = 1, 0
    for number, line in _numbered_lines(source, encoding):
        block.append(line)
        if not line.strip(" \t"):
            ended += 1
            if ended == SENTENCES_AT_ONCE:
                yield _sentence_block(name, first, block, layout)
                block, first, ended = [], number + 1, 0
    if block:
        yield _sentence_block(name, first, block, layout)


def _sentence_block(name: str, first: int, lines: list[str], layout: Layout) -> SentenceBlock:
    faults = Faults()
    text = FileText(name, "\n".join(lines) + "\n", first)
    sentences = read_sentences([text], layout, faults, with_labels=False)
    faults.check()
    return SentenceBlock(first, lines, sentences)


def _numbered_lines(source: Source, encoding: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line, without line ends. What follows the last line end is a line if not empty.

    Raises TextError also if there is no line.
    """
    name = names([source])
    rest: list[str] = []  # of the line that is not complete yet
    waiting = 0
    number = 1
    for piece in decoded(file_pieces([source]), encoding):
        head, *lines = piece.split("\n")
        rest.append(head)
        waiting += len(head)
        if waiting > MAX_LINE_CHARS:
            raise TextError(f"{name}:{number}: the line has more than {MAX_LINE_CHARS:,} characters; cut it in two")
        if lines:
            *complete, last = lines
            for line in ["".join(rest), *complete]:
                yield number, line.removesuffix("\r")
                number += 1
            rest, waiting = [last], len(last)
    if waiting:
        yield number, "".join(rest)
    elif number == 1:
        raise TextError(f"{name}: there is no text in it")


def _of_object(place: str, line: str, keys: Sequence[str]) -> StreamedRow:
    """The row of a line of JSONL; the first key is that of the text."""
    if not line.strip():
        return StreamedRow(place, line, "", None, ("",) * (len(keys) - 1))
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise TextError(f"{place}: not valid JSON ({reason}); each line must be one object") from None
    if not isinstance(record, dict):
        raise TextError(f"{place}: a JSON {type(record).__name__}, not an object; each line must be one object")
    text, *features = (_value(place, record, key) for key in keys)
    return StreamedRow(place, line, text, record, tuple(features))


def _value(place: str, record: dict[str, Any], key: str) -> str:
    """The text of a key of an object."""
    if key not in record:
        listed = ", ".join(map(shown, record)) or "none"
        raise TextError(f"{place}: no key {shown(key)}; the keys are {listed}; name one of them", hint="see --column")
    value = record[key]
    if isinstance(value, dict | list) or (isinstance(value, str) and SURROGATES.search(value)):
        what = "half a surrogate pair" if isinstance(value, str) else f"a {type(value).__name__}"
        raise TextError(f"{place}: {shown(key)} holds {what}; give a string")
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


SplitLine = tuple[str, str, list[str]]  # the place of a row, all of it, and its cells


def _tsv_rows(name: str, lines: Iterable[tuple[int, str]]) -> Iterator[SplitLine]:
    for number, line in lines:
        yield f"{name}:{number}", line, line.split("\t")


def _csv_rows(name: str, lines: Iterable[tuple[int, str]]) -> Iterator[SplitLine]:
    """The rows of a CSV file (RFC 4180); one goes on as long as a quote is open."""
    waiting: list[str] = []
    quotes = size = first = 0
    for number, line in lines:
        first = first if waiting else number
        waiting.append(line)
        quotes += line.count('"')
        size += len(line)
        if size > MAX_LINE_CHARS:
            raise TextError(f"{name}:{first}: a quoted cell that begins here has no end; close it")
        if quotes % 2 == 0:
            row = "\n".join(waiting)
            yield f"{name}:{first}", row, _csv_cells(f"{name}:{first}", row)
            waiting, quotes, size = [], 0, 0
    if waiting:
        raise TextError(f"{name}:{first}: a quoted cell that begins here is never closed; close it")


def _csv_cells(place: str, row: str) -> list[str]:
    if not row:
        return [""]
    try:
        return next(csv.reader([row], strict=True))
    except csv.Error as error:
        raise TextError(f"{place}: not valid CSV ({error}); quote the cell and double the quote") from None


def _of_table(
    rows: Iterator[SplitLine], columns: Sequence[Column], targets: Sequence[Column], separator: str
) -> Iterator[StreamedRow]:
    """The rows of a table; the first column is that of the text. A header comes first if a column has a name.

    An empty line is a row with an empty text. Below a header, a row may end before columns of `targets`: they are added
    as empty cells, so that what is predicted stands below its name.
    """
    named = any(isinstance(column, str) for column in columns)
    positions = [] if named else [int(column) - 1 for column in columns]
    width, needed = 0, 0  # cells of the header, and those that a row below it must have
    separated = "commas" if separator == "," else "tabs"
    for place, line, cells in rows:
        if not positions:
            positions = [
                column - 1 if isinstance(column, int) else _position(place, column, cells) for column in columns
            ]
            width = needed = len(cells)
            while needed and (needed in targets or cells[needed - 1] in targets):
                needed -= 1
            yield StreamedRow(place, line, None, None, ("",) * (len(columns) - 1))
            continue
        if cells == [""]:
            yield StreamedRow(place, line, "", None, ("",) * (len(columns) - 1))
            continue
        count = f"{len(cells)} cell{'s' * (len(cells) > 1)} separated by {separated}"
        if len(cells) <= max(positions):
            last = max(positions) + 1
            raise TextError(f"{place}: {count}, but column {last} is needed; complete the row, or name another column")
        if named and not needed <= len(cells) <= width:  # the prediction would stand below the wrong name
            raise TextError(f"{place}: {count}, but the header has {width}; correct the row")
        line += separator * (width - len(cells))
        source, *features = (cells[k] for k in positions)
        yield StreamedRow(place, line, source, None, tuple(features))


def _position(place: str, column: str, header: Sequence[str]) -> int:
    if header.count(column) == 1:
        return header.index(column)
    listed = ", ".join(map(shown, header))
    reason = f"{header.count(column)} columns are" if column in header else "no column is"
    raise TextError(
        f"{place}: {reason} called {shown(column)}; the columns are {listed}; name one of them, or give a number",
        hint="see --column",
    )
