"""A whole run on a disk that fails at any of its calls, fills up, or vanishes: one line, and nothing saved is lost."""

import errno
import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import load_config
from charrnn.config.keys import Config
from charrnn.models.loading import load_checkpoint, load_latest
from charrnn.storage import spool
from charrnn.training.opening import open_run
from tests.support.disk import Disk, PowerOff
from tests.support.processes import Result, call, ended, project, read_until, run, start
from tests.support.runs import BEST, LAST, LOG, PREVIOUS
from tests.support.torture import volume

CONFIG = """\
data: {path: text.txt}
model: {cell: rnn, hidden_size: 2, num_layers: 1}
train: {batch_size: 2, seq_length: 8, max_steps: 4, log_every: 1, eval_every: 2, save_every: 1, sample_length: 2,
        sample_every: 3}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A run of four steps, each of which is saved, in the working directory; nothing waits for the real disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.chdir(project(tmp_path, "the fox and the hen " * 20, CONFIG))
    return load_config("my.yaml")


def finished(folder: Path) -> dict[str, Any]:
    """All that a finished run leaves, but for times and for what depends on when it was saved."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    del files[PREVIOUS]
    lines = files.pop(LOG).decode().splitlines()
    return files | {LOG: [line.partition(', "seconds"')[0] for line in lines]}


def whole(folder: Path) -> list[int]:
    """The steps of the complete states that a run directory holds, each of which must be whole, newest first."""
    found = [folder / name for name in (LAST, PREVIOUS) if (folder / name).exists()]
    return sorted((load_checkpoint(path).step for path in found), reverse=True)


@pytest.mark.row(2)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("turn", range(volume(1, 3)))
def test_whatever_call_of_a_run_fails_it_is_one_line_and_resume_ends_with_the_same_bytes(
    turn: int, lasting: bool, config: Config, tried: Any
) -> None:
    """Each call with one of three errors, in turn; on demand with all three."""
    codes = [errno.ENOSPC, errno.EIO, errno.EACCES]
    folder, typed = Path("runs/my"), ["train", "my.yaml", "--quiet", "--set", "train.max_steps=2"]
    with Disk().mounted() as disk:
        assert call(*typed) == Result(0, b"", "")
    unbroken = finished(folder)
    tried(len(disk.calls))
    for fails, name in enumerate(disk.calls, 1):
        shutil.rmtree(folder)
        code = codes[(fails + turn) % 3]
        with Disk(fails, lasting, code).mounted():
            said = call(*typed)
        if name == "link" and not lasting:  # then the file is renamed instead
            assert said == Result(0, b"", "")
        else:
            assert (said.code, said.out, len(said.lines)) == (1, b"", 1), (fails, name, said)
            assert os.strerror(code) in said.err
        assert not list(folder.rglob(".*.tmp"))
        assert whole(folder) or not (folder / BEST).exists() or not (folder / LAST).exists()
        assert call(*typed, "--resume") == Result(0, b"", "")
        assert finished(folder) == unbroken, fails


def trained_until_the_end_of_the_machine(config: Config, disk: Disk) -> int:
    """The last step that was trained, and so saved."""
    started, step = None, 0
    with disk.mounted():
        try:
            started = open_run(config)
            for progress in started:
                step = progress.step
        except PowerOff:
            return step
        finally:
            if started:
                started.close()
    raise AssertionError("the machine did not end")


@pytest.mark.row(1, 2)
def test_wherever_the_machine_ends_no_saved_step_is_lost_and_resume_ends_with_the_same_bytes(
    config: Config, tried: Any
) -> None:
    """The end of the machine at every call in turn: what was cut off is half written, and nobody clears up."""
    folder, config = Path("runs/my"), replace(config, train=replace(config.train, max_steps=2))
    with Disk(power=True).mounted() as disk, closing(open_run(config)) as trained:
        list(trained)
    unbroken = finished(folder)
    tried(len(disk.calls))
    for fails in range(1, len(disk.calls) + 1):
        shutil.rmtree(folder)
        saved = trained_until_the_end_of_the_machine(config, Disk(fails, power=True))
        assert max(whole(folder), default=0) >= saved, fails
        with closing(open_run(config, resume=True)) as again:
            assert again.state.step >= saved
            list(again)
        assert finished(folder) == unbroken, fails


