"""Decoding: any encoding, strictly, wherever the pieces are cut; every file that fails is named with its fault."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from charrnn.data import files
from charrnn.data.decoding import decode_bytes, decoded
from charrnn.data.reading import read_raw
from tests.support.strategies import texts
from tests.support.texts import cut, fault, piece_sizes, read, spelled


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(files, "PIECE_BYTES", 7)


@given(text=texts, size=piece_sizes)
@example("one\r\ntwo\rthree\n\n\x85\u2028", 4)
def test_text_is_read_as_it_is_wherever_its_pieces_are_cut(text, size):
    assume(not text.startswith("\ufeff"))
    assert "".join(decoded(cut(text.encode(), size), "utf-8")) == text
    assert spelled(read_raw(cut(text.encode(), size))) == text


@settings(max_examples=300)
@given(
    before=texts,
    wrong=st.sampled_from(
        [b"\xff", b"\x80", b"\xe9 ", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\n"]
    ),
    after=st.binary(max_size=30),
    size=piece_sizes,
)
def test_a_fault_is_named_by_file_offset_line_and_byte_wherever_the_pieces_are_cut(before, wrong, after, size):
    data = before.encode() + wrong + after
    message = fault(list, decoded(cut(data, size), "utf-8"))
    line = before.count("\n") + 1
    offset = len(before.encode())
    assert message.startswith(f"my.txt: byte 0x{wrong[0]:02x} at offset {offset} (line {line}) is not valid utf-8; ")
    assert "data.encoding" in message
    assert "data.tokens" in message


@settings(max_examples=300)
@given(data=st.binary(max_size=60), mark=st.sampled_from([b"", b"\xef\xbb\xbf"]), size=piece_sizes)
def test_any_bytes_are_decoded_as_the_standard_library_does(data, mark, size):
    data = mark + data
    pieces = decoded(cut(data, size), "utf-8")
    try:
        expected, wrong = data.decode("utf-8").removeprefix("\ufeff"), None
    except UnicodeDecodeError as error:
        expected, wrong = "", error.start
    if wrong is None:
        assert "".join(pieces) == expected
    else:
        assert f" at offset {wrong} (line " in fault(list, pieces)


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_a_character_cut_off_by_the_end_of_the_file_is_a_fault(keep):
    for size in range(4, 12):
        message = fault(list, decoded(cut(b"ab\ncd" + "😀".encode()[:keep], size), "utf-8"))
        assert "byte 0xf0 at offset 5 (line 2)" in message


def test_text_in_cp1252_is_refused_as_utf_8_and_read_when_it_is_named(tmp_path, small_pieces):
    path = tmp_path / "café.txt"
    path.write_bytes("Le café\r\nest “fermé”".encode("cp1252"))
    assert fault(read, path).startswith(f"{path}: byte 0xe9 at offset 6 (line 1) is not valid utf-8; ")
    assert read(path, encoding="cp1252") == "Le café\r\nest “fermé”"


@given(
    text=texts,
    encoding=st.sampled_from(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "gb18030", "utf-7"]),
    size=piece_sizes,
)
def test_other_encodings_are_read_wherever_the_pieces_are_cut(text, encoding, size):
    assume(not text.startswith("\ufeff"))
    assert "".join(decoded(cut(text.encode(encoding), size), encoding)) == text


def test_a_byte_string_is_decoded_as_a_file_is():
    assert decode_bytes(b"\xef\xbb\xbfone\r\n", "utf-8", "standard input") == "one\r\n"
    assert fault(decode_bytes, b"\xff", "utf-8", "standard input").startswith("standard input: byte 0xff at offset 0")
