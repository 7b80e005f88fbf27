"""`charrnn train`: what it prints, what it leaves in the run directory, and how its options work together."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import charrnn
from tests.support.processes import TALES, TOO_FAST, Result, Trained, call, commands_to_a_terminal, project, run

TIMES = {"seconds", "chars_per_second"}
FILES = {"config.yaml", "log.jsonl", "best.npz", "last.npz", "samples", ".lock"}


def test_training_prints_plain_lines_on_stderr_and_nothing_on_stdout(tiny: Trained) -> None:
    result = tiny.result
    assert (result.code, result.out) == (0, b"")
    assert not commands_to_a_terminal(result.err)
    assert [line.split()[1] for line in result.lines if line.startswith("step ")] == ["5/20", "10/20", "15/20", "20/20"]


def test_the_first_lines_describe_text_model_plan_and_machine(tiny: Trained) -> None:
    assert [line.partition(":")[0] for line in tiny.result.lines[:4]] == ["text", "model", "training", "machine"]


def test_the_last_lines_give_the_best_loss_and_the_next_commands(tiny: Trained) -> None:
    best = tiny.log[-1]["valid_loss"]
    assert any(line.startswith(f"Best validation loss {best:.4f} nats") for line in tiny.result.lines)
    commands = [f"sample {tiny.folder}", f"eval {tiny.folder} --baselines", f"report {tiny.folder}"]
    assert tiny.result.lines[-3:] == [f"next:  charrnn {command}" for command in commands]


def test_a_run_directory_holds_config_log_checkpoints_and_samples(tiny: Trained) -> None:
    assert {path.name for path in tiny.folder.iterdir()} == FILES
    assert len((tiny.folder / "samples" / "00000020.txt").read_text()) == 300


def test_the_log_has_one_record_for_each_interval(tiny: Trained) -> None:
    assert [record["step"] for record in tiny.log] == [5, 10, 15, 20]
    assert set(tiny.log[0]) == TIMES | {
        "step", "epoch", "chars", "loss", "bits_per_char", "perplexity", "learning_rate", "grad_norm", "clipped",
        "valid_loss", "valid_bits_per_char", "valid_perplexity", "advice",
    }  # fmt: skip


def timeless(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of a log without their two time fields."""
    return [{key: value for key, value in record.items() if key not in TIMES} for record in log]


def test_the_resolved_config_trains_the_same_model_again_and_quiet_prints_nothing(
    tiny: Trained, tmp_path: Path
) -> None:
    result = run("train", tiny.folder / "config.yaml", "--out", tmp_path / "again", "--quiet")
    again = Trained(tmp_path / "again", result)
    assert result == Result(0, b"", "")
    assert timeless(again.log) == timeless(tiny.log)
    assert (again.folder / "last.npz").read_bytes() == (tiny.folder / "last.npz").read_bytes()


def test_training_leaves_no_file_open(tmp_path: Path) -> None:
    result = run("train", "my.yaml", "--quiet", cwd=project(tmp_path), PYTHONWARNINGS="default::ResourceWarning")
    assert result == Result(0, b"", "")


