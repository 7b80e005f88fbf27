"""What a user can do wrong: one line for each fault on stderr, the documented exit code, and never a traceback."""

import errno
import json
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from charrnn.cli import group
from charrnn.storage import checkpoint
from charrnn.storage.files import Lock
from charrnn.training import bench
from tests.support.processes import SMALL, Result, call, commands_to_a_terminal, project, run

DOCUMENTED = {0, 1, 2, 3, 4}  # the exit codes that need no signal
ESCAPE = "\x1b]0;x\x07"


@dataclass(frozen=True)
class Misuse:
    """A wrong command.

    Attributes:
        typed: the command line.
        faults: for each line of the error, the words that it must hold, separated by " | ".
        code: the exit code.
        files: files of the project that the command reads.
    """

    typed: str
    faults: tuple[str, ...]
    code: int
    files: dict[str, str | bytes]


def misuse(typed: str, *faults: str, code: int = 2, files: dict[str, str | bytes] | None = None) -> Misuse:
    return Misuse(typed, faults, code, files or {})


def bad_config(content: str | bytes, *faults: str) -> Misuse:
    return misuse("train my.yaml", *faults, files={"my.yaml": content})


def bad_text(content: str | bytes, fault: str) -> Misuse:
    return misuse("train my.yaml", fault, files={"text.txt": content})


def check(result: Result, code: int, *faults: str) -> None:
    """Stdout is empty; stderr has one line for each fault, which holds its words and no control characters."""
    assert (result.code, result.out) == (code, b""), result.err
    assert len(result.lines) == len(faults), result.err
    for line, words in zip(result.lines, faults, strict=True):
        assert line.startswith("charrnn: ")
        assert not commands_to_a_terminal(line)
        for word in words.split(" | "):
            assert word in line


# -- train --------------------------------------------------------------------------------------------------------

