"""Runs on documents: what their checkpoints keep of the training text, and the samples that they draw."""

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.data.documents import digest
from charrnn.data.loading import load_corpus
from charrnn.generation.sampling import Options, generate_batch
from charrnn.models.known import LOWER
from charrnn.models.loading import load_checkpoint
from charrnn.training import material, saving
from charrnn.training.fit_ngram import fit
from charrnn.training.opening import open_run
from charrnn.training.samples import TEMPERATURE, draw_sample
from charrnn.training.state import Progress
from tests.support.runs import BEST, LAST, RUN, kept

NAMES = [f"{first}{second}" for first in ("an", "be", "car", "dun") for second in ("a", "e", "ie", "na", "ron")]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own with a text of names; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text("\n".join([*NAMES, *NAMES[:5], ""]))


def names(documents: Any = "line", model: dict[str, Any] | None = None, **train: Any) -> Config:
    """A small run on the names."""
    how = {"seq_length": 8, "batch_size": 4, "max_steps": 12, "eval_every": 4, "sample_length": 30} | train
    data = {"path": "text.txt", "documents": documents, "fractions": [0.8, 0.1, 0.1]}
    model = {"hidden_size": 5, "num_layers": 1} | (model or {})
    return config_from_dict({"data": data, "model": model, "train": how, "out": str(RUN)})


def completed(config: Config, steps: int | None = None, **options: Any) -> list[Progress]:
    """Train to the end, or for some steps, which are saved."""
    with closing(open_run(config, **options)) as run:
        if steps is None:
            return list(run)
        for _ in range(steps):
            run.advance()
        run.save()
        return []


def test_the_checkpoints_of_a_run_hold_the_digests_of_its_training_documents() -> None:
    config = names()
    completed(config)
    corpus = load_corpus(config)
    documents = corpus.vocab.decode(corpus.train.ids).split("\n")[:-1]
    expected = sorted({digest(document) & LOWER for document in documents})
    assert len(expected) < len(documents), "some names stand there twice"
    for name in (BEST, LAST):
        found = load_checkpoint(RUN / name).arrays["documents"]
        assert (found.dtype, found.tolist()) == (np.uint32, expected)


def test_a_stream_has_no_such_array() -> None:
    completed(names("none"))
    assert "documents" not in load_checkpoint(RUN / LAST).arrays


def test_the_digests_are_computed_once_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = material.known_documents
    monkeypatch.setattr(material, "known_documents", lambda *args: calls.append(1) or real(*args))
    completed(names(save_every=1))
    assert calls == [1]


def test_any_number_of_workers_writes_the_same_files() -> None:
    results = []
    for workers in (1, 2):
        completed(names(shards=2), workers=workers, force=True)
        results.append(kept())
    assert results[0] == results[1]


def test_a_run_of_documents_goes_on_bit_for_bit() -> None:
    completed(names())
    whole = kept()
    completed(names(), steps=5, force=True)
    completed(names(), resume=True)
    assert kept() == whole


def test_a_run_whose_last_checkpoint_holds_no_digests_is_resumed_and_then_holds_them() -> None:
    completed(names(), steps=5)
    saved = load_checkpoint(RUN / LAST)
    without = {name: array for name, array in saved.arrays.items() if name != "documents"}
    saving.write_model(RUN / LAST, saved.header, without)
    completed(names(), resume=True)
    assert len(load_checkpoint(RUN / LAST).known_documents()) > 5


def test_an_ngram_keeps_its_text_alone() -> None:
    config = names(model={"cell": "ngram", "order": 3})
    fit(config)
    saved = load_checkpoint(RUN)
    assert saved.arrays.keys() == {"text"}
    assert len(saved.known_documents()) == len({*load_corpus(config).vocab.decode(saved.arrays["text"]).split()})


@pytest.mark.parametrize(
    ("kind", "between"), [("line", "\n"), ("paragraph", "\n\n"), ({"separator": "an"}, "an"), ("file", "\n\n")], ids=str
)
def test_a_sample_is_several_documents_one_after_another(kind: Any, between: str) -> None:
    if kind != "line":
        Path("text.txt").write_text("\n\n".join(NAMES))
    config = names(kind if kind != "file" else "line", sample_length=200)
    with closing(open_run(config)) as run:
        run.advance()
        network = run.network
        if kind == "file":
            config = config_from_dict(config.to_dict() | {"data": {**config.to_dict()["data"], "documents": "file"}})
        sample = draw_sample(network, config, 3)
        texts = [""] * 80
        for k, character in generate_batch(network, Options(200, TEMPERATURE), 80, seed=config.seed ^ 3 << 20):
            texts[k] += character
    assert sample == between.join(texts)[:200]
    assert draw_sample(network, config, 3) == sample != draw_sample(network, config, 4)


def test_samples_are_written_while_it_trains() -> None:
    samples = [progress.sample for progress in completed(names(sample_every=6)) if progress.sample is not None]
    assert [len(sample) for sample in samples] == [30, 30]
    assert [path.read_text() for path in sorted((RUN / "samples").iterdir())] == samples
