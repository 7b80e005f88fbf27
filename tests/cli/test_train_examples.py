"""`charrnn train` and `charrnn info` with classifiers and taggers: what is printed, and how the commands refuse."""

import json
import signal
from pathlib import Path

import pytest

from tests.support.example_files import KINDS, example_config, write_examples
from tests.support.processes import Result, call, ended, read_until, run, run_in_terminal, start


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with examples of every kind, and a config for each."""
    monkeypatch.chdir(tmp_path)
    write_examples(tmp_path)
    for kind in KINDS:
        config = example_config(kind, out=f"runs/{kind}", train={"shards": 1})
        Path(f"{kind}.yaml").write_text(config.to_yaml())


def trained(kind: str, *more: str) -> Result:
    result = call("train", f"{kind}.yaml", *more)
    assert result.code == 0, result.err
    return result


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("softmax", "labels: 3 (in training: "),
        ("sigmoid", "columns: 2 (yes in training: a "),
        ("linear", "columns: 1 (numbers in training: length 42)"),
        ("tag", "labels: 2 (in training: "),
        ("conll", "labels: 2 (in training: "),
    ],
)
def test_the_first_lines_describe_examples_labels_model_and_plan(kind: str, labels: str) -> None:
    lines = trained(kind).lines
    assert lines[0].startswith(f"examples: {30 if kind == 'conll' else 60} (train ")
    assert "vocabulary" in lines[0]
    assert lines[1].startswith(labels)
    assert "held-out inputs also stand" in lines[2]
    assert lines[3].startswith("model: gru 1 x 5, both directions, ")
    assert lines[4].endswith("; the best by loss")
    commands = [f"predict runs/{kind}", f"eval runs/{kind} --baselines", f"report runs/{kind}"]
    assert [line for line in lines if line.startswith("next:")] == [f"next:  charrnn {name}" for name in commands]


def test_a_line_of_the_log_names_the_figures() -> None:
    lines = [line for line in trained("softmax").lines if line.startswith("step ")]
    assert "  accuracy 0." in lines[-1] or "  accuracy 1." in lines[-1]
    assert "macro_f1" in lines[-1]
    assert not any("bits/char" in line or "perplexity" in line for line in lines)


def test_a_dry_run_tells_size_and_time_and_writes_nothing() -> None:
    result = call("train", "softmax.yaml", "--dry-run")
    lines = result.text.splitlines()
    assert lines[0].startswith("examples: 60")
    assert [line.partition(":")[0] for line in lines[-4:]] == [
        "speed",
        "time",
        "note",
        "nothing was trained or written",
    ]
    assert not Path("runs").exists()


def test_the_panel_shows_the_figures_of_a_classifier() -> None:
    shown = run_in_terminal("train", "softmax.yaml", cwd=Path.cwd()).text
    assert "best loss" in shown
    assert "macro_f1" in shown
    assert "bits/char" not in shown


def test_info_describes_a_classifier_and_its_json_holds_the_labels() -> None:
    trained("softmax", "--set", "train.best=accuracy")
    lines = call("info", "runs/softmax").text.splitlines()
    assert lines[1].startswith("  model        classify, gru 1 x 5, ")
    assert "  labels       3: begins, closes, other" in lines
    assert any(line.startswith("  best ") and "accuracy on validation" in line for line in lines)
    found = json.loads(call("info", "runs/softmax", "--json").text)
    assert found["labels"]["names"] == ["begins", "closes", "other"]
    assert found["config"]["task"] == "classify"
    assert found["splits"]["train"] == 42


@pytest.mark.parametrize("words", [["sample"], ["embed", "rows.tsv"], ["flow"]], ids=" ".join)
def test_a_command_for_language_models_refuses_a_classifier_in_one_line(words: list[str]) -> None:
    trained("softmax", "--quiet")
    result = call(words[0], "runs/softmax", *words[1:], stdin=b"")
    assert result.code != 0
    assert len(result.lines) == 1
    assert "this is a classifier, not a language model; use charrnn " in result.lines[0]


def test_the_flow_of_a_config_for_another_task_is_refused_in_one_line() -> None:
    result = call("flow", "softmax.yaml")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "softmax.yaml: task: classify: " in result.lines[0]


def test_the_bench_and_fine_tuning_refuse_in_one_line() -> None:
    trained("softmax", "--quiet")
    for words in (["bench", "softmax.yaml"], ["train", "softmax.yaml", "--out", "b", "--init-from", "runs/softmax"]):
        result = call(*words)
        assert (result.code, len(result.lines)) == (2, 1)
        assert "language model" in result.lines[0]


def test_all_faults_of_a_file_are_named_at_once_with_their_lines() -> None:
    rows = Path("rows.tsv").read_text().splitlines()
    rows[5] = "only one cell"
    rows[9] = "\tother\t1\t1\t2\tCC"
    Path("rows.tsv").write_text("\n".join(rows) + "\n")
    result = call("train", "softmax.yaml")
    assert result.code == 2 or result.code == 1
    assert [line.split(": ")[1].split(":")[1] for line in result.lines] == ["6", "10"]
    assert not Path("runs").exists()


def test_a_run_is_saved_at_a_signal_and_goes_on_to_the_same_bytes() -> None:
    more = ("--set", "train.epochs=40", "--set", "train.log_every=1", "--set", "train.patience=null")
    trained("softmax", "--quiet", "--out", "whole", *more)
    with start("train", "softmax.yaml", "--out", "part", *more, cwd=Path.cwd()) as process:
        read_until(process, "step 3/")
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.code == 130
    assert result.lines[-1].startswith("saved at step ")
    resumed = run("train", "softmax.yaml", "--out", "part", *more, "--resume", cwd=Path.cwd())
    assert resumed.code == 0, resumed.err
    for name in ("last.npz", "best.npz"):
        assert Path("part", name).read_bytes() == Path("whole", name).read_bytes()


def test_a_label_cannot_command_a_terminal() -> None:
    labels = ["\x1b[31mred", "b"]
    Path("rows.tsv").write_text("".join(f"word{k}\t{labels[k % 2]}\n" for k in range(40)))
    result = call("train", "softmax.yaml", "--set", "data.source=1", "--set", "data.target=2")
    assert result.code == 0, result.err
    assert "\x1b" not in result.err
    assert "\x1b" not in call("info", "runs/softmax").text


def test_ngrams_of_labels_go_through_every_command() -> None:
    result = trained("softmax", "--set", "model.cell=ngram", "--out", "runs/counted")
    assert result.lines[3].startswith("orders tried, with their accuracy on the validation split: 1: ")
    assert "-gram of each label, kneser-ney, " in result.lines[4]
    assert result.lines[-2:] == ["next:  charrnn predict runs/counted", "next:  charrnn eval runs/counted"]
    counted = call("eval", "runs/counted", "--baselines", "--json")
    rows = json.loads(counted.out)["rows"]
    assert {**rows[0], "name": ""} == {**rows[2], "name": ""}  # the baseline is the same model
    assert call("predict", "runs/counted", "--text", "abc").text.startswith("abc\t")
    assert "-gram, kneser-ney" in call("info", "runs/counted").text
    assert call("report", "runs/counted").code == 0
    assert "n-grams, vocabulary of" in Path("runs/counted/report.html").read_text()
    trained("softmax")
    assert len(json.loads(call("compare", "runs/softmax", "runs/counted", "--json").out)["runs"]) == 2
    assert call("predict", "runs/softmax", "runs/counted", "--text", "abc").code == 0
    refused = call("export", "runs/counted", "counted.html", "--to", "web")
    assert (refused.code, refused.lines) == (
        2,
        ["charrnn: runs/counted/best.npz: these are n-grams, which have no weights; name a network"],
    )
    again = call("train", "softmax.yaml", "--set", "model.cell=ngram", "--out", "runs/counted", "--resume")
    assert "this run is finished" in again.err
