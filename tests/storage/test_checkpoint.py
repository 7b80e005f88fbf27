"""A checkpoint loads as what was saved, or is refused with one line: whatever the file holds."""

import json
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from charrnn.config.building import config_from_dict
from charrnn.data.vocab import Vocab
from charrnn.errors import CheckpointError
from charrnn.generation.sampling import generate
from charrnn.models.header import Header
from charrnn.models.loading import load_checkpoint
from charrnn.models.network import Network
from charrnn.storage import checkpoint
from tests.support.archives import GRID, Members, entry, header_saying, npy, npy_saying, zipped
from tests.support.strategies import plain_data

HEADER = {"note": "naïve ✓", "best": None, "history": [[1, 2.5, None]]}
ARRAYS = {
    "weight": np.sin(np.arange(96, dtype="<f4")).reshape(8, 12),
    "moments": np.zeros((0, 96), "<f4"),
    "step": np.array(7, "<i8"),
    "ids": np.array([1, 513], "<u2"),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    checkpoint.save(path, HEADER, ARRAYS)
    return path


def content(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that load() gives, in a form that == compares to the last bit."""
    header, arrays = checkpoint.load(path)
    return header, {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}


def refused(path: Path) -> str:
    """The one line with which load() refuses a path."""
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable(), "one line, and nothing that could command a terminal"
    return message


# -- what was saved is what is loaded -----------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def any_array(dtype: str) -> st.SearchStrategy[np.ndarray]:
    limits = {"allow_nan": False, "allow_infinity": False} if "f" in dtype else {}
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    return hnp.arrays(dtype, shapes, elements=hnp.from_dtype(np.dtype(dtype), **limits))


@given(
    header=st.dictionaries(st.sampled_from(["config", "vocab", "training"]), json_values),
    arrays=st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}(_l[0-9])?", fullmatch=True).filter(lambda name: name != "header"),
        st.sampled_from(sorted(checkpoint.DTYPES)).flatmap(any_array),
        max_size=3,
    ),
)
def test_header_and_arrays_survive_the_round_trip_to_the_last_bit(tmp_path_factory, header, arrays):
    path = tmp_path_factory.getbasetemp() / "round_trip.npz"
    checkpoint.save(path, header, arrays)
    found, loaded = checkpoint.load(path)
    assert found == {"format": "charrnn", "version": 1, **header}
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert (loaded[name].dtype, loaded[name].shape) == (array.dtype, array.shape)
        assert loaded[name].tobytes() == array.tobytes()


def test_bytes_that_look_like_the_end_of_an_array_header_do_no_harm(tmp_path):
    path = tmp_path / "model.npz"
    for data in (b"}\n", b"{'descr': '|u1'}  \n", b"\x93NUMPY\x01\x00}\n" * 9):
        checkpoint.save(path, {}, {"a": np.frombuffer(data, np.uint8)})
        assert checkpoint.load(path)[1]["a"].tobytes() == data


def test_arrays_in_any_memory_order_are_saved_as_their_values(tmp_path):
    grid = np.arange(12, dtype="<f4").reshape(3, 4)
    layouts = {"f": np.asfortranarray(grid), "cut": np.repeat(grid, 2, axis=1)[:, ::2], "back": grid[::-1][::-1]}
    for name, array in layouts.items():
        checkpoint.save(tmp_path / f"{name}.npz", {}, {"grid": array})
    checkpoint.save(tmp_path / "plain.npz", {}, {"grid": grid})
    assert {(tmp_path / f"{name}.npz").read_bytes() for name in layouts} == {(tmp_path / "plain.npz").read_bytes()}


def test_identical_content_gives_identical_bytes_at_any_time_and_place(saved, tmp_path, monkeypatch):
    elsewhere = tmp_path / "another folder" / "other name.npz"
    elsewhere.parent.mkdir()
    monkeypatch.setattr("time.time", lambda: 2e9)
    checkpoint.save(elsewhere, dict(HEADER), {name: array.copy() for name, array in ARRAYS.items()})
    assert elsewhere.read_bytes() == saved.read_bytes()


def test_numpy_alone_can_read_the_file(saved):
    with np.load(saved, allow_pickle=False) as file:
        assert set(file.files) == {"header", *ARRAYS}
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(file[name], array, strict=True)
        assert json.loads(file["header"].tobytes())["note"] == HEADER["note"]


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_never_written(saved, value, dtype):
    before = saved.read_bytes()
    with pytest.raises(CheckpointError, match=r"model\.npz.*bias.*not finite"):
        checkpoint.save(saved, HEADER, {**ARRAYS, "bias": np.array([[0, value]], dtype)})
    with pytest.raises(CheckpointError, match=r"model\.npz"):
        checkpoint.save(saved, {"best": value}, ARRAYS)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<c8", "|b1", "|O", "<U3", "<M8[s]"])
def test_what_could_not_be_read_back_is_never_written(saved, dtype):
    before = saved.read_bytes()
    with pytest.raises(CheckpointError, match="odd"):
        checkpoint.save(saved, HEADER, {"odd": np.zeros(2, dtype)})
    assert saved.read_bytes() == before


# -- damage -------------------------------------------------------------------------------------------------------


@pytest.mark.row(5)
def test_every_flipped_bit_is_refused_or_changes_nothing(saved, tried):
    good, whole = content(saved), saved.read_bytes()
    tried(8 * len(whole))
    harmless = 0
    with open(saved, "r+b", buffering=0) as file:
        for at, byte in enumerate(whole):
            for bit in range(8):
                file.seek(at)
                file.write(bytes([byte ^ 1 << bit]))
                with suppress(CheckpointError):
                    assert content(saved) == good, f"bit {bit} of byte {at}"
                    harmless += 1
            file.seek(at)
            file.write(whole[at : at + 1])
    assert content(saved) == good
    assert harmless < 2 * len(whole)  # of eight: times, attributes and versions, which nobody reads


@pytest.mark.row(5)
def test_every_truncation_is_refused(saved, tried):
    tried(saved.stat().st_size)
    for size in reversed(range(saved.stat().st_size)):
        os.truncate(saved, size)
        with pytest.raises(CheckpointError):
            checkpoint.load(saved)


# -- forgery: files that someone made to do harm, or another program for its own ends -----------------------------


GOOD = {"format": "charrnn", "version": 1, "arrays": {"grid": entry(GRID)}}


def with_header(**changes: Any) -> Members:
    """A good file of one array, but for its header."""
    return [header_saying({**GOOD, **changes}), ("grid.npy", npy(GRID))]


def with_array(data: bytes, described: dict[str, Any], name: str = "grid") -> Members:
    """A good file, but for the member of its one array; the manifest goes along with it."""
    return [header_saying({**GOOD, "arrays": {name: described}}), (f"{name}.npy", data)]


def fields(descr: str = "'<f4'", order: str = "False", shape: str = "(2, 3)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


FLAT = GRID.tobytes()
FORGED: dict[str, Members] = {
    "no member at all": [],
    "no header": [("grid.npy", npy(GRID))],
    "a header that is no array": [("header.npy", json.dumps(GOOD).encode()), ("grid.npy", npy(GRID))],
    "a header that is no JSON": [header_saying("format: charrnn")],
    "a header in UTF-16": [("header.npy", npy(np.frombuffer(json.dumps(GOOD).encode("utf-16"), np.uint8)))],
    "a header that is a list": [header_saying(["charrnn", 1])],
    "a header nested 100,000 deep": [header_saying("[" * 100_000)],
    "a number of 10,000 digits": [header_saying('{"format": ' + "9" * 10_000 + "}")],
    "another format": with_header(format="other"),
    "no version": [header_saying({"format": "charrnn", "arrays": {}})],
    "version zero": with_header(version=0),
    "a version that is text": with_header(version="1"),
    "no manifest": [header_saying({"format": "charrnn", "version": 1})],
    "a manifest that is a list": with_header(arrays=["grid"]),
    "a manifest entry that is a list": with_header(arrays={"grid": ["<f4"]}),
    "a manifest without a digest": with_header(arrays={"grid": {"dtype": "<f4", "shape": [2, 3]}}),
    "another digest": with_header(arrays={"grid": entry(GRID, sha256="0" * 64)}),
    "another type": with_header(arrays={"grid": entry(GRID, dtype="<i4")}),
    "another shape": with_header(arrays={"grid": entry(GRID, shape=[3, 2])}),
    "an array that the manifest lacks": [*with_header(), ("more.npy", npy(GRID))],
    "an array that the file lacks": with_header(arrays={"grid": entry(GRID), "more": entry(GRID)}),
    "a member that is no array file by name": [*with_header(), ("readme.txt", b"hello")],
    "a member twice": [*with_header(), ("grid.npy", npy(GRID))],
    "a header twice": [header_saying(GOOD), *with_header()],
    "a member that is no array": with_array(b"hello", entry(GRID)),
    "an empty member": with_array(b"", entry(GRID)),
    "pickled objects": with_array(npy(np.array([{}, None], object)), {"dtype": "|O", "shape": [2], "sha256": ""}),
    "Fortran order": with_array(npy(np.asfortranarray(GRID)), entry(np.asfortranarray(GRID))),
    "big-endian numbers": with_array(npy(GRID.astype(">f4")), entry(GRID.astype(">f4"))),
    "records": with_array(npy(np.zeros(2, "<f4,<i4")), entry(np.zeros(2, "<f4,<i4"))),
    "text": with_array(npy(np.array(["abc"])), entry(np.array(["abc"]))),
    "half precision": with_array(npy(GRID.astype("<f2")), entry(GRID.astype("<f2"))),
    "another magic": with_array(b"\x93NUMPX" + npy(GRID)[6:], entry(GRID)),
    "array format 2": with_array(npy(GRID, version=(2, 0)), entry(GRID)),
    "a shape of a million million": with_array(npy_saying(fields(shape="(1 << 40,)")), entry(GRID)),
    "a shape of 10^12": with_array(npy_saying(fields(shape="(1000000000000,)")), entry(GRID, shape=[10**12])),
    "a shape of 10^40": with_array(npy_saying(fields(shape=f"({10**40},)"), FLAT), entry(GRID, shape=[10**40])),
    "a shape that is to be guessed": with_array(npy_saying(fields(shape="(-1,)"), FLAT), entry(GRID, shape=[-1])),
    "a shape that is a number": with_array(npy_saying(fields(shape="6"), FLAT), entry(GRID, shape=6)),
    "a shape of halves": with_array(npy_saying(fields(shape="(2.0, 3.0)"), FLAT), entry(GRID, shape=[2.0, 3.0])),
    "a byte too many": with_array(npy(GRID) + b"\0", entry(GRID)),
    "a number too many": with_array(npy(GRID) + FLAT[:4], entry(GRID)),
    "a byte too few": with_array(npy(GRID)[:-1], entry(GRID)),
    "a call for a type": with_array(npy_saying(fields(descr="print('run')"), FLAT), entry(GRID)),
    "words after the header": with_array(npy_saying(fields() + "\nand more", FLAT), entry(GRID)),
    "a key too many": with_array(npy_saying(fields()[:-1] + "'x': 1}", FLAT), entry(GRID)),
    "a key too few": with_array(npy_saying("{'descr': '<f4', 'shape': (2, 3)}", FLAT), entry(GRID)),
    "brackets without end": with_array(npy_saying("{" + "(" * 3000 + "}"), entry(GRID)),
    "a name that commands a terminal": with_array(b"hello", entry(GRID), "\x1b[2J\nfake: line"),
    "another name that does": with_array(npy(GRID), entry(GRID, sha256="0" * 64), "\x1b[2J\nfake: line"),
}


def in_little_memory(refuses: Callable[[Path], str], path: Path) -> str:
    tracemalloc.start()
    try:
        message = refuses(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * path.stat().st_size + (4 << 20)
    return message


def test_the_forger_can_write_a_good_file_too(tmp_path):
    header, arrays = checkpoint.load(zipped(tmp_path / "good.npz", with_header()))
    assert header == {"format": "charrnn", "version": 1}
    np.testing.assert_array_equal(arrays["grid"], GRID, strict=True)


@pytest.mark.row(7)
@pytest.mark.parametrize("members", FORGED.values(), ids=FORGED)
def test_a_forged_file_is_refused(tmp_path, members):
    in_little_memory(refused, zipped(tmp_path / "forged.npz", members))


@pytest.mark.parametrize("data", [b"", b"Once upon a time\n", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), bytes(5000)])
def test_a_file_of_another_kind_is_refused(tmp_path, data):
    path = tmp_path / "tale.txt"
    path.write_bytes(data)
    assert "not a charrnn checkpoint" in refused(path)


@pytest.mark.row(7)
@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused(tmp_path, compression):
    assert "compressed" in refused(zipped(tmp_path / "small.npz", with_header(), compression))


@pytest.mark.row(7)
def test_members_that_unpack_to_a_hundred_times_the_file_are_not_unpacked(tmp_path):
    huge = np.zeros(20 << 20, np.uint8)
    bomb = zipped(tmp_path / "bomb.npz", with_array(npy(huge), entry(huge)), zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < huge.nbytes / 100
    in_little_memory(refused, bomb)


@pytest.mark.row(7)
@pytest.mark.parametrize(
    "changes",
    [{"header_offset": 0}, {"file_size": 1 << 30}, {"file_size": 1 << 30, "compress_size": 1 << 30}, {"flag_bits": 1}],
    ids=["bytes of another member", "a gigabyte", "a gigabyte on disk", "encrypted"],
)
def test_a_member_that_is_not_what_the_list_of_members_says_is_refused(tmp_path, changes):
    path = tmp_path / "forged.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in with_header():
            archive.writestr(name, data)
        for attribute, value in changes.items():
            setattr(archive.getinfo("grid.npy"), attribute, value)
    in_little_memory(refused, path)


COUNT = 30_000
MEMBER = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
LIST = COUNT * len(MEMBER)


def end_of_list(count: int, size: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, 0, 0)


ENDS = {
    "an honest end": end_of_list(COUNT, LIST),
    "an end that counts one": end_of_list(1, LIST),
    "an end that is overruled by a wider one": struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, COUNT, COUNT, LIST, 0
    )
    + struct.pack("<4sLQL", b"PK\6\7", 0, LIST, 1)
    + end_of_list(1, 1),
}


@pytest.mark.row(7)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_list_of_thousands_of_members_takes_little_memory_whatever_its_end_says(tmp_path, end):
    path = tmp_path / "many.npz"
    path.write_bytes(MEMBER * COUNT + end)
    in_little_memory(refused, path)


def test_a_newer_format_is_named_and_the_way_out_too(tmp_path):
    message = refused(zipped(tmp_path / "new.npz", with_header(version=2, arrays={"grid": "said in a newer way"})))
    assert "version 2" in message
    assert "upgrade" in message


@pytest.mark.row(7)
def test_a_path_that_is_no_file_is_refused_without_waiting(tmp_path):
    (tmp_path / "loop.npz").symlink_to(tmp_path / "loop.npz")
    for name in ("missing.npz", "missing/model.npz", "loop.npz", "Once upon a time " * 50):
        assert "does not exist" in refused(tmp_path / name)
    places = [tmp_path, Path(os.devnull)]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.npz")
        places.append(tmp_path / "pipe.npz")
    for path in places:
        assert "is not a file" in refused(path)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(saved, monkeypatch):
    def fails(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(zipfile.ZipFile, "read", fails)
    assert refused(saved).endswith("Input/output error")


# -- checkpoints of networks --------------------------------------------------------------------------------------

MODEL = {"cell": "lstm", "hidden_size": 3, "num_layers": 1, "dropout": 0}
TRAIN = {"seq_length": 5, "batch_size": 2, "learning_rate": 0.1, "weight_decay": 0}
TINY = config_from_dict({"data": {"path": "text.txt"}, "model": MODEL | {"ngram": 0}, "train": TRAIN})
LETTERS = Vocab("abc")


Changes = dict[str, Any]  # None leaves an entry out


def save_network(path: Path, vocab: Vocab = LETTERS, header: Changes | None = None, arrays: Changes | None = None):
    """Save a small network, with changes to what belongs in its file; returns it."""
    network = Network(TINY.model, vocab)
    network.initialise(np.random.default_rng(1))
    whole = Header(TINY, vocab).to_dict() | (header or {}), network.params.value | (arrays or {})
    checkpoint.save(path, *({name: value for name, value in part.items() if value is not None} for part in whole))
    return network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "vocab", [LETTERS, Vocab("\0é😀\x1b", has_unknown=True), Vocab.of_bytes()], ids=["plain", "odd", "bytes"]
)
def test_a_network_is_loaded_as_it_was_saved(tmp_path, vocab, dtype):
    network = save_network(tmp_path / "model.npz", vocab=vocab)
    loaded = load_checkpoint(tmp_path / "model.npz", dtype)
    assert (loaded.config, loaded.network.vocab, loaded.network.dtype) == (TINY, vocab, dtype)
    np.testing.assert_array_equal(loaded.network.params.values, network.params.values)


def refused_network(path: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)
    assert str(path) in str(error.value)
    assert str(error.value).isprintable()
    return str(error.value)


def test_an_array_that_does_not_belong_to_the_config_is_named(tmp_path):
    path = tmp_path / "model.npz"
    save_network(path, arrays={"output_weight": None})
    assert "output_weight is missing" in refused_network(path)
    save_network(path, arrays={"weight_hh_l0": np.zeros((4, 3, 2), np.float32)})
    assert "weight_hh_l0 is (4, 3, 2), its config calls for (4, 3, 3)" in refused_network(path)


HEADER_OF_TINY = Header(TINY, LETTERS).to_dict()


def words(**changes: Any) -> dict[str, Any]:
    return {"vocab": HEADER_OF_TINY["vocab"] | changes}


def model(**changes: Any) -> dict[str, Any]:
    whole = HEADER_OF_TINY["config"]
    return {"config": whole | {"model": whole["model"] | changes}}


NO_NETWORK: dict[str, Changes] = {
    "no vocabulary": {"vocab": None},
    "a vocabulary that is text": {"vocab": "abc"},
    "a vocabulary that is a list": {"vocab": ["a", "b", "c"]},
    "half a vocabulary": {"vocab": {"symbols": "abc"}},
    "symbols that are a list": words(symbols=["a", "b", "c"]),
    "a symbol twice": words(symbols="aab"),
    "no symbol": words(symbols=""),
    "half of a surrogate pair": words(symbols="ab\ud800"),
    "a symbol too many": words(symbols="abcd"),
    "an unknown character too many": words(has_unknown=True),
    "tokens of a third kind": words(tokens="word"),
    "tokens that are a list": words(tokens=["char"]),
    "three of the 256 bytes": words(tokens="byte"),
    "no config": {"config": None},
    "a config that is text": {"config": "lstm"},
    "an empty config": {"config": {}},
    "a config without a model": {"config": HEADER_OF_TINY["config"] | {"model": None}},
    "two and a half units": model(hidden_size=2.5),
    "no unit": model(hidden_size=0),
    "a cell that commands a terminal": model(cell="\x1b[2J"),
    "a key that there is not": model(cells="lstm"),
    "two faults": model(cells="lstm", hidden_size=2.5),
    "another cell": model(cell="gru"),
    "skip connections past one layer": model(num_layers=1, skip_connections=True),
    "skip connections that are a number": model(skip_connections=1),
}


@pytest.mark.row(7)
@pytest.mark.parametrize("changes", NO_NETWORK.values(), ids=NO_NETWORK)
def test_a_header_that_describes_no_network_is_refused(tmp_path, changes):
    save_network(tmp_path / "model.npz", header=changes)
    refused_network(tmp_path / "model.npz")


@pytest.mark.row(7)
def test_a_config_of_a_giant_is_refused_before_memory_is_taken(tmp_path):
    save_network(tmp_path / "model.npz", header=model(hidden_size=65536, num_layers=64))
    assert "its config calls for" in in_little_memory(refused_network, tmp_path / "model.npz")


@pytest.mark.row(6)
@given(
    where=st.sampled_from([("vocab",), ("config",), ("config", "model"), ("config", "train"), ("vocab", "symbols")]),
    what=plain_data,
)
def test_whatever_a_header_says_it_is_a_network_or_refused(tmp_path_factory, where, what):
    path = tmp_path_factory.getbasetemp() / "header.npz"
    header = json.loads(json.dumps(Header(TINY, LETTERS).to_dict()))
    inner = header
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = what
    with suppress(CheckpointError):
        save_network(path, header=header)
        network = load_checkpoint(path).network
        assert len("".join(generate(network, length=3))) == 3
