"""Occlusion: what a symbol contributes is what the score loses without it, by reading every changed text by itself."""

from pathlib import Path

import numpy as np
import pytest

from charrnn.evaluation.predicting import split_scores
from charrnn.inspection.occlusion import EXAMPLES, occlusions
from tests.support.task_runs import TASKS, TaskRun, train_task, write_tables


@pytest.fixture(params=["origins", "answers", "numbers"])
def trained(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskRun:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    settings = TASKS[request.param]
    data = {**settings["data"], "fractions": [0.5, 0, 0.5]}
    return train_task(Path("m.npz"), {**settings, "data": data}, 3)


def test_contributions_are_those_of_texts_that_lack_one_symbol(trained: TaskRun) -> None:
    model, split = trained.model, trained.corpus.test
    scores = split_scores(model, split)
    found = occlusions(model, split, scores)
    assert len(found) == EXAMPLES
    assert len({own.place for own in found}) == EXAMPLES
    places = [row.place for row in split.rows]
    linear = model.network.task.output == "linear"
    for own in found[::5]:
        text = model.vocab.decode(own.ids)
        column = model.labels.names.index(own.predicted)
        assert own.score == scores[places.index(own.place), column]
        for k, contribution in enumerate(own.contributions):
            one_less = model.predict([text[:k] + "\0" + text[k + 1 :]])  # no example holds this symbol
            whole = model.predict([text])
            before, after = (float(np.asarray(p)[0, column]) for p in (whole, one_less))
            expected = before - after if linear else np.log(before) - np.log(after)
            assert contribution == pytest.approx(expected, abs=1e-5)
    assert any(np.abs(own.contributions).max() > 1e-3 for own in found)


def test_half_of_the_examples_are_mistakes_if_there_are_as_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    settings = TASKS["origins"]
    trained = train_task(Path("m.npz"), {**settings, "data": {**settings["data"], "fractions": [0.5, 0, 0.5]}}, 0)
    split, scores = trained.corpus.test, split_scores(trained.model, trained.corpus.test)
    wrong = int((scores.argmax(1) != split.examples.targets).sum())
    assert EXAMPLES // 2 <= wrong <= len(split) - EXAMPLES // 2
    found = occlusions(trained.model, split, scores)
    assert sum(own.truth != own.predicted for own in found) == EXAMPLES // 2
