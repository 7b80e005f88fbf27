"""N-grams beside a run that classifies: their shares, when they are mentioned, and that the named commands work."""

import shlex
from dataclasses import replace

import pytest

from charrnn.config import config_from_dict
from charrnn.evaluation import validation_figures
from charrnn.models import load_checkpoint
from charrnn.training import counted_labels
from charrnn.training.counted_labels import CountedLabels, count_labels_beside, counted_labels_lines
from charrnn.training.opening import open_run
from tests.support.processes import call

ROWS = "".join(f"{word}{k}{end}\t{label}\n" for k in range(60) for word, end, label in [
    ("ab", "ka", "north"), ("ba", "ak", "south"), ("bb", "kk", "east"),
])  # fmt: skip


def trained(folder, rows=ROWS, **model):
    """A run of two steps, closed: too few to learn anything."""
    (folder / "my.tsv").write_text(rows)
    config = config_from_dict(
        {
            "task": "classify",
            "data": {"path": str(folder / "my.tsv"), "fractions": [0.6, 0.3, 0.1]},
            "model": {"hidden_size": 8, "num_layers": 1, **model},
            "train": {"batch_size": 16, "max_steps": 2},
            "out": str(folder / "runs" / "my"),
        }
    )
    run = open_run(config)
    list(run)
    run.close()
    return run


def test_the_shares_are_those_of_the_models_alone_and_better_n_grams_are_named_with_commands_that_work(tmp_path):
    run = trained(tmp_path)
    found = count_labels_beside(run)
    network = load_checkpoint(run.directory.best).task_model
    assert found.network == validation_figures(network, run.corpus.valid)[0]["accuracy"] < 0.8
    assert found.ngrams == 1
    first, train, evaluate = counted_labels_lines(run)
    assert first.startswith(f"N-grams of up to {found.order} characters, counted in a moment, have 100.0% of this")
    done = call(*shlex.split(train.removeprefix("try:   charrnn ")))
    assert done.code == 0, done.err
    counted = load_checkpoint(tmp_path / "runs" / "my-ngram").task_model
    assert validation_figures(counted, run.corpus.valid)[0]["accuracy"] == found.ngrams
    assert counted.config.model.order == found.order
    done = call(*shlex.split(evaluate.removeprefix("try:   charrnn ")), "--split", "valid")
    assert done.code == 0, done.err
    assert f"{found.vote:.1%}" in next(line for line in done.text.splitlines() if "vote of 2" in line)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.9, 0.8, 0.95), "have 90.0% of this validation split right; a vote of both 95.0%; this network has 80.0%."),
        ((0.9, 0.8, 0.9), "have 90.0% of this validation split right; this network has 80.0%."),
        ((0.7, 0.8, 0.82), "has 82.0% of this validation split right; this network has 80.0%."),
        ((0.7, 0.8, 0.805), None),
        ((0.805, 0.8, 0.7), None),
    ],
)
def test_what_is_said_follows_from_the_shares(shares, said, tmp_path, monkeypatch):
    run = trained(tmp_path)
    monkeypatch.setattr(counted_labels, "count_labels_beside", lambda run: CountedLabels(4, *shares))
    lines = counted_labels_lines(run)
    assert (lines == []) if said is None else lines[0].endswith(said)


def test_nothing_is_counted_for_many_texts_or_without_a_best_checkpoint_or_from_standard_input(tmp_path, monkeypatch):
    run = trained(tmp_path)
    from_stdin = replace(run.config, data=replace(run.config.data, path="-"))
    with monkeypatch.context() as patch:
        patch.setattr(run, "config", from_stdin)
        assert count_labels_beside(run) is None
    with monkeypatch.context() as patch:
        patch.setattr(counted_labels, "MAX_CHARS", len(run.corpus.train.examples.ids) - 1)
        assert count_labels_beside(run) is None
    assert count_labels_beside(run) is not None
    run.directory.best.unlink()
    assert count_labels_beside(run) is None


def test_nothing_is_counted_of_yes_no_labels(tmp_path):
    rows = ROWS.replace("north", "yes").replace("south", "no").replace("east", "no")
    assert count_labels_beside(trained(tmp_path, rows, output="sigmoid")) is None
