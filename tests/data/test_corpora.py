"""Texts of every kind, from the command line to the model: trained on, or refused with one line that says why."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from charrnn.models.loading import load
from tests.support.processes import CHARRNN, SMALL, Result, call, environment, project, run
from tests.support.torture import SHARE

EVERYTHING = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
CORPORA: dict[str, tuple[bytes, str]] = {  # the bytes of the file, and a part of the message if it cannot be trained on
    "empty": (b"", "no text in it"),
    "a byte order mark": (b"\xef\xbb\xbf", "no text in it"),
    "one byte": (b"a", "at least 2"),
    "two bytes": (b"ab", "at least 2"),
    "one character of four bytes": ("😀".encode(), "at least 2"),
    "one distinct character": (b"a" * 5000, "nothing to learn"),
    "shorter than a sequence": (b"The fox saw", "shorter than one window"),
    "only newlines": (b"\n" * 5000, "nothing to learn"),
    "only newlines of Windows": (b"\r\n" * 5000, ""),
    "cp1252": (b"caf\xe9 " * 900, "offset 3"),
    "truncated UTF-8": ("é".encode() * 900 + b"\xc3", "offset 1800"),
    "overlong UTF-8": (b"abc" * 900 + b"\xc0\xaf", "offset 2700"),
    "surrogates in UTF-8": (b"abc" * 900 + b"\xed\xa0\x80", "offset 2700"),
    "UTF-16": (("The fox saw the hen. " * 90).encode("utf-16"), "offset 0"),
    "NULs": (b"a\0b" * 2000, ""),
    "control characters": (bytes(range(32)) * 100, ""),
    "emoji and marks": (("👩‍🚀e\u0301\u202e☃" * 500).encode(), ""),
    "one long line": (b"the fox and the hen " * 3000, ""),
    "random bytes": (bytes(range(256)) * 20, "offset 128"),
}


@pytest.mark.row(10)
@pytest.mark.parametrize(("data", "fault"), CORPORA.values(), ids=CORPORA)
def test_a_text_is_trained_on_or_refused_with_one_line(data, fault, tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path, data))
    result = call("train", "my.yaml", "--quiet")
    if fault:
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert fault in result.err
        assert not Path("runs").exists()
    else:
        assert result == Result(0, b"", "")
        assert load("runs/my").vocab.decode(load("runs/my").vocab.encode(data.decode()[:20])) == data.decode()[:20]
        assert call("sample", "runs/my", "--length", "20").code == 0
    bytewise = call("train", "my.yaml", "--quiet", "--set", "data.tokens=byte", "--force")
    assert bytewise.code == (2 if len(data) < 30 or len(set(data)) == 1 else 0)


@pytest.mark.row(10)
def test_a_text_of_every_character_that_there_is_is_trained_on_and_read_back(tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path, EVERYTHING))
    sizes = ["hidden_size=1", "num_layers=1", "embedding_size=1"]
    how = ["batch_size=1", "seq_length=2", "max_steps=1", "epochs=null", "optimizer=sgd", "sample_length=0"]
    keys = [f"model.{size}" for size in sizes] + [f"train.{key}" for key in how] + ["data.fractions=[1, 0, 0]"]
    assert call("train", "my.yaml", "--quiet", *(f"--set={key}" for key in keys)) == Result(0, b"", "")
    assert set(load("runs/my").vocab.symbols) == set(EVERYTHING)


def anonymous(pid: int) -> int:
    """Bytes of a process's memory that no file backs: its own and what it shares."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


GIGABYTE = 1_000_000_000


@pytest.mark.row(17)
@pytest.mark.skipif(not SHARE or not sys.platform.startswith("linux"), reason="on demand, on Linux")
def test_a_large_text_takes_little_memory(tmp_path):
    size = round(GIGABYTE * min(SHARE, 1))
    project(tmp_path, config=SMALL)
    piece = (tmp_path / "text.txt").read_bytes()
    with open(tmp_path / "text.txt", "ab") as file:
        for _ in range(size // len(piece)):
            file.write(piece)
    most = 0
    surroundings = environment(XDG_CACHE_HOME=str(tmp_path))
    command = [*CHARRNN, "train", "my.yaml", "--quiet"]
    with subprocess.Popen(command, cwd=tmp_path, env=surroundings, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            try:
                most = max(most, anonymous(process.pid))
            except OSError:
                break
            time.sleep(0.05)
    assert process.returncode == 0
    assert (tmp_path / "text.txt").stat().st_size >= size
    os.unlink(tmp_path / "text.txt")
    assert most <= 256 << 20, f"{most / 2**20:.0f} MB"


@pytest.mark.row(10)
def test_a_text_that_changed_before_resume_is_refused_and_named(tmp_path):
    project(tmp_path)
    assert run("train", "my.yaml", "--quiet", cwd=tmp_path).code == 0
    with open(tmp_path / "text.txt", "ab") as file:
        file.write(b".")
    result = run("train", "my.yaml", "--resume", cwd=tmp_path)
    assert (result.code, len(result.lines)) == (2, 1)
    assert "the text has changed since this run began (data.path)" in result.err
