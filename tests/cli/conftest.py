"""Small runs that several tests of the command line read. A test that changes one works on a copy."""

from pathlib import Path

import pytest

from tests.support.processes import HOSTILE, SMALL, Result, Trained, call, project, run_in_terminal, train_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Twenty steps on the tales."""
    folder = tmp_path_factory.mktemp("cli") / "tiny"
    return Trained(folder, train_tiny(folder))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my.yaml, its text, and ten steps on it in runs/my."""
    folder = project(tmp_path_factory.mktemp("small"))
    assert call("train", "my.yaml", "--quiet", cwd=folder) == Result(0, b"", "")
    return folder


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same on a text full of control sequences, trained in a terminal."""
    folder = project(tmp_path_factory.mktemp("odd"), HOSTILE * 200)
    (folder / HOSTILE).write_text(HOSTILE)
    return Trained(folder / "runs" / "my", run_in_terminal("train", "my.yaml", cwd=folder))


@pytest.fixture(scope="session")
def bytewise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a byte model that has learnt to write é, two bytes, in runs/my."""
    config = SMALL.replace("data: {", "data: {tokens: byte, ").replace("max_steps: 10", "max_steps: 80")
    folder = project(tmp_path_factory.mktemp("bytes"), "é" * 2000, config)
    assert call("train", "my.yaml", "--quiet", "--set", "train.learning_rate=0.05", cwd=folder).code == 0
    return folder
