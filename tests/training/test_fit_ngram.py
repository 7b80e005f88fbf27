"""An n-gram by config: its run directory, its checkpoint, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charrnn
from charrnn.config.building import config_from_dict, load_config
from charrnn.config.keys import Config
from charrnn.errors import CheckpointError, ConfigError, RunExistsError, RunInUseError, TextError
from charrnn.evaluation.scoring import score
from charrnn.models.loading import load_checkpoint
from charrnn.models.ngram import NGram
from charrnn.storage import checkpoint
from charrnn.storage.files import Lock
from charrnn.training.bench import measure
from charrnn.training.fit_ngram import fit
from tests.support.processes import TALES


def config_for(folder: Path, text: str | None = None, **model: Any) -> Config:
    (folder / "text.txt").write_text(TALES.read_text()[:6000] if text is None else text)
    data = {"path": str(folder / "text.txt"), "fractions": [0.8, 0.1, 0.1]}
    return config_from_dict({"data": data, "model": {"cell": "ngram", **model}, "out": str(folder / "run")})


def test_a_run_directory_holds_config_log_and_model(tmp_path: Path) -> None:
    config = config_for(tmp_path, order=4, smoothing="witten-bell")
    fitted = fit(config)
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "log.jsonl", "best.npz", ".lock"}
    assert load_config(folder / "config.yaml") == config
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert records == [fitted.record]
    wanted = score(fitted.model, fitted.corpus.valid.ids)
    assert records[0]["valid_loss"] == pytest.approx(wanted.nats_per_char)
    assert records[0]["valid_perplexity"] == pytest.approx(wanted.perplexity)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell", "additive"])
def test_what_is_loaded_predicts_what_was_saved(tmp_path: Path, smoothing: str) -> None:
    fitted = fit(config_for(tmp_path, order=5, smoothing=smoothing))
    model = charrnn.load(tmp_path / "run")
    assert isinstance(model, NGram)
    assert (model.order, model.smoothing, model.vocab) == (5, smoothing, fitted.model.vocab)
    ids = fitted.corpus.test.ids
    assert score(model, ids).nats == score(fitted.model, ids).nats
    assert "".join(charrnn.generate(model, 50, seed=3)) == "".join(charrnn.generate(fitted.model, 50, seed=3))


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell", "additive"])
def test_documents_are_counted_each_by_itself_and_loaded_as_they_were_saved(tmp_path: Path, smoothing: str) -> None:
    (tmp_path / "text.txt").write_text("".join(f"{first}{last}\n" for first in "abcde" for last in "xyz") * 4)
    data = {
        "path": str(tmp_path / "text.txt"),
        "documents": "line",
        "split": "contiguous",
        "fractions": [0.8, 0.1, 0.1],
    }
    model = {"cell": "ngram", "order": 9, "smoothing": smoothing}  # longer than any document
    fitted = fit(config_from_dict({"data": data, "model": model, "out": str(tmp_path / "run")}))
    loaded, ids = charrnn.load(tmp_path / "run"), fitted.corpus.test.ids
    assert isinstance(loaded, NGram)
    assert loaded.vocab == fitted.model.vocab
    assert loaded.vocab.end == "\n"
    assert score(loaded, ids).nats == score(fitted.model, ids).nats
    assert np.exp(loaded.predict(loaded.start()))[0].sum() == pytest.approx(1)


def test_the_same_config_gives_the_same_bytes(tmp_path: Path) -> None:
    fit(config_for(tmp_path, order=3))
    first = (tmp_path / "run" / "best.npz").read_bytes()
    fit(config_for(tmp_path, order=3), force=True)
    assert (tmp_path / "run" / "best.npz").read_bytes() == first


def test_nothing_is_written_unasked(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    assert fit(config, keep=False).record["chars"] == 4800
    assert not (tmp_path / "run").exists()
    fit(config)
    with pytest.raises(RunExistsError):
        fit(config)
    lock = Lock(tmp_path / "run")
    with pytest.raises(RunInUseError):
        fit(config, force=True)
    lock.close()


def test_a_text_shorter_than_an_n_gram_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"4 characters; model.order 7"):
        fit(config_for(tmp_path, "abcab"))
    assert not (tmp_path / "run").exists()
    assert fit(config_for(tmp_path, "abcab", order=4)).model.size == 9


def test_without_a_validation_split_there_is_a_model_all_the_same(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the fox and the crow " * 9)
    data = {"path": str(text), "fractions": [1.0, 0.0, 0.0]}
    fitted = fit(config_from_dict({"data": data, "model": {"cell": "ngram"}, "out": str(tmp_path / "run")}))
    assert fitted.record["valid_loss"] is None
    assert load_checkpoint(tmp_path / "run").header.training.best is None


@pytest.mark.parametrize("shards", [None, 2])
def test_training_step_by_step_is_refused_with_the_way_out(tmp_path: Path, shards: int | None) -> None:
    config = config_for(tmp_path)
    config = replace(config, train=replace(config.train, shards=shards))
    for refuse in (charrnn.Run, measure):
        with pytest.raises(ConfigError, match=r"charrnn\.fit"):
            refuse(config)


@pytest.mark.parametrize(
    "text",
    [
        None,
        np.zeros((2, 30), np.uint8),
        np.zeros(3, np.uint8),
        np.full(90, 200, np.uint8),
        np.zeros(90, np.float32),
        np.zeros(90, np.int32),
    ],
)
def test_a_checkpoint_without_a_sound_text_is_refused(tmp_path: Path, text: Any) -> None:
    fit(config_for(tmp_path))
    header, arrays = checkpoint.load(tmp_path / "run" / "best.npz")
    arrays = {} if text is None else {"text": text}
    header = {key: value for key, value in header.items() if key not in ("format", "version")}
    checkpoint.save(tmp_path / "forged.npz", header, arrays)
    with pytest.raises(CheckpointError, match=r"damaged .*the array text"):
        load_checkpoint(tmp_path / "forged.npz")


def test_an_earlier_run_goes_only_once_its_successor_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_for(tmp_path, order=3)
    fit(config)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    def no_room(*arguments: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("charrnn.models.ngram.count", no_room)
    with pytest.raises(MemoryError):
        fit(config_for(tmp_path, order=9), force=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
