"""Characters to ids and back, files of any kind and size, splits, and batches in which nothing is lost."""

import bz2
import gzip
import hashlib
import io
import lzma
import sys
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from charrnn.data import files
from charrnn.data.batches import Batches
from charrnn.data.decoding import decode_bytes, decoded, transformed
from charrnn.data.files import file_pieces, find_files, stream_pieces
from charrnn.data.reading import read_raw
from charrnn.data.splits import make_split, split_contiguous, split_streams
from charrnn.data.vocab import Vocab, build_vocab
from charrnn.errors import TextError, visible
from tests.support.strategies import neighbourly, texts

TALES = Path(__file__).parents[2] / "data" / "tales.txt"
PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
ALL = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))  # every character there is

piece_sizes = st.integers(4, 40)  # from the longest character of UTF-8 on


def cut(data, size, name="my.txt"):
    """Bytes as the pieces of one file."""
    starts = range(0, max(len(data), 1), size)
    return [(name, data[start : start + size], start + size >= len(data)) for start in starts]


def spelled(raw):
    """The text that a Raw stands for."""
    return "".join(map(raw.symbols.__getitem__, raw.ids.tolist()))


def read(*paths, **options):
    """The text of files."""
    return spelled(read_raw(file_pieces(paths), **options))


def fault(call, *args, **options):
    """The message of the TextError that a call raises: one line, with the exit code of unreadable input."""
    with pytest.raises(TextError) as caught:
        call(*args, **options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(files, "PIECE", 7)


# -- vocabulary ---------------------------------------------------------------------------------------------------


@given(text=texts)
def test_decoding_gives_back_any_text_that_was_encoded(text):
    vocab = Vocab("".join(sorted(set(text))))
    ids = vocab.encode(text)
    assert (ids.dtype, ids.shape) == (np.int32, (len(text),))
    assert vocab.decode(ids) == text
    assert vocab.decode(ids.tolist()) == text
    assert vocab.to_bytes(text) == text.encode()
    assert vocab.byte_lengths()[ids].sum() == len(text.encode())
    assert (vocab.encode(text.encode()) == ids).all()


@given(data=st.binary())
def test_a_byte_vocabulary_gives_back_any_bytes(data):
    vocab = Vocab.of_bytes()
    ids = vocab.encode(data)
    assert (vocab.size, ids.tolist()) == (256, list(data))
    assert vocab.to_bytes(vocab.decode(ids)) == data
    assert vocab.byte_lengths()[ids].sum() == len(data)


@given(text=texts)
def test_a_byte_vocabulary_reads_text_as_utf_8(text):
    assert bytes(Vocab.of_bytes().encode(text).tolist()) == text.encode()


@given(text=texts, symbols=texts.map(lambda text: "".join(sorted(set(text)))))
@example("a-b", "\n ab")
def test_unknown_characters_are_refused_left_out_or_replaced_as_asked(text, symbols):
    vocab = Vocab(symbols)
    unknown = [symbol for symbol in text if symbol not in symbols]
    assert vocab.decode(vocab.encode(text, "skip")) == "".join(symbol for symbol in text if symbol in symbols)
    if symbols:
        stand_in = " " if " " in symbols else symbols[0]
        replaced = "".join(symbol if symbol in symbols else stand_in for symbol in text)
        assert vocab.decode(vocab.encode(text, "replace")) == replaced
    if unknown:
        assert fault(vocab.encode, text).startswith(f"the model does not know {unknown[0]!r} (position ")
    else:
        assert vocab.decode(vocab.encode(text)) == text


def test_unknown_characters_are_named_once_each_with_their_first_position():
    message = fault(Vocab("ab").encode, "axbéaxx\x1b")
    assert message.startswith("the model does not know 'x' (position 1), 'é' (position 3), '\\x1b' (position 7); ")
    assert "--unknown skip" in message


def test_of_many_unknown_characters_the_first_eight_are_named():
    message = fault(Vocab("ab").encode, "abcdefghijkl")
    assert "'c' (position 2), " in message
    assert "'j' (position 9) and 2 more; " in message


def test_a_vocabulary_with_an_unknown_character_encodes_any_text():
    vocab = Vocab("ab", has_unknown=True)
    assert vocab.size == 3
    assert vocab.encode("abxa").tolist() == [0, 1, 2, 0]
    assert vocab.encode("x", "replace").tolist() == [2]
    assert vocab.decode([0, 2, 1]) == "a�b"
    assert vocab.byte_lengths().tolist() == [1, 1, 1]


@given(text=texts.filter(bool), min_count=st.integers(1, 4))
def test_a_vocabulary_holds_the_characters_that_are_frequent_enough_in_order(text, min_count):
    raw = read_raw(cut(text.encode(), 4))
    vocab = build_vocab(raw.ids, raw.symbols, "char", min_count)
    counts = Counter(spelled(raw))
    assert vocab.symbols == "".join(sorted(symbol for symbol in counts if counts[symbol] >= min_count))
    assert vocab.has_unknown == (min_count > 1)
    split = make_split("train", raw.ids, raw.symbols, vocab)
    rare = sum(n for n in counts.values() if n < min_count)
    assert (len(split), split.unknown) == (len(raw), rare)
    expected = "".join(symbol if symbol in vocab.symbols else "�" for symbol in spelled(raw))
    assert vocab.decode(split.ids) == expected


@pytest.mark.parametrize(
    ("distinct", "dtype"),
    [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)],
)
def test_ids_are_of_the_smallest_type_that_holds_them(distinct, dtype):
    symbols = ALL[len(ALL) - distinct :]
    raw = read_raw(cut(symbols.encode(), 999))
    assert raw.ids.dtype == dtype
    vocab = build_vocab(raw.ids, raw.symbols, "char", 1)
    split = make_split("train", raw.ids, raw.symbols, vocab)
    assert (vocab.size, split.ids.dtype) == (distinct, dtype)
    assert (split.ids == np.arange(distinct)).all()


