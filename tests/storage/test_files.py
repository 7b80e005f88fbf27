"""A file shows either all of its old content or all of its new; a folder has one trainer; leftovers are swept."""

import errno
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charrnn
from charrnn.errors import RunInUseError
from charrnn.models.loading import load_latest
from charrnn.storage import checkpoint
from charrnn.storage.files import Lock, sweep, write_atomic
from tests.support.disk import Disk, PowerOff
from tests.support.processes import SMALL, project, start

OLD, NEW = b"old " * 1000, b"new " * 2000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_bytes(OLD)
    return path


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


# -- write whole or not at all ------------------------------------------------------------------------------------


def test_the_content_is_on_disk_before_the_name_and_the_name_before_the_end(path):
    with Disk().mounted() as disk:
        write_atomic(path, lambda file: file.write(NEW))
    assert disk.calls[:3] == ["open", "write", "flush"]
    steps = [call for call in disk.calls if call not in ("open", "write", "flush")]
    assert steps == ["fsync", "replace", *(["open folder", "fsync"] if os.name != "nt" else [])]
    assert path.read_bytes() == NEW


def test_the_old_content_shows_until_the_new_is_whole(path):
    def write(file: Any) -> None:
        for at in range(0, len(NEW), 1000):
            file.write(NEW[at : at + 1000])
            file.flush()
            assert path.read_bytes() == OLD

    write_atomic(path, write)
    assert path.read_bytes() == NEW
    assert names(path.parent) == [path.name]


def test_a_file_that_was_not_there_appears_whole(tmp_path):
    write_atomic(tmp_path / "new.txt", lambda file: file.write(NEW))
    assert (tmp_path / "new.txt").read_bytes() == NEW


FAILURES = {  # how a call fails: once, and from then on, with each error; or the machine ends there
    f"{errno.errorcode[code]} {'from then on' if lasting else 'once'}": {"code": code, "lasting": lasting}
    for code in (errno.ENOSPC, errno.EIO, errno.EACCES)
    for lasting in (False, True)
} | {"power off": {"power": True}}


@pytest.mark.row(2)
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_whatever_call_of_a_save_fails_the_newest_checkpoint_is_whole_and_nothing_else_stays(
    tmp_path, failure, links, monkeypatch, tried
):
    last, previous = tmp_path / "last.npz", tmp_path / "previous.npz"

    def save(step: int) -> None:
        checkpoint.save(last, {"step": step}, {"weight": np.full((40, 50), step, np.float32)}, older=previous)

    def unsupported(*_: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:
        monkeypatch.setattr(os, "link", unsupported)
    save(1)
    with Disk().mounted() as disk:
        save(2)
    assert len(disk.calls) > 8
    assert [checkpoint.load(path)[0]["step"] for path in (last, previous)] == [2, 1]
    tried(len(disk.calls))
    for fails in range(1, len(disk.calls) + 1):
        save(1)
        save(2)
        survives = disk.calls[fails - 1] == "link" and not failure.get("lasting") and "power" not in failure
        with Disk(fails, **failure).mounted() as failing, suppress(OSError, PowerOff):
            save(3)
            assert survives, "or the error was swallowed"
        if "power" in failure:
            sweep(tmp_path)
        found = {path.name: checkpoint.load(path) for path in tmp_path.iterdir()}
        assert set(found) <= {last.name, previous.name}
        assert all(header["step"] == arrays["weight"][0, 0] for header, arrays in found.values())
        renamed = "replace" in failing.calls[: fails - 1]
        assert max(header["step"] for header, _ in found.values()) in ((2, 3) if renamed or survives else (2,))
        assert last.name in found or not links


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError])
def test_an_interruption_leaves_the_old_file_and_no_other(path, error):
    def write(file: Any) -> None:
        file.write(NEW)
        raise error

    with pytest.raises(error):
        write_atomic(path, write)
    assert path.read_bytes() == OLD
    assert names(path.parent) == [path.name]


# -- processes ----------------------------------------------------------------------------------------------------


@contextmanager
def process(program: str, *arguments: Any) -> Iterator[subprocess.Popen[str]]:
    """A Python process with pipes for its input and output, gone at the end."""
    environment = os.environ | {"PYTHONPATH": str(Path(charrnn.__file__).parents[1])}
    program = "import os, sys\nfrom pathlib import Path\nfrom charrnn.storage.files import *\n" + program
    command = [sys.executable, "-c", program, *map(str, arguments)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **streams) as started:
        try:
            yield started
        finally:
            started.kill()


def test_what_a_killed_writer_left_is_swept_and_nothing_else(path):
    folder = path.parent
    for name in ("notes.tmp", ".hidden", "my.tmp.txt", ".lock"):
        (folder / name).touch()
    (folder / "samples").mkdir()
    (folder / ".kept.tmp").mkdir()
    before = names(folder)
    dies = "write_atomic(Path(sys.argv[1]), lambda file: (file.write(b'new'), file.flush(), os._exit(9)))"
    with process(dies, path) as writer:
        assert writer.wait() == 9
    assert len(names(folder)) == len(before) + 1
    assert path.read_bytes() == OLD
    sweep(folder)
    assert names(folder) == before


