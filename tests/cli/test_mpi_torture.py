"""Ranks that fail at random moments: all end in time, and the run continues to the bytes of an unbroken one."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from charrnn.models.loading import load_checkpoint
from tests.support.processes import ROOT, TALES
from tests.support.ranks import MPIEXEC, needs_mpi
from tests.support.runs import BEST, LAST, records
from tests.support.torture import volume

CONFIG = """\
data: {path: text.txt}
model: {cell: gru, hidden_size: 8, num_layers: 2, dropout: 0.2}
train: {batch_size: 8, seq_length: 16, max_steps: 200, epochs: null, log_every: 20, eval_every: 20, save_every: 10,
        sample_length: 0, shards: 5, workers: 1, schedule: constant}
"""
# The command line; SIGUSR2 fails it wherever it is, but for an import, which would take the error for a missing module.
# Its process shows itself by a file.
DRIVER = """\
import os, signal, threading, traceback
from charrnn.cli.main import main
def fail(number, frame):
    if any("importlib" in each.f_code.co_filename for each, _ in traceback.walk_stack(frame)):
        threading.Timer(0.01, os.kill, (os.getpid(), number)).start()
        return
    raise OSError(28, "No space left on device", "x")
if __name__ == "__main__":
    signal.signal(signal.SIGUSR2, fail)
    open(f"rank-{os.getpid()}", "x").close()
    main()
"""
WAIT = 4  # seconds
DEADLINE = ("--mpi-wait", str(WAIT))
SLACK = 30  # seconds beyond it, for a machine with other work
FAILURES_PER_RUN = 5


@contextmanager
def launch(
    folder: Path, ranks: int, *more: str, launcher: tuple[str, ...] = (MPIEXEC,)
) -> Iterator[subprocess.Popen[str]]:
    """Start or resume the run of a folder; at the end nothing of it is left."""
    for path in folder.glob("rank-*"):
        path.unlink()
    command = [*launcher, "-n", str(ranks), sys.executable, "driver.py", "train", "text.yaml", "--mpi", "--out", "run"]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*command, "--resume", *more], cwd=folder, env=surroundings, **streams) as process:
        try:
            yield process
        finally:
            process.kill()
            for pid in pids(folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def project(folder: Path) -> Path:
    """A folder with a text, a config and the driver."""
    (folder / "text.txt").write_text(TALES.read_text()[:6000])
    (folder / "text.yaml").write_text(CONFIG)
    (folder / "driver.py").write_text(DRIVER)
    return folder


def pids(folder: Path) -> list[int]:
    """The processes of the ranks that have begun since the latest launch."""
    return sorted(int(path.name.removeprefix("rank-")) for path in folder.glob("rank-*"))


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + SLACK
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def finish(folder: Path, ranks: int, *more: str) -> float:
    """Run to the end; return the seconds from when the ranks have begun."""
    with launch(folder, ranks, *more) as process:
        until(lambda: len(pids(folder)) == ranks)
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


def fail_at_random(folder: Path, seconds: float, rng: random.Random) -> int:
    """Resume a run on 2 to 4 ranks, one of which fails at a random moment; all must end in time. The exit code."""
    ranks, number = rng.choice([2, 3, 4]), rng.choice([signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR2])
    with launch(folder, ranks, *DEADLINE, "--set", f"train.workers={rng.choice([1, 2])}") as process:
        until(lambda: len(pids(folder)) == ranks)
        culprit = rng.choice(pids(folder))
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
        until(lambda: all(map(gone, pids(folder))))
        return process.returncode


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
    while failures:
        if fail_at_random(tmp_path, seconds, rng):
            failures -= 1
        else:  # it ended before
            assert result(tmp_path) == wanted
            shutil.rmtree(tmp_path / "run")
    finish(tmp_path, 2)
    assert result(tmp_path) == wanted


# -- two hosts --------------------------------------------------------------------------------------------------------

ADDRESSES = ("10.77.0.1", "10.77.0.2")
LAUNCHER = """\
#!/bin/sh
[ "$1" = -x ] && shift
shift
exec ip netns exec {host} unshare --uts sh -c "hostname {host}; $*"
"""  # in place of ssh, which the launcher calls with the name of the host and a command


def two_hosts() -> bool:
    """Whether two hosts can be had here: network namespaces, which take root and Linux, and the mpiexec of MPICH."""
    tools = all(map(shutil.which, ("ip", "unshare")))
    if not (MPIEXEC and tools and os.geteuid() == 0):
        return False
    shown = subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True, check=False).stdout
    alone = subprocess.run(["unshare", "--net", "--uts", "true"], check=False, capture_output=True)
    return "HYDRA" in shown and alone.returncode == 0


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """Two hosts with a cable between them, which is called `cable` on both."""
    names = (f"charrnn-a-{os.getpid()}", f"charrnn-b-{os.getpid()}")
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "cable", "netns", names[0], "type", "veth", "peer", "name", "cable", "netns", names[1])
        for name, address in zip(names, ADDRESSES, strict=True):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "cable")
            for device in ("lo", "cable"):
                ip("-n", name, "link", "set", device, "up")
        time.sleep(2)  # until the addresses of IPv6 are known to be unique
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@needs_mpi
@pytest.mark.row(19)
@pytest.mark.skipif(not two_hosts(), reason="needs root, network namespaces and MPICH")
def test_a_pulled_cable_ends_the_ranks_of_both_hosts_in_time(hosts: tuple[str, str], tmp_path: Path) -> None:
    project(tmp_path)
    far = tmp_path / "far"
    far.write_text(LAUNCHER.format(host=hosts[1]))
    far.chmod(0o755)
    tcp = ("env", "UCX_TLS=tcp,self")  # else both find the memory that they share
    reached = ("-localhost", ADDRESSES[0], "-hosts", ",".join(ADDRESSES))
    near = ("ip", "netns", "exec", hosts[0], *tcp, MPIEXEC, *reached, "-launcher", "ssh", "-launcher-exec", str(far))
    with launch(tmp_path, 2, *DEADLINE, "--set", "train.max_steps=1000000", launcher=near) as process:
        assert process.stdout is not None
        lines = list(takewhile(lambda line: not line.startswith("step 20/"), process.stdout))
        assert any(line.startswith("model: ") for line in lines), lines
        ip("-n", hosts[0], "link", "set", "cable", "down")
        shown, _ = process.communicate(timeout=WAIT + SLACK)
        until(lambda: all(map(gone, pids(tmp_path))))
    assert process.returncode == 1, shown
    assert f"charrnn: no answer of another rank for {WAIT} s" in shown
    step = load_checkpoint(tmp_path / "run" / LAST).step
    assert step >= 10
    finish(tmp_path, 2, "--set", f"train.max_steps={step + 10}")
