"""Training that is stopped by signals or killed, at any moment and any number of times: it ends with the same bytes."""

import json
import os
import pty
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.models.loading import load_checkpoint
from charrnn.training.resuming import differences
from tests.support.processes import (
    CHARRNN,
    CSI,
    TIMEOUT,
    Result,
    checked,
    ended,
    environment,
    project,
    read_terminal,
    read_until,
    run,
    start,
)
from tests.support.torture import volume

# One record each step: a pipe that is not read fills up long before the last step, so that no run ends before a test
# has sent its signal.
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
    """A training process in a group of its own, killed when the test ends or after TIMEOUT."""
    with start(*TRAIN, *more, cwd=folder) as process:
        watchdog = threading.Timer(TIMEOUT, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def finish(folder: Path, result: Result) -> None:
    """Run the command that was printed last, which must finish the run."""
    words = shlex.split(result.lines[-1].partition("to continue:")[2])
    assert words == ["charrnn", *TRAIN, "--resume"]
    resumed = run(*words[1:], cwd=folder)
    assert resumed.code == 0, resumed.err
    step = int(re.search(r"resuming after step ([\d,]+)", resumed.err)[1].replace(",", ""))  # type: ignore[index]
    assert 0 < step < STEPS


def assert_the_same_run(folder: Path, unbroken: Path, steps: range = range(1, STEPS + 1)) -> None:
    """Checkpoints and samples have the same bytes, and the log the same records but for their two time fields."""
    logs: list[list[dict[str, Any]]] = []
    for each in (folder, unbroken):
        logs.append([json.loads(line) for line in (each / "log.jsonl").read_text().splitlines()])
        for record in logs[-1]:
            del record["seconds"], record["chars_per_second"]
    assert [record["step"] for record in logs[0]] == list(steps)
    assert logs[0] == logs[1]
    for name in ("last.npz", "best.npz"):
        configs = [load_checkpoint(each / name).config for each in (folder, unbroken)]
        assert not list(differences(*configs))
        assert (folder / name).read_bytes() == (unbroken / name).read_bytes(), name
    samples = [{path.name: path.read_bytes() for path in (each / "samples").iterdir()} for each in (folder, unbroken)]
    assert samples[0] == samples[1]
    assert not list(folder.glob(".*.tmp"))


CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.row(12)
@pytest.mark.parametrize(("number", "code"), CODES.items(), ids=lambda value: getattr(value, "name", ""))
def test_a_signal_saves_and_the_printed_command_continues_to_the_same_bytes(
    number: signal.Signals, code: int, unbroken: Path, tmp_path: Path
) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path) as process:
        read_until(process, "step 3/")
        process.send_signal(number)
        result = ended(process)
    assert (result.code, result.out) == (code, b"")
    assert "stopping after this step, saving; Ctrl-C again to stop now" in result.lines
    assert result.lines[-1].startswith("saved at step ")
    finish(tmp_path, result)
    assert_the_same_run(tmp_path / "my run", unbroken)


