"""`charrnn eval` on classifiers and taggers: reports for people and for programs, tables, and what it refuses."""

import json
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import HOSTILE, Result, call, commands_to_a_terminal, run_in_terminal
from tests.support.task_runs import (
    TASKS,
    names_table,
    train_task,
    write_tables,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of each kind, trained for an epoch, and its table."""
    folder = tmp_path_factory.mktemp("eval")
    write_tables(folder)
    with chdir(folder):
        for name, settings in TASKS.items():
            data = {**settings["data"], "fractions": [0.5, 0.25, 0.25]}
            train_task(Path(f"{name}.npz"), {**settings, "data": data}, 1)
    return folder


def evaluated(folder: Path, *typed: Any, stdin: bytes = b"") -> Result:
    with chdir(folder):
        return call("eval", *map(str, typed), stdin=stdin)


def test_examples_that_lack_something_are_counted_where_they_are_left_out(folder: Path) -> None:
    settings = {**TASKS["origins"], "data": {**TASKS["origins"]["data"], "empty": "skip"}}
    with chdir(folder):
        train_task(Path("skipping.npz"), settings, 1)
    first, second = names_table().splitlines()[:2]
    (folder / "gaps.tsv").write_text(f"{first}\n\t{second.split(chr(9))[1]}\n")
    result = evaluated(folder, "skipping.npz", "gaps.tsv")
    assert result.code == 0
    assert result.err == "charrnn: examples that lack something are left out, as data.empty of the model says: 1\n"
    assert "gaps.tsv: 1 example" in result.text


SHOWN = {
    "origins": ("test split: 15 examples, ", "accuracy", "macro-F1", "precision", "surest mistakes", "calibration"),
    "answers": ("mean AUC", "has_a", "threshold"),
    "numbers": ("RMSE", "MAE", "correlation", "mean of the training split"),
    "vowels": ("units right", "words seen in training", "words not seen in training", "examples right"),
    "tokens": ("F1 of spans", "B-PER", "support"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_report_is_for_people_and_for_programs(name: str, folder: Path) -> None:
    result = evaluated(folder, f"{name}.npz", "--baselines")
    assert (result.code, result.err) == (0, "")
    for words in SHOWN[name]:
        assert words in result.text, words
    numbers = evaluated(folder, f"{name}.npz", "--baselines", "--json")
    assert (numbers.code, numbers.err, numbers.out.count(b"\n")) == (0, "", 1)
    document = json.loads(numbers.text)
    assert document["text"] == "test split"
    assert len(document["rows"]) > 1
    for row in document["rows"]:
        assert row["name"] in result.text


def test_the_figures_of_both_are_the_same_as_in_a_process(folder: Path) -> None:
    result = call("eval", "origins.npz", "--json", cwd=folder)
    assert result == evaluated(folder, "origins.npz", "--json")
    document = json.loads(result.text)
    low, high = document["rows"][0]["intervals"]["accuracy"]
    assert low <= document["rows"][0]["accuracy"] == document["labels"]["accuracy"] <= high
    assert f"accuracy  {document['rows'][0]['accuracy']:.1%}" in evaluated(folder, "origins.npz").text


def test_files_and_splits_can_be_scored_too(folder: Path, tmp_path: Path) -> None:
    valid = json.loads(evaluated(folder, "origins.npz", "--split", "valid", "--json").text)
    assert (valid["text"], valid["examples"]) == ("valid split", 15)
    (tmp_path / "new.tsv").write_text("mnrova\tRussian\nxyzini\tItalian\n")
    new = json.loads(evaluated(folder, "origins.npz", tmp_path / "new.tsv", "--json").text)
    assert (new["examples"], new["unknown"]) == (2, 3)
    piped = json.loads(evaluated(folder, "origins.npz", "-", "--json", stdin=b"mnrova\tRussian\n").text)
    assert (piped["text"], piped["examples"]) == ("-", 1)
    tagged = json.loads(evaluated(folder, "vowels.npz", "-", "--json", stdin=b"ana\tVCV\n").text)
    assert tagged["tags"]["units"]["count"] == 3


def test_without_its_examples_a_model_scores_files_and_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    for name in ("vowels", "answers", "origins"):
        shutil.copy(folder / f"{name}.npz", tmp_path)
    cases = {"vowels": ("ana\tVCV\n", "without seen words"), "answers": ("word\thas_a\thas_b\na\t1\t0\n", "thresholds")}
    for name, (table, words) in cases.items():
        result = evaluated(tmp_path, f"{name}.npz", "-", stdin=table.encode())
        assert (result.code, len(result.lines)) == (0, 1), result.err
        assert words in result.err
    assert evaluated(tmp_path, "origins.npz", "-", stdin=b"mnrova\tRussian\n").err == ""
    refused = evaluated(tmp_path, "origins.npz", "-", "--baselines", stdin=b"mnrova\tRussian\n")
    assert (refused.code, refused.out, len(refused.lines)) == (2, b"", 1)


def test_several_models_are_scored_one_by_one_and_as_a_vote(folder: Path) -> None:
    document = json.loads(evaluated(folder, "origins.npz", "bytes.npz", "--json").text)
    assert [row["name"] for row in document["rows"]] == ["origins.npz", "bytes.npz", "vote of 2"]
    alone = json.loads(evaluated(folder, "bytes.npz", "--json").text)
    assert document["rows"][1]["accuracy"] == alone["rows"][0]["accuracy"]
    assert document["labels"]["accuracy"] == document["rows"][2]["accuracy"]


def test_a_table_of_examples_is_written_once(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "examples.tsv"
    assert evaluated(folder, "origins.npz", "--per-example", table).code == 0
    head, *rows = table.read_text().splitlines()
    assert head == "place\ttext\ttruth\tpredicted\tprobability"
    assert len(rows) == 15
    lines = (folder / "origins.tsv").read_text().splitlines()
    for row in rows:
        place, text, truth, *_ = row.split("\t")
        assert lines[int(place.rpartition(":")[2]) - 1] == f"{text}\t{truth}"
    again = evaluated(folder, "origins.npz", "--per-example", table)
    assert (again.code, again.out, len(again.lines)) == (2, b"", 1)
    assert "exists already" in again.err


REFUSED = {
    "origins.npz --novelty": "--novelty does not apply to a classifier",
    "vowels.npz --dynamic": "--dynamic does not apply to a tagger",
    "vowels.npz --per-char c.tsv": "--per-char does not apply to a tagger",
    "origins.npz --per-line c.tsv": "--per-line does not apply to a classifier",
    "origins.npz --per-document c.tsv": "--per-document does not apply",
    "origins.npz --html origins.tsv": "exists already",
    "origins.npz --html new --per-example new": "name one file",
    "origins.npz origins.tsv --split test": "--split names a part of the run's own text",
    "origins.npz vowels.npz": "origins.npz, vowels.npz: models vote only if they predict the same labels",
    "origins.npz no.tsv": "FILE: no.tsv does not exist",
    "origins.npz -": "-: there is no example in it",
    "tokens.npz vowels.tsv": "vowels.tsv:1: ",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_what_does_not_apply_is_refused(typed: str, folder: Path) -> None:
    result = evaluated(folder, *typed.split())
    assert (result.code, result.out) == (2, b""), result.err
    assert REFUSED[typed] in result.lines[0]
    assert len(result.lines) == 1 or typed == "tokens.npz vowels.tsv"


def test_a_label_that_the_model_does_not_know_is_named_with_its_line(folder: Path) -> None:
    result = evaluated(folder, "origins.npz", "-", stdin=b"mnrova\tRussian\nabc\tFr\x1bench\n")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "standard input:2: the model does not know the label 'Fr\\x1bench'" in result.err


def test_models_of_two_kinds_are_not_mixed(folder: Path, small: Path) -> None:
    for names in ([folder / "origins.npz", "runs/my"], ["runs/my", folder / "origins.npz"]):
        result = call("eval", *names, cwd=small)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert "not a language model" in result.err
    result = call("eval", "runs/my", "--per-example", "t.tsv", cwd=small)
    assert (result.code, len(result.lines)) == (2, 1)
    assert "--per-example does not apply to a language model" in result.err


def test_hostile_text_is_escaped(tmp_path: Path) -> None:
    text = HOSTILE.replace("\t", " ").strip()
    labels = [f"{letter}{text}" for letter in "ab"]
    lines = [f"{text}{labels[k % 2][0]}{k}\t{labels[k % 2]}\n" for k in range(60)]
    (tmp_path / "t.tsv").write_text("".join(lines))
    with chdir(tmp_path):
        train_task(Path("m.npz"), {"task": "classify", "data": {"path": "t.tsv", "fractions": [0.5, 0, 0.5]}}, 0)
    result = run_in_terminal("eval", "m.npz", "--baselines", cwd=tmp_path)
    assert result.code == 0
    assert not commands_to_a_terminal(result.text)
    assert "surest mistakes" in result.text
    assert evaluated(tmp_path, "m.npz", "--per-example", "e.tsv").code == 0
    assert not commands_to_a_terminal((tmp_path / "e.tsv").read_text())


def test_compare_says_which_is_better_by_more_than_noise(folder: Path, small: Path) -> None:
    with chdir(folder):
        shown, numbers = (
            call("compare", "origins.npz", "bytes.npz"),
            call("compare", "origins.npz", "bytes.npz", "--json"),
        )
    assert (shown.code, shown.err, numbers.code, numbers.err) == (0, "", 0, "")
    document = json.loads(numbers.text)
    first, second = document["runs"]
    assert first["figures"]["accuracy"] >= second["figures"]["accuracy"]
    assert document["differing"] == {"data.tokens": [["char", "byte"], ["byte", "char"]][first["run"] == "bytes.npz"]}
    assert f"{first['figures']['accuracy']:.1%}" in shown.text
    verdict = second["differences"]["accuracy"]["beyond_noise"]
    assert (f"{first['run']} and {second['run']} do not differ in accuracy" in shown.text) != verdict
    for names in ([folder / "origins.npz", "runs/my"], ["runs/my", folder / "origins.npz"]):
        mixed = call("compare", *names, cwd=small)
        assert (mixed.code, mixed.out, len(mixed.lines)) == (2, b"", 1)


def test_files_need_no_column_of_splits(tmp_path: Path) -> None:
    rows = [
        f"{name}\t{('train', 'train', 'valid', 'test')[k % 4]}\n" for k, name in enumerate(names_table().splitlines())
    ]
    (tmp_path / "t.tsv").write_text("".join(rows))
    with chdir(tmp_path):
        train_task(Path("m.npz"), {"task": "classify", "data": {"path": "t.tsv", "split_column": 3}}, 1)
    assert json.loads(evaluated(tmp_path, "m.npz", "--json").text)["examples"] == 15
    piped = evaluated(tmp_path, "m.npz", "-", "--json", stdin=b"mnrova\tRussian\n")
    assert (piped.code, json.loads(piped.text)["examples"]) == (0, 1)
