"""Runs of a network with an n-gram inside: the same for any number of workers, resumed, sampled, scored and refused."""

import os
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.errors import CheckpointError, ConfigError
from charrnn.evaluation.assessment import ReportOptions, assess
from charrnn.evaluation.scoring import Report, score
from charrnn.export.pytorch import from_safetensors, to_safetensors
from charrnn.models.gated_network import GatedNetwork
from charrnn.models.loading import load_checkpoint
from charrnn.parallel.needs import COUNTING
from charrnn.storage import checkpoint
from charrnn.training import bench, estimate
from charrnn.training.opening import open_run
from charrnn.training.state import Progress
from tests.support.processes import call
from tests.support.runs import BEST, RUN, kept

LINES = ["the cat sat", "on the mat", "a hat", "that rat", "is fat and flat"]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own with a text; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text("\n".join(LINES * 12) + "\n")


def config_of(documents: bool = False, out: str = str(RUN), **model: Any) -> Config:
    data = {"path": "text.txt"} | ({"documents": "line"} if documents else {})
    small = {"hidden_size": 5, "num_layers": 1, "ngram": 3} | model
    train = {"batch_size": 4, "seq_length": 8, "shards": 2, "max_steps": 12, "eval_every": 4, "sample_length": 20}
    return config_from_dict({"data": data, "model": small, "train": train, "out": out})


def completed(config: Config, steps: int = 12, **options: Any) -> list[Progress]:
    with closing(open_run(config, **options)) as run:
        progress = [step for step, _ in zip(run, range(steps), strict=False)]
        if steps < 12:
            run.save()
        return progress


@pytest.mark.parametrize("documents", [False, True])
def test_two_workers_and_resumed_runs_write_the_same_files(documents: bool) -> None:
    last = completed(config_of(documents))[-1]
    whole = kept()
    completed(config_of(documents), workers=2, force=True)
    assert kept() == whole
    completed(config_of(documents), steps=5, force=True)
    completed(config_of(documents), resume=True)
    assert kept() == whole
    assert last.sample


def test_a_checkpoint_holds_the_mixture_that_the_run_validated() -> None:
    config = config_of()
    losses = [step.record.valid_loss for step in completed(config) if step.record and step.record.valid_loss]
    saved = load_checkpoint(RUN)
    assert isinstance(saved.model, GatedNetwork)
    corpus = saved.corpus()
    assert score(saved.model, corpus.valid.ids).nats_per_char == min(losses)
    np.testing.assert_array_equal(saved.model.ngram.ids, corpus.train.ids)
    rows = assess([saved], corpus.valid, corpus, ReportOptions(dynamic="rms"))[0].rows
    assert [row.name.rpartition(", ")[2] for row in rows[1:]] == ["network alone", "n-gram alone", "dynamic (rms)"]


def test_a_dry_run_and_the_bench_measure_the_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def noted(model: Any, *_: Any, **options: Any) -> Any:
        seen.append(model)
        assert "levels" in vars(model.ngram), "it is counted before the clock starts"
        return Report(1, 0, 1.0, 1)

    monkeypatch.setattr(estimate, "score", noted)
    found = estimate.estimate_run(config_of(), budget=0)
    assert found.memory["n-gram"] == COUNTING * len(found.run.corpus.train)
    for name, measured in (("score", noted), ("cores", lambda: 1), ("ceiling", lambda *_: 1.0)):
        monkeypatch.setattr(bench, name, measured)
    bench.measure(config_of(), budget=0)
    assert [type(model) for model in seen] == [GatedNetwork] * len(seen)
    assert len(seen) > 1


def test_a_dry_run_from_another_model_measures_its_sizes_and_names_its_n_gram() -> None:
    completed(config_of())
    Path("c.yaml").write_text("data: {path: text.txt}\ntrain: {max_steps: 2, workers: 1}\n")
    result = call("train", "c.yaml", "--dry-run", "--init-from", RUN)
    assert result.code == 0
    assert result.text.splitlines()[1].startswith("model: gru 1 x 5, 3-gram inside, ")
    result = call("train", "c.yaml", "--dry-run", "--init-from", "text.txt")
    assert result.code
    assert "not a charrnn checkpoint" in result.lines[0]


def test_an_export_holds_the_network_alone(tmp_path: Path) -> None:
    completed(config_of(out="run"))
    saved = load_checkpoint("run")
    (tmp_path / "alone.safetensors").write_bytes(to_safetensors(saved))
    header, arrays = from_safetensors(tmp_path / "alone.safetensors")
    checkpoint.save(tmp_path / "alone.npz", header.to_dict(), arrays)
    alone = load_checkpoint(tmp_path / "alone.npz")
    assert (alone.config.model.ngram, saved.config.model.ngram) == (0, 3)
    assert saved.best_loss is not None
    assert (alone.best_loss, alone.step) == (None, saved.step), "its losses were those of the mixture"
    ids = saved.corpus().valid.ids
    np.testing.assert_array_equal(score(alone.network, ids).nats, score(saved.network, ids).nats)
    assert "without the n-gram" in call("export", "run", "page.html", "--to", "web").err


def test_info_and_report_say_what_is_inside_and_what_is_shown_of_the_network_alone() -> None:
    completed(config_of())
    lines = call("info", RUN).text.splitlines()
    size = len(load_checkpoint(RUN).arrays["text"])
    assert f"  n-gram       counts the training text, {size:,} characters, which this file holds" in lines
    assert call("report", RUN, "--out", "page.html").code == 0
    page = Path("page.html").read_text()
    assert "gru 1 x 5 with a 3-gram, " in page
    assert "Units, gates and gradients are those of the network alone." in page


def test_a_checkpoint_without_its_text_is_refused() -> None:
    completed(config_of())
    header, arrays = checkpoint.load(RUN / BEST)
    arrays.pop("text")
    checkpoint.save(RUN / BEST, header, arrays)
    with pytest.raises(CheckpointError, match="the array text is missing"):
        load_checkpoint(RUN / BEST)


def test_parameters_are_carried_over_with_the_gate_and_not_to_a_network_without() -> None:
    completed(config_of())
    with closing(open_run(config_of(out="other"), init_from=RUN)) as run:
        weights = load_checkpoint(RUN).network.params.value["output_weight"]
        np.testing.assert_array_equal(run.network.params.value["output_weight"], weights)
    with pytest.raises(CheckpointError, match=r"the checkpoint has model\.ngram 3, the config 0"):
        open_run(config_of(out="third", ngram=0), init_from=RUN)


@pytest.mark.parametrize(
    ("model", "task", "message"),
    [
        ({"cell": "ngram"}, "language", "inside a network"),
        ({}, "tag", r"model\.ngram applies only with task: language"),
    ],
)
def test_a_gate_needs_a_network_that_models_a_language(model: dict[str, Any], task: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from_dict({"task": task, "data": {"path": "text.txt"}, "model": {"ngram": 3} | model})
    assert any(re.search(message, str(fault)) for fault in caught.value.faults)
