"""Tables: every cell is read as it was written, and every fault has its file, its line, a reason and a remedy."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from charrnn.data.rows import MAX_FAULTS_SHOWN, Empty, Faults, FileText, Layout, Row, format_of, read_files
from charrnn.data.tables import read_table
from charrnn.errors import TextError
from tests.support.strategies import texts
from tests.support.texts import faults

plain_cells = texts.map(lambda text: "".join(symbol for symbol in text if symbol not in "\t\r\n"))
csv_cells = st.text('a,"\r\n é\u2028', max_size=6) | texts


def read(text: str, layout: Layout, name: str = "my.txt", **options: bool) -> list[Row]:
    """The rows of a file of this text."""
    found = Faults()
    rows = read_table([FileText(name, text)], layout, found, **options)
    found.check()
    return rows


def cells(rows: list[Row]) -> list[tuple[str, ...]]:
    return [(row.source, *row.targets) for row in rows]


def expected_csv_line_numbers(table: list[tuple[str, str]]) -> list[int]:
    """The line on which each row begins: one more for each row, and for each line end within a cell."""
    lines, line = [], 1
    for row in table:
        lines.append(line)
        line += 1 + sum(cell.count("\n") for cell in row)
    return lines


@given(
    table=st.lists(st.tuples(plain_cells.filter(bool), plain_cells), max_size=6), ending=st.sampled_from(["\n", "\r\n"])
)
@example(table=[('say "hi", he said', "'")], ending="\n")
def test_tsv_cells_stand_between_tabs_and_are_never_quoted(table: list[tuple[str, str]], ending: str) -> None:
    text = "".join("\t".join(row) + ending for row in table)
    rows = read(text, Layout("tsv"))
    assert cells(rows) == table
    assert [row.line for row in rows] == [*range(1, len(table) + 1)]


@given(
    table=st.lists(st.tuples(csv_cells.filter(bool), csv_cells), max_size=6),
    ending=st.sampled_from(["\n", "\r\n"]),
    quote=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    finished=st.booleans(),
)
@example([('a,"b"\r\nc', "x\ny"), ("d", "")], "\r\n", csv.QUOTE_ALL, True)
def test_csv_cells_are_those_that_a_csv_writer_wrote(table, ending, quote, finished) -> None:  # type: ignore[no-untyped-def]
    assume(quote == csv.QUOTE_ALL or not any("\r" in cell for row in table for cell in row))  # else unquoted
    file = io.StringIO()
    csv.writer(file, lineterminator=ending, quoting=quote).writerows(table)
    text = file.getvalue() if finished else file.getvalue().removesuffix(ending)
    rows = read(text, Layout("csv"))
    assert cells(rows) == table
    assert [row.line for row in rows] == expected_csv_line_numbers(table)


def test_a_lone_carriage_return_ends_no_line() -> None:
    assert cells(read("a\rb,\r\rA\r\nc,C\r", Layout("csv"))) == [("a\rb", "\r\rA"), ("c", "C\r")]


json_values = plain_cells | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()


@given(records=st.lists(st.tuples(texts.filter(bool), json_values), max_size=5), escaped=st.booleans())
def test_jsonl_cells_are_the_values_of_keys_and_null_is_empty(records, escaped) -> None:  # type: ignore[no-untyped-def]
    text = "".join(json.dumps({"y": y, "x": x}, ensure_ascii=escaped) + "\n" for x, y in records)
    wanted = [(x, y if isinstance(y, str) else "" if y is None else json.dumps(y)) for x, y in records]
    assert cells(read(text, Layout("jsonl", "x", ("y",)))) == wanted


def test_columns_are_chosen_by_name_or_by_number() -> None:
    text = "id\ttext\tfold\tlabel\n7\tone\ttest\tA\n8\ttwo\ttrain\tB\n"
    wanted = [Row("my.txt", 2, "one", ("A", "7"), "test"), Row("my.txt", 3, "two", ("B", "8"), "train")]
    assert read(text, Layout("tsv", "text", ("label", 1), "fold")) == wanted
    assert read(text.split("\n", 1)[1], Layout("tsv", 2, (4, 1), 3)) == [
        Row("my.txt", row.line - 1, row.source, row.targets, row.split) for row in wanted
    ]


def test_each_file_has_a_header_of_its_own() -> None:
    found = Faults()
    files = [FileText("a.csv", "text,label\none,A\n"), FileText("b.csv", 'label,text\nB,"two\nlines"\n')]
    rows = read_table(files, Layout("csv", "text", ("label",)), found)
    found.check()
    assert rows == [Row("a.csv", 2, "one", ("A",)), Row("b.csv", 2, "two\nlines", ("B",))]


def test_a_line_is_an_example_and_the_name_of_its_file_may_be_its_class() -> None:
    assert read("one\r\ntwo", Layout.usual("lines")) == [Row("my.txt", 1, "one"), Row("my.txt", 2, "two")]
    rows = read("one\n", Layout.usual("files"), "names/Old.Norse.txt.gz")
    assert rows == [Row("names/Old.Norse.txt.gz", 1, "one", ("Old.Norse",))]


@pytest.mark.parametrize(
    ("text", "source"), [("a\nb\n", "a\nb"), ("a\r\n", "a"), ("a\r", "a\r"), ("a\n\n", "a\n"), ("a", "a")]
)
def test_a_file_is_an_example_without_its_last_line_end_and_its_folder_is_the_class(text: str, source: str) -> None:
    assert read(text, Layout.usual("folders"), "data/spam/1.txt") == [Row("data/spam/1.txt", 1, source, ("spam",))]


def test_files_are_decoded_strictly_without_byte_order_marks_and_unpacked(tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = [b"\xef\xbb\xbfone\tA\r\n", gzip.compress("zwö\tB\n".encode()), b""]
    paths = [tmp_path / name for name in ("a.tsv", "b.tsv.gz", "c.tsv")]
    for path, content in zip(paths, data, strict=True):
        path.write_bytes(content)
    files, sha256 = read_files(paths)
    assert [file.name for file in files] == [*map(str, paths)]
    assert [file.text for file in files] == ["one\tA\r\n", "zwö\tB\n", ""]
    assert len(sha256) == 64
    assert read_files(paths[:2])[1] == sha256
    assert read_files(paths[1:])[1] != sha256
    paths[0].write_bytes(b"one\tA\nt\xf6o\tB\n")
    (line,) = faults(read_files, paths)
    assert "a.tsv: byte 0xf6 at offset 7 (line 2) is not valid utf-8" in line


FAULTY = {
    "too few cells": ("tsv", "a\tA\nb\n", "my.txt:2: 1 cell separated by tabs, but column 2 is needed; complete"),
    "an empty line": ("tsv", "a\tA\n\nb\tB\n", "my.txt:2: the line is empty; remove it"),
    "an empty source": ("tsv", "a\tA\n\tB\n", "my.txt:2: the source is empty; remove the row"),
    "an empty line of files": ("lines", "a\n\nb\n", "my.txt:2: the source is empty; remove the row"),
    "an open quote": ("csv", 'a,A\n"b\nc",B\n"d,\ne', "my.txt:4: a quoted cell that begins here is never closed"),
    "text after a quote": ("csv", '"a\nb"c,A\nd,D\n', "my.txt:1: text follows the closing quote"),
    "a quote inside": ("csv", 'a,A\nb"c"d,B\n', "my.txt:2: a quote within the unquoted cell 'b'; quote the cell"),
    "no JSON": ("jsonl", '{"text": \n', "my.txt:1: not valid JSON (Expecting value at column 10); each line"),
    "no object": ("jsonl", "[1]\n", "my.txt:1: a JSON list, not an object"),
    "no key": ("jsonl", '{"text": "a"}\n', "my.txt: no row has the key 'label'; the keys are 'text'"),
    "a list": ("jsonl", '{"text": ["a"], "label": 1}\n', "my.txt:1: 'text' holds a list; give a string"),
    "half a pair": ("jsonl", '{"text": "\\ud800", "label": 1}\n', "my.txt:1: 'text' holds half a surrogate pair"),
    "deep nesting": ("jsonl", "[" * 100_000 + "\n", "my.txt:1: not valid JSON"),
    "a huge number": ("jsonl", '{"text": ' + "9" * 5000 + "}\n", "my.txt:1: not valid JSON"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTY)
def test_a_fault_has_its_place_and_reason(kind: str) -> None:
    format, text, message = FAULTY[kind]
    (line,) = faults(read, text, Layout.usual(format))  # type: ignore[arg-type]
    assert line.startswith(message)


def test_a_file_without_a_needed_column_has_one_fault_for_all_rows() -> None:
    (line,) = faults(read, "a\tA\n\nb\tB\n", Layout("tsv", 1, (5,)))
    assert line == "my.txt: no row has a column 5 (columns separated by tabs); name another column or file"
    lines = faults(read, "a\n\nb\tB\nc\n", Layout("tsv"))
    assert [line.split(": ")[0] for line in lines] == ["my.txt:1", "my.txt:2", "my.txt:4"]


def test_a_file_that_is_no_jsonl_has_two_lines_and_not_one_for_each_of_its_own() -> None:
    first, last = faults(read, "a novel\nof three\nlines\n" * 20, Layout.usual("jsonl"))
    assert first.startswith("my.txt:1: not valid JSON")
    assert last == "my.txt: nothing in it can be read as jsonl; name another file"
    good = '{"text": "a", "label": 1}\n'
    lines = faults(read, "a\n" + good + "b\n" * 6, Layout.usual("jsonl"))
    assert [line.split(": ")[0] for line in lines] == [f"my.txt:{number}" for number in (1, *range(3, 9))]


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("empty", ["error", "skip"])
def test_a_jsonl_file_without_a_needed_key_has_one_fault_for_all_rows(count: int, empty: Empty) -> None:
    def reasons(text: str, *keys: str) -> list[str]:
        found = Faults(empty)
        read_table([FileText("my.txt", text * count)], Layout("jsonl", keys[0], keys[1:]), found)
        return faults(found.check)

    text, other = '{"a": 1, "b": 2}\n', '{"c": 3}\n'
    assert reasons(text, "x", "b") == ["my.txt: no row has the key 'x'; the keys are 'a', 'b'; name one of them"]
    assert reasons(text, "x", "y") == ["my.txt: no row has the keys 'x', 'y'; the keys are 'a', 'b'; name one of them"]
    assert reasons(text + other, "a", "c") == [
        "my.txt: no row has all of the keys 'a', 'c'; add them, with null where one is missing"
    ]
    if empty == "error":  # a row that has the key keeps the faults of the others
        assert len(reasons(text + other, "a", "b")) == min(count, MAX_FAULTS_SHOWN) + (count > MAX_FAULTS_SHOWN)


def test_reading_goes_on_after_a_faulty_csv_row() -> None:
    text = 'a"b,A\n"c\nd"e,C\nf,F\ng\n'
    lines = faults(read, text, Layout("csv"))
    assert [line.split(": ")[0] for line in lines] == ["my.txt:1", "my.txt:2", "my.txt:5"]
    found = Faults()
    assert cells(read_table([FileText("my.txt", text)], Layout("csv"), found)) == [("f", "F")]


def test_a_header_without_a_column_names_those_it_has() -> None:
    lines = faults(read, "tweet\tsarcastic\na\t1\n", Layout("tsv", "text", ("sarcastic", "irony")))
    assert lines == [
        f"my.txt:1: no column is called '{name}'; the columns are 'tweet', 'sarcastic'; name one of them, "
        "or give a number"
        for name in ("text", "irony")
    ]
    (line,) = faults(read, "x\tx\na\t1\n", Layout("tsv", "x", (2,)))
    assert line == "my.txt:1: 2 columns are called 'x'; give the number of one instead"
    (line,) = faults(read, "", Layout("csv", "x", (2,)))
    assert line.startswith("my.txt:1: no column is called 'x'; the columns are none")


def test_columns_that_a_format_cannot_have_are_refused() -> None:
    (line,) = faults(read, "{}\n{}\n", Layout("jsonl", 1, ("y",)))
    assert line == "my.txt: column 1: the cells of jsonl have no numbers; name a key instead"
    with pytest.raises(TextError, match="columns count from 1"):
        Layout("tsv", 0)


def test_a_class_cannot_come_from_standard_input() -> None:
    (line,) = faults(read, "a\nb\n", Layout.usual("files"), "standard input")
    assert line.startswith("standard input: no class can be taken from its name")
    (line,) = faults(read, "a\nb\n", Layout.usual("folders"), "here.txt")
    assert line.startswith("here.txt: no class can be taken from its name")


@pytest.mark.parametrize("count", [MAX_FAULTS_SHOWN, MAX_FAULTS_SHOWN + 1, 1000])
def test_twenty_faults_are_shown_and_the_others_counted(count: int) -> None:
    lines = faults(read, "a\tA\n" + "a\n" * count, Layout("tsv"))
    assert [line.split(": ")[0] for line in lines[:20]] == [f"my.txt:{k}" for k in range(2, 22)]
    more = {0: [], 1: ["and 1 more fault"]}.get(count - 20, [f"and {count - 20} more faults"])
    assert lines[20:] == more


@given(text=texts, name=texts)
def test_no_fault_can_control_a_terminal(text: str, name: str) -> None:
    assume("\n" not in text and "\r" not in text)
    for layout in (Layout("csv", name or "x", (2,)), Layout("jsonl", name or "x", ("y",)), Layout("tsv", 1, (9,))):
        found = Faults()
        read_table([FileText("my.txt", text + "\n")], layout, found)
        lines = faults(found.check) if found.count else []
        assert all(line.isprintable() or "\u200c" in line or "\u200d" in line or not line.isascii() for line in lines)
        assert not any(symbol in line for line in lines for symbol in "\x1b\r\n\x07\u202e")


def test_the_ending_of_a_file_says_its_format() -> None:
    names = ["a.tsv", "a.TSV.gz", "b.csv.xz", "c.jsonl", "d.conllu.zst", "e.conll", "f.ndjson"]
    assert [*map(format_of, names)] == ["tsv", "tsv", "csv", "jsonl", "conllu", "conll", "jsonl"]
    with pytest.raises(TextError, match=r"g.txt: the ending .txt says nothing about the format .* set data.format"):
        format_of("g.txt")