# -- damage -------------------------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE = {"a bit": flip, "its end": lambda path: os.truncate(path, 100), "all of it": lambda path: os.truncate(path, 0)}


@pytest.mark.row(2)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_last_checkpoint_falls_back_to_the_one_before_with_one_line(damage: Any, config: Config) -> None:
    folder = Path("runs/my")
    assert call("train", "my.yaml", "--quiet").code == 0
    unbroken = finished(folder)
    damage(folder / LAST)
    said = call("train", "my.yaml", "--resume")
    (note,) = [line for line in said.lines if "damaged" in line]
    assert note.startswith(f"note: {folder / LAST}: ")
    assert note.endswith(f"{folder / PREVIOUS} (step 3) is read instead")
    assert "resuming after step 3" in said.lines
    assert said.code == 0
    assert finished(folder) == unbroken
    assert [path.name for path in (folder / LAST, folder / PREVIOUS) if load_checkpoint(path)]


def finish(config: Config) -> None:
    with closing(open_run(config, resume=True)) as again:
        list(again)


def test_a_damaged_checkpoint_never_takes_the_place_of_the_one_before(config: Config) -> None:
    folder = Path("runs/my")
    assert call("train", "my.yaml", "--quiet").code == 0
    flip(folder / LAST)
    shutil.copytree(folder, "kept")
    with Disk().mounted() as disk:
        finish(config)
    for fails in range(1, len(disk.calls) + 1):  # whatever fails on the way, what was good stays
        shutil.rmtree(folder)
        shutil.copytree("kept", folder)
        with Disk(fails, lasting=True).mounted(), pytest.raises(OSError):
            finish(config)
        assert load_latest(folder).step >= 3, fails


@pytest.mark.parametrize("command", ["sample runs/my --length 3", "eval runs/my", "info runs/my"])
def test_what_stands_in_for_a_damaged_best_checkpoint_is_named_in_one_line(command: str, config: Config) -> None:
    folder = Path("runs/my")
    assert call("train", "my.yaml", "--quiet").code == 0
    flip(folder / BEST)
    said = call(*command.split())
    assert (said.code, len(said.lines)) == (0, 1)
    assert said.out
    assert f"{folder / BEST}: " in said.err
    assert f"{folder / LAST} (step 4) is read instead" in said.err
    flip(folder / LAST)
    said = call(*command.split())
    assert f"{folder / PREVIOUS} (step 3) is read instead" in said.err
    flip(folder / PREVIOUS)
    said = call(*command.split())
    assert (said.code, said.out, len(said.lines)) == (2, b"", 1)


def test_the_last_checkpoint_is_the_one_of_the_most_steps_whatever_its_name_and_time(config: Config) -> None:
    folder = Path("runs/my")
    assert call("train", "my.yaml", "--quiet").code == 0
    (folder / LAST).rename(folder / "other")
    (folder / PREVIOUS).rename(folder / LAST)
    (folder / "other").rename(folder / PREVIOUS)
    os.utime(folder / PREVIOUS, (0, 0))
    assert load_latest(folder).step == 4
    with closing(open_run(config, resume=True)) as again:
        assert again.finished


# -- disks and folders as they are --------------------------------------------------------------------------------


