"""Damaged files of examples: each is read, or refused in lines that name it; none ends in another exception."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data.example_corpus import ExampleCorpus, build_examples
from charrnn.data.example_rows import ExampleRules
from charrnn.data.rows import Layout, read_files
from charrnn.errors import TextError

ROW = "1\t{}\t_\t{}\t_\t_\t0\troot\t_\t{}\n"
LABELLED = {"source": "text", "targets": ("label",)}
FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "tsv": ("".join(f"é{k}\t{'AB'[k % 2]}\n" for k in range(12)), {}),
    "csv": ("text,label\n" + "".join(f'"a ""{k}"", é\nc",{k % 2}\n' for k in range(12)), LABELLED),
    "jsonl": ("".join(f'{{"text": "é\\n{k}", "label": {k % 2}}}\n' for k in range(12)), LABELLED),
    "conll": ("".join(f"New\tB\nYork{k}\tI\n\n" for k in range(12)), {}),
    "conllu": ("".join("# text\n" + ROW.format(f"é{k}", "X", "_") + "\n" for k in range(12)), {}),
}


LAYOUTS: dict[str, Layout] = {
    kind: Layout(kind, **options) if options else Layout.usual(kind)  # type: ignore[arg-type]
    for kind, (_, options) in FILES.items()
}


def build(data: bytes, kind: str) -> ExampleCorpus:
    """The examples of a file of these bytes."""
    rules = ExampleRules("tag" if "conll" in kind else "classify", LAYOUTS[kind])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.txt"
        path.write_bytes(data)
        return build_examples({"path": read_files([path])[0]}, rules)


def assert_same(one: ExampleCorpus, other: ExampleCorpus) -> None:
    assert (one.vocab, one.labels) == (other.vocab, other.labels)
    for split in ("train", "valid", "test"):
        own, twin = getattr(one, split).examples, getattr(other, split).examples
        for name in ("ids", "bounds", "targets"):
            np.testing.assert_array_equal(getattr(own, name), getattr(twin, name))


@pytest.mark.parametrize("kind", FILES)
def test_line_ends_and_a_byte_order_mark_change_nothing(kind: str) -> None:
    text = FILES[kind][0]
    whole = build(text.encode(), kind)
    assert whole.facts.count == 12
    assert_same(build(b"\xef\xbb\xbf" + text.encode(), kind), whole)
    if kind != "csv":  # a line end within a quoted cell is text
        assert_same(build(text.replace("\n", "\r\n").encode(), kind), whole)
    assert_same(build(text.removesuffix("\n").encode(), kind), whole)


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    content = FILES[kind][0].encode()
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(begin, min(begin + 20, len(content))) | st.just(len(content)))
        content = content[:begin] + data.draw(st.binary(max_size=4) | st.just(content[::-1])) + content[stop:]
    try:
        found = build(content, kind)
    except TextError as error:
        lines = [str(line) for line in error.args]
        named = [line for line in lines if "my.txt" in line or line.startswith(("data.", "and ", "convert"))]
        if named != lines or "\n" in "".join(lines):
            pytest.fail(str(error))
    else:
        for split in (found.train, found.valid, found.test):
            assert split.examples.bounds[-1] == len(split.examples.ids)
            assert (split.examples.lengths > 0).all()
            assert (split.examples.ids < found.vocab.size).all()


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252"])
def test_another_encoding_is_refused_with_its_place(kind: str, encoding: str) -> None:
    if "é" not in FILES[kind][0] and encoding != "utf-16":
        return
    with pytest.raises(TextError, match=r"my.txt: byte 0x.. at offset \d+ \(line \d+\) is not valid utf-8"):
        build(FILES[kind][0].encode(encoding), kind)
