"""Stopping a training by Ctrl-C, by SIGTERM and by force; the command that is printed goes on, bit for bit."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from processes import CHARRNN, CSI, PATIENCE, Result, checked, environment, project, read_terminal, run, start

import charrnn
from charrnn.train import differences

# A record each step: a pipe that nobody reads is full long before the last one, so no run can end behind a test's back.
STEPS = 700
CONFIG = f"""\
data: {{path: text.txt}}
model: {{cell: gru, hidden_size: 8, num_layers: 2, dropout: 0.1}}
train: {{batch_size: 4, seq_length: 8, max_steps: {STEPS}, log_every: 1, eval_every: 300, save_every: 50,
        schedule: cosine, sample_length: 20, patience: null}}
"""
NAME = "a book.yaml"  # a name that a shell must quote
TRAIN = ["train", NAME, "--out", "my run"]


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a training that nothing stopped."""
    folder = project(tmp_path_factory.mktemp("unbroken"), config=CONFIG, name=NAME)
    assert run(*TRAIN, "--quiet", cwd=folder) == Result(0, b"", "")
    return folder / "my run"


@contextmanager
def training(folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A training in a process group of its own; ended for certain when the test ends, or when it takes too long."""
    with start(*TRAIN, *more, cwd=folder) as process:
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def read_until(process: subprocess.Popen[str], beginning: str) -> str:
    """Read stderr up to the first line that begins so; return that line."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if line.startswith(beginning):
            return line
    raise AssertionError(f"it ended before it printed {beginning!r}:\n{''.join(seen)}")


def ended(process: subprocess.Popen[str]) -> Result:
    """The rest of what a process prints, and its exit code."""
    out, err = process.communicate(timeout=PATIENCE)
    return checked(Result(process.returncode, out.encode(), err))


def finish(folder: Path, said: Result) -> None:
    """Type the command that was printed last."""
    words = shlex.split(said.lines[-1].partition("to go on:")[2])
    assert words == ["charrnn", *TRAIN, "--resume"]
    resumed = run(*words[1:], cwd=folder)
    assert resumed.code == 0, resumed.err
    step = int(re.search(r"resuming after step ([\d,]+)", resumed.err)[1].replace(",", ""))  # type: ignore[index]
    assert 0 < step < STEPS


def assert_the_same_run(folder: Path, unbroken: Path) -> None:
    """The same bytes in all that the future depends on; the same log but for its two fields of time."""
    logs: list[list[dict[str, Any]]] = []
    for each in (folder, unbroken):
        logs.append([json.loads(line) for line in (each / "log.jsonl").read_text().splitlines()])
        for record in logs[-1]:
            del record["seconds"], record["chars_per_second"]
    assert [record["step"] for record in logs[0]] == list(range(1, STEPS + 1))
    assert logs[0] == logs[1]
    for name in ("last.npz", "best.npz"):
        headers = [charrnn.network.load_checkpoint(each / name).header for each in (folder, unbroken)]
        assert not list(differences(*headers))
        assert (folder / name).read_bytes() == (unbroken / name).read_bytes(), name
    samples = [{path.name: path.read_bytes() for path in (each / "samples").iterdir()} for each in (folder, unbroken)]
    assert samples[0] == samples[1]
    assert not list(folder.glob(".*.tmp"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_saves_and_the_printed_command_goes_on_as_if_nothing_had_been(
    number: signal.Signals, code: int, unbroken: Path, tmp_path: Path
) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path) as process:
        read_until(process, "step 3/")
        process.send_signal(number)
        said = ended(process)
    assert (said.code, said.out) == (code, b"")
    assert "stopping after this step, saving; Ctrl-C again to stop now" in said.lines
    assert said.lines[-1].startswith("saved at step ")
    finish(tmp_path, said)
    assert_the_same_run(tmp_path / "my run", unbroken)


def test_ctrl_c_reaches_all_workers_and_the_run_still_saves_and_goes_on(unbroken: Path, tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    two = ["--set", "train.shards=2", "--set", "train.workers=2"]
    with training(tmp_path, *two) as process:
        read_until(process, "machine:")  # the worker is still starting up
        os.killpg(process.pid, signal.SIGINT)
        said = ended(process)
    assert said.code == 130
    assert said.lines[-1].startswith("saved at step ")
    assert said.lines[-1].endswith("--resume")
    assert charrnn.load(tmp_path / "my run" / "last.npz").params.size


def test_the_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    endless = "sample_every: 1, sample_length: 1000000000"  # the first step does not end in our lifetime
    project(tmp_path, config=CONFIG.replace("sample_length: 20", endless), name=NAME)
    with training(tmp_path) as process:
        read_until(process, "machine:")
        process.send_signal(signal.SIGINT)
        read_until(process, "stopping after this step")
        process.send_signal(signal.SIGINT)
        said = ended(process)
    assert (said.code, said.out, said.err.strip()) == (130, b"", "")
    assert not list((tmp_path / "my run").glob("*.npz"))


def test_kill_9_loses_no_more_than_the_steps_since_the_last_save(unbroken: Path, tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path) as process:
        read_until(process, "step 120/")
        process.kill()
        assert ended(process).code == -signal.SIGKILL
    said = run(*TRAIN, "--resume", cwd=tmp_path)
    assert said.code == 0
    step = int(re.search(r"resuming after step ([\d,]+)", said.err)[1].replace(",", ""))  # type: ignore[index]
    assert step >= 100
    assert step % 50 == 0
    assert_the_same_run(tmp_path / "my run", unbroken)


def test_kill_9_leaves_no_worker_behind(tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path, "--set", "train.shards=2", "--set", "train.workers=2") as process:
        read_until(process, "step 1/")
        process.kill()
        ended(process)  # the streams are closed only when the last worker that holds them has gone


def test_a_terminal_shows_at_once_that_ctrl_c_was_heard(tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG.replace(f"max_steps: {STEPS}", "max_steps: 1000000, epochs: null"), name=NAME)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen([*CHARRNN, *TRAIN], cwd=tmp_path, env=environment(), **streams) as process:
        os.close(theirs)
        shown = read_terminal(ours, until=b"gradient norm")
        process.send_signal(signal.SIGINT)
        shown += read_terminal(ours)
        if process.poll() is None and not shown.endswith(b"--resume\n"):
            process.kill()
    os.close(ours)
    text = CSI.sub("", shown.decode())
    assert process.returncode == 130
    assert "stopping after this step, saving; Ctrl-C again to stop now" in text
    assert text.splitlines()[-1].endswith("to go on:  charrnn train 'a book.yaml' --out 'my run' --resume")


def test_ctrl_c_ends_an_endless_sample_quietly(unbroken: Path) -> None:
    with start("sample", unbroken, "--length", "0") as process:
        assert process.stdout is not None
        assert process.stdout.read(5)
        process.send_signal(signal.SIGINT)
        said = ended(process)
    assert (said.code, said.err.strip()) == (130, "")