@pytest.mark.row(11)
@pytest.mark.parametrize("blocks", [1, 4, 9, 14])
def test_a_disk_that_fills_up_is_one_line_and_keeps_what_was_saved(blocks: int, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the system itself refuses to write on."""
    big = CONFIG.replace("hidden_size: 2", "hidden_size: 20")
    project(tmp_path, "the fox and the hen " * 20, big)
    assert run("train", "my.yaml", "--quiet", "--set", "train.max_steps=2", cwd=tmp_path).code == 0
    before = (tmp_path / "runs/my" / LAST).read_bytes()
    assert len(before) > 14 * 512
    command = f'ulimit -f {blocks}; exec "$@"'
    said = run("train", "my.yaml", "--quiet", "--resume", cwd=tmp_path, shell=command)
    assert (said.code, said.out, len(said.lines)) == (1, b"", 1)
    assert "File too large" in said.err
    assert (tmp_path / "runs/my" / LAST).read_bytes() == before
    assert not list(tmp_path.rglob(".*.tmp"))
    assert run("train", "my.yaml", "--quiet", "--resume", cwd=tmp_path).code == 0


@pytest.mark.row(11)
def test_a_disk_that_fills_up_with_a_large_text_is_one_line_that_names_the_place(tmp_path: Path) -> None:
    project(tmp_path, "the fox and the hen " * (spool.LARGE // 10))
    there = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path)}
    command = 'ulimit -f 10239; exec "$@"'
    said = run("train", "my.yaml", "--quiet", cwd=tmp_path, shell=command, **there)
    assert (said.code, said.out, len(said.lines)) == (1, b"", 1)
    assert f"{tmp_path}: File too large; " in said.err
    assert [file.suffix for file in (tmp_path / "cache").rglob("*") if file.is_file()] == [".sha256"]


@pytest.mark.row(11)
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_folder_that_nobody_may_write_to_is_one_line(number: int, config: Config) -> None:
    with Disk(1, lasting=True, code=number).mounted():
        said = call("train", "my.yaml")
    assert (said.code, said.out, len(said.lines)) == (1, b"", 1)
    assert os.strerror(number) in said.err


@pytest.mark.row(11)
@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_one_line_that_names_it(config: Config) -> None:
    Path("runs").mkdir(mode=0o555)
    said = call("train", "my.yaml")
    assert (said.code, said.out, len(said.lines)) == (1, b"", 1)
    assert "runs/my" in said.err


@pytest.mark.row(11)
def test_a_folder_that_is_removed_under_way_is_one_line(tmp_path: Path) -> None:
    project(tmp_path, config=CONFIG.replace("max_steps: 4", "max_steps: 100000, epochs: null"))
    with start("train", "my.yaml", cwd=tmp_path) as process:
        try:
            read_until(process, "step 3/")
            (tmp_path / "runs").rename(tmp_path / "gone")  # at one stroke, which removing file by file is not
            said = ended(process)
        finally:
            process.kill()
    assert (said.code, said.out) == (1, b"")
    assert said.lines[-1].startswith("charrnn: ")
    assert "No such file" in said.lines[-1]


ODD = [
    "with space",
    "☃ 😀",
    "two\nlines",
    "-dash",
    "a'b\"c",
    "*?[x]",
    "$HOME;ls",
    "\x1b]0;x\x07",
    "x" * 200,
]


@pytest.mark.row(11)
@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_run_in_a_folder_of_any_name_is_trained_resumed_and_read(name: str, config: Config) -> None:
    shutil.copy("text.txt", Path(name + ".txt"))
    options = ["--quiet", "--out", f"./{name}", "--set", f'data.path="{_quoted(f"./{name}.txt")}"']
    assert call("train", "my.yaml", *options) == Result(0, b"", "")
    assert call("train", "my.yaml", *options, "--resume") == Result(0, b"", "")
    for command in (["sample", "--length", "3"], ["eval"], ["info"]):
        said = call(command[0], f"./{name}", *command[1:])
        assert (said.code, said.err) == (0, "")
    assert np.isfinite(load_checkpoint(Path(name)).network.params.values).all()


def _quoted(path: str) -> str:
    """The inside of a double-quoted scalar."""
    return "".join(f"\\U{ord(c):08x}" if not c.isalnum() and c not in "./ " else c for c in path)
