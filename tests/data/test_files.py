"""Files: what a path names, and their bytes, unpacked, in pieces of any size."""

import bz2
import gzip
import hashlib
import io
import lzma
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data import files
from charrnn.data.files import file_pieces, find_files, stream_pieces
from charrnn.data.reading import read_raw
from charrnn.errors import TextError
from tests.support.texts import cut, fault, faults, read, spelled

PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(files, "PIECE_BYTES", 7)


@pytest.fixture
def library(tmp_path):
    """A folder with files at two depths, some hidden; returns it."""
    for name in ["b.txt", "a.txt", "c.md", "sub/d.txt", "sub/deep/e.txt", ".hidden.txt", ".git/f.txt", "sub/.g.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("b.txt", ["b.txt"]),
        (".hidden.txt", [".hidden.txt"]),
        ("", ["a.txt", "b.txt", "c.md", "sub/d.txt", "sub/deep/e.txt"]),
        ("sub", ["sub/d.txt", "sub/deep/e.txt"]),
        (".git", [".git/f.txt"]),
        ("*.txt", ["a.txt", "b.txt"]),
        ("**/*.txt", ["a.txt", "b.txt", "sub/d.txt", "sub/deep/e.txt"]),
        ("[bc].*", ["b.txt", "c.md"]),
        (["c.md", "sub", "a.txt", "c.md"], ["c.md", "sub/d.txt", "sub/deep/e.txt", "a.txt", "c.md"]),
    ],
)
def test_a_path_names_files_in_a_fixed_order_and_passes_over_hidden_ones(library, path, found):
    given = [f"{library}/{name}" for name in path] if isinstance(path, list) else f"{library}/{path}"
    assert find_files(given) == [library / name for name in found]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "[a]*.txt").write_text("x")
    assert find_files(str(tmp_path / "[a]*.txt")) == [tmp_path / "[a]*.txt"]


def test_a_tilde_is_the_home_directory(library, monkeypatch):
    monkeypatch.setenv("HOME", str(library))
    monkeypatch.setenv("USERPROFILE", str(library))
    assert find_files("~/a.txt") == [library / "a.txt"]


@pytest.mark.parametrize(
    "path", ["no.txt", "*.rst", "b.txt/x", "x\0y", "x" * 5000, "x" * 300, "\ud800", "~nobody-of-this-name/x"]
)
def test_a_path_that_names_nothing_is_refused_with_its_key(library, monkeypatch, path):
    monkeypatch.chdir(library)
    assert fault(find_files, path, "data.valid_path").startswith("data.valid_path: ")
    assert fault(find_files, ["a.txt", path]).startswith("data.path: ")


def test_a_missing_file_is_refused_with_the_directory_that_it_was_sought_in(library, monkeypatch):
    monkeypatch.chdir(library)
    assert fault(find_files, "no.txt") == (
        f"data.path: no.txt does not exist (paths are relative to the working directory, {library})"
    )


def test_a_directory_without_files_is_refused(library):
    (library / "empty" / ".hidden").write_text("x")
    assert fault(find_files, str(library / "empty")) == f"data.path: the directory {library / 'empty'} holds no files"


@pytest.mark.parametrize("ending", PACKERS)
def test_a_packed_file_reads_the_same_as_a_plain_one(tmp_path, small_pieces, ending):
    data = "A text,\r\nin two línes – with 😀.\n".encode() * 5
    plain, packed = tmp_path / "a.txt", tmp_path / f"a.txt{ending}"
    plain.write_bytes(data)
    packed.write_bytes(PACKERS[ending](data))
    raw, unpacked = (read_raw(file_pieces([path])) for path in (plain, packed))
    assert spelled(unpacked) == spelled(raw) == data.decode()
    assert (unpacked.sha256, unpacked.size) == (raw.sha256, raw.size) == (hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("ending", PACKERS)
def test_a_packed_file_with_any_byte_damaged_is_refused_or_reads_the_same(tmp_path, ending):
    text = "There was a hen who lived by the ferry. " * 4 + "".join(map(chr, range(32, 127)))
    data = PACKERS[ending](text.encode())
    path = tmp_path / f"a{ending}"
    outcomes = []
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            outcomes.append(read(path))
        except TextError as error:
            outcomes.append(str(error))
    refused = [outcome for outcome in outcomes if outcome != text]
    assert all(outcome.startswith(f"{path}: ") for outcome in refused)
    assert len(refused) > len(data) // 2


@pytest.mark.parametrize("ending", PACKERS)
def test_a_packed_file_that_ends_early_is_refused(tmp_path, ending):
    data = PACKERS[ending](b"some text")
    path = tmp_path / f"a{ending}"
    for size in range(1, len(data)):
        path.write_bytes(data[:size])
        assert fault(read, path).startswith(f"{path}: ")


def test_zst_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "a.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    for module in ("compression", "backports"):
        monkeypatch.setitem(sys.modules, module, None)
    assert fault(read, path) == f"{path}: reading .zst needs one more package: pip install backports.zstd"


@pytest.mark.parametrize("module", ["compression", "backports"])
def test_zst_is_read_by_the_standard_library_or_the_package(tmp_path, monkeypatch, module):
    path = tmp_path / "a.zst"
    path.write_bytes(gzip.compress(b"some text"))
    for name in ("compression", "backports"):
        there = SimpleNamespace(zstd=SimpleNamespace(open=gzip.open)) if name == module else None
        monkeypatch.setitem(sys.modules, name, there)
    assert read(path) == "some text"


@pytest.mark.parametrize("name", ["", "no.txt", "no.gz"])
def test_a_file_that_cannot_be_opened_is_refused_with_its_name(tmp_path, name):
    assert fault(read, tmp_path / name).startswith(f"{tmp_path / name}: ")


def test_files_are_joined_in_order_with_nothing_between(tmp_path, small_pieces):
    parts = [b"\xef\xbb\xbfone\r\n", b"", b"\xef\xbb\xbftwo", b"three"]
    paths = [tmp_path / f"{n}.txt" for n in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    raw = read_raw(file_pieces(paths))
    assert spelled(raw) == "one\r\ntwothree"
    assert (raw.sha256, raw.size) == (hashlib.sha256(b"".join(parts)).hexdigest(), 19)


def test_a_character_may_not_be_spread_over_two_files(tmp_path):
    (tmp_path / "a").write_bytes(b"a\n\xe2\x82")
    (tmp_path / "b").write_bytes(b"\xac b")
    first, second, advice = faults(read, tmp_path / "a", tmp_path / "b")
    assert first == f"{tmp_path / 'a'}: byte 0xe2 at offset 2 (line 2) is not valid utf-8"
    assert second == f"{tmp_path / 'b'}: byte 0xac at offset 0 (line 1) is not valid utf-8"
    assert "data.encoding" in advice


@given(data=st.binary(max_size=30))
def test_a_stream_is_read_to_its_end_in_pieces_of_the_same_size(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE_BYTES", 7)
        pieces = list(stream_pieces("standard input", io.BytesIO(data)))
    assert pieces == cut(data, 7, "standard input")
