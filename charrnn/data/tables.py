"""Tables: the rows of TSV, CSV and JSONL files, of lines, and of files and folders that are named after a class.

Every fault is noted with its place, and reading goes on, so that one run names them all.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from charrnn.data.rows import Faults, FileText, Layout, Row, plain_name, shown

CSV_CELL = re.compile(r'"([^"]*(?:""[^"]*)*)"|([^",\r\n]*(?:\r(?!\n)[^",\r\n]*)*)')
CSV_END = re.compile(r",|\r?\n|\Z")
SURROGATES = re.compile("[\ud800-\udfff]")
MAX_KEYS_SHOWN = 20  # of the records of a JSONL file

NumberedCells = tuple[int, list[str]]  # the line on which a row begins, and its cells


def read_table(files: Sequence[FileText], layout: Layout, faults: Faults, needs_target: bool = False) -> list[Row]:
    """Read the rows of files of any format but conll and conllu.

    Arguments:
        files: as read_files() returns them.
        layout: the format and the columns.
        faults: collects what is wrong.
        needs_target: whether the first target of a row may not be empty.

    Returns:
        The rows without faults, in order.
    """
    rows: list[Row] = []
    for file in files:
        for row in _rows(file, layout, faults):
            if not row.source:
                faults.add_empty(row.place, "the source is empty; remove the row")
            elif needs_target and row.targets[:1] == ("",):
                faults.add_empty(row.place, "the target is empty; fill it in, or remove the row")
            else:
                rows.append(row)
    return rows


def _rows(file: FileText, layout: Layout, faults: Faults) -> Iterator[Row]:
    if layout.format == "tsv":
        return _from_cells(file.name, _tsv_cells(file), layout, faults)
    if layout.format == "csv":
        return _from_cells(file.name, _csv_cells(file, faults), layout, faults)
    if layout.format == "jsonl":
        return _from_objects(file, layout, faults)
    if layout.format == "folders":
        text = file.text.removesuffix("\n")
        text = text.removesuffix("\r") if text != file.text else text
        return iter([Row(file.name, 1, text, _class(plain_name(file.name).parent.name, file.name, faults))])
    targets = _class(plain_name(file.name).stem, file.name, faults) if layout.format == "files" else ()
    return (Row(file.name, number, line, targets) for number, line in file.lines())


def _class(name: str, file: str, faults: Faults) -> tuple[str]:
    """The class that a name gives; standard input gives none."""
    if not name or file == "standard input":
        faults.add(file, "no class can be taken from its name; name a file in a folder, or set data.format to tsv")
    return (name,)


def _tsv_cells(file: FileText) -> Iterator[NumberedCells]:
    for number, line in file.lines():
        yield number, line.split("\t")


def _csv_cells(file: FileText, faults: Faults) -> Iterator[NumberedCells]:
    """The rows of a CSV file (RFC 4180). A quoted cell may hold commas, line ends and, doubled, quotes."""
    text, position, line = file.text, 0, 1
    while position < len(text):
        first, cells, separator = line, [], ","
        while separator == ",":
            cell = CSV_CELL.match(text, position)
            assert cell is not None  # the pattern matches the empty string
            end = CSV_END.match(text, cell.end())
            if end is None:
                position, line = _after_fault(file, cell, line, faults)
                break
            quoted = cell[1] is not None
            cells.append(cell[1].replace('""', '"') if quoted else cell[2])
            line += cell[0].count("\n") if quoted else 0
            position, separator = end.end(), end[0]
        else:
            line += 1
            yield first, cells


def _after_fault(file: FileText, cell: re.Match[str], line: int, faults: Faults) -> tuple[int, int]:
    """Note why a CSV cell does not end where it should; the position and number of the next line to read."""
    text, begin = file.text, cell.start()
    place = f"{file.name}:{line}"
    if cell[1] is not None:
        faults.add(place, f"text follows the closing quote of {shown(cell[1])}; double a quote within a cell")
    elif text[begin : begin + 1] == '"':
        faults.add(place, "a quoted cell that begins here is never closed; close it, or use data.format: tsv")
        return len(text), line
    else:
        faults.add(place, f"a quote within the unquoted cell {shown(cell[0])}; quote the cell and double the quote")
    end = text.find("\n", cell.end())
    return (len(text) if end < 0 else end + 1), line + cell[0].count("\n") + 1


def _from_cells(name: str, lines: Iterator[NumberedCells], layout: Layout, faults: Faults) -> Iterator[Row]:
    """The rows of a file with numbered columns, after its header if it has one."""
    header: list[str] = []
    if any(isinstance(column, str) for column in layout.columns):
        first, header = next(lines, (1, []))
        if not _has_columns(f"{name}:{first}", header, layout, faults):
            return
    positions = [header.index(column) if isinstance(column, str) else column - 1 for column in layout.columns]
    last = max(positions)
    short: list[tuple[str, str]] = []  # faults of the rows before the first complete one
    complete = False
    for number, cells in lines:
        if len(cells) > last:
            if not complete:
                _add_short(short, faults)
                complete = True
            yield _row(name, number, [cells[k] for k in positions], layout)
            continue
        fault = f"{name}:{number}", _too_short(cells, last + 1, layout)
        if complete:
            faults.add_empty(*fault)
        else:
            short.append(fault)
    if not complete and len(short) > 1:
        separated = _separators(layout)
        faults.add(
            name, f"no row has a column {last + 1} (columns separated by {separated}); name another column or file"
        )
    elif not complete:
        _add_short(short, faults)


def _add_short(noted: Sequence[tuple[str, str]], faults: Faults) -> None:
    for place, reason in noted:
        faults.add_empty(place, reason)


def _separators(layout: Layout) -> str:
    return "tabs" if layout.format == "tsv" else "commas"


def _too_short(cells: Sequence[str], needed: int, layout: Layout) -> str:
    """Why a row cannot be read that has fewer cells than needed."""
    if cells == [""]:
        return "the line is empty; remove it"
    count = f"{len(cells)} cell{'s' * (len(cells) > 1)} separated by {_separators(layout)}"
    return f"{count}, but column {needed} is needed; complete the row, or name another column"


def _has_columns(place: str, header: Sequence[str], layout: Layout, faults: Faults) -> bool:
    """Whether a header names every column once; faults say what it lacks."""
    before = faults.count
    for column in layout.columns:
        count = header.count(column) if isinstance(column, str) else 1
        if count == 0:
            names = ", ".join(map(shown, header)) or "none"
            reason = f"no column is called {shown(str(column))}; the columns are {names}"
            faults.add(place, f"{reason}; name one of them, or give a number")
        elif count > 1:
            faults.add(place, f"{count} columns are called {shown(str(column))}; give the number of one instead")
    return faults.count == before


def _row(name: str, number: int, cells: Sequence[str], layout: Layout) -> Row:
    """The row with these cells of the columns of a layout."""
    features = 1 + len(layout.targets)
    end = features + len(layout.features)
    split = cells[-1] if layout.split is not None else ""
    return Row(name, number, cells[0], tuple(cells[1:features]), split, tuple(cells[features:end]))


def _from_objects(file: FileText, layout: Layout, faults: Faults) -> Iterator[Row]:
    """The rows of a JSONL file: one object a line."""
    numbers = [column for column in layout.columns if not isinstance(column, str)]
    if numbers:
        faults.add(file.name, f"column {numbers[0]}: the cells of jsonl have no numbers; name a key instead")
        return
    earlier, readable, lines, lacking = faults.count, False, 0, 0
    keys: dict[str, None] = {}  # of the records that lack one, in order
    for number, line in file.lines():
        lines += 1
        before, place = faults.count, f"{file.name}:{number}"
        record = _object(line, place, faults)
        if record is None:
            continue
        if lack := _lacking_key(record, layout.columns):
            faults.add_empty(place, lack)
            lacking += 1
            keys |= dict.fromkeys(record)
            continue
        cells = list(_values(record, layout.columns, place, faults))
        if faults.count == before:
            readable = True
            yield _row(file.name, number, cells, layout)
    if lacking and lacking == lines:
        faults.forget(earlier)
        faults.add(file.name, _lacking_keys([*keys], [*map(str, layout.columns)]))
    elif not readable:
        faults.sum_up(earlier, file.name, layout.format)


def _object(line: str, place: str, faults: Faults) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        faults.add(place, f"not valid JSON ({reason}); each line must be one object")
        return None
    if not isinstance(record, dict):
        faults.add(place, f'a JSON {type(record).__name__}, not an object; write {{"text": ..., "label": ...}}')
        return None
    return record


def _lacking_key(record: dict[str, Any], keys: Iterable[Any]) -> str:
    """The first of the keys that a record lacks, as a message says it; nothing if it has them all."""
    for key in keys:
        if key not in record:
            names = ", ".join(map(shown, record)) or "none"
            return f"no key {shown(key)}; the keys are {names}; add it, with null if it is missing"
    return ""


def _lacking_keys(keys: Sequence[str], wanted: Sequence[str]) -> str:
    """Why no record of a file can be read, of which each lacks one of the wanted keys; `keys` are those they have."""
    absent = [shown(key) for key in wanted if key not in keys]
    if not absent:
        return f"no row has all of the keys {', '.join(map(shown, wanted))}; add them, with null where one is missing"
    listed = ", ".join(map(shown, keys[:MAX_KEYS_SHOWN])) or "none"
    return f"no row has the key{'s' * (len(absent) > 1)} {', '.join(absent)}; the keys are {listed}; name one of them"


def _values(record: dict[str, Any], keys: Iterable[Any], place: str, faults: Faults) -> Iterator[str]:
    """The values of keys as cells: null is an empty one."""
    for key in keys:
        value = record[key]
        if isinstance(value, dict | list):
            faults.add(place, f"{shown(key)} holds a {type(value).__name__}; give a string, a number or a truth value")
        elif isinstance(value, str) and SURROGATES.search(value):
            faults.add(place, f"{shown(key)} holds half a surrogate pair, which is no character; remove it")
        elif isinstance(value, str):
            yield value
        else:
            yield "" if value is None else json.dumps(value)
