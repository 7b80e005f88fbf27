"""The report on classifiers and taggers, on small trained models: its figures counted again one by one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from charrnn.data import ExampleSplit
from charrnn.data.examples import Examples
from charrnn.data.tagging import has_span_labels
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation.task_assessment import ScoredModel, assess_task
from charrnn.evaluation.task_results import TaskAssessment
from charrnn.evaluation.task_tsv import per_example
from tests.support.task_runs import (
    TASKS,
    TaskRun,
    train_task,
    write_tables,
)

FRACTIONS = [0.5, 0.25, 0.25]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TaskRun]:
    """A model of each kind after one epoch, so that it is right often but not always."""
    folder = tmp_path_factory.mktemp("tasks")
    write_tables(folder)
    trained = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, settings in TASKS.items():
            data = {**settings["data"], "path": str(folder / settings["data"]["path"]), "fractions": FRACTIONS}
            trained[name] = train_task(folder / f"{name}.npz", {**settings, "data": data}, epochs=2)
    return trained


def scored(run: TaskRun, split: ExampleSplit | None = None) -> ScoredModel:
    return ScoredModel("model", run.model, split or run.corpus.test, run.corpus)


def measures(report: TaskAssessment, name: str = "model") -> dict[str, float]:
    row = next(row for row in report.rows if row.name == name)
    return {own.name: own.value for own in row.measures}


def test_one_label_is_counted_as_by_hand(runs: dict[str, TaskRun]) -> None:
    run = runs["origins"]
    report, p = assess_task([scored(run)])
    truth, names = run.corpus.test.examples.targets, run.corpus.labels.names
    found = measures(report)
    assert found["accuracy"] == np.mean([p[k].argmax() == truth[k] for k in range(len(truth))])
    assert found["loss"] == pytest.approx(np.mean([-np.log(p[k, truth[k]]) for k in range(len(truth))]))
    assert 0.4 < found["accuracy"] < 1, "the mistakes below must be some"
    wrong = [k for k in range(len(truth)) if p[k].argmax() != truth[k]]
    surest = max(wrong, key=lambda k: p[k].max())
    first = report.mistakes[0]
    row = run.corpus.test.rows[surest]
    assert (first.place, first.truth) == (row.place, names[truth[surest]])
    assert (first.predicted, first.probability) == (names[p[surest].argmax()], p[surest].max())
    assert len(report.mistakes) == min(len(wrong), 10)
    probabilities = [own.probability for own in report.mistakes]
    assert probabilities == sorted(probabilities, reverse=True)
    assert report.labels is not None
    assert sum(own.count for own in report.labels.confusions) == len(wrong)


def test_the_probabilities_are_those_of_single_predictions(runs: dict[str, TaskRun]) -> None:
    for name in ("origins", "bytes", "answers"):
        run = runs[name]
        _, p = assess_task([scored(run)])
        for k, row in enumerate(run.corpus.test.rows[:5]):
            assert np.abs(np.asarray(run.model.predict([row.source]))[0] - p[k]).max() < 1e-6  # type: ignore[union-attr]


def test_yes_no_labels_have_thresholds_of_the_validation_split_and_leave_gaps_out(runs: dict[str, TaskRun]) -> None:
    run = runs["answers"]
    report, p = assess_task([scored(run)])
    truth = run.corpus.test.examples.targets
    assert np.isnan(truth).any()
    there = ~np.isnan(truth)
    losses = -np.log(np.where(truth == 1, p, 1 - p))[there]
    assert measures(report)["loss"] == pytest.approx(losses.mean())
    assert report.answers is not None
    valid = run.corpus.valid
    q = np.asarray(run.model.predict_examples(valid.examples))
    for k, label in enumerate(report.answers.labels):
        best = 0.0
        for threshold in [*q[:, k], 0.0]:
            own = valid.examples.targets[:, k]
            yes = (q[:, k] >= threshold) & ~np.isnan(own)
            best = max(best, 2 * (yes & (own == 1)).sum() / (yes.sum() + (own == 1).sum()))
        fitted = (q[:, k] >= label.threshold) & ~np.isnan(own)
        assert 2 * (fitted & (own == 1)).sum() / (fitted.sum() + (own == 1).sum()) == pytest.approx(best)
    assert [label.yes + label.no for label in report.answers.labels] == there.sum(0).tolist()


def test_without_its_examples_a_model_has_the_threshold_one_half(runs: dict[str, TaskRun]) -> None:
    run = runs["answers"]
    report, _ = assess_task([replace(scored(run), corpus=None)])
    assert report.answers is not None
    assert [label.threshold for label in report.answers.labels] == [0.5, 0.5]


def test_numbers_stand_beside_the_mean_of_the_training_split(runs: dict[str, TaskRun]) -> None:
    run = runs["numbers"]
    report, numbers = assess_task([scored(run)])
    truth = np.array([row.source.count("a") for row in run.corpus.test.rows])  # type: ignore[union-attr]
    mean = np.mean([row.source.count("a") for row in run.corpus.train.rows])  # type: ignore[union-attr]
    assert measures(report)["rmse"] == pytest.approx(np.sqrt(np.mean((truth - numbers[:, 0]) ** 2)))
    assert measures(report)["mae"] == pytest.approx(np.abs(truth - numbers[:, 0]).mean())
    baseline = measures(report, "mean of the training split")
    assert baseline["rmse"] == pytest.approx(np.sqrt(np.mean((truth - mean) ** 2)))
    assert measures(report)["rmse"] < baseline["rmse"]


def test_a_tagger_is_counted_by_units_words_and_examples(runs: dict[str, TaskRun]) -> None:
    run = runs["vowels"]
    report, p = assess_task([scored(run)])
    split = run.corpus.test
    right = (p.argmax(1) == split.examples.targets).tolist()
    known = {word for row in run.corpus.train.rows for word in row.source.split(" ")}  # type: ignore[union-attr]
    words: list[tuple[str, bool]] = []
    examples = []
    position = 0
    for row in split.rows:
        text = row.source  # type: ignore[union-attr]
        own = right[position : position + len(text)]
        examples.append(all(own))
        first = 0
        for word in text.split(" "):
            words.append((word, all(own[first : first + len(word)])))
            first += len(word) + 1
        position += len(text)
    assert report.tags is not None
    assert 0.3 < np.mean(right) < 1
    assert (report.tags.units.count, report.tags.units.right) == (len(right), np.mean(right))
    assert (report.tags.words.count, report.tags.words.right) == (len(words), np.mean([own for _, own in words]))
    assert report.tags.examples.right == np.mean(examples)
    for share, is_seen in ((report.tags.seen, True), (report.tags.unseen, False)):
        chosen = [own for word, own in words if (word in known) == is_seen]
        assert share.count == len(chosen) > 0
        assert share.right == pytest.approx(np.mean(chosen))
    assert report.spans is None


def test_spans_are_counted_where_labels_are_those_of_spans(runs: dict[str, TaskRun]) -> None:
    report, _ = assess_task([scored(runs["tokens"])])
    assert report.spans is not None
    assert report.spans.all.support > 5
    assert "span_f1" in measures(report)
    assert has_span_labels(("B-X", "I-X", "O"))
    assert not has_span_labels(("NOUN", "VERB"))
    assert not has_span_labels(("O", "I-X")), "nothing begins a span"


def test_a_vote_is_the_mean_of_the_probabilities(runs: dict[str, TaskRun]) -> None:
    one, two = runs["origins"], runs["bytes"]
    report, p = assess_task([replace(scored(one), name="one"), replace(scored(two), name="two")])
    _, p_one = assess_task([scored(one)])
    _, p_two = assess_task([scored(two)])
    assert np.array_equal(p, (p_one + p_two) / 2)
    assert [row.name for row in report.rows] == ["one", "two", "vote of 2"]
    assert report.scored == "vote of 2"
    assert measures(report, "vote of 2")["accuracy"] == np.mean(p.argmax(1) == one.corpus.test.examples.targets)


def test_models_of_other_labels_or_examples_do_not_vote(runs: dict[str, TaskRun]) -> None:
    with pytest.raises(CheckpointError, match="the same labels"):
        assess_task([scored(runs["origins"]), scored(runs["answers"])])
    with pytest.raises(CheckpointError, match="other examples"):
        assess_task([scored(runs["origins"]), scored(runs["bytes"], runs["bytes"].corpus.valid)])


def test_examples_without_a_target_cannot_be_scored(runs: dict[str, TaskRun]) -> None:
    run = runs["answers"]
    test = run.corpus.test
    examples = Examples(test.examples.ids, test.examples.bounds, np.full_like(test.examples.targets, np.nan))
    with pytest.raises(TextError, match="nothing to score"):
        assess_task([scored(run, replace(test, examples=examples))])


BASELINES = {
    "origins": 2,
    "answers": 1,
    "numbers": 1,
    "vowels": 2,
    "tokens": 1,
}


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_know_the_same_figures(name: str, runs: dict[str, TaskRun]) -> None:
    report, _ = assess_task([scored(runs[name])], baselines=True)
    own, *baselines = report.rows
    assert len(baselines) == BASELINES[name]
    names = {measure.name for measure in own.measures}
    for row in baselines:
        assert {measure.name for measure in row.measures} <= names
        assert len({measure.name for measure in row.measures}) >= len(names) - 1


def test_the_most_frequent_label_of_a_symbol_is_always_right_where_symbols_are_not_ambiguous(
    runs: dict[str, TaskRun],
) -> None:
    report, _ = assess_task([scored(runs["vowels"])], baselines=True)
    assert [measures(report, row.name)["units"] for row in report.rows[1:]] == [1, 1]


@pytest.mark.parametrize("name", TASKS)
def test_a_report_is_json_without_nan(name: str, runs: dict[str, TaskRun]) -> None:
    report, _ = assess_task([scored(runs[name])], baselines=True)
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (document["task"], document["examples"]) == (report.task, len(runs[name].corpus.test))
    assert ("labels" in document) == (name not in ("answers", "numbers"))
    assert [*document["rows"][0]][1:-1] == [*measures(report)]
    assert "NaN" not in json.dumps(document)


@pytest.mark.parametrize("name", TASKS)
def test_a_table_has_a_row_for_each_example(name: str, runs: dict[str, TaskRun]) -> None:
    run = runs[name]
    _, scores = assess_task([scored(run)])
    head, *rows = "".join(per_example(run.model, run.corpus.test, scores)).splitlines()
    assert [row.split("\t")[0] for row in rows] == [row.place for row in run.corpus.test.rows]
    assert {row.count("\t") for row in rows} == {head.count("\t")}
    if name == "vowels":
        units, right = np.array([row.split("\t")[-2:] for row in rows], int).T
        assert units.sum() == len(scores)
        assert right.sum() == (scores.argmax(1) == run.corpus.test.examples.targets).sum()
    if name == "numbers":
        assert [float(row.split("\t")[2]) for row in rows] == [row.split("\t")[1].count("a") for row in rows]


def test_a_table_escapes_what_could_break_its_rows(runs: dict[str, TaskRun], tmp_path: Path) -> None:
    run = runs["origins"]
    row = replace(run.corpus.test.rows[0], source="a\tb\n\x1b\\")  # type: ignore[arg-type]
    split = replace(run.corpus.test, rows=[row, *run.corpus.test.rows[1:]])
    _, scores = assess_task([scored(run)])
    lines = "".join(per_example(run.model, split, scores)).splitlines()
    assert lines[1].split("\t")[1] == "a\\tb\\n\\x1b\\\\"