def test_every_character_of_unicode_can_be_read_and_known():
    raw = read_raw(cut(ALL.encode(), 1 << 20))
    assert raw.ids.dtype == np.uint32
    assert spelled(raw) == ALL
    assert build_vocab(raw.ids, raw.symbols, "char", 1).symbols == ALL


@pytest.mark.parametrize("distinct", [65_535, 65_536, 65_537])
def test_a_character_that_occurs_again_in_a_later_piece_is_the_same(distinct):
    text = ALL[:distinct] + ALL[distinct - 1] + "a"
    raw = read_raw(cut(text.encode(), len(ALL[:distinct].encode())))
    assert (len(raw.symbols), spelled(raw)) == (distinct, text)


# -- what a terminal may see --------------------------------------------------------------------------------------


def test_no_character_that_commands_a_terminal_or_turns_text_around_is_shown_raw():
    every = ALL[:0x20000] + "".join(map(chr, range(0xE0000, 0xE0200))) + "\ud800\udfff"
    shown = set(visible(every))
    assert {symbol for symbol in shown if unicodedata.category(symbol)[0] == "C"} == set("\n\t\u200c\u200d")
    assert not shown & set(
        "\x1b\x9b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u2028\u2029"
    )


@given(text=st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "M"], include_characters="\n\t")))
@example("a family: 👩\u200d👧, می\u200cخواهم")
def test_what_is_printable_is_shown_as_it_is(text):
    assert visible(text) == text


def test_control_characters_are_shown_by_their_escapes():
    assert visible("a\x1b[31m\r\n\x9b\u202e\u2066\u2028\ufeff\0\U000e0001") == (
        "a\\x1b[31m\\r\n\\x9b\\u202e\\u2066\\u2028\\ufeff\\x00\\U000e0001"
    )


# -- files --------------------------------------------------------------------------------------------------------


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
    message = fault(read, tmp_path / "a", tmp_path / "b")
    assert message.startswith(f"{tmp_path / 'a'}: byte 0xe2 at offset 2 (line 2) is not valid utf-8; ")


