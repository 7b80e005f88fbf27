"""Large texts: the cache gives the corpus that reading gives, or the text is read anew."""

import errno
import gc
import json
import os
import shutil
import time
import weakref
from dataclasses import replace

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.data import loading, reading
from charrnn.data.loading import load_corpus
from charrnn.data.vocab import Vocab
from charrnn.errors import CharrnnError, TextError
from charrnn.parallel.team import Team
from charrnn.storage import cache, spool
from charrnn.storage.spool import Spool
from charrnn.training import loop
from charrnn.training.loop import Run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own for each test, in which every text counts as large."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(spool, "LARGE", 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "charrnn"


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
    for name in ("vocab", "size", "left_out", "fingerprint", "documents"):
        assert getattr(found, name) == getattr(wanted, name)


@pytest.fixture
def encodings(monkeypatch):
    """How many times a text was encoded, as a list that grows."""
    calls, read = [], loading.read_corpus
    monkeypatch.setattr(loading, "read_corpus", lambda *args: calls.append(args) or read(*args))
    return calls


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.ENOMEM])
def test_a_cache_without_space_frees_what_it_took_before_the_text_is_read_again(code, monkeypatch):
    write()
    spools = weakref.WeakSet()
    alive_when_read = []
    write_pieces, read = spool._write, loading.read_corpus

    class Noted(Spool):
        def __init__(self, *args, **limit):
            super().__init__(*args, **limit)
            spools.add(self)

    def failing(file, *args):
        if isinstance(file.name, str):
            raise OSError(code, os.strerror(code))
        write_pieces(file, *args)

    for module, name, value in (
        (reading, "Spool", Noted),
        (spool, "Spool", Noted),
        (spool, "_write", failing),
        (loading, "read_corpus", lambda *args: alive_when_read.append(len(spools)) or read(*args)),
    ):
        monkeypatch.setattr(module, name, value)
    wanted = plain(config())
    alive_when_read.clear()
    gc.disable()
    try:
        assert_same(load_corpus(config()), wanted)
    finally:
        gc.enable()
    assert alive_when_read == [0, 0]


def test_a_split_without_any_character_of_the_vocabulary_is_empty():
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
        {"documents": "line"},
        {"documents": "line", "split": "contiguous", "tokens": "byte"},
        {"documents": "file", "path": ["a.txt", "b.txt"], "valid_path": "b.txt", "min_count": 50},
        {"documents": {"separator": "n"}, "fractions": [0.5, 0.25, 0.25]},
        {"documents": "paragraph", "fractions": [1, 0, 0]},
    ],
)
def test_a_large_text_gives_the_same_corpus_when_it_is_read_and_from_the_cache(data, encodings):
    write(TEXT + "".join(f"Regel {k}, nog één.\n" for k in range(40)))
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


def test_numbers_are_widened_while_a_text_is_encoded():
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
    "other",
    [
        {"fractions": [0.5, 0.25, 0.25]},
        {"tokens": "byte"},
        {"split": "streams"},
        {"lowercase": True},
        {"documents": "line"},
        {"documents": {"separator": " "}},
        {"documents": "line", "split_seed": 2},
    ],
)
def test_other_settings_make_another_entry(other, encodings):
    write(TEXT + "".join(f"Regel {k}.\n" for k in range(40)))
    first = load_corpus(config())
    assert_same(load_corpus(config(**other)), plain(config(**other)))
    assert_same(load_corpus(config()), first)


@pytest.mark.parametrize("documents", ["line", "paragraph", {"separator": "%"}])
def test_a_document_that_is_longer_than_memory_is_read_piece_by_piece(documents, monkeypatch):
    write(f"{TEXT.replace(chr(10), ' ') * 3}\n\n%{TEXT}\n\n%more\n\n")
    settings = config(documents=documents, fractions=[1, 0, 0])
    wanted = plain(settings)
    monkeypatch.setattr(spool, "CHUNK", 50)
    assert_same(load_corpus(settings), wanted)
    assert wanted.documents.longest > 3000
    longest = []
    appended = Spool.append
    monkeypatch.setattr(Spool, "append", lambda own, piece: longest.append(len(piece)) or appended(own, piece))
    shutil.rmtree("cache")
    assert_same(load_corpus(settings), wanted)
    assert sorted(longest)[-2] <= 50  # all pieces but the one that was decoded


def test_another_vocabulary_makes_another_entry():
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


def test_without_a_folder_for_the_cache_the_text_is_read_all_the_same(home):
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


def test_what_was_not_used_for_a_month_is_deleted_from_the_cache(home):
    write()
    load_corpus(config())
    old = set(home.iterdir())
    long_ago = time.time() - cache.MAX_AGE - 60
    for path in old:
        os.utime(path, (long_ago, long_ago))
    load_corpus(config())  # used, and therefore kept
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
    team.forward_backward(0)
    return team.network.params.grads.copy()


def test_workers_map_a_large_text_themselves_and_get_a_copy_of_any_other():
    write()
    settings = config()
    settings = replace(settings, model=replace(settings.model, ngram=0))  # one would be counted from the ids
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
    assert [file for *_, file, ranks, expected in given if ranks is expected is None] == [corpus.train.file]


def test_without_space_anywhere_the_message_says_where_and_how_much(monkeypatch):
    write()

    def failing(file, *args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spool, "_write", failing)
    with pytest.raises(CharrnnError, match=r"No space left on device; .* up to four bytes a character, or let TMPDIR"):
        load_corpus(config())


def test_small_texts_and_their_errors_do_not_concern_the_cache(home, monkeypatch):
    write("abc" * 3)
    monkeypatch.setattr(spool, "LARGE", 1 << 25)
    reads = []

    def failing(*args):
        reads.append(args)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(loading, "read_corpus", failing)
    with pytest.raises((OSError, CharrnnError)):
        load_corpus(config())
    assert len(reads) == 1
    assert not home.exists()
