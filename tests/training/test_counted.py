"""An n-gram beside a run: its figures, when it is mentioned, and that the commands which are named work."""

import shlex
from dataclasses import replace

import numpy as np
import pytest

from charrnn.config import config_from_dict
from charrnn.evaluation.scoring import score
from charrnn.models.ngram import NGram
from charrnn.training import counted
from charrnn.training.counted import Counted, count_beside, counted_lines
from charrnn.training.opening import open_run
from tests.support.processes import call

TALES = "The fox went to the well. The hen went to the barn. The dog sat by the wall.\n" * 40


def trained(folder, steps=4, name="my", teacher=None, **data):
    """A run of a few steps, closed."""
    (folder / "my.txt").write_text(TALES)
    config = config_from_dict(
        {
            "data": {"path": str(folder / "my.txt"), **data},
            "model": {"hidden_size": 8, "num_layers": 1},
            "train": {"batch_size": 4, "seq_length": 20, "max_steps": steps, "sample_length": 0, "teacher": teacher},
            "out": str(folder / "runs" / name),
        }
    )
    run = open_run(config)
    list(run)
    run.close()
    return run


@pytest.mark.parametrize("data", [{}, {"documents": "line", "split": "contiguous"}], ids=["stream", "lines"])
def test_the_losses_are_those_of_the_models_alone_and_the_mixture_is_better_than_both(data, tmp_path):
    run = trained(tmp_path, **data)
    found = count_beside(run)
    ngram = NGram(run.corpus.vocab, run.corpus.train.ids, found.order)
    assert found.ngram == pytest.approx(score(ngram, run.corpus.valid.ids).nats_per_char, rel=1e-9)
    assert found.network == pytest.approx(run.state.best, rel=1e-5)
    assert found.ngram < found.network - 0.5
    assert found.mixture < found.ngram + 1e-3


@pytest.mark.parametrize("taught", [False, True])
def test_a_better_n_gram_is_named_with_commands_that_work(taught, tmp_path):
    run = trained(tmp_path)
    if taught:
        run = trained(tmp_path, name="taught", teacher=str(tmp_path / "runs" / "my"))
    first, train, evaluate = counted_lines(run)
    assert first.startswith(f"An n-gram of order {count_beside(run).order}, counted in a moment, is better")
    for line in (train, evaluate):
        words = shlex.split(line.removeprefix("try:   charrnn "))
        done = call(*words)
        assert done.code == 0, done.err
    assert "mixture" in done.text


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((1.5, 1.4, 1.35), "Mixed with an n-gram of order 5, which is counted in a moment, it reaches 1.3500 nats"),
        (
            (1.3, 1.4, 1.25),
            "An n-gram of order 5, counted in a moment, is better on this validation split: 1.3000 nats per character;",
        ),
        (
            (1.3, 1.4, 1.299),
            "An n-gram of order 5, counted in a moment, is better on this validation split: 1.3000 nats per character.",
        ),
        ((1.5, 1.4, 1.395), None),
        ((2.5, 1.4, 1.4), None),
    ],
)
def test_what_is_said_follows_from_the_figures(figures, said, tmp_path, monkeypatch):
    run = trained(tmp_path)
    monkeypatch.setattr(counted, "count_beside", lambda run: Counted(5, *figures))
    lines = counted_lines(run)
    assert (lines == []) if said is None else lines[0].startswith(said)


def test_nothing_is_counted_for_a_large_text_or_without_a_best_checkpoint_or_from_standard_input(tmp_path, monkeypatch):
    run = trained(tmp_path)
    from_stdin = replace(run.config, data=replace(run.config.data, path="-"))
    with monkeypatch.context() as patch:
        patch.setattr(run, "config", from_stdin)
        assert counted_lines(run) == []
    with monkeypatch.context() as patch:
        patch.setattr(counted, "MAX_CHARS", len(run.corpus.train) - 1)
        assert counted_lines(run) == []
    run.directory.best.unlink()
    assert counted_lines(run) == []
    assert np.isfinite(run.state.best)