TRAIN = {
    # the config
    "no such config": misuse("train missing.yaml", "missing.yaml | No such file | YAML file"),
    "a directory as config": misuse("train .", ". | s a directory | YAML file"),
    "bytes as config": bad_config(b"\xff", "my.yaml | offset 0 | UTF-8"),
    "an empty config": bad_config("", "my.yaml:1:1 | data.path is missing"),
    "a list as config": bad_config("- data", "my.yaml:1:1 | mapping | data:"),
    "no YAML": bad_config("data: {path: [text.txt}", "my.yaml:1:23 | not YAML"),
    "a typo in a key": bad_config(
        "data: {path: text.txt}\ntrain:\n  batch_sice: 4\n",
        "my.yaml:3:3 | train.batch_sice | unknown key | did you mean batch_size?",
    ),
    "a wrong type": bad_config(
        "data: {path: text.txt}\nmodel:\n  hidden_size: many\n",
        "my.yaml:3:16 | model.hidden_size | a whole number | 'many'",
    ),
    "a value out of range": bad_config(
        "data: {path: text.txt}\nmodel: {dropout: 1.5}\n", "my.yaml:2:18 | model.dropout | 1.5 | below 1"
    ),
    "two errors in one file": bad_config(
        "data: {path: text.txt}\nmodel: {cell: lstn}\ntrain:\n  epoch: 3\n",
        "my.yaml:2:15 | model.cell | 'lstn' | did you mean lstm?",
        "my.yaml:4:3 | train.epoch | did you mean epochs?",
    ),
    "errors in file and command": misuse(
        "train my.yaml --set train.epochs=0 --set seed",
        "my.yaml:2:1 | modle | did you mean model?",
        "override | 'seed' | KEY=VALUE",
        "override: train.epochs: | at least 1",
        files={"my.yaml": "data: {path: text.txt}\nmodle: {}\n"},
    ),
    "escaped control characters in a config": bad_config(
        'data: {path: text.txt}\n"\\e]0;x\\a": 1\nmodel: {cell: "\\e[2J"}\n',
        r"my.yaml:2:1 | \x1b]0;x\x07 | unknown key",
        r"my.yaml:3:15 | model.cell | \x1b[2J",
    ),
    "raw control characters in a config": bad_config(
        f"data: {{path: text.txt}}\n# {ESCAPE}\n", r"my.yaml:2:3 | \x1b | not allowed"
    ),
    # the text
    "no such text": misuse(
        "train my.yaml --set data.path=missing.txt", "data.path | missing.txt does not exist | working directory"
    ),
    "a glob without matches": misuse("train my.yaml --set data.path=no*.txt", "data.path | no*.txt does not exist"),
    "a directory without files": misuse(
        "train my.yaml --set data.path=empty", "data.path | empty | no files", files={"empty/.hidden": ""}
    ),
    "a path with a zero byte": bad_config('data: {path: "a\\0b"}', "data.path | a\\x00b"),
    "an empty text": bad_text("", "data.path | text.txt | no text in it"),
    "one character": bad_text("a", "data.path | of 1 characters | at least 2"),
    "shorter than a window": bad_text(
        "The fox saw", "data.path | 9 of 11 characters | train.seq_length 16 | to 8 or less"
    ),
    "one distinct character": bad_text("a" * 1000, "data.path | 900 of 1,000 characters | 'a' | nothing to learn"),
    "fewer characters than streams": misuse(
        "train my.yaml --set train.batch_size=4000", "data.path | 3,600 of 4,000 | train.batch_size 4000 | lower it"
    ),
    "a text in cp1252": bad_text(
        b"One line.\n" * 50 + b"caf\xe9\n",
        "text.txt | 0xe9 | offset 503 | line 51 | utf-8 | data.encoding | cp1252 | data.tokens",
    ),
    "a zipped text that is none": misuse(
        "train my.yaml --set data.path=text.gz", "text.gz | ot a gzipped file", files={"text.gz": b"plain"}
    ),
    "a truncated zipped text": misuse(
        "train my.yaml --set data.path=text.xz", "text.xz | ended before", files={"text.xz": b"\xfd7zXZ\x00\x00\x04"}
    ),
    "no such encoding": misuse("train my.yaml --set data.encoding=utf-9", "data.encoding | 'utf-9' | cp1252"),
    # the run directory
    "resume with force": misuse("train my.yaml --resume --force", "--resume | --force | one of them"),
    "a run directory below a file": misuse("train my.yaml --out text.txt/run", "text.txt | ot a directory", code=1),
    "a file as run directory": misuse("train my.yaml --out text.txt", "text.txt | is a file | --out"),
    "a run directory without a name": misuse("train my.yaml --out=", "out | a string"),
    "a run directory with a zero byte": bad_config('data: {path: text.txt}\nout: "a\\0b"', "out"),
    "fine-tuning from nothing": misuse("train my.yaml --init-from missing.npz", "missing.npz | does not exist"),
    # the command line
    "a bad option": misuse("train my.yaml --fast", "--fast | charrnn train --help"),
    "an option without its value": misuse("train my.yaml --seed", "--seed | requires an argument | --help"),
    "an option of a wrong type": misuse("train my.yaml --seed one", "--seed | 'one' | charrnn train --help"),
    "a missing argument": misuse("train", "CONFIG | charrnn train --help"),
    "a missing option": misuse("export runs/my my.html", "--to | Choose from: web, safetensors, onnx | export --help"),
    "an argument too many": misuse("train my.yaml more.yaml", "more.yaml | charrnn train --help"),
    "an unknown command": misuse("trian my.yaml", "trian | charrnn --help"),
    "an unknown option of charrnn": misuse("--verbose", "--verbose | charrnn --help"),
}


@pytest.mark.parametrize("wrong", TRAIN.values(), ids=TRAIN)
def test_a_training_that_cannot_begin_says_why_and_leaves_nothing_behind(wrong: Misuse, tmp_path: Path) -> None:
    project(tmp_path)
    for name, content in wrong.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(tmp_path.rglob("*"))
    check(call(*wrong.typed.split(" "), cwd=tmp_path, stdin=b""), wrong.code, *wrong.faults)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["with space", "☃ 😀", "two\nlines", ESCAPE, os.fsdecode(b"\xff")])
@pytest.mark.parametrize("typed", ["train {}", "train my.yaml --init-from {}", "info {}"])
def test_a_missing_file_of_any_name_is_one_line(
    typed: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path))
    check(call(*(word.format(name) for word in typed.split(" "))), 2, name if name.isprintable() else "")


