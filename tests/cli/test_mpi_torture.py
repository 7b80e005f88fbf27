"""Ranks that fail at random moments: all end in time, and the run continues to the bytes of an unbroken one."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ROOT, TALES
from tests.support.ranks import MPIEXEC, needs_mpi
from tests.support.runs import BEST, LAST, records
from tests.support.torture import volume

CONFIG = """\
data: {path: text.txt}
model: {cell: gru, hidden_size: 8, num_layers: 2, dropout: 0.2}
train: {batch_size: 8, seq_length: 16, max_steps: 200, epochs: null, log_every: 20, eval_every: 20, save_every: 10,
        sample_length: 0, shards: 5, workers: 1}
"""
# The command line; SIGUSR2 fails it wherever it is. Its process shows itself by a file.
DRIVER = """\
import os, signal
from charrnn.cli.main import main
def fail(*_):
    raise OSError(28, "No space left on device", "x")
if __name__ == "__main__":
    signal.signal(signal.SIGUSR2, fail)
    open(f"rank-{os.getpid()}", "x").close()
    main()
"""
WAIT = 2  # seconds, the deadline of --mpi-wait
SLACK = 30  # seconds beyond it, for a machine with other work
FAILURES_PER_RUN = 5


def launch(folder: Path, ranks: int, *more: str) -> subprocess.Popen[str]:
    """Start or resume the run of a folder."""
    command = [MPIEXEC, "-n", str(ranks), sys.executable, "driver.py", "train", "text.yaml", "--mpi", "--out", "run"]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    wait = ["--mpi-wait", str(WAIT), "--resume"]
    return subprocess.Popen([*command, *wait, *more], cwd=folder, env=surroundings, **streams)


def project(folder: Path) -> Path:
    """A folder with a text, a config and the driver."""
    (folder / "text.txt").write_text(TALES.read_text()[:6000])
    (folder / "text.yaml").write_text(CONFIG)
    (folder / "driver.py").write_text(DRIVER)
    return folder


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SLACK
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def finish(folder: Path, ranks: int) -> float:
    """Run to the end; return the seconds from when the ranks have begun."""
    known = set(folder.glob("rank-*"))
    with launch(folder, ranks) as process:
        until(lambda: len({*folder.glob("rank-*")} - known) == ranks)
        began = time.monotonic()
        shown, _ = process.communicate(timeout=60)
    assert process.returncode == 0, shown
    return time.monotonic() - began


def result(folder: Path) -> list[Any]:
    """What must be equal, byte for byte, between runs that have ended."""
    run = folder / "run"
    return [(run / LAST).read_bytes(), (run / BEST).read_bytes(), records(run)]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], float]:
    """The result of a run without failures, and its seconds."""
    folder = project(tmp_path_factory.mktemp("unbroken"))
    seconds = finish(folder, 2)
    return result(folder), seconds


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def fail_at_random(folder: Path, seconds: float, rng: random.Random) -> None:
    """Resume a run on 2 to 4 ranks, one of which fails at a random moment, and see that all end in time."""
    ranks, number = rng.choice([2, 3, 4]), rng.choice([signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR2])
    known = set(folder.glob("rank-*"))
    with launch(folder, ranks, "--set", f"train.workers={rng.choice([1, 2])}") as process:
        until(lambda: len({*folder.glob("rank-*")} - known) == ranks)
        pids = [int(path.name.removeprefix("rank-")) for path in {*folder.glob("rank-*")} - known]
        culprit = rng.choice(sorted(pids))
        try:
            time.sleep(rng.uniform(0, seconds))
            with suppress(ProcessLookupError):
                os.kill(culprit, number)
            try:
                shown, _ = process.communicate(timeout=WAIT + SLACK)
            except subprocess.TimeoutExpired:  # only a rank that was stopped after it had left the others may stay
                os.kill(culprit, signal.SIGCONT)
                shown, _ = process.communicate(timeout=SLACK)
                assert process.returncode == 0, (number, shown)
            assert "Traceback" not in shown, (number, shown)
            until(lambda: all(map(gone, pids)))
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@needs_mpi
@pytest.mark.row(19)
@pytest.mark.parametrize("seed", range(volume(1, 10)))
def test_a_rank_that_fails_at_a_random_moment_ends_all_in_time_and_changes_no_byte_of_the_end(
    seed: int, unbroken: tuple[list[Any], float], tmp_path: Path, tried: Any
) -> None:
    wanted, seconds = unbroken
    failures = volume(2, FAILURES_PER_RUN)
    tried(failures)
    rng = random.Random(seed)
    project(tmp_path)
    for _ in range(failures):
        fail_at_random(tmp_path, seconds, rng)
    finish(tmp_path, 2)
    assert result(tmp_path) == wanted
