"""`charrnn tune`: a search in its folder, stopped and continued, and what it needs."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from charrnn.cli import tune as command
from charrnn.config import load_config, load_space
from charrnn.errors import CharrnnError, ConfigError
from charrnn.training import complete_config
from charrnn.tuning import search
from tests.support.processes import call

CONFIG = """data: {path: text.txt}
model: {hidden_size: 4, num_layers: 1, cell: rnn}
train: {max_steps: 6, batch_size: 4, seq_length: 10, eval_every: 2, workers: 1, sample_length: 0}
tune:
  train.learning_rate: {low: 1e-4, high: 1e-1, log: true}
  model.activation: [tanh, relu]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog. " * 20)
    (tmp_path / "my.yaml").write_text(CONFIG)
    return tmp_path


def figures(text: str) -> list[tuple[int, str]]:
    """Number and loss of each trial in the table."""
    return [(int(number), loss) for number, loss in re.findall(r"^  (\d+) +(\d\.\d+)", text, re.MULTILINE)]


def test_a_search_is_run_stopped_continued_and_leaves_its_best_config(folder: Path) -> None:
    pytest.importorskip("optuna")
    whole = call("tune", "my.yaml", "--trials", 4, "--out", "whole", cwd=folder)
    assert whole.code == 0
    found = figures(whole.text)
    assert len(found) == 4
    assert [loss for _, loss in found] == sorted(loss for _, loss in found)
    assert "next:  charrnn train whole/best.yaml" in whole.err
    best = load_config(folder / "whole/best.yaml")
    first = load_config(folder / f"whole/trial-{found[0][0]:04}/config.yaml")
    assert (best.train.learning_rate, best.model.activation) == (first.train.learning_rate, first.model.activation)
    records = [json.loads(line) for line in (folder / "whole/trial-0000/log.jsonl").read_text().splitlines()]
    assert records[-1]["step"] == 6
    # The same search, stopped after the first step of a trial each time, has the same trials.
    for _ in range(30):
        stopped = call("tune", "my.yaml", "--trials", 4, "--out", "parts", "--minutes", 1e-9, "--quiet", cwd=folder)
        assert stopped.code == 0
        if "is not finished" not in stopped.err and len(figures(stopped.text)) == 4:
            break
    again = call("tune", "my.yaml", "--trials", 4, "--out", "parts", cwd=folder)
    assert figures(again.text) == found
    other = call("tune", "my.yaml", "--set", "model.hidden_size=5", "--out", "whole", cwd=folder)
    assert (other.code, other.out) == (2, b"")
    assert "holds a search with another config, --set or space; repeat the command" in other.err


def test_trials_keep_the_n_gram_that_a_run_without_a_search_has(folder: Path) -> None:
    pytest.importorskip("optuna")
    (folder / "text.txt").write_text("the quick brown fox jumps over the lazy dog. " * 30)
    section = "tune: {model.hidden_size: [4, 5]}"
    config = CONFIG.partition("tune:")[0].replace("hidden_size: 4, ", "") + section
    for name, keys, order in (("follows", [], 7), ("none", ["--set", "model.ngram=0"], 0)):
        (folder / "my.yaml").write_text(config)
        done = call("tune", "my.yaml", "--trials", 1, "--out", name, "--quiet", *keys, cwd=folder)
        assert done.code == 0, done.err
        assert load_config(folder / name / "trial-0000/config.yaml").model.ngram == order
        assert load_config(folder / name / "best.yaml").model.ngram == order


@pytest.mark.parametrize("task", ["language", "classify"])
def test_the_best_trial_is_compared_with_the_first_on_the_test_split(task: str, folder: Path) -> None:
    pytest.importorskip("optuna")
    section = "tune: {train.learning_rate: [1e-5, 3e-2]}"
    config = CONFIG.partition("tune:")[0].replace("max_steps: 6", "max_steps: 40") + "seed: 3\n" + section
    if task == "classify":
        rows = [f"{text} {k}\t{text}\n" for k in range(60) for text in ("left", "right")]
        (folder / "text.tsv").write_text("".join(rows))
        config = "task: classify\n" + config.replace("text.txt", "text.tsv, fractions: [0.6, 0.2, 0.2]")
        config = config.replace("seq_length: 10, ", "").replace(", sample_length: 0", "")
    (folder / "my.yaml").write_text(config.replace("workers: 1", "workers: 1, learning_rate: 1e-5"))
    result = call("tune", "my.yaml", "--trials", 6, cwd=folder)
    assert result.code == 0, result.err
    best = figures(result.text)[0][0]
    assert best != 0
    assert "on the test split (trial-0000 has the values without a search):" in result.text
    assert f"trial-{best:04}" in result.text.rpartition("search):")[2]
    compared = call("compare", f"runs/my-tune/trial-{best:04}", "runs/my-tune/trial-0000", cwd=folder)
    assert {line.strip() for line in result.text.rpartition("search):")[2].splitlines() if line} < {
        line.strip() for line in compared.text.splitlines()
    }
    without = call("tune", "my.yaml", "--trials", 6, "--set", "data.fractions=[0.8,0.2,0]", "--out", "b", cwd=folder)
    assert without.code == 0
    assert "test split" not in without.text


