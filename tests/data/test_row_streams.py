"""Rows that are read one after another: in any pieces, in little memory, with the place of a fault."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data import files, row_streams
from charrnn.data.row_streams import StreamedRow, stream_rows, stream_sentences
from charrnn.data.rows import Column, Layout
from charrnn.errors import TextError
from tests.support.task_runs import tokens_file


def read(path: Path, content: str | bytes, format: Any = "lines", column: Any = 1) -> list[StreamedRow]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [*stream_rows(path, format, column, "utf-8")]


def sources(rows: list[StreamedRow]) -> list[str | None]:
    return [row.source for row in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows"


def test_a_line_is_a_row_whatever_its_end(path: Path) -> None:
    assert sources(read(path, "\ufeffa\r\n\n b\tc \nd")) == ["a", "", " b\tc ", "d"]
    assert sources(read(path, "\n")) == [""]


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
def test_lines_do_not_depend_on_the_pieces_that_files_are_read_in(
    piece: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "é☃\r\n\nabc\n\n\nlast"
    expected = read(path, text)
    monkeypatch.setattr(files, "PIECE_BYTES", piece)
    assert read(path, text) == expected
    assert [row.place.rpartition(":")[2] for row in expected] == ["1", "2", "3", "4", "5", "6"]


cells = st.text(st.sampled_from('ab,"\n é'), max_size=4)


@given(st.lists(st.tuples(cells, cells).filter(lambda row: row != ("", "")), max_size=5))
def test_a_csv_file_has_the_cells_that_were_written(rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    lines = ((number, line) for number, line in enumerate(buffer.getvalue().split("\n")[:-1], 1))
    separated = list(row_streams._csv_rows("f", lines))
    assert [tuple(own) for _, _, own in separated] == rows
    assert "\n".join(line for _, line, _ in separated) + "\n" * bool(rows) == buffer.getvalue()


def test_a_column_is_named_by_the_header_or_counted(path: Path) -> None:
    table = "id\ttext\n1\tone\n\n3\t\n"
    named = read(path, table, "tsv", "text")
    assert sources(named) == [None, "one", "", ""]
    assert [row.line for row in named] == ["id\ttext", "1\tone", "", "3\t"]
    assert sources(read(path, table, "tsv", 2)) == ["text", "one", "", ""]


@pytest.mark.parametrize(("format", "separator"), [("tsv", "\t"), ("csv", ",")])
def test_below_a_header_a_row_may_lack_the_targets_at_its_end(format: Any, separator: str, path: Path) -> None:
    def lines(text: str, *targets: Column) -> list[str]:
        path.write_text(text.replace(" ", separator))
        found = stream_rows(path, format, "text", "utf-8", (), targets)
        return [row.line.replace(separator, " ") for row in found]

    for targets in (("x", "y"), (3, 2), (2, "y")):
        assert lines("text x y\na\nb 1\n\nc 1 2\n", *targets) == ["text x y", "a  ", "b 1 ", "", "c 1 2"]
    assert lines("text x y\na 1\n", "y") == ["text x y", "a 1 "]
    for text, targets in [("text x y\na\n", ("y",)), ("text x y\na 1\n", ("x",)), ("text x\na 1 2\n", ("x",))]:
        with pytest.raises(TextError, match=r"rows:2: .* but the header has .; correct the row"):
            lines(text, *targets)
    with pytest.raises(TextError, match=r"rows:2: 1 cell separated by .*, but column 2 is needed"):
        lines("x text\n1\n", "x")


def test_json_objects_keep_what_they_hold(path: Path) -> None:
    text = '{"text": "a", "k": [1]}\n\n{"text": null}\n{"text": 2}\n'
    rows = read(path, text, "jsonl", "text")
    assert sources(rows) == ["a", "", "", "2"]
    assert rows[0].record == {"text": "a", "k": [1]}
    assert rows[1].record is None


FAULTS = {
    "bytes": ("lines", 1, b"a\n\xff\n", "byte 0xff at offset 2 (line 2)"),
    "nothing": ("lines", 1, "\ufeff", "rows: there is no text in it"),
    "header": ("tsv", "x", "x\ty\na\n", "rows:2: 1 cell separated by tabs, but the header has 2; correct the row"),
    "cells": ("tsv", 2, "a\tb\nc\n", "rows:2: 1 cell separated by tabs, but column 2"),
    "name": (
        "tsv",
        "text",
        "a\tb\n",
        "rows:1: no column is called 'text'; the columns are 'a', 'b'; name one of them, or give",
    ),
    "twice": ("csv", "a", "a,a\n", "rows:1: 2 columns are called 'a'"),
    "open quote": ("csv", 1, 'a\n"b\nc\n', "rows:2: a quoted cell that begins here is never closed"),
    "quote": ("csv", 1, '"a"b"",c\n', "rows:1: not valid CSV"),
    "json": ("jsonl", "text", '{"text": "a"}\n{"text\n', "rows:2: not valid JSON"),
    "depth": ("jsonl", "text", "[" * 100_000 + "\n", "rows:1: not valid JSON"),
    "list": ("jsonl", "text", "[1]\n", "rows:1: a JSON list, not an object"),
    "key": ("jsonl", "text", '{"a\\u001b": 1}\n', "rows:1: no key 'text'; the keys are 'a\\x1b'"),
    "value": ("jsonl", "text", '{"text": {}}\n', "rows:1: 'text' holds a dict"),
    "surrogate": ("jsonl", "text", '{"text": "\\ud800"}\n', "rows:1: 'text' holds half a surrogate pair"),
    "number": ("jsonl", 1, "{}\n", "column 1: the cells of jsonl have no numbers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_place(name: str, path: Path) -> None:
    format, column, content, message = FAULTS[name]
    with pytest.raises(TextError) as error:
        read(path, content, format, column)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_rows_before_a_fault_are_read(path: Path) -> None:
    path.write_text('{"text": "a"}\n{\n')
    rows = stream_rows(path, "jsonl", "text", "utf-8")
    assert next(rows).source == "a"
    with pytest.raises(TextError):
        next(rows)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_streams, "MAX_LINE_CHARS", 1000)
    monkeypatch.setattr(files, "PIECE_BYTES", 100)
    with pytest.raises(TextError, match="rows:2: the line has more than 1,000 characters"):
        read(path, "a\n" + "b" * 5000)
    with pytest.raises(TextError, match="rows:1: a quoted cell that begins here has no end"):
        read(path, '"' + "b\n" * 5000, "csv")


def test_a_long_file_takes_little_memory(path: Path, peak_memory: Callable[[Callable[[], Any]], int]) -> None:
    path.write_text(("a line of text" * 20 + "\tlabel\n") * 80_000)  # 23 MB
    count = 0

    def work() -> None:
        nonlocal count
        count = sum(1 for _ in stream_rows(path, "tsv", 1, "utf-8"))

    assert not tracemalloc.is_tracing()
    assert peak_memory(work) < 16 << 20
    assert count == 80_000


def test_sentences_come_in_blocks_that_hold_every_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_streams, "SENTENCES_AT_ONCE", 3)
    text = "\n\n" + tokens_file(10).replace("# sent_id = 4", "# one\n# two") + "# end"
    path.write_text(text.removesuffix("# end"))
    layout = Layout("conllu", "form", ("xpos",))
    blocks = [*stream_sentences(path, layout, "utf-8")]
    assert len(blocks) > 3
    assert [line for block in blocks for line in block.lines] == path.read_text().split("\n")[:-1]
    lines = path.read_text().split("\n")
    for block in blocks:
        for sentence in block.sentences:
            for token, position in zip(sentence.tokens, sentence.token_lines, strict=True):
                assert lines[sentence.line - 1 + position].split("\t")[1] == token
                assert block.lines[sentence.line - block.first + position].split("\t")[1] == token
    assert sum(len(block.sentences) for block in blocks) == 10


def test_a_fault_in_a_later_block_has_its_own_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_streams, "SENTENCES_AT_ONCE", 1)
    path.write_text("a\tX\n\nb\tX\n\n\t\tX\n")
    with pytest.raises(TextError, match="rows:5: the token or its label is empty"):
        list(stream_sentences(path, Layout("conll", 1, (2,)), "utf-8"))


def test_what_json_holds_beside_the_text_is_printed_again(path: Path) -> None:
    record = {"text": "a", "more": {"k": [1.5, None, "é"]}}
    assert read(path, json.dumps(record), "jsonl", "text")[0].record == record


def test_feature_columns_are_read_beside_the_text(path: Path) -> None:
    path.write_text("w\tx\ttag\nab\t1\tV;PST\n\n")
    found = [*stream_rows(path, "tsv", "w", "utf-8", ["tag", 2])]
    assert [(row.source, row.features) for row in found] == [(None, ("", "")), ("ab", ("V;PST", "1")), ("", ("", ""))]
    path.write_text('{"w": "ab", "tag": "N", "k": 3}\n\n')
    found = [*stream_rows(path, "jsonl", "w", "utf-8", ["tag", "k"])]
    assert [(row.source, row.features) for row in found] == [("ab", ("N", "3")), ("", ("", ""))]
    for format, text, message in (("tsv", "w\n", "no column is called 'tag'"), ("jsonl", '{"w": 1}', "no key 'tag'")):
        path.write_text(text)
        with pytest.raises(TextError, match=message):
            list(stream_rows(path, format, "w", "utf-8", ["tag"]))
    path.write_text("ab\tV\n")
    with pytest.raises(TextError, match="2 cells separated by tabs, but column 3 is needed"):
        list(stream_rows(path, "tsv", 1, "utf-8", [3]))
