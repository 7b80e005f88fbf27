"""Classifiers and taggers side by side: the figures, the order, and differences by more than noise or not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.evaluation.resampling import RESAMPLES, resampled_weights
from charrnn.evaluation.task_assessment import ScoredModel, assess_task
from charrnn.evaluation.task_comparison import compare_tasks, statistics_of
from tests.support.task_runs import MODEL, TaskRun, answers_table, names_table, symbols_table, tokens_file, train_task

FRACTIONS = [0.4, 0.2, 0.4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared")
    (folder / "origins.tsv").write_text(names_table())
    (folder / "answers.tsv").write_text(answers_table())
    (folder / "vowels.tsv").write_text(symbols_table())
    (folder / "names.conllu").write_text(tokens_file())
    return folder


def trained(
    folder: Path, name: str, epochs: int, table: str = "origins.tsv", task: str = "classify", **more: Any
) -> TaskRun:
    output = {"output": more.pop("output")} if "output" in more else {}
    data = {"path": str(folder / table), "fractions": FRACTIONS, **more}
    return train_task(folder / f"{name}.npz", {"task": task, "data": data, "model": {**MODEL, **output}}, epochs)


def test_the_best_comes_first_and_the_others_differ_from_it(folder: Path) -> None:
    bad, good = trained(folder, "bad", 0), trained(folder, "good", 15, tokens="byte")
    found = compare_tasks([bad.saved, good.saved])
    assert [run.run for run in found.runs] == [str(folder / "good.npz"), str(folder / "bad.npz")]
    first, second = found.runs
    report, _ = assess_task([ScoredModel("good", good.model, good.corpus.test)])
    values = {own.name: own.value for own in report.rows[0].measures}
    assert first.figures == pytest.approx({name: values[name] for name in ("accuracy", "macro_f1")})
    assert (first.differences, first.note, second.note) == ({}, "", "")
    for name, difference in second.differences.items():
        assert difference.mean == second.figures[name] - first.figures[name] < 0
        assert difference.beyond_noise
    assert found.differing == {"data.tokens": ["byte", "char"]}
    assert found.to_dict()["runs"][1]["differences"]["accuracy"]["beyond_noise"] is True


def test_the_interval_is_that_of_the_same_resamples(folder: Path) -> None:
    one, two = trained(folder, "one", 1), trained(folder, "two", 2, tokens="byte")
    runs = compare_tasks([one.saved, two.saved]).runs
    right = {}
    for run in (one, two):
        predicted = np.asarray(run.model.predict_examples(run.corpus.test.examples)).argmax(1)
        right[str(run.path)] = predicted == run.corpus.test.examples.targets
    difference = right[runs[1].run].astype(float) - right[runs[0].run]
    drawn = [float((weights * difference).mean()) for rows in resampled_weights(len(difference)) for weights in rows]
    assert len(drawn) == RESAMPLES
    assert runs[1].differences["accuracy"].interval == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))


def test_a_model_does_not_differ_from_itself(folder: Path) -> None:
    run = trained(folder, "same", 1)
    _, again = compare_tasks([run.saved, run.saved]).runs
    for difference in again.differences.values():
        assert (difference.mean, difference.interval) == (0, (0, 0))
        assert not difference.beyond_noise


def test_of_numbers_the_lowest_error_is_the_best(folder: Path) -> None:
    settings: dict[str, Any] = {"table": "answers.tsv", "source": "word", "target": "count", "output": "linear"}
    bad, good = trained(folder, "n0", 0, **settings), trained(folder, "n9", 9, **settings)
    first, second = compare_tasks([bad.saved, good.saved]).runs
    assert first.run.endswith("n9.npz")
    assert second.differences["rmse"].mean > 0


KINDS: dict[str, dict[str, Any]] = {
    "answers": {"table": "answers.tsv", "source": "word", "target": ["has_a", "has_b"], "output": "sigmoid"},
    "numbers": {"table": "answers.tsv", "source": "word", "target": ["count", "has_b"], "output": "linear"},
    "symbols": {"table": "vowels.tsv", "task": "tag"},
    "tokens": {"table": "names.conllu", "task": "tag", "target": "xpos"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_are_those_of_eval_on_any_resample(kind: str, folder: Path) -> None:
    run = trained(folder, kind, 1, **KINDS[kind])
    split = run.corpus.test
    report, _ = assess_task([ScoredModel("m", run.model, split)])
    names = {"mean_rmse": "rmse"}
    values = {names.get(own.name, own.name): own.value for own in report.rows[0].measures}
    statistics = statistics_of(run.model, split)
    assert statistics
    ones, twos = np.ones((1, len(split))), np.full((1, len(split)), 2.0)
    for name, statistic in statistics.items():
        assert statistic(ones)[0] == pytest.approx(values[name])
        assert statistic(twos)[0] == pytest.approx(values[name]), "each example twice"
        assert statistic(np.concatenate([ones, twos])).shape == (2,)


def test_runs_on_other_examples_are_not_compared(folder: Path) -> None:
    one = trained(folder, "a", 1)
    other = trained(folder, "b", 1, split_seed=7)
    tagger = trained(folder, "c", 1, "vowels.tsv", "tag")
    runs = compare_tasks([one.saved, other.saved, tagger.saved]).runs
    assert [bool(run.differences) for run in runs] == [False, False, False]
    assert [bool(run.note) for run in runs] == [False, True, True]


def test_runs_on_other_targets_of_the_same_examples_are_not_compared(folder: Path) -> None:
    rows = [f"{'ab'[k % 2]}{k}\t{'yn'[k % 2]}\t{'yn'[k // 2 % 2]}\n" for k in range(40)]
    (folder / "two.tsv").write_text("".join(rows))
    one, two = (trained(folder, f"t{k}", 1, "two.tsv", target=k, split="random") for k in (2, 3))
    assert one.model.labels == two.model.labels
    runs = compare_tasks([one.saved, two.saved]).runs
    assert (runs[1].differences, bool(runs[1].note)) == ({}, True)


def test_a_run_whose_examples_have_changed_is_named_and_comes_last(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "origins.tsv").write_text(names_table(seed=4))
    gone = trained(tmp_path, "gone", 1)
    (tmp_path / "origins.tsv").write_text(names_table(seed=5))
    runs = compare_tasks([gone.saved, trained(folder, "here", 1).saved]).runs
    assert [run.run.rpartition("/")[2] for run in runs] == ["here.npz", "gone.npz"]
    assert "has changed" in runs[1].note
