"""Large texts: arrays that go to a file, and a cache that gives back what was put in, or nothing at all."""

import errno
import gc
import io
import json
import os
import shutil
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config.building import config_from_dict
from charrnn.data import loading, reading
from charrnn.data.loading import load_corpus
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.parallel.team import Team
from charrnn.storage import cache, spool
from charrnn.storage.spool import Spool, chunks
from charrnn.training import loop
from charrnn.training.loop import Run

PIECES = st.lists(st.tuples(st.sampled_from(["u1", "u2", "u4"]), st.lists(st.integers(0, 255), max_size=9)), max_size=9)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own for each test, in which every text counts as large."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(spool, "LARGE", 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "charrnn"


@given(pieces=PIECES, limit=st.integers(0, 30), step=st.integers(1, 5))
def test_a_spool_gives_its_pieces_in_order_in_the_widest_type(pieces, limit, step):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "CHUNK", step)
        arrays = [np.array(numbers, dtype) for dtype, numbers in pieces]
        filled = Spool(limit=limit)
        for array in arrays:
            filled.append(array)
        found = filled.finish()
    assert found.tolist() == [number for _, numbers in pieces for number in numbers]
    assert found.dtype == max([np.dtype("u1"), *(array.dtype for array in arrays)], key=lambda dtype: dtype.itemsize)
    held = sum(array.nbytes for array in arrays)
    assert isinstance(found, np.memmap) == (held > limit and len(found) > 0)


def test_a_spool_that_is_given_up_while_it_is_written_ends_in_silence():
    class Slow(io.BytesIO):
        def write(self, data):
            time.sleep(0.05)

    given_up = Spool(Slow, limit=0)
    given_up.append(np.zeros(9, np.uint8))
    del given_up  # "Exception ignored in ..." fails a test
    while any(thread.name.startswith("spool") for thread in threading.enumerate()):
        time.sleep(0.01)


