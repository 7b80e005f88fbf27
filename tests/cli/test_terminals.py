"""Commands in a terminal: the live panel, colours, and text that must not control the terminal."""

import re
from pathlib import Path

import pytest

from tests.support.processes import (
    CSI,
    HOSTILE,
    TOO_FAST,
    Trained,
    commands_to_a_terminal,
    project,
    run,
    run_in_terminal,
)


def test_a_terminal_gets_a_live_panel_and_then_plain_sentences(odd: Trained) -> None:
    shown = CSI.sub("", odd.result.text)
    assert odd.result.code == 0
    assert shown != odd.result.text
    for expected in ("╭", "runs/my", "10 of 10", "nats/char", "bits/char", "perplexity", "char/s", "gradient norm"):
        assert expected in shown
    assert shown.splitlines()[-1] == "next:  charrnn report runs/my"


def test_the_last_panel_shows_the_advice(tmp_path: Path) -> None:
    shown = run_in_terminal("train", "my.yaml", *TOO_FAST, cwd=project(tmp_path)).text
    panel = CSI.sub("", shown).rpartition("╭")[2].partition("╰")[0]
    assert "│ Learning rate too high: " in panel


def test_control_characters_of_a_text_are_escaped_in_the_live_panel(odd: Trained) -> None:
    sample = (odd.folder / "samples" / "00000010.txt").read_text()
    assert {"\x1b", "\x07", "\x9b"} <= set(sample), "the model must write what must not be shown"
    assert "\\x1b" in odd.result.text
    assert not commands_to_a_terminal(CSI.sub("", odd.result.text)) - {"\r"}


@pytest.mark.row(8)
@pytest.mark.parametrize(
    "typed",
    [
        ["sample", "runs/my", "--prime", HOSTILE + "\x1b[2J", "--unknown", "skip"],
        ["sample", "runs/my", "--prime", "\x1b[2J"],
        ["info", "runs/my"],
        ["eval", "runs/my", HOSTILE],
        ["report", "runs/my", "--out", HOSTILE + ".html"],
        ["flow", "runs/my", HOSTILE],
        ["info", "missing" + HOSTILE],
        ["train", HOSTILE + ".yaml"],
        ["train", "my.yaml", "--set", "data.path=" + HOSTILE],
    ],
    ids=lambda typed: " ".join(typed).replace(HOSTILE, "HOSTILE").replace("\x1b", "ESC"),
)
def test_no_output_and_no_error_holds_control_characters_in_a_terminal(typed: list[str], odd: Trained) -> None:
    shown = run_in_terminal(*typed, cwd=odd.folder.parents[1]).out.decode(errors="backslashreplace")
    assert shown
    assert not commands_to_a_terminal(shown)


def test_a_byte_model_shows_whole_characters_in_a_terminal(bytewise: Path) -> None:
    typed = ["sample", "runs/my", "--temp", "0", "--length", "8", "--prime", "é"]
    assert run(*typed, cwd=bytewise).text == "ééééé", "the model must have learnt its text"
    assert run_in_terminal(*typed, cwd=bytewise).text == "ééééé\n"


@pytest.mark.row(18)
def test_a_dumb_terminal_gets_plain_lines(small: Path, tmp_path: Path) -> None:
    result = run_in_terminal("train", "my.yaml", "--out", tmp_path / "run", cwd=small, TERM="dumb")
    assert result.code == 0
    assert "step 5/10" in result.text
    assert not commands_to_a_terminal(result.text)


@pytest.mark.row(18)
def test_training_works_in_a_terminal_of_one_column(small: Path, tmp_path: Path) -> None:
    result = run_in_terminal(
        "train", "my.yaml", "--out", tmp_path / "run", cwd=small, columns=1, COLUMNS="1", LINES="1"
    )
    assert result.code == 0
    assert (tmp_path / "run" / "last.npz").exists()
    assert run("train", "--help", COLUMNS="1").code == 0


def test_no_color_removes_the_colours_of_the_panel(small: Path, tmp_path: Path) -> None:
    result = run_in_terminal("train", "my.yaml", "--out", tmp_path / "run", cwd=small, NO_COLOR="1")
    styles = {number for style in re.findall(r"\x1b\[([0-9;]*)m", result.text) for number in style.split(";")}
    assert "╭" in result.text
    assert not {style for style in styles if len(style) > 1}, "30 to 48 and 90 to 107 are colours"
