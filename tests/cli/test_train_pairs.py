"""`charrnn train`, `info` and `compare` with translators: what is printed, and how the commands refuse."""

import json
import signal
from pathlib import Path

import pytest

from tests.support.pair_files import pair_config, write_pairs
from tests.support.processes import Result, call, ended, read_until, run, run_in_terminal, start


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with pairs and a config for them."""
    monkeypatch.chdir(tmp_path)
    write_pairs(tmp_path)
    Path("pairs.yaml").write_text(pair_config(out="runs/pairs", train={"shards": 1, "best": "exact"}).to_yaml())


def trained(*more: str) -> Result:
    result = call("train", "pairs.yaml", *more)
    assert result.code == 0, result.err
    return result


def test_the_first_lines_describe_pairs_both_sides_model_and_plan() -> None:
    lines = trained().lines
    assert lines[0] == "pairs: 60 (train 42, valid 9, test 9)"
    assert lines[1].startswith("sources: 2 to 6 symbols, median ")
    assert lines[1].endswith("6 different in training")
    assert lines[2].startswith("targets: 1 to 5 symbols, median ")
    assert lines[3] == "0 of the 18 held-out sources also stand in training"
    assert lines[4].startswith("model: gru 1 x 5, both directions, attention general, ")
    assert lines[5].endswith("; the best by exact")
    assert any(line.startswith("step ") and "  exact 0." in line and "  symbol_error " in line for line in lines)
    commands = ["predict runs/pairs", "eval runs/pairs --baselines", "report runs/pairs"]
    assert [line for line in lines if line.startswith("next:")] == [f"next:  charrnn {name}" for name in commands]


def test_a_dry_run_tells_size_and_time_and_writes_nothing() -> None:
    lines = call("train", "pairs.yaml", "--dry-run").text.splitlines()
    assert lines[0].startswith("pairs: 60")
    assert [line.partition(":")[0] for line in lines[-4:]] == [
        "speed",
        "time",
        "note",
        "nothing was trained or written",
    ]
    assert not Path("runs").exists()


def test_the_panel_shows_the_figures_of_a_translator() -> None:
    shown = run_in_terminal("train", "pairs.yaml", cwd=Path.cwd()).text
    assert "symbol_error" in shown
    assert "bits/char" not in shown


def test_info_describes_a_translator_and_its_json_holds_the_symbols() -> None:
    trained()
    lines = call("info", "runs/pairs").text.splitlines()
    assert lines[1].startswith("  model        translate, gru 1 x 5, ")
    assert "  sources      6 symbols: <F> <R> a b c d" in lines
    assert "  targets      4 symbols: ay bee dee see" in lines
    assert any(line.startswith("  best ") and "exact on validation" in line for line in lines)
    found = json.loads(call("info", "runs/pairs", "--json").text)
    assert found["target"]["names"] == ["ay", "bee", "dee", "see"]
    assert found["vocab"] is None


def test_compare_takes_translators() -> None:
    trained("--quiet")
    trained("--quiet", "--out", "runs/other", "--set", "model.attention=none")
    found = json.loads(call("compare", "runs/pairs", "runs/other", "--json").text)
    assert [*found["runs"][0]["figures"]] == ["exact", "symbol_error"]
    assert [*found["runs"][1]["differences"]] == ["exact", "symbol_error"]
    assert found["differing"]["model.attention"]
    assert "share of wrong symbols" in call("compare", "runs/pairs", "runs/other").text


@pytest.mark.parametrize("words", [["sample"], ["embed", "pairs.tsv"], ["flow"]], ids=" ".join)
def test_a_command_for_language_models_refuses_a_translator_in_one_line(words: list[str]) -> None:
    trained("--quiet")
    result = call(words[0], "runs/pairs", *words[1:], stdin=b"")
    assert result.code != 0
    assert len(result.lines) == 1
    assert "this is a translator, not a language model; use charrnn " in result.lines[0]


def test_the_bench_refuses_in_one_line() -> None:
    result = call("bench", "pairs.yaml")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "language model" in result.lines[0]


def test_what_held_out_pairs_lack_is_said_in_notes() -> None:
    rows = [f"{'ab'[k % 2]}{'cd'[k % 3 % 2]}{k}\tx\tF\t{'train' if k % 4 else 'valid'}\n" for k in range(40)]
    Path("pairs.tsv").write_text("word\tnames\ttag\tpart\n" + "".join(rows) + "z\ty\tF\tvalid\n")
    lines = trained("--set", "data.split_column=part", "--set", "data.split=column").lines
    assert "note: source symbols of the valid split that are too rare or missing in training: 1" in lines
    assert any("targets of the valid split with a symbol that is missing in training" in line for line in lines)


def test_a_run_is_saved_at_a_signal_and_goes_on_to_the_same_bytes() -> None:
    more = ("--set", "train.epochs=40", "--set", "train.log_every=1", "--set", "train.patience=null")
    trained("--quiet", "--out", "whole", *more)
    with start("train", "pairs.yaml", "--out", "part", *more, cwd=Path.cwd()) as process:
        read_until(process, "step 3/")
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.code == 130
    resumed = run("train", "pairs.yaml", "--out", "part", *more, "--resume", cwd=Path.cwd())
    assert resumed.code == 0, resumed.err
    for name in ("last.npz", "best.npz"):
        assert Path("part", name).read_bytes() == Path("whole", name).read_bytes()


def test_a_symbol_cannot_command_a_terminal() -> None:
    rows = [f"w\x1b{k}\t\x1b[31mred {'ab'[k % 2]}\tF\n" for k in range(40)]
    Path("pairs.tsv").write_text("word\tnames\ttag\n" + "".join(rows))
    assert "\x1b" not in trained().err
    assert "\x1b" not in call("info", "runs/pairs").text