def test_a_dry_run_prints_sizes_and_times_and_writes_nothing(tmp_path: Path) -> None:
    before = sorted(project(tmp_path).rglob("*"))
    result = call("train", "my.yaml", "--dry-run", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    vocabulary = len(set(TALES.read_text()[:3600]))
    parameters = 4 * 8 * (vocabulary + 8 + 1) + (8 + 1) * vocabulary
    for expected in (
        rf"text: 4,000 characters \(train 3,600, valid \d+, test \d+\), vocabulary {vocabulary}",
        rf"model: lstm 1 x 8, {parameters:,} parameters",
        r"memory: about [\d.]+ [kM]B \(parameters ",
        r"speed: [\d,]+ char/s measured",
        r"time: about \d+s for all 10 steps",
        r"nothing was trained or written$",
    ):
        assert re.search(expected, result.text), result.text
    assert sorted(tmp_path.rglob("*")) == before


def test_advice_is_printed_once_while_training_once_at_the_end_and_kept_in_the_log(tmp_path: Path) -> None:
    result = call("train", "my.yaml", *TOO_FAST, cwd=project(tmp_path))
    log = Trained(tmp_path / "runs" / "my", result).log
    sentence = re.compile(r"Learning rate too high: .*; try train\.learning_rate=0\.1\.")
    places = [k for k, line in enumerate(result.lines) if sentence.fullmatch(line)]
    assert result.code == 0
    assert [record["step"] for record in log if record["advice"]] == [4, 6, 8, 10]
    assert [record["advice"] for record in log if record["valid_loss"] is None] == [None]
    assert result.lines[places[0] - 1].startswith("step 4/10"), "two evaluations agree"
    assert len(places) == 2
    assert result.lines[places[1] - 1].startswith("Best validation loss"), "and again at the end"
    advice = log[-1]["advice"]
    assert result.lines[places[1] : places[1] + len(advice)] == advice
    assert result.lines[places[1] + len(advice)].startswith("An n-gram of order 4")


def test_resuming_a_finished_run_says_so_and_changes_nothing(tiny: Trained) -> None:
    before = (tiny.folder / "last.npz").read_bytes()
    result = call("train", tiny.folder / "config.yaml", "--resume")
    assert (result.code, result.out) == (0, b"")
    assert result.lines[-1].startswith("this run is finished")
    assert (tiny.folder / "last.npz").read_bytes() == before


def test_resume_starts_a_new_run_if_there_is_none_and_options_override_the_config(tmp_path: Path) -> None:
    options = ["--set", "train.max_steps=3", "--set", "model={hidden_size: 6, num_layers: 2}", "--set", "seed=4"]
    result = call("train", "my.yaml", *options, "--seed", "5", "--out", "here", "--resume", cwd=project(tmp_path))
    assert (result.code, result.out) == (0, b"")
    assert "nothing to resume yet: starting from the beginning" in result.lines
    kept = yaml.safe_load((tmp_path / "here" / "config.yaml").read_text())
    assert (kept["train"]["max_steps"], kept["seed"], kept["out"]) == (3, 5, "here")
    assert (kept["model"]["hidden_size"], kept["model"]["num_layers"], kept["train"]["batch_size"]) == (6, 2, 4)


def test_fine_tuning_names_new_and_missing_characters_and_writes_to_the_default_directory(
    tiny: Trained, tmp_path: Path
) -> None:
    project(tmp_path, TALES.read_text()[:4000].replace("e", "é"), name="finer.yaml")
    result = call("train", "finer.yaml", "--set", "model.hidden_size=32", "--init-from", tiny.folder, cwd=tmp_path)
    assert (result.code, result.out) == (0, b"")
    old, new = (set(charrnn.load(path).vocab.symbols) for path in (tiny.folder, tmp_path / "runs" / "finer"))
    assert new - old == {"é"}
    assert f"vocabulary: new 'é', no longer there {''.join(sorted(old - new))!r}" in result.lines


def test_resuming_notes_that_a_model_to_start_from_is_ignored_unless_quiet(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    resume = ["train", "my.yaml", "--resume", "--init-from", "runs/my"]
    result = call(*resume, cwd=tmp_path)
    assert result.code == 0
    assert result.lines[0] == "note: --init-from applies only to a new run; this one continues from its own checkpoint"
    assert call(*resume, "--quiet", cwd=tmp_path) == Result(0, b"", "")


@pytest.mark.parametrize("name", ["a ☃\nand 😀", "-it's"])
def test_a_run_directory_may_have_any_name(name: str, tmp_path: Path) -> None:
    result = call("train", "my.yaml", "--set", "train.max_steps=1", f"--out={name}", cwd=project(tmp_path))
    assert result.code == 0, result.err
    assert {path.name for path in (tmp_path / name).iterdir()} == FILES
    assert call("info", "--", name, cwd=tmp_path).code == 0


def test_an_n_gram_goes_through_the_same_commands_as_a_network(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    train = ["train", "my.yaml", "--set", "model.cell=ngram", "--set", "model.order=5", "--out", "runs/n"]
    dry = call(*train, "--dry-run", cwd=tmp_path)
    assert (dry.code, dry.err, (tmp_path / "runs/n").exists()) == (0, "", False)
    assert dry.text.splitlines()[-1] == "nothing was written"
    result = call(*train, cwd=tmp_path)
    assert (result.code, result.out) == (0, b"")
    loss = json.loads((tmp_path / "runs/n/log.jsonl").read_text())["valid_loss"]
    assert f"Validation loss {loss:.4f} nats per character." in result.lines
    assert result.lines[-2:] == ["next:  charrnn sample runs/n", "next:  charrnn eval runs/n"]
    assert call(*train, cwd=tmp_path).code == 2
    assert call(*train, "--force", "--quiet", cwd=tmp_path) == Result(0, b"", "")
    again = call(*train, "--resume", cwd=tmp_path)
    assert (again.code, again.out) == (0, b"")
    assert again.lines == ["this run is finished (an n-gram has no steps to continue); --force counts it again"]
    assert call(*train, "--resume", "--quiet", cwd=tmp_path) == Result(0, b"", "")
    refused = call("train", "my.yaml", "--resume", "--out", "runs/n", cwd=tmp_path)  # a network in its place
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "holds an n-gram, which cannot be resumed" in refused.err
    refused = call(*train[:-1], "runs/my", "--resume", cwd=tmp_path)  # an n-gram in place of a network
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "runs/my: holds a network, not an n-gram; replace it with --force" in refused.err
    refused = call("report", "runs/n", "--unit", "1:1", cwd=tmp_path)
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "--unit shows a unit of a network, and an n-gram has none; leave it out" in refused.err
    assert len(call("sample", "runs/n", "--length", "40", cwd=tmp_path).text) == 40
    assert json.loads(call("eval", "runs/n", "--json", cwd=tmp_path).out)["rows"][0]["name"] == "5-gram, kneser-ney"
    assert "5-gram, kneser-ney, " in call("info", "runs/n", cwd=tmp_path).text
    assert json.loads(call("info", "runs/n", "--json", cwd=tmp_path).out)["characters"] > 1000