def test_ctrl_c_in_a_process_group_saves_although_it_reaches_the_workers_too(unbroken: Path, tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    two = ["--set", "train.shards=2", "--set", "train.workers=2"]
    with training(tmp_path, *two) as process:
        read_until(process, "machine:")  # the worker is still starting up
        os.killpg(process.pid, signal.SIGINT)
        result = ended(process)
    assert result.code == 130
    assert result.lines[-1].startswith("saved at step ")
    assert result.lines[-1].endswith("--resume")
    assert charrnn.load(tmp_path / "my run" / "last.npz").params.size


def test_the_second_ctrl_c_ends_the_run_at_once(tmp_path: Path) -> None:
    endless = "sample_every: 1, sample_length: 1000000000"  # so long a sample that the first step never ends
    project(tmp_path, config=CONFIG.replace("sample_length: 20", endless), name=NAME)
    with training(tmp_path) as process:
        read_until(process, "note: characters of the test split")  # the last line before the first step
        process.send_signal(signal.SIGINT)
        read_until(process, "stopping after this step")
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert (result.code, result.out, result.err.strip()) == (130, b"", "")
    assert not list((tmp_path / "my run").glob("*.npz"))


def test_kill_9_loses_no_more_than_the_steps_since_the_last_save(unbroken: Path, tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path) as process:
        read_until(process, "step 120/")
        process.kill()
        assert ended(process).code == -signal.SIGKILL
    result = run(*TRAIN, "--resume", cwd=tmp_path)
    assert result.code == 0
    step = int(re.search(r"resuming after step ([\d,]+)", result.err)[1].replace(",", ""))  # type: ignore[index]
    assert step >= 100
    assert step % 50 == 0
    assert_the_same_run(tmp_path / "my run", unbroken)


# Saves are more frequent than evaluations, by steps and by the clock, so that a random moment falls on any of them.
MANY_SAVES = """\
data: {path: text.txt}
model: {cell: gru, hidden_size: 8, num_layers: 2, dropout: 0.1}
train: {batch_size: 4, seq_length: 8, max_steps: 200, log_every: 10, eval_every: 40, save_every: 7, shards: 2,
        save_minutes: 0.002, schedule: cosine, sample_length: 20, patience: null}
"""
SAVED_WITHIN = 2.0  # seconds, and one step


@dataclass(frozen=True)
class Uninterrupted:
    """A run that was not interrupted, and the seconds that it took."""

    folder: Path
    seconds: float


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    folder, began = project(tmp_path_factory.mktemp("uninterrupted"), config=MANY_SAVES, name=NAME), time.monotonic()
    assert run(*TRAIN, "--quiet", cwd=folder) == Result(0, b"", "")
    return Uninterrupted(folder / "my run", time.monotonic() - began)


def resume_until(number: signal.Signals, folder: Path, delay: float, rng: random.Random) -> tuple[Result, float]:
    """Resume a run and send it a signal after `delay` seconds; return how it ended, and how long that took."""
    workers = ["--set", f"train.workers={rng.choice([1, 1, 1, 2])}"]
    with training(folder, *workers, "--resume") as process:
        time.sleep(delay)
        process.send_signal(number)
        began = time.monotonic()
        out, err = process.communicate(timeout=TIMEOUT)
        return Result(process.returncode, out.encode(), err), time.monotonic() - began


def last_bytes(folder: Path) -> bytes:
    """The bytes of last.npz, or none if it does not exist."""
    path = folder / "my run" / "last.npz"
    return path.read_bytes() if path.exists() else b""


SIGNALS_PER_RUN = 10


def interrupt_at_random(folder: Path, uninterrupted: Uninterrupted, numbers: list[signal.Signals], seed: int) -> None:
    """Interrupt a run at random moments, then resume it to its end; it must equal the uninterrupted one."""
    rng = random.Random(seed)
    project(folder, config=MANY_SAVES, name=NAME)
    steps = range(10, 201, 10)
    for _ in range(SIGNALS_PER_RUN):
        before, number = last_bytes(folder), rng.choice(numbers)
        result, seconds = resume_until(number, folder, rng.uniform(0, uninterrupted.seconds), rng)
        if result.code == 0:  # it ended before the signal
            assert_the_same_run(folder / "my run", uninterrupted.folder, steps)
            shutil.rmtree(folder / "my run")
        elif number == signal.SIGKILL:
            assert result.code == -number
        elif "saved at step" in result.err:
            assert checked(result).code == CODES[number]
            assert seconds < SAVED_WITHIN
            step = load_checkpoint(folder / "my run" / "last.npz").step
            assert f"saved at step {step:,};" in result.lines[-1]
        else:  # before the first step since it was resumed, or after the last: there was nothing to save
            assert result.code in (CODES[number], -number), result
            assert last_bytes(folder) in (before, last_bytes(uninterrupted.folder.parent)), result
    assert run(*TRAIN, "--resume", cwd=folder).code == 0
    assert_the_same_run(folder / "my run", uninterrupted.folder, steps)


@pytest.mark.row(1)
@pytest.mark.parametrize("seed", range(volume(1, 100)))
def test_kill_9_at_random_moments_changes_no_byte_of_the_end(
    seed: int, uninterrupted: Uninterrupted, tmp_path: Path, tried: Any
) -> None:
    tried(SIGNALS_PER_RUN)
    interrupt_at_random(tmp_path, uninterrupted, [signal.SIGKILL], seed)


@pytest.mark.row(12)
@pytest.mark.parametrize("seed", range(volume(1, 20)))
def test_signals_at_random_moments_save_at_once_and_change_no_byte_of_the_end(
    seed: int, uninterrupted: Uninterrupted, tmp_path: Path, tried: Any
) -> None:
    tried(SIGNALS_PER_RUN)
    interrupt_at_random(tmp_path, uninterrupted, list(CODES), seed)


@pytest.mark.row(12)
def test_a_run_under_nohup_ignores_a_closed_terminal(tmp_path: Path, unbroken: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; a process inherits it
    try:
        with training(tmp_path) as process:
            read_until(process, "step 3/")
            process.send_signal(signal.SIGHUP)
            assert ended(process).code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert_the_same_run(tmp_path / "my run", unbroken)


IN_A_SESSION = """\
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.row(12)
@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_closing_the_terminal_saves_the_run(term: str, tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG.replace(f"max_steps: {STEPS}", "max_steps: 1000000, epochs: null"), name=NAME)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 100))
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    command = [sys.executable, "-c", IN_A_SESSION, *CHARRNN, *TRAIN]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(TERM=term), **streams) as process:
        os.close(theirs)
        read_terminal(ours, until=b"step 3/" if term == "dumb" else b"gradient norm")
        os.close(ours)
        try:
            assert process.wait(TIMEOUT) == 129
        finally:
            process.kill()
    assert load_checkpoint(tmp_path / "my run" / "last.npz").step >= 1


def test_a_run_continues_after_the_reader_of_its_stderr_has_ended(tmp_path: Path, unbroken: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path) as process:
        read_until(process, "step 3/")
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(TIMEOUT) == 0
    assert_the_same_run(tmp_path / "my run", unbroken)


def test_kill_9_leaves_no_worker_behind(tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG, name=NAME)
    with training(tmp_path, "--set", "train.shards=2", "--set", "train.workers=2") as process:
        read_until(process, "step 1/")
        process.kill()
        ended(process)  # waits for the end of the streams, which the workers hold open as well


def test_a_terminal_acknowledges_ctrl_c_at_once(tmp_path: Path) -> None:
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
    assert text.splitlines()[-1].endswith("to continue:  charrnn train 'a book.yaml' --out 'my run' --resume")


def test_ctrl_c_ends_an_endless_sample_quietly(unbroken: Path) -> None:
    with start("sample", unbroken, "--length", "0") as process:
        assert process.stdout is not None
        assert process.stdout.read(5)
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert (result.code, result.err.strip()) == (130, "")