TRY = "lock = Lock(Path(sys.argv[1])); print('locked', flush=True)"
HOLD = f"{TRY}; input(); lock.close(); print('free', flush=True); input()"


def locked(folder: Path) -> bool:
    """Whether another trainer finds the folder taken."""
    try:
        Lock(folder).close()
    except RunInUseError:
        return True
    return False


def test_a_folder_locked_by_another_process_is_refused_until_that_gives_it_free(tmp_path):
    with process(HOLD, tmp_path) as holder:
        assert holder.stdout.readline() == "locked\n"
        assert locked(tmp_path)
        assert locked(tmp_path), "a refused claim changes nothing"
        print(file=holder.stdin, flush=True)
        assert holder.stdout.readline() == "free\n"
        assert not locked(tmp_path)


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path):
    with process(HOLD, tmp_path) as holder:
        assert holder.stdout.readline() == "locked\n"
        holder.kill()
        holder.wait()
    assert not locked(tmp_path)


def test_a_lock_of_this_process_keeps_others_out_and_close_lets_them_in(tmp_path):
    lock = Lock(tmp_path)
    with pytest.raises(RunInUseError, match=re.escape(str(tmp_path))):
        Lock(tmp_path)
    with process(f"try: {TRY}\nexcept RunInUseError: print('refused')", tmp_path) as other:
        assert other.stdout.read() == "refused\n"
    lock.close()
    with process(TRY, tmp_path) as other:
        assert other.stdout.read() == "locked\n"
    assert not locked(tmp_path)


def test_folders_are_locked_one_by_one(tmp_path):
    (tmp_path / "other").mkdir()
    lock = Lock(tmp_path)
    assert not locked(tmp_path / "other")
    lock.close()


@pytest.mark.row(13)
@pytest.mark.parametrize("options", [[], ["--resume"], ["--force"]], ids=" ".join)
def test_of_ten_trainers_that_start_at_once_one_runs_and_nine_say_so(options, tmp_path, tried):
    project(tmp_path, config=SMALL.replace("max_steps: 10", "epochs: null, patience: null, max_steps: 1000000"))
    tried(10)
    with ExitStack() as stack:
        trainers = [stack.enter_context(start("train", "my.yaml", *options, cwd=tmp_path)) for _ in range(10)]
        for trainer in trainers:
            stack.callback(trainer.kill)
        refused = []
        while len(refused) < 9:
            pid, status = os.waitpid(-1, 0)
            if pid not in {trainer.pid for trainer in trainers}:
                continue  # of another test
            refused.append(os.waitstatus_to_exitcode(status))
            (ended,) = (trainer for trainer in trainers if trainer.pid == pid)
            ended.returncode = refused[-1]
            assert re.fullmatch(r"charrnn: runs/my: another trainer is at work here; .*\n", ended.stderr.read())
        assert refused == [3] * 9
        (winner,) = (trainer for trainer in trainers if trainer.returncode is None)
        winner.terminate()
        winner.communicate(timeout=60)
        assert winner.returncode == 143
    assert load_latest(tmp_path / "runs" / "my").step >= 1


WRITER = """
import numpy as np
from charrnn.storage import checkpoint
folder = Path(sys.argv[1])
for step in range(1, int(sys.argv[2]) + 1):
    weight = np.full((100, 100), step, np.float32)
    header = {"step": step, "note": "n" * (step % 2 * 1000)}  # no two in a row are of one length
    checkpoint.save(folder / "last.npz", header, {"weight": weight}, older=folder / "previous.npz")
"""
SAVES = 500


@pytest.mark.row(13)
def test_whoever_reads_while_another_process_saves_reads_whole_checkpoints(tmp_path, tried):
    reads = dict.fromkeys(["last.npz", "previous.npz"], 0)
    with process(WRITER, tmp_path, SAVES) as writer:
        while not (tmp_path / "previous.npz").exists():
            assert writer.poll() is None
        while writer.poll() is None or min(reads.values()) < SAVES:
            for name, before in reads.items():
                header, arrays = checkpoint.load(tmp_path / name)
                assert (arrays["weight"] == header["step"]).all()
                reads[name] = before + 1
        assert writer.returncode == 0
    tried(sum(reads.values()))
    assert [checkpoint.load(tmp_path / name)[0]["step"] for name in reads] == [SAVES, SAVES - 1]


def test_a_file_system_that_knows_no_locks_is_not_called_another_trainer(tmp_path, monkeypatch):
    def unsupported(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(OSError) as error:
        Lock(tmp_path)
    assert error.value.errno == errno.ENOLCK
