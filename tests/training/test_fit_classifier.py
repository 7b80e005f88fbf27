"""N-grams of labels by config: the run directory, the checkpoint, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charrnn
from charrnn.config.building import config_from_dict, load_config
from charrnn.config.keys import Config
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation.task_validation import validation_figures
from charrnn.models.loading import load_checkpoint
from charrnn.models.ngram_classifier import NGramClassifier
from charrnn.models.task_model import TaskModel
from charrnn.storage import checkpoint
from charrnn.training.fit_classifier import FittedClassifier
from charrnn.training.fit_ngram import fit
from tests.support.task_runs import names_table

FRACTIONS = [0.6, 0.2, 0.2]


def config_for(folder: Path, data: dict[str, Any] | None = None, **model: Any) -> Config:
    (folder / "names.tsv").write_text(names_table())
    return config_from_dict(
        {
            "task": "classify",
            "data": {"path": str(folder / "names.tsv"), **(data or {"fractions": FRACTIONS})},
            "model": {"cell": "ngram", **model},
            "out": str(folder / "run"),
        }
    )


def fitted_for(config: Config, **options: bool) -> FittedClassifier:
    fitted = fit(config, **options)
    assert isinstance(fitted, FittedClassifier)
    return fitted


def test_a_run_directory_holds_config_log_and_model(tmp_path: Path) -> None:
    fitted = fitted_for(config_for(tmp_path, order=4, smoothing="witten-bell"))
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "log.jsonl", "best.npz", ".lock"}
    assert load_config(folder / "config.yaml") == fitted.config
    assert (
        fitted.config.model.order == fitted.ngrams.order == max(fitted.accuracies, key=lambda k: fitted.accuracies[k])
    )
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert records == [fitted.record]
    wanted, _ = validation_figures(fitted.model, fitted.corpus.valid)
    assert {name: records[0][f"valid_{name}"] for name in wanted} == wanted
    assert wanted["accuracy"] == fitted.accuracies[fitted.ngrams.order]


def test_what_is_loaded_predicts_what_was_saved(tmp_path: Path) -> None:
    fitted = fitted_for(config_for(tmp_path, smoothing="additive"))
    model = charrnn.load(tmp_path / "run")
    assert isinstance(model, TaskModel)
    assert isinstance(model.network, NGramClassifier)
    assert (model.network.order, model.network.smoothing) == (fitted.ngrams.order, "additive")
    texts = ["mnrova", "", "tinini", "x"]
    own, loaded = fitted.model.predict(texts), model.predict(texts)
    np.testing.assert_array_equal(loaded, own)
    assert np.isnan(np.array(own)[1]).all()
    assert [found.label for found in charrnn.predict(model, texts)][::2] == ["Russian", "Italian"]


def test_the_test_split_does_not_choose_the_order(tmp_path: Path) -> None:
    (tmp_path / "valid.tsv").write_text(names_table(20, 1))
    data = {"valid_path": str(tmp_path / "valid.tsv"), "test_path": str(tmp_path / "test.tsv")}
    found = []
    for language in ("Russian", "Italian"):
        (tmp_path / "test.tsv").write_text(f"mnr\t{language}\n" * 20)
        found.append(fitted_for(config_for(tmp_path, data), keep=False).accuracies)
    assert found[0] == found[1]


def test_the_same_config_gives_the_same_bytes(tmp_path: Path) -> None:
    fit(config_for(tmp_path))
    first = (tmp_path / "run" / "best.npz").read_bytes()
    fit(config_for(tmp_path), force=True)
    assert (tmp_path / "run" / "best.npz").read_bytes() == first


def test_examples_without_a_validation_split_or_a_second_label_are_judged_as_for_networks(tmp_path: Path) -> None:
    fitted = fitted_for(config_for(tmp_path, {"fractions": [1, 0, 0]}), keep=False)
    assert (fitted.figures, fitted.best) == ({}, None)
    config = config_for(tmp_path, {"fractions": [1, 0, 0]})
    (tmp_path / "names.tsv").write_text("a\tx\nb\tx\n")
    with pytest.raises(TextError, match="the only label is 'x'"):
        fit(config, keep=False)


DAMAGE = {
    "no text": lambda arrays: arrays.pop("text"),
    "a symbol beyond the vocabulary": lambda arrays: arrays["text"].fill(255),
    "a label beyond the labels": lambda arrays: arrays["targets"].fill(3),
    "labels of too few examples": lambda arrays: arrays.update(targets=arrays["targets"][1:]),
    "an example that ends before it begins": lambda arrays: arrays["bounds"].__setitem__(1, 0),
    "bounds beyond the text": lambda arrays: arrays["bounds"].__setitem__(-1, 10**6),
    "numbers that are not whole": lambda arrays: arrays.update(text=arrays["text"].astype(float)),
    "no example": lambda arrays: arrays.update({name: own[:0] for name, own in arrays.items()}),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_examples_are_one_line(tmp_path: Path, kind: str) -> None:
    fit(config_for(tmp_path))
    path = tmp_path / "run" / "best.npz"
    header, arrays = checkpoint.load(path)
    arrays = {name: own.copy() for name, own in arrays.items()}
    DAMAGE[kind](arrays)
    checkpoint.save(path, header, arrays)
    with pytest.raises(CheckpointError, match="the arrays text, bounds and targets are missing, or are no examples"):
        load_checkpoint(path)
