"""Standard streams that are closed, full, redirected to a file, or limited to ASCII."""

import shutil
from pathlib import Path

import pytest

from tests.support.processes import HOSTILE, Result, Trained, commands_to_a_terminal, run


def test_a_log_file_gets_plain_lines_even_if_colour_is_forced(small: Path, tmp_path: Path) -> None:
    looks = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}
    result = run("train", "my.yaml", "--out", tmp_path / "run", cwd=small, **looks)
    assert result.code == 0
    assert not commands_to_a_terminal(result.err)
    assert any(line.startswith("step 5/10") for line in result.lines)


@pytest.mark.row(18)
@pytest.mark.parametrize(
    "typed",
    [
        ["train", "my.yaml", "--init-from", "runs/my", "--out", "é"],
        ["sample", "runs/my", "--prime", "é☃", "--length", "9"],
        ["eval", "runs/my", HOSTILE],
        ["report", "runs/my"],
        ["flow", "runs/my", "my.yaml"],
        ["info", "runs/my"],
    ],
    ids=lambda typed: typed[0],
)
def test_commands_work_with_streams_in_ascii(typed: list[str], odd: Trained, tmp_path: Path) -> None:
    shutil.copytree(odd.folder.parents[1], tmp_path, dirs_exist_ok=True)
    result = run(*typed, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert result.code == 0, result.err
    if typed[0] == "sample":
        assert result.text.startswith("é☃")


@pytest.mark.row(18)
def test_info_works_in_the_c_locale(odd: Trained) -> None:
    result = run("info", "runs/my", cwd=odd.folder.parents[1], LC_ALL="C")
    assert (result.code, result.err) == (0, "")


@pytest.mark.row(18)
@pytest.mark.parametrize("redirect", ["2>&-", "<&- >&- 2>&-"])
def test_training_works_with_closed_streams(redirect: str, small: Path, tmp_path: Path) -> None:
    result = run("train", "my.yaml", "--out", tmp_path / "run", cwd=small, redirect=redirect)
    trained = Trained(tmp_path / "run", result)
    assert trained.result.code == 0
    assert trained.model.params.size
    assert [record["step"] for record in trained.log] == [5, 10]


@pytest.mark.row(18)
@pytest.mark.parametrize("typed", ["sample runs/my --length 9", "info runs/my", "--help"])
def test_a_closed_stdout_is_no_error(typed: str, small: Path) -> None:
    assert run(*typed.split(), cwd=small, redirect=">&-") == Result(0, b"", "")


@pytest.mark.row(18)
@pytest.mark.parametrize("typed", ["sample runs/my --length 9", "info runs/my"])
def test_a_full_disk_behind_stdout_is_one_line(typed: str, small: Path) -> None:
    result = run(*typed.split(), cwd=small, redirect="> /dev/full")
    assert (result.code, len(result.lines)) == (1, 1)
    assert "No space left" in result.err