@pytest.mark.row(11)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_directory_that_cannot_be_written_is_named(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *args: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setattr(Path, "mkdir", refuse)
    check(call("train", "my.yaml"), 1, f"runs/my | {os.strerror(number)}")


def test_a_folder_that_cannot_be_written_is_named_before_any_work_is_done(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*args: Any) -> None:
        raise AssertionError

    monkeypatch.chdir(trained)
    monkeypatch.setattr(os, "access", lambda path, mode: not (str(path) == "empty" and mode == os.W_OK))
    monkeypatch.setattr("charrnn.models.load_checkpoint", work)
    check(call("eval", "runs/my", "--html", "empty/page.html"), 1, f"empty: {os.strerror(errno.EACCES)}")
    monkeypatch.setattr(os, "access", lambda path, mode: not (str(path) == "runs/my" and mode == os.W_OK))
    check(call("report", "runs/my"), 1, f"runs/my: {os.strerror(errno.EACCES)}")


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 9 TiB"), OSError(errno.ENOMEM, "Cannot allocate")])
def test_running_out_of_memory_is_one_line(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise error

    monkeypatch.chdir(project(tmp_path))
    monkeypatch.setattr("charrnn.training.opening.read_corpus", refuse)
    check(call("train", "my.yaml"), 1, "out of memory | smaller model | --dry-run")


DIVERGING = {
    "a saturated LSTM": SMALL,
    "a linear RNN": SMALL.replace("cell: lstm", "cell: rnn, activation: relu").replace(
        "optimizer: adam", "optimizer: sgd, clip_norm: null"
    ),
}


@pytest.mark.row(14)
@pytest.mark.parametrize("content", DIVERGING.values(), ids=DIVERGING)
def test_a_run_that_diverges_stops_with_one_line_and_keeps_no_bad_checkpoint(content: str, tmp_path: Path) -> None:
    project(tmp_path, config=content)
    options = ["--set", "train.learning_rate=1e6", "--set", "train.save_every=1"]
    result = run("train", "my.yaml", "--quiet", *options, cwd=tmp_path)
    check(result, 4, "diverged at step | loss | gradient norm | 1e+06 | lower train.learning_rate")
    kept = tmp_path / "runs" / "my" / "last.npz"
    if kept.exists():
        assert all(np.isfinite(array).all() for array in checkpoint.load(kept)[1].values())
        assert f"{kept.relative_to(tmp_path)} holds the last good state" in result.err


# -- commands on an existing run ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small finished run in runs/my, and with files that look like checkpoints and are none."""
    folder = project(tmp_path_factory.mktemp("errors"))
    assert call("train", "my.yaml", "--quiet", cwd=folder) == Result(0, b"", "")
    good = (folder / "runs" / "my" / "best.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(good[:-100])
    (folder / "flipped.npz").write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    np.savez(folder / "numpy.npz", weight=np.zeros(3))
    (folder / "empty").mkdir()
    (folder / "cp1252.txt").write_bytes(b"caf\xe9")
    (folder / "snow.txt").write_text("☃☃")
    return folder


NO_CHECKPOINT = "not a charrnn checkpoint"
EXISTING = {
    "a text as checkpoint": misuse("sample text.txt", f"text.txt | {NO_CHECKPOINT}"),
    "a config as checkpoint": misuse("eval my.yaml", f"my.yaml | {NO_CHECKPOINT}"),
    "a truncated checkpoint": misuse("sample truncated.npz", "truncated.npz | damaged"),
    "a checkpoint with one bit changed": misuse("info flipped.npz", "flipped.npz | damaged"),
    "arrays of another program": misuse("info numpy.npz", f"numpy.npz | {NO_CHECKPOINT}"),
    "an empty directory as checkpoint": misuse("sample empty", "empty | no checkpoint yet"),
    "a device as checkpoint": misuse("info /dev/null", "/dev/null | is not a file"),
    "a checkpoint without a name": misuse("info ", "the name of the model is empty"),
    "no such checkpoint": misuse("eval missing", "missing | does not exist | run directory"),
    "characters that the model never saw": misuse(
        "sample runs/my --prime a☃b☂☃",
        "'☃' (position 1) | '☂' (position 3); leave them out or replace them (see --unknown)",
    ),
    "a prime typed and from a file": misuse("sample runs/my --prime a --prime-file -", "--prime | --prime-file"),
    "no such prime file": misuse("sample runs/my --prime-file missing", "--prime-file | missing | No such file"),
    "a directory as prime file": misuse("sample runs/my --prime-file empty", "--prime-file | empty | s a directory"),
    "a prime file in cp1252": misuse(
        "sample runs/my --prime-file cp1252.txt", "cp1252.txt | 0xe9 | offset 3 | convert it to utf-8"
    ),
    "a temperature below zero": misuse("sample runs/my --temp -1", "--temp | -1.0 | charrnn sample --help"),
    "a temperature that is no number": misuse("sample runs/my --temp nan", "--temp | nan | charrnn sample --help"),
    "a temperature in words": misuse("sample runs/my --temp warm", "--temp | 'warm' is not a valid number"),
    "a share above one": misuse("sample runs/my --top-p 1.5", "--top-p | 1.5 | charrnn sample --help"),
    "a share that is no number": misuse("sample runs/my --min-p nan", "--min-p | nan | charrnn sample --help"),
    "a penalty that is no number": misuse(
        "sample runs/my --repetition-penalty nan", "--repetition-penalty | nan | charrnn sample --help"
    ),
    "no text at all": misuse("sample runs/my --num 0", "--num | 0 | charrnn sample --help"),
    "several texts without end": misuse("sample runs/my --num 2 --length 0", "--length 0 | --num 1 | --until"),
    "a prime file without a name": misuse("sample runs/my --prime-file ", "--prime-file | is empty"),
    "an unknown way with unknown characters": misuse(
        "sample runs/my --unknown drop", "--unknown | 'drop' | 'skip' | charrnn sample --help"
    ),
    "no such text to score": misuse("eval runs/my missing.txt", "FILE | missing.txt does not exist"),
    "a text to score without characters": misuse("eval runs/my -", "no text to score"),
    "a text to score of unknown characters": misuse("eval runs/my snow.txt", "all 2 characters are unknown"),
    "a text to score in cp1252": misuse(
        "eval runs/my text.txt cp1252.txt",
        "cp1252.txt | 0xe9 | offset 3 (line 1) is not valid utf-8; convert it to utf-8",
    ),
    "a text and a split": misuse("eval runs/my text.txt --split test", "--split | FILE"),
    "an unknown split": misuse("eval runs/my --split all", "--split | 'all' | 'valid' | charrnn eval --help"),
    "a rate of nothing": misuse("eval runs/my --dynamic-rate 0.1", "--dynamic-rate | --dynamic"),
    "an unknown way to adapt": misuse("eval runs/my --dynamic adam", "--dynamic | 'adam' | 'sgd'"),
    "a rate that no network survives": misuse(
        "eval runs/my --dynamic sgd --dynamic-rate 1e38", "dynamic evaluation diverged | --dynamic-rate", code=4
    ),
    "a table over a file": misuse("eval runs/my --per-char text.txt", "text.txt | exists already"),
    "a table over a run": misuse("eval runs/my --per-line runs/my", "runs/my | is a directory"),
    "a table without a name": misuse("eval runs/my --per-line ", "name of the file to write is empty"),
    "a table in no folder": misuse("eval runs/my --per-line a/b", "a/b | no folder a"),
    "two tables in one file": misuse("eval runs/my --per-char a --per-line a", "--per-char | --per-line | one file"),
    "a page over a file": misuse("eval runs/my --html text.txt", "text.txt | exists already"),
    "a page and a table in one file": misuse("eval runs/my --per-char a --html a", "--per-char | --html | one file"),
    "a report of nothing": misuse("report runs/nope", "runs/nope | does not exist"),
    "a report of a text": misuse("report text.txt --out a.html", "text.txt | not a charrnn checkpoint"),
    "a report of a file, for no file": misuse("report runs/my/best.npz", "--out FILE.html"),
    "a report over a file": misuse("report runs/my --out text.txt", "text.txt | exists already"),
    "a unit that is not there": misuse("report runs/my --unit 2:1", "--unit 2:1 | LAYER:UNIT | from 1:1 to 1:8"),
    "a flow of nothing": misuse("flow", "MODEL... | charrnn flow --help"),
    "a flow through what is not there": misuse("flow missing.yaml", "missing.yaml"),
    "a flow into a file": misuse("flow runs/my --out text.txt", "text.txt | exists already"),
    "one run to compare": misuse("compare runs/my", "at least two runs"),
    "the same run to compare twice": misuse("compare runs/my ./runs/my", "./runs/my is named twice | different runs"),
    "no run to compare": misuse("compare", "RUN RUN... | charrnn compare --help"),
    "what is no run to compare": misuse("compare runs/my text.txt", "text.txt | not a charrnn checkpoint"),
    "an n-gram to begin from": misuse(
        "train my.yaml --out new --set model.cell=ngram --init-from runs/my", "--init-from | model.cell: ngram"
    ),
    "an n-gram over a run": misuse("train my.yaml --set model.cell=ngram", "runs/my | --force | --out"),
    "an order without an n-gram": misuse("train my.yaml --set model.order=3", "model.order | model.cell: ngram"),
    "an n-gram of nothing": misuse(
        "train my.yaml --set model.cell=ngram --set model.order=21", "model.order | 21 | at most 20"
    ),
    "a run directory that holds a run": misuse("train my.yaml", "runs/my | --resume | --force | --out"),
    "resuming with another model": misuse(
        "train my.yaml --resume --set model.hidden_size=9",
        "runs/my/last.npz | model.hidden_size was 8, now 9 | same config | --init-from",
    ),
    "resuming with another text": misuse(
        "train my.yaml --resume --set data.path=my.yaml", "runs/my/last.npz | data.path was 'text.txt', now 'my.yaml'"
    ),
    "fine-tuning another architecture": misuse(
        "train my.yaml --out new --init-from runs/my --set model.hidden_size=9",
        "--init-from | model.hidden_size 8 | set it to 8",
    ),
}


@pytest.mark.parametrize("wrong", EXISTING.values(), ids=EXISTING)
def test_a_misuse_of_a_run_is_explained_and_changes_nothing(wrong: Misuse, trained: Path) -> None:
    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() if path.is_file() else b"" for path in trained.rglob("*")}

    before = state()
    check(call(*wrong.typed.split(" "), cwd=trained, stdin=b""), wrong.code, *wrong.faults)
    assert state() == before


def test_the_number_of_texts_is_bounded_before_memory_is_taken() -> None:
    with pytest.raises(click.BadParameter, match="not in the range"):
        group.cli.commands["sample"].make_context(
            "sample", ["runs/my", "--num", "9" * 20], **group.cli.context_settings
        )


@pytest.mark.row(18)
@pytest.mark.parametrize("typed", ["sample runs/my --prime-file -", "eval runs/my -"])
def test_a_closed_stdin_is_one_line(typed: str, trained: Path) -> None:
    check(run(*typed.split(), cwd=trained, redirect="<&-"), 2, "standard input")


@pytest.mark.parametrize("options", [["--out", "new"], ["--force"], ["--resume"]], ids=lambda options: options[0])
def test_a_run_directory_in_use_is_exit_3(options: list[str], trained: Path) -> None:
    folder = trained / ("new" if "new" in options else "runs/my")
    folder.mkdir(exist_ok=True)
    lock = Lock(folder)
    try:
        result = run("train", "my.yaml", *options, cwd=trained)
    finally:
        lock.close()
        if folder.name == "new":
            shutil.rmtree(folder)
    check(result, 3, f"{folder.relative_to(trained)} | another trainer | --out")


HEADERS: dict[str, Any] = {  # key of the header: a hostile value
    "versions": {"numpy": ESCAPE, ESCAPE: "1"},
    "training": [],
    "data": ESCAPE,
    "splits": None,
    "vocab": {"symbols": ESCAPE, "has_unknown": False, "tokens": ESCAPE},
    "config": {"data": {"path": ESCAPE}, ESCAPE: 1},
}


@pytest.mark.row(8)
@pytest.mark.parametrize("typed", ["info", "info --json", "eval", "sample --length 1"])
@pytest.mark.parametrize("key", HEADERS)
def test_a_hostile_header_causes_no_traceback_and_no_control_characters(
    key: str, typed: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, arrays = checkpoint.load(trained / "runs" / "my" / "best.npz")
    plain = {name: value for name, value in header.items() if name not in ("format", "version")}
    checkpoint.save(tmp_path / "odd.npz", {**plain, key: HEADERS[key]}, arrays)
    monkeypatch.chdir(trained)
    command, *options = typed.split()
    result = call(command, str(tmp_path / "odd.npz"), *options)
    assert result.code in (0, 2)
    assert not commands_to_a_terminal(result.text + result.err)


# -- random misuses, in this process ------------------------------------------------------------------------------

WORDS = [
    "", "0", "1", "-1", "3.5", "nan", "inf", "1e999", "1e-320", "9" * 40, "x", "é", "a b", "a\nb", ESCAPE, "=", "-",
    "☃", "\udcff", ":", "[", "{a: b}", "!!python/name:os.system", "&a [*a]", "model.hidden_size=0", "train={}",
    "seed=-1", "train.max_steps=2", "model=", "data.path=empty", "out=new", "data={path: text.txt}", "test", "skip",
]  # fmt: skip
PATHS = ["my.yaml", "text.txt", "runs/my", "runs/my/last.npz", "missing", ".", "empty", "numpy.npz", "", ESCAPE, "-"]
# Values for options with which a command could take too long.
QUICK = {"--length": ["-1", "3", "x"], "--num": ["0", "3", "x"], "--seconds": ["0", "0.01", "x"]}


def random_command(rng: random.Random) -> list[str]:
    """A command with options and arguments that exist, and values most of which are wrong.

    A rank that fails ends its process, here that of the tests, so --mpi is left out; test_mpi.py has its misuses.
    """
    name = rng.choice(list(group.cli.commands))
    words = [name]
    for parameter in group.cli.commands[name].params:
        if isinstance(parameter, click.Argument):
            words += rng.choices(PATHS, k=rng.choice([0, 1, 1, 1, 1, 2]))
        elif rng.random() < 0.25 and parameter.opts[0] != "--mpi":
            option = parameter.opts[0]
            flag = isinstance(parameter, click.Option) and parameter.is_flag
            words += [option] if flag else [option, rng.choice(QUICK.get(option, WORDS + PATHS))]
    if "sample" in words and "--length" not in words:
        words += ["--length", "3"]
    return words


MISUSES = 1000


@pytest.mark.row(18)
@pytest.mark.parametrize("part", range(10))
def test_a_random_misuse_ends_with_a_documented_code_and_no_traceback(
    part: int, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried: Any
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    for measured in ("speed", "ceiling", "sampling_speed", "_rate"):
        monkeypatch.setattr(bench, measured, lambda *_: 1.0)
    monkeypatch.setattr(bench, "cores", lambda: 1)
    monkeypatch.chdir(tmp_path)
    seeds = range(part, MISUSES, 10)
    tried(len(seeds))
    for seed in seeds:
        shutil.copytree(trained, tmp_path / str(seed))
        monkeypatch.chdir(tmp_path / str(seed))
        assert_ends_well(random_command(random.Random(seed)))


def assert_ends_well(typed: list[str]) -> None:
    """A command ends with a documented code: an error has only lines on stderr, and --json prints JSON."""
    result = call(*typed)
    assert result.code in DOCUMENTED, typed
    assert not commands_to_a_terminal(result.err), typed
    if result.code:
        assert result.out == b"", typed
        assert result.lines[-1].startswith("charrnn: "), typed
    elif "--json" in typed:
        json.loads(result.out)


def test_the_random_misuses_are_of_every_kind() -> None:
    commands = [random_command(random.Random(seed)) for seed in range(MISUSES)]
    assert {typed[0] for typed in commands} == set(group.cli.commands)
    params = [p for command in group.cli.commands.values() for p in command.params if isinstance(p, click.Option)]
    options = {p.opts[0] for p in params} - {"--mpi"}
    assert len({word for typed in commands for word in typed if word in options}) == len(options)
