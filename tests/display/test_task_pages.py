"""Pages about classifiers and taggers: what they show is what was computed, and nothing in them is alive."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from charrnn.cli.report import training_curves
from charrnn.config import config_from_dict
from charrnn.storage.log import read_log
from tests.support.pages import ATTACK, Page, check_harmless, headings
from tests.support.processes import call
from tests.support.task_runs import TASKS, train_task, write_tables

HEADINGS = {
    "origins": ["Confusions", "Labels", "Calibration", "Most confident mistakes", "Which characters decided"],
    "bytes": ["Confusions", "Labels", "Calibration", "Most confident mistakes", "Which characters decided"],
    "answers": ["Labels", "Which characters decided"],
    "numbers": ["Numbers", "Which characters decided"],
    "vowels": ["Confusions", "Labels", "Calibration", "Most confident mistakes", "Examples with mistakes"],
    "tokens": ["Confusions", "Labels", "Calibration", "Spans", "Most confident mistakes", "Examples with mistakes"],
}
DATA = {"fractions": [0.5, 0, 0.5]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of each kind, trained for an epoch, and its table."""
    folder = tmp_path_factory.mktemp("pages")
    write_tables(folder)
    with chdir(folder):
        for name, settings in TASKS.items():
            train_task(Path(f"{name}.npz"), {**settings, "data": {**settings["data"], **DATA}}, 1)
    return folder


@pytest.mark.parametrize("name", HEADINGS)
def test_a_page_has_the_sections_and_the_figures_of_its_model(name: str, folder: Path, tmp_path: Path) -> None:
    with chdir(folder):
        result = call("report", f"{name}.npz", "--out", str(tmp_path / "page.html"))
        document = json.loads(call("eval", f"{name}.npz", "--baselines", "--json").text)
    assert (result.code, result.err) == (0, "")
    page = Page(tmp_path / "page.html")
    check_harmless(page)
    assert headings(page) == ["Evaluation", *HEADINGS[name], "Configuration"]
    cells = {row[0]: row for row in page.rows}
    for row in document["rows"]:
        assert f"{row.get('loss', row.get('unit_loss', np.nan)):.4f}".replace("nan", "-") == cells[row["name"]][1]
    for mistake in document.get("mistakes", []):
        assert f"({mistake['place']})" in page.words


def test_eval_writes_the_same_sections_and_explains_no_vote(folder: Path, tmp_path: Path) -> None:
    with chdir(folder):
        plain = call("eval", "origins.npz", "origins.tsv")
        shown = call("eval", "origins.npz", "origins.tsv", "--html", str(tmp_path / "one.html"))
        assert shown == plain
        call("eval", "origins.npz", "bytes.npz", "--html", str(tmp_path / "two.html"))
    page = Page(tmp_path / "one.html")
    check_harmless(page)
    assert headings(page) == ["Evaluation", *HEADINGS["origins"]]
    assert sum(squares(page).values()) == 60
    assert headings(Page(tmp_path / "two.html")) == ["Evaluation", *HEADINGS["origins"][:-1]]


def squares(page: Page) -> dict[tuple[str, str], int]:
    """The count of each square of a heat map by its true and its predicted label."""
    titles = re.findall(r"<title>(.*?) predicted as (.*?): ([\d,]+)</title>", page.source)
    return {(true, predicted): int(count.replace(",", "")) for true, predicted, count in titles}


def test_the_squares_of_the_heat_map_count_the_examples(folder: Path, tmp_path: Path) -> None:
    with chdir(folder):
        call("report", "origins.npz", "--out", str(tmp_path / "page.html"))
        call("eval", "origins.npz", "--per-example", str(tmp_path / "rows.tsv"))
    counted: dict[tuple[str, str], int] = {}
    for row in (tmp_path / "rows.tsv").read_text().splitlines()[1:]:
        _, _, truth, predicted, _ = row.split("\t")
        counted[truth, predicted] = counted.get((truth, predicted), 0) + 1
    assert {key: count for key, count in squares(Page(tmp_path / "page.html")).items() if count} == counted