def test_a_trial_that_diverges_is_counted_and_the_search_goes_on(folder: Path) -> None:
    pytest.importorskip("optuna")
    section = "tune: {train.learning_rate: [1e-3, 1e30]}"
    (folder / "my.yaml").write_text(CONFIG.partition("tune:")[0].replace("max_steps: 6", "max_steps: 2") + section)
    result = call("tune", "my.yaml", "--trials", 6, cwd=folder)
    assert result.code == 0
    finished, diverged = re.findall(r"^(\d) trials finished, 0 cut short, (\d) failed", result.text)[0]
    assert int(finished) + int(diverged) == 6
    assert int(diverged)
    assert "diverged  (train.learning_rate 1e30)" in result.err


def test_values_that_do_not_go_together_fail_and_the_search_goes_on(folder: Path) -> None:
    pytest.importorskip("optuna")
    section = "tune: {model.cell: [rnn, ngram]}"
    (folder / "my.yaml").write_text(CONFIG.partition("tune:")[0] + section)
    result = call("tune", "my.yaml", "--trials", 6, cwd=folder)
    assert result.code == 0
    finished, failed = re.findall(r"^(\d) trials? finished, 0 cut short, (\d) failed", result.text)[0]
    assert (int(finished) + int(failed), failed != "0") == (6, True)
    assert "model.cell: ngram is counted" in result.err


def test_evaluations_in_one_percent_of_the_steps_are_reported_once(folder: Path) -> None:
    pytest.importorskip("optuna")
    short = {"train.max_steps": 150, "train.eval_every": 1, "data.fractions": "[0.9, 0.05, 0.05]"}
    settings = [f"--set={name}={value}" for name, value in short.items()]
    assert "Warning" not in call("tune", "my.yaml", "--trials", 1, *settings, cwd=folder).err


def opened(folder: Path) -> search.Search:
    path = str(folder / "my.yaml")
    settings = load_config(path)
    return search.Search(folder / "search", path, (), load_space(path), complete_config(settings))


def test_a_trial_belongs_to_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")
    monkeypatch.chdir(folder)
    one, other = opened(folder), opened(folder)
    assert len(one.study.trials) == 1, "the first values are proposed once"
    first = one.open_trial(2, refuse)
    second = other.open_trial(2, refuse)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (0, 1)
    assert other.open_trial(2, refuse) is None, "both trials are running"
    # A look at the trials from before the first one's end does not open it again.
    before = other._unfinished()
    assert first.train(lambda: False, lambda progress: None)
    looks = [before]
    monkeypatch.setattr(other, "_unfinished", lambda: looks.pop() if looks else type(other)._unfinished(other))
    assert other.open_trial(2, refuse) is None
    assert second.train(lambda: False, lambda progress: None)
    # A trial whose process ended before it had values has failed.
    one.study.ask()
    assert one.open_trial(3, refuse) is None
    assert one.study.trials[2].state.name == "FAIL"


def refuse(number: int, error: ConfigError) -> None:
    raise AssertionError(str(error))


def test_a_damaged_record_is_said_in_one_line(folder: Path) -> None:
    pytest.importorskip("optuna")
    (folder / "bad").mkdir()
    (folder / "bad/tune.journal").write_text("garbage\n")
    result = call("tune", "my.yaml", "--out", "bad", cwd=folder)
    assert (result.code, result.out, len(result.lines)) == (1, b"", 1)
    assert "tune.journal: this is no record of a search" in result.err


def test_a_search_has_a_folder_of_its_own(folder: Path) -> None:
    pytest.importorskip("optuna")
    (folder / "run").mkdir()
    (folder / "run/config.yaml").write_text("")
    for name, why in (("text.txt", "is a file"), ("run", "holds a run")):
        result = call("tune", "my.yaml", "--out", name, cwd=folder)
        assert (result.code, result.out) == (2, b"")
        assert result.lines == [f"charrnn: {name}: {why}, and a search has a folder of its own; choose another --out"]
    assert [path.name for path in (folder / "run").iterdir()] == ["config.yaml"]


def test_what_a_search_needs_is_said_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(CharrnnError, match="one more package: pip install optuna"):
        search.import_optuna()
    (folder / "my.yaml").write_text("data: {path: text.txt, fractions: [1, 0, 0]}\n")
    result = call("tune", "my.yaml", cwd=folder)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert "there is no validation split, on which trials are compared" in result.err
    result = call("tune", "my.yaml", "--set", "data.path=-", cwd=folder)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert "standard input can be read once" in result.err
    result = call("tune", "my.yaml", "--set", "model.cell=ngram", cwd=folder)
    assert (result.code, result.out) == (2, b"")
    assert "an n-gram is counted" in result.err
    result = call("tune", "my.yaml", "--set", "tune={model.dropout: [0, 0.5]}", cwd=folder)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert "override: the section tune stands in the config itself" in result.err


def test_few_trials_say_nothing_of_what_mattered() -> None:
    result: Any = type("Result", (), {"rows": [], "pruned": 1, "failed": 2, "importance": {}})
    assert command.outcome_lines(result) == ["0 trials finished, 1 cut short, 2 failed"]
