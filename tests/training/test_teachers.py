"""Runs with teachers: the same for any number of workers, resumed, and refused where a teacher is not what it was."""

import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.errors import CharrnnError, CheckpointError, ConfigError
from charrnn.evaluation.scoring import predictions
from charrnn.models.loading import SavedModel, load_checkpoint
from charrnn.parallel.team import Team
from charrnn.training import loop, teaching
from charrnn.training.corpora import read_corpus
from charrnn.training.estimate import estimate_run
from charrnn.training.fit_ngram import fit
from charrnn.training.loop import Run
from charrnn.training.opening import DEFAULT_DIRECTORY, open_run
from charrnn.training.teaching import read_teachers
from tests.support.runs import LAST, RUN, kept

LINES = ["the cat sat", "on the mat", "a hat", "that rat", "is fat and flat"]
TEACHERS = ["teacher1", "teacher2"]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own with a text; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text("\n".join(LINES * 12) + "\n")


def config_of(
    documents: bool = False, out: str = str(RUN), seed: int = 1, cell: str = "gru", path: str = "text.txt", **train: Any
) -> Config:
    data = {"path": path} | ({"documents": "line"} if documents else {})
    model = {"cell": cell, "hidden_size": 5, "num_layers": 1}
    length = {"batch_size": 4, "seq_length": 8, "shards": 2, "max_steps": 12, "eval_every": 4, "sample_length": 0}
    return config_from_dict({"data": data, "model": model, "train": length | train, "seed": seed, "out": out})


def train(config: Config, steps: int = 12, **options: Any) -> None:
    with closing(open_run(config, **options)) as run:
        for _ in zip(range(steps), run, strict=False):
            pass
        run.save()


def train_teachers(documents: bool = False) -> None:
    for seed, name in enumerate(TEACHERS, 2):
        train(config_of(documents, name, seed))


@pytest.mark.parametrize("documents", [False, True])
def test_two_workers_and_resumed_runs_write_the_same_files(documents: bool) -> None:
    train_teachers(documents)
    config = config_of(documents, teacher=TEACHERS)
    train(config)
    whole = kept()
    train(config, workers=2, force=True)
    assert kept() == whole
    train(config, steps=5, force=True)
    train(config, resume=True)
    assert kept() == whole
    train(config_of(documents), force=True)
    assert kept()[LAST] != whole[LAST]


def test_teachers_expect_the_mean_of_their_probabilities() -> None:
    train_teachers()
    config = config_of(teacher=TEACHERS)
    corpus = read_corpus(config)
    memory = read_teachers(config, corpus, None).expected(corpus)
    assert memory
    wanted = np.zeros(memory.shape)
    for name in TEACHERS:
        for positions, logs in predictions(load_checkpoint(name).network, corpus.train.ids, streams=1):
            wanted[positions] += np.exp(logs) / 2
    np.testing.assert_allclose(memory.array(), wanted, atol=1e-3)


def test_a_resumed_run_is_refused_if_a_teacher_has_changed() -> None:
    train_teachers()
    config = config_of(teacher=TEACHERS)
    train(config, steps=5)
    train(config_of(out=TEACHERS[1], seed=9), force=True)
    with pytest.raises(CheckpointError, match=r"train\.teacher has been trained further or again since this run began"):
        open_run(config, resume=True)


def test_a_teacher_may_have_moved_but_must_be_the_same() -> None:
    train_teachers()
    train(config_of(teacher="teacher1"), steps=5)
    shutil.copytree("teacher1", "elsewhere")
    with pytest.raises(CheckpointError, match=r"\(train\.teacher was 'teacher1', now 'teacher2'\)"):
        open_run(config_of(teacher="teacher2"), resume=True)
    train(config_of(teacher="elsewhere"), resume=True)
    moved = load_checkpoint(RUN / LAST)
    train(config_of(teacher="teacher1"), force=True)
    np.testing.assert_array_equal(load_checkpoint(RUN / LAST).network.params.values, moved.network.params.values)


def test_a_run_in_the_default_directory_does_not_write_over_its_teacher() -> None:
    train(config_of(out=DEFAULT_DIRECTORY))
    config = replace(config_of(teacher=DEFAULT_DIRECTORY), out=None)
    for call in (open_run, estimate_run):
        with pytest.raises(CheckpointError, match=r"the run would write over its teacher; choose another --out"):
            call(config, **({"force": True} if call is open_run else {}))
    list(Run(config))  # writes nothing


def test_a_teacher_has_the_same_characters_and_is_a_network_of_another_directory() -> None:
    Path("other.txt").write_text("another text " * 40)
    train(config_of(out="other", path="other.txt"))
    fit(config_of(out="counted", cell="ngram"))
    train(config_of())
    for name, message in [
        ("other", r"train\.teacher: other: its vocabulary is not that of this text"),
        ("counted", r"train\.teacher: counted: a teacher is a language model"),
        (str(RUN), r"train\.teacher: run: the run would write over its teacher"),
        ("nowhere", r"train\.teacher: nowhere: does not exist"),
    ]:
        before = kept()
        with pytest.raises(CheckpointError, match=message):
            open_run(config_of(teacher=name), force=True)
        assert kept() == before


def test_predictions_that_do_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    train(config_of(out="teacher"))
    monkeypatch.setattr(teaching, "machine_memory", lambda: 1000.0)
    with pytest.raises(CharrnnError, match=r"train\.teacher: predictions of \d+ characters out of \d+ need"):
        open_run(config_of(teacher="teacher"))


class TwoRanks:
    """This rank and a second one, which has read other teachers."""

    number, size = 0, 2

    def gather_objects(self, everything: dict[str, Any]) -> list[dict[str, Any]]:
        """What both train with, as Ranks gives it."""
        return [everything, {**everything, "needed": {**everything["needed"], "teacher 2": "another"}}]


def test_ranks_with_other_teachers_are_refused_by_a_run_and_by_a_dry_run() -> None:
    train_teachers()
    config, ranks = config_of(teacher=TEACHERS), TwoRanks()
    for call in (open_run, estimate_run):
        with pytest.raises(CharrnnError, match=r"^teacher 2 is \S+ on rank 0, another on rank 1; all ranks need"):
            call(config, ranks=ranks)


def test_teachers_are_read_once_on_each_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    train_teachers()
    read: list[str] = []

    def noted(name: str) -> SavedModel:
        read.append(name)
        return load_checkpoint(name)

    ranks, alone = TwoRanks(), Team
    monkeypatch.setattr(ranks, "gather_objects", lambda value: [value, value], raising=False)
    monkeypatch.setattr(teaching, "load_checkpoint", noted)
    monkeypatch.setattr(loop, "Team", lambda *args: alone(*args[:5], None, *args[6:]))  # the second rank does no work
    train(config_of(teacher=TEACHERS), ranks=ranks)
    assert read == TEACHERS


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"ngram": 3}, r"train\.teacher does not go with model\.ngram"),
        ({"cell": "ngram"}, r"train\.teacher teaches a network, and model\.cell: ngram is counted"),
    ],
)
def test_teachers_do_not_go_with_an_ngram(model: dict[str, Any], message: str) -> None:
    keys = {"data": {"path": "text.txt"}, "model": model, "train": {"teacher": "teacher"}}
    with pytest.raises(ConfigError, match=message):
        config_from_dict(keys)