@given(data=st.binary(max_size=30))
def test_a_stream_is_read_to_its_end_in_pieces_of_the_same_size(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE", 7)
        pieces = list(stream_pieces("standard input", io.BytesIO(data)))
    assert pieces == cut(data, 7, "standard input")


# -- decoding -----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("data", "encoding"), [(b"a+2AA-", "utf-7"), (rb"a\ud800", "unicode_escape")])
def test_half_a_surrogate_pair_is_no_character_in_any_encoding(data, encoding):
    message = fault(read_raw, cut(data, 100), encoding=encoding)
    assert "half a surrogate pair, '\\ud800'" in message
    assert encoding in message


def test_a_byte_string_is_decoded_as_a_file_is():
    assert decode_bytes(b"\xef\xbb\xbfone\r\n", "utf-8", "standard input") == "one\r\n"
    assert fault(decode_bytes, b"\xff", "utf-8", "standard input").startswith("standard input: byte 0xff at offset 0")


@given(data=st.binary(), size=piece_sizes)
def test_bytes_are_read_as_they_are(data, size):
    raw = read_raw(cut(data, size), tokens="byte")
    assert raw.ids.tobytes() == data
    assert raw.ids.dtype == np.uint8
    assert (raw.sha256, raw.size) == (hashlib.sha256(data).hexdigest(), len(data))


def changed(text, normalize, lowercase):
    text = text.lower() if lowercase else text
    return unicodedata.normalize("NFC", text) if normalize == "nfc" else text


@settings(max_examples=300)
@given(text=neighbourly | texts, size=piece_sizes, normalize=st.sampled_from(["none", "nfc"]), lowercase=st.booleans())
@example("ΑΣ Σ\u0301Σ'Σ\n\u0301Σ", 4, "nfc", True)
@example("J\u030c is \u01f0 only in lower case", 4, "nfc", True)
def test_normal_form_and_lower_case_are_those_of_the_whole_text(text, size, normalize, lowercase):
    assume(not text.startswith("\ufeff"))
    raw = read_raw(cut(text.encode(), size), normalize=normalize, lowercase=lowercase)
    assert spelled(raw) == changed(text, normalize, lowercase)
    assert raw.sha256 == hashlib.sha256(text.encode()).hexdigest()
    characters = transformed(list(text), normalize, lowercase)
    assert "".join(characters) == changed(text, normalize, lowercase)


def test_all_of_the_bundled_text_is_read_as_it_is():
    raw = read_raw(file_pieces([TALES]))
    assert spelled(raw).encode() == TALES.read_bytes()
    assert raw.sha256 == hashlib.sha256(TALES.read_bytes()).hexdigest()
    assert visible(spelled(raw)) == spelled(raw)


# -- splits -------------------------------------------------------------------------------------------------------


@given(size=st.integers(0, 2000), shares=st.tuples(*[st.integers(0, 100)] * 3).filter(lambda shares: shares[0]))
def test_the_contiguous_split_covers_everything_once_in_order(size, shares):
    fractions = [share / sum(shares) for share in shares]
    parts = split_contiguous(np.arange(size), fractions)
    assert np.concatenate(parts).tolist() == list(range(size))
    assert all(abs(len(part) - size * fraction) <= 1 for part, fraction in zip(parts, fractions, strict=True))
    assert all(not len(part) for part, fraction in zip(parts, fractions, strict=True) if not fraction)


@pytest.mark.parametrize(
    ("size", "fractions", "sizes"),
    [
        (30, (0.7, 0.2, 0.1), (21, 6, 3)),
        (3_000_000, (0.9, 0.0999995, 0), (2_700_000, 300_000, 0)),
        (100, (0.9, 0.05, 0.05), (90, 5, 5)),
        (1_115_394, (0.9, 0.1, 0), (1_003_854, 111_540, 0)),
        (3, (0.9, 0.05, 0.05), (2, 0, 1)),
        (7, (1, 0, 0), (7, 0, 0)),
        (10, (0.5, 0, 0.5), (5, 0, 5)),
    ],
)
def test_the_contiguous_split_has_these_sizes(size, fractions, sizes):
    assert tuple(map(len, split_contiguous(np.zeros(size, np.uint8), fractions))) == sizes


def naive_streams(ids, fractions, streams, length):
    """The split written out: cut the text to whole blocks, lay it out as streams, deal the blocks of columns out."""
    blocks = len(ids) // (streams * length)
    width = blocks * length
    rows = [ids[stream * width : (stream + 1) * width] for stream in range(streams)]
    train = int(blocks * fractions[0] + 1e-9)
    valid = int(blocks * fractions[1] + 1e-9) if fractions[2] else blocks - train
    edges = [0, train * length, (train + valid) * length, width]
    return [[k for row in rows for k in row[start:stop]] for start, stop in pairwise(edges)]


FRACTIONS = [(0.8, 0.1, 0.1), (0.9, 0.05, 0.05), (0.9, 0.1, 0.0), (1.0, 0.0, 0.0), (0.5, 0.0, 0.5)]


@given(
    size=st.integers(0, 3000),
    fractions=st.sampled_from(FRACTIONS),
    streams=st.integers(1, 12),
    length=st.integers(1, 12),
)
def test_the_streams_split_is_the_naive_one(size, fractions, streams, length):
    block = streams * length
    if int(size // block * fractions[0] + 1e-9) < 1:
        message = fault(split_streams, np.arange(size), fractions, streams, length)
        assert f"blocks of {streams} x {length} = {block:,} characters; {size:,} give none to train on" in message
        return
    parts = [part.reshape(-1) for part in split_streams(np.arange(size), fractions, streams, length)]
    assert [part.tolist() for part in parts] == naive_streams(list(range(size)), fractions, streams, length)
    assert sorted(np.concatenate(parts)) == list(range(size // block * block))


def test_the_streams_split_of_war_and_peace_has_260_32_and_33_blocks():
    columns = split_streams(np.arange(3_258_246, dtype=np.int32), (0.8, 0.1, 0.1), 100, 100)
    assert [part.size // 10_000 for part in columns] == [260, 32, 33]
    assert [part.size % 10_000 for part in columns] == [0, 0, 0]
    starts = np.arange(100) * 32_500
    assert (columns[0] == starts[:, None] + np.arange(26_000)).all()
    assert (columns[1] == starts[:, None] + np.arange(26_000, 29_200)).all()
    assert (columns[2] == starts[:, None] + np.arange(29_200, 32_500)).all()


@pytest.mark.parametrize("fractions", [(0.9, 0.1, 0), (1, 0, 0)])
def test_a_split_without_a_share_gets_nothing(fractions):
    sizes = [part.size for part in split_streams(np.arange(3_258_246), fractions, 100, 100)]
    assert sum(sizes) == 3_250_000
    assert [not size for size in sizes] == [not fraction for fraction in fractions]


def test_training_on_the_streams_split_reads_its_blocks_one_after_another():
    train, _, _ = split_streams(np.arange(1000), (0.8, 0.1, 0.1), 4, 5)
    batches = Batches(train.reshape(-1), 4, 5)
    assert len(batches) == 40
    for window in range(len(batches)):
        expected = np.arange(4) * 250 + np.arange(window * 5, window * 5 + 5)[:, None]
        steps = slice(None, -1) if window == 39 else slice(None)  # the last transition of all has no target
        assert (batches[window].x[steps] == expected[steps]).all()


# -- batches ------------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(size=st.integers(2, 400), streams=st.integers(1, 20), length=st.integers(1, 50))
@example(size=2, streams=20, length=50)
@example(size=6, streams=4, length=1)
def test_every_transition_is_used_exactly_once_an_epoch_and_in_order_within_its_stream(size, streams, length):
    batches = Batches(np.arange(size, dtype=np.uint16), streams, length)
    windows = [batches[k] for k in range(len(batches))]
    x, y = (np.concatenate([getattr(window, name) for window in windows]) for name in ("x", "y"))
    weights = [np.ones(w.x.shape, np.float32) if w.weight is None else w.weight for w in windows]
    used = np.concatenate(weights) == 1
    # Stream after stream, the windows put together are the text itself: nothing lost, twice or out of order.
    assert x.T[used.T].tolist() == list(range(size - 1))
    assert y.T[used.T].tolist() == list(range(1, size))
    # What is not used is padding: fewer than N, of weight 0, after the text of its stream has ended.
    assert (~used).sum() < streams
    assert (np.concatenate(weights)[~used] == 0).all()
    assert (np.diff(used.astype(int), axis=0) <= 0).all()
    assert (x < size).all()
    # Every window is whole but the last, and says what it holds.
    *whole, last = windows
    assert all(window.x.shape == window.y.shape == (length, streams) for window in whole)
    assert 1 <= len(last.x) <= length
    for number, (window, weight) in enumerate(zip(windows, weights, strict=True)):
        assert window.fresh == (number == 0)
        assert window.count == weight.sum()
        assert (window.weight is None) == weight.all()
        assert weight.dtype == np.float32
        assert window.x.dtype == window.y.dtype == np.uint16


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(("streams", "length"), [(1, 1), (1, 5), (4, 1), (4, 5)])
def test_a_text_without_a_transition_has_no_windows(size, streams, length):
    assert len(Batches(np.zeros(size, np.uint8), streams, length)) == 0


def test_there_is_no_window_after_the_last():
    batches = Batches(np.arange(20), 3, 4)
    with pytest.raises(IndexError):
        batches[len(batches)]


@given(size=st.integers(2, 200), streams=st.integers(1, 12), length=st.integers(1, 20), data=st.data())
def test_a_part_of_the_streams_is_those_columns_of_the_window(size, streams, length, data):
    first = data.draw(st.integers(0, streams - 1))
    stop = data.draw(st.integers(first + 1, streams))
    batches = Batches(np.arange(size), streams, length)
    for number in range(len(batches)):
        whole, part = batches[number], batches.window(number, first, stop)
        assert (part.x == whole.x[:, first:stop]).all()
        assert (part.y == whole.y[:, first:stop]).all()
        assert (part.count, part.fresh) == (whole.count, whole.fresh)
        ones = np.ones(part.x.shape)
        expected = ones if whole.weight is None else whole.weight[:, first:stop]
        assert ((ones if part.weight is None else part.weight) == expected).all()
