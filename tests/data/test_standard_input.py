"""`-` as the text of a run: standard input, read once, and never needed again but to resume."""

import hashlib
import io
import os
import pty
import subprocess
import sys
from types import SimpleNamespace

import pytest

from charrnn.config.building import config_from_dict
from charrnn.data import files
from charrnn.data.files import find_files, standard_input
from charrnn.data.loading import load_corpus
from charrnn.models.loading import load_checkpoint
from charrnn.storage import spool
from tests.support.processes import CHARRNN, TALES, TIMEOUT, Result, call, environment, project, run
from tests.support.texts import fault

TEXT = TALES.read_bytes()[:4000]


@pytest.fixture
def stdin(monkeypatch):
    """stdin(data): let standard input be these bytes."""

    def stdin(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return stdin


def config_of(**data):
    return config_from_dict({"data": {"path": "-", **data}, "train": {"batch_size": 2, "seq_length": 4}})


def all_text(corpus):
    return "".join(corpus.vocab.decode(split.ids) for split in (corpus.train, corpus.valid, corpus.test))


def test_a_text_is_read_from_standard_input_and_its_bytes_are_the_fingerprint(stdin):
    stdin(TEXT)
    corpus = load_corpus(config_of(fractions=[1, 0, 0]))
    assert all_text(corpus) == TEXT.decode()
    assert corpus.fingerprint == {"path": hashlib.sha256(TEXT).hexdigest()}


def test_standard_input_is_one_of_several_files_in_their_order(stdin, tmp_path):
    (tmp_path / "a").write_text("abcabc")
    stdin(b"cba")
    corpus = load_corpus(config_of(path=[str(tmp_path / "a"), "-", str(tmp_path / "a")], fractions=[1, 0, 0]))
    assert all_text(corpus) == "abcabccbaabcabc"


@pytest.mark.parametrize("key", ["valid_path", "test_path"])
def test_standard_input_can_be_what_is_held_out(stdin, tmp_path, key):
    (tmp_path / "a").write_text("abcabc")
    stdin(b"cba")
    corpus = load_corpus(config_of(path=str(tmp_path / "a"), **{key: "-"}))
    assert all_text(corpus) == "abcabccba"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"path": ["-", "-"]}, "data.path"),
        ({"valid_path": "-"}, "data.valid_path"),
        ({"path": ["a", "-"], "test_path": ["-"]}, "data.test_path"),
    ],
)
def test_standard_input_named_twice_is_refused_before_it_is_read(stdin, tmp_path, monkeypatch, data, key):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("abcabc")
    stdin(TEXT)
    message = fault(load_corpus, config_of(**data))
    assert message == f"{key}: - (standard input) is named twice, but can be read only once; name it once"
    assert sys.stdin.buffer.read() == TEXT


def test_standard_input_named_twice_as_file_to_score_is_refused():
    assert fault(find_files, ["-", "-"], "FILE").startswith("FILE: - (standard input) is named twice")


def test_a_file_named_like_standard_input_is_still_to_be_had(tmp_path, monkeypatch, stdin):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_text("abcabc")
    stdin(b"cba")
    assert all_text(load_corpus(config_of(path="./-", fractions=[1, 0, 0]))) == "abcabc"
    assert find_files("-") == ["-"]


def test_an_empty_or_closed_standard_input_is_refused(stdin, monkeypatch):
    stdin(b"")
    assert fault(load_corpus, config_of()) == "data.path: standard input: there is no text in it"
    stdin(b"caf\xe9")
    assert fault(load_corpus, config_of()).startswith("standard input: byte 0xe9 at offset 3 (line 1)")
    closed = io.TextIOWrapper(io.BytesIO(b"abc"))
    closed.close()
    for unreadable in (None, closed, io.StringIO("text of a notebook")):
        monkeypatch.setattr(sys, "stdin", unreadable)
        message = fault(load_corpus, config_of())
        assert message == "standard input is closed or gives no bytes, so - cannot be read; name a file"


def test_a_large_text_from_standard_input_is_not_cached(stdin, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(spool, "LARGE", 10)
    (tmp_path / "large.txt").write_bytes(TEXT)
    for typed in (TEXT, b"The other end."):
        stdin(typed)
        corpus = load_corpus(config_of(path=[str(tmp_path / "large.txt"), "-"], fractions=[1, 0, 0]))
        assert all_text(corpus).encode() == TEXT + typed
        assert corpus.train.file is None
    assert [path.name for path in tmp_path.iterdir()] == ["large.txt"]


def test_a_terminal_is_asked_for_text_and_read_to_its_first_end(monkeypatch, capsys):
    class Keyboard(io.BytesIO):
        """What is typed, an end, and more."""

        def read(self, size=-1):
            assert size == -1, "reading in pieces needs a second Ctrl-D"
            return super().read()

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Keyboard(b"typed"), closed=False, isatty=lambda: True))
    assert standard_input().read(files.PIECE_BYTES) == b"typed"
    assert capsys.readouterr() == ("", "reading text from the terminal; end it with Ctrl-D on a line of its own\n")