def test_no_thread_to_write_with_is_too_little_memory(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(MemoryError, match="no thread to write with"):
        Spool(limit=0).append(np.zeros(9, np.uint8))


def test_what_is_small_stays_in_memory_and_what_is_large_does_not():
    for size, mapped in ((10, False), (11, True)):
        filled = Spool()
        filled.append(np.zeros(size, np.uint8))
        assert isinstance(filled.finish(), np.memmap) == mapped


@given(rows=st.integers(0, 4), length=st.integers(0, 9), step=st.integers(1, 10))
def test_chunks_are_the_array_in_order(rows, length, step):
    array = np.arange(rows * length).reshape(rows, length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "CHUNK", step)
        for whole in (array, array.reshape(-1)):
            pieces = list(chunks(whole))
            assert [number for piece in pieces for number in piece] == list(range(rows * length))
            assert all(piece.ndim == 1 and 0 < len(piece) <= step for piece in pieces)


# -- the cache ----------------------------------------------------------------------------------------------------

TEXT = "Een kleine zin, en nog één.\n" * 40


def config(**data):
    return config_from_dict({"data": {"path": "a.txt", **data}, "train": {"batch_size": 3, "seq_length": 5}})


def write(text=TEXT, name="a.txt"):
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def plain(settings, vocab=None):
    """The corpus read without any cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "LARGE", 1 << 25)
        return load_corpus(settings, vocab)


def assert_same(found, wanted):
    for name in ("train", "valid", "test"):
        ours, theirs = getattr(found, name), getattr(wanted, name)
        np.testing.assert_array_equal(ours.ids, theirs.ids)
        assert (ours.ids.dtype, ours.unknown, ours.name) == (theirs.ids.dtype, theirs.unknown, theirs.name)
    for name in ("vocab", "size", "left_out", "fingerprint"):
        assert getattr(found, name) == getattr(wanted, name)


@pytest.fixture
def encodings(monkeypatch):
    """How many times a text was encoded, as a list that grows."""
    calls, read = [], loading.read_corpus
    monkeypatch.setattr(loading, "read_corpus", lambda *args: calls.append(args) or read(*args))
    return calls


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.ENOMEM])
def test_a_cache_without_room_gives_back_what_it_took_before_the_text_is_encoded_again(code, monkeypatch):
    write()
    spools, there, put, read = weakref.WeakSet(), [], spool._write, loading.read_corpus

    class Noted(Spool):
        def __init__(self, *args, **limit):
            super().__init__(*args, **limit)
            spools.add(self)

    def failing(file, *args):
        if isinstance(file.name, str):
            raise OSError(code, os.strerror(code))
        put(file, *args)

    for module, name, value in (
        (reading, "Spool", Noted),
        (spool, "Spool", Noted),
        (spool, "_write", failing),
        (loading, "read_corpus", lambda *args: there.append(len(spools)) or read(*args)),
    ):
        monkeypatch.setattr(module, name, value)
    wanted = plain(config())
    there.clear()
    gc.disable()
    try:
        assert_same(load_corpus(config()), wanted)
    finally:
        gc.enable()
    assert there == [0, 0]


def test_a_split_that_knows_no_character_of_the_text_is_empty():
    write()
    write("XYZ" * 50, "b.txt")
    assert_same(load_corpus(config(valid_path="b.txt")), plain(config(valid_path="b.txt")))


@pytest.mark.parametrize("data", [{}, {"valid_path": "b.txt"}])
def test_a_text_that_changes_while_it_is_read_is_refused_and_not_kept(data, monkeypatch):
    write()
    write("Andere tekst." * 9, "b.txt")
    read = loading.read_corpus

    def change(*args):
        write(TEXT.upper(), "b.txt" if data else "a.txt")
        return read(*args)

    monkeypatch.setattr(loading, "read_corpus", change)
    with pytest.raises(TextError, match=r"data.path: a.txt: changed while it was read; try again"):
        load_corpus(config(**data))
    monkeypatch.setattr(loading, "read_corpus", read)
    write()
    write("Andere tekst." * 9, "b.txt")
    assert_same(load_corpus(config(**data)), plain(config(**data)))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"split": "streams", "fractions": [0.6, 0.2, 0.2]},
        {"tokens": "byte"},
        {"min_count": 50, "fractions": [0.5, 0.25, 0.25]},
        {"fractions": [1, 0, 0]},
        {"valid_path": "b.txt", "lowercase": True},
    ],
)
def test_a_large_text_is_the_same_corpus_as_ever_the_first_time_and_from_the_cache(data, encodings):
    write()
    write("Andere tekst met x, y en z." * 9, "b.txt")
    wanted = plain(config(**data))
    encodings.clear()
    for _ in range(3):
        found = load_corpus(config(**data))
        assert_same(found, wanted)
        assert isinstance(found.train.ids, np.memmap)
    assert len(encodings) == 1
    assert_same(load_corpus(config(**data), wanted.vocab), wanted)  # as `charrnn eval` reads it
    assert len(encodings) == 1


def test_many_characters_widen_the_numbers_on_their_way():
    write("".join(map(chr, range(32, 127))) * 20 + "".join(map(chr, range(0x4E00, 0x5000))) * 2)
    assert_same(load_corpus(config()), plain(config()))
    assert load_corpus(config()).train.ids.dtype == np.uint16


def test_the_cache_goes_by_content_not_by_name_or_time(encodings):
    write()
    load_corpus(config())
    os.utime("a.txt", (1, 1))
    write(name="copy.txt")
    load_corpus(config())
    assert_same(load_corpus(config(path="copy.txt")), load_corpus(config()))
    assert len(encodings) == 1
    write(TEXT + "more")
    assert load_corpus(config()).size == len(TEXT) + 4
    assert len(encodings) == 2


@pytest.mark.parametrize(
    "other", [{"fractions": [0.5, 0.25, 0.25]}, {"tokens": "byte"}, {"split": "streams"}, {"lowercase": True}]
)
def test_other_settings_are_another_entry(other, encodings):
    write()
    first = load_corpus(config())
    assert_same(load_corpus(config(**other)), plain(config(**other)))
    assert_same(load_corpus(config()), first)


def test_another_vocabulary_is_another_entry():
    write()
    load_corpus(config())
    for vocab in (Vocab("en zkl"), Vocab("en")):
        for _ in range(2):
            assert_same(load_corpus(config(), vocab), plain(config(), vocab))


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place / "train").write_bytes(b""),
        lambda place: (place / "train").unlink(),
        lambda place: (place / cache.ABOUT).unlink(),
        lambda place: (place / cache.ABOUT).write_text("{"),
        lambda place: (place / cache.ABOUT).write_text("[]"),
        lambda place: (place / cache.ABOUT).write_text(json.dumps({"arrays": 3})),
        shutil.rmtree,
    ],
)
def test_a_damaged_entry_is_built_again(home, damage, encodings):
    write()
    wanted = plain(config())
    encodings.clear()
    load_corpus(config())
    damage(next(path for path in home.iterdir() if path.is_dir()))
    assert_same(load_corpus(config()), wanted)
    assert_same(load_corpus(config()), wanted)
    assert len(encodings) == 2


def test_without_a_place_for_a_cache_the_text_is_read_as_ever(home):
    write()
    home.parent.write_text("a file where the folder should be")
    assert_same(load_corpus(config()), plain(config()))


def test_a_fault_in_the_text_leaves_nothing_in_the_cache(home):
    with open("a.txt", "wb") as file:
        file.write(b"good text " * 20 + b"\xff")
    for _ in range(2):
        with pytest.raises(TextError, match="0xff at offset 200"):
            load_corpus(config())
    assert not [path for path in home.iterdir() if path.is_dir()]


def test_what_nobody_asks_for_leaves_the_cache_after_a_month(home):
    write()
    load_corpus(config())
    old = set(home.iterdir())
    long_ago = time.time() - cache.MAX_AGE - 60
    for path in old:
        os.utime(path, (long_ago, long_ago))
    load_corpus(config())  # asked for: kept
    write("another text " * 30)
    load_corpus(config())
    assert old <= set(home.iterdir())
    for path in old:
        os.utime(path, (long_ago, long_ago))
    write("a third text " * 30)
    load_corpus(config())
    assert not old & set(home.iterdir())


def gradient_of(settings, corpus, ids, file=None):
    """The gradient of the first step on a text."""
    team = Team(Run(settings, corpus).config, corpus.vocab, ids, 1, file)
    team.network.initialise(np.random.default_rng(0))
    team.gradient(0)
    return team.network.params.grads.copy()


def test_workers_map_a_large_text_themselves_and_get_a_copy_of_any_other():
    write()
    settings = config()
    corpus = load_corpus(settings)
    train = corpus.train
    wanted = gradient_of(settings, corpus, np.array(train.ids))
    np.testing.assert_array_equal(gradient_of(settings, corpus, train.ids, train.file), wanted)
    misleading = np.zeros_like(train.ids)  # a worker that reads the file does not see it
    np.testing.assert_array_equal(gradient_of(settings, corpus, misleading, train.file), wanted)
    np.concatenate([[0], train.ids]).astype("u1").tofile("with one more")
    part = np.memmap("with one more", "u1", "r")[1:]
    np.testing.assert_array_equal(gradient_of(settings, corpus, part), wanted)


def test_a_split_names_the_file_that_holds_its_ids_and_nothing_else(home):
    write()
    write("XYZ" * 50, "b.txt")
    for _ in range(2):  # built, and from the cache
        corpus = load_corpus(config(valid_path="b.txt"))
        assert corpus.train.file.parent.parent == home
        np.testing.assert_array_equal(np.fromfile(corpus.train.file, corpus.train.ids.dtype), corpus.train.ids)
        assert corpus.valid.file is None  # it is empty, and an empty file cannot be mapped
    assert plain(config()).train.file is None


def test_a_run_lets_its_workers_map_the_text(monkeypatch):
    write()
    given = []
    monkeypatch.setattr(loop, "Team", lambda *args: given.append(args) or Team(*args))
    corpus = load_corpus(config())
    Run(config(), corpus)
    assert [args[-1] for args in given] == [corpus.train.file]
