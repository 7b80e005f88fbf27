"""Runs with skip connections: the same for any number of workers, resumed, read by every command, and carried over."""

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.errors import CheckpointError
from charrnn.models.loading import load_checkpoint
from charrnn.training.opening import open_run
from tests.support.processes import call
from tests.support.runs import RUN, kept


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own with a text; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text("".join(f"the cat sat on mat {k} and that rat is fat.\n" for k in range(30)))


def config_of(out: str = str(RUN), documents: str = "none", **model: Any) -> Config:
    data = {"path": "text.txt", "documents": documents}
    own = {"hidden_size": 5, "num_layers": 3, "dropout": 0.2, "output_dropout": 0.2, "skip_connections": True} | model
    train = {"batch_size": 4, "seq_length": 8, "shards": 2, "max_steps": 12, "eval_every": 4, "sample_length": 20}
    return config_from_dict({"data": data, "model": own, "train": train, "out": out})


def complete(config: Config, steps: int = 12, **options: Any) -> None:
    """Train a run for so many steps, saving it where it does not end by itself."""
    with closing(open_run(config, **options)) as run:
        for _ in zip(range(steps), run, strict=False):
            pass
        if steps < 12:
            run.save()


@pytest.mark.parametrize("documents", ["none", "line"])
def test_two_workers_and_resumed_runs_write_the_same_files(documents: str) -> None:
    config = config_of(documents=documents)
    complete(config)
    whole = kept()
    complete(config, workers=2, force=True)
    assert kept() == whole
    complete(config, steps=5, force=True)
    complete(config, resume=True)
    assert kept() == whole


def test_every_command_reads_the_model() -> None:
    complete(config_of())
    commands = [["eval", str(RUN)], ["report", str(RUN)], ["flow", str(RUN)], ["embed", str(RUN), "text.txt"]]
    for command in [*commands, ["sample", str(RUN), "--length", "20"]]:
        assert call(*command).code == 0, command
    dynamic = call("eval", str(RUN), "--dynamic", "rms")
    assert dynamic.code == 0, dynamic.err


def test_parameters_are_carried_over_to_a_network_with_skip_connections_alone() -> None:
    complete(config_of())
    with closing(open_run(config_of(out="other"), init_from=RUN)) as run:
        weights = load_checkpoint(RUN).network.params.values
        np.testing.assert_array_equal(run.network.params.values, weights)
    with pytest.raises(CheckpointError, match=r"the checkpoint has model\.skip_connections True, the config False"):
        open_run(config_of(out="third", skip_connections=False), init_from=RUN)