# -- commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project whose config names text.txt; it holds the text, and is the working directory."""
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


PIPED = ["--set", "data.path=-"]
CONSTANT = ["--set", "train.schedule=constant"]  # rates that do not depend on where a run ends


def test_a_run_on_standard_input_is_that_on_the_file_and_can_be_resumed(folder):
    assert call("train", "my.yaml", "--quiet", "--out", "file", *CONSTANT).code == 0
    few = ["train", "my.yaml", "--quiet", "--out", "piped", *PIPED, "--set", "train.workers=1", *CONSTANT]
    assert call(*few, "--set", "train.max_steps=4", stdin=TEXT) == Result(0, b"", "")
    assert call(*few, "--resume", stdin=TEXT) == Result(0, b"", "")
    of_file, of_pipe = (load_checkpoint(name).network.params.values for name in ("file", "piped"))
    assert (of_file == of_pipe).all()
    other = call(*few, "--resume", stdin=TEXT + b".")
    assert (other.code, len(other.lines)) == (2, 1)
    assert "the text has changed since this run began (data.path)" in other.err


@pytest.mark.parametrize(
    ("redirect", "message"),
    [
        ("0> new", "standard input: "),
        ("<&-", "standard input is closed"),
        ("< /dev/null", "data.path: standard input: there is no text in it"),
    ],
)
def test_a_standard_input_that_cannot_be_read_is_one_line_and_exit_code_2(folder, redirect, message):
    result = run("train", "my.yaml", *PIPED, cwd=folder, redirect=redirect)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert result.err.startswith(f"charrnn: {message}")


def test_worker_processes_do_not_read_standard_input(folder):
    options = ["--set", "train.workers=2", "--set", "train.shards=2"]
    piped = run("train", "my.yaml", "--quiet", *options, *PIPED, "--out", "piped", stdin=TEXT, cwd=folder)
    assert piped == Result(0, b"", "")
    assert call("train", "my.yaml", "--quiet", *options, "--out", "file").code == 0
    of_file, of_pipe = (load_checkpoint(name).network.params.values for name in ("file", "piped"))
    assert (of_file == of_pipe).all()


@pytest.mark.parametrize(
    "command",
    [["train", "my.yaml", "--dry-run"], ["bench", "my.yaml", "--seconds", "0.01"], ["train", "ngram.yaml", "--quiet"]],
    ids=lambda command: command[0],
)
def test_every_command_that_reads_a_config_reads_its_text_from_standard_input(folder, command):
    (folder / "ngram.yaml").write_text("data: {path: text.txt}\nmodel: {cell: ngram, order: 3}\n")
    (folder / "text.txt").unlink()
    assert call(*command, *PIPED, stdin=TEXT).code == 0


def test_a_finished_run_says_that_its_text_came_from_standard_input(folder):
    assert call("train", "my.yaml", "--quiet", *PIPED, stdin=TEXT).code == 0
    (folder / "other.txt").write_bytes(TEXT)
    came = "the text of this run came from standard input and was not kept; score a file instead"
    for command in (["eval", "runs/my"], ["eval", "runs/my", "other.txt", "--novelty"], ["flow", "runs/my"]):
        refused = call(*command, stdin=TEXT)
        assert refused == Result(2, b"", f"charrnn: {came} (name a FILE)\n")
    page = call("report", "runs/my")
    assert (page.code, page.err) == (0, f"charrnn: without evaluation: {came}\n")
    assert call("eval", "runs/my", "other.txt").out == call("eval", "runs/my", "-", stdin=TEXT).out.replace(
        b"-", b"other.txt", 1
    )


def test_text_can_be_typed_in_a_terminal(folder):
    ours, theirs = pty.openpty()
    command = [*CHARRNN, "train", "my.yaml", *PIPED, "--set", "train.seq_length=4"]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, env=environment()) as process:
        os.close(theirs)
        assert process.stderr.readline() == b"reading text from the terminal; end it with Ctrl-D on a line of its own\n"
        os.write(ours, b"the fox and the hen and the cock\n" * 9 + b"\x04")
        try:
            process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
    os.close(ours)
    assert process.returncode == 0
    assert (folder / "runs" / "my" / "last.npz").exists()