def test_each_wrong_unit_is_marked_with_its_labels(folder: Path, tmp_path: Path) -> None:
    with chdir(folder):
        call("report", "tokens.npz", "--out", str(tmp_path / "page.html"))
        call("eval", "tokens.npz", "--per-example", str(tmp_path / "rows.tsv"))
    rows = [row.split("\t") for row in (tmp_path / "rows.tsv").read_text().splitlines()[1:]]
    by_place = {row[0]: row for row in rows}
    source = (tmp_path / "page.html").read_text()
    shown = re.findall(r"<h3>[\d,]+ of [\d,]+ wrong \((.*?)\)</h3><div class=\"text\">(.*?)</div>", source, re.DOTALL)
    assert shown
    for place, text in shown:
        _, words, truth, predicted, *_ = by_place[place]
        expected = [
            word if true == own else f"<mark>{word}</mark><sub>{true}→{own}</sub>"
            for word, true, own in zip(words.split(), truth.split(), predicted.split(), strict=True)
        ]
        assert text.split() == expected


def test_a_run_has_its_learning_curve_by_the_chosen_figure(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(folder / "origins.tsv", tmp_path)
    (tmp_path / "o.yaml").write_text(
        "task: classify\ndata: {path: origins.tsv}\nmodel: {hidden_size: 8, num_layers: 1}\n"
        "train: {batch_size: 8, max_steps: 12, eval_every: 4, workers: 1, best: macro_f1, learning_rate: 0.02}\n"
    )
    monkeypatch.chdir(tmp_path)
    trained = call("train", "o.yaml")
    assert trained.code == 0, trained.err
    assert "charrnn report runs/o" in trained.text + trained.err
    result = call("report", "runs/o")
    assert (result.code, result.err) == (0, "")
    best = max(record.get("valid_macro_f1") or 0 for record in read_log(tmp_path / "runs/o/log.jsonl"))
    assert result.text.splitlines()[0].endswith(f", best {best:.4f}")
    page = Page(tmp_path / "runs/o/report.html")
    assert headings(page)[0] == "Training"
    assert f"Best validation macro-F1 {best:.4f}, at step" in page.words
    (tmp_path / "origins.tsv").write_text("changed\tRussian\nchanges\tItalian\n")
    changed = call("report", "runs/o")
    assert (changed.code, len(changed.lines)) == (0, 1), changed.err
    assert changed.err.startswith("charrnn: without evaluation: ")
    assert headings(Page(tmp_path / "runs/o/report.html")) == ["Training", "Evaluation", "Configuration"]
    refused = call("report", "runs/o", "--unit", "1:1")
    assert (refused.code, refused.out, len(refused.lines)) == (2, b"", 1)
    assert "--unit shows a unit along a text" in refused.err


@pytest.mark.parametrize(("figure", "best"), [("macro_f1", (20.0, 0.7)), ("loss", (10.0, 0.3))])
def test_the_best_step_is_that_of_the_chosen_figure(figure: str, best: tuple[float, float]) -> None:
    config = config_from_dict({"task": "classify", "data": {"path": "o.tsv"}, "train": {"best": figure}})
    values = {10: 0.3, 20: 0.7, 30: 0.5}
    found = training_curves([{"step": step, f"valid_{figure}": value} for step, value in values.items()], config)
    assert found.best == best


@pytest.mark.parametrize("task", ["classify", "tag"])
def test_hostile_text_and_labels_yield_no_live_element(task: str, tmp_path: Path) -> None:
    text = ATTACK.replace("\n", "").replace("\t", "")
    if task == "classify":
        rows = [f"{text}{k}\t{text}{k % 2}\n" for k in range(40)]
        data = {"path": "<b>&amp;.tsv", **DATA}
    else:
        token = text.replace(" ", "")
        rows = [f"{token}{k}\t{token}{k % 2}\n{k}{token}\t{token}{k % 3}\n\n" for k in range(40)]
        data = {"path": "<b>&amp;.conll", "source": 1, "target": 2, **DATA}
    (tmp_path / str(data["path"])).write_text("".join(rows))
    with chdir(tmp_path):
        train_task(Path("m.npz"), {"task": task, "data": data}, 0)
        result = call("report", "m.npz", "--out", "page.html")
    assert (result.code, result.err) == (0, "")
    page = Page(tmp_path / "page.html")
    check_harmless(page)
    assert "<img" in page.words  # there to be read
    assert "<b>&amp;" in page.words
