"""ONNX models: onnxruntime computes what charrnn computes. `make exports` installs what these tests need."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.data.vocab import Vocab
from charrnn.errors import CharrnnError
from charrnn.export.onnx_model import to_onnx
from charrnn.models.task_network import TaskNetwork
from tests.conftest import CELLS
from tests.export.test_web import language
from tests.support.processes import ROOT
from tests.support.task_runs import TASKS, train_task, write_tables

VOCAB = Vocab("\n abcde")


def session(data: bytes) -> Any:
    """An onnxruntime session of a model; the test is skipped where a package is missing."""
    return pytest.importorskip("onnxruntime").InferenceSession(data)


@pytest.fixture(autouse=True)
def lenient_numerics() -> Any:
    """Packages of others may round and overflow as they like."""
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize(("embedding", "skips"), [(None, False), (3, False), (None, True)])
def test_logits_and_states_are_those_of_charrnn_for_every_cell(
    cell: dict[str, Any], embedding: int | None, skips: bool
) -> None:
    pytest.importorskip("onnx")
    saved = language(VOCAB, scale=0.5, embedding_size=embedding, skip_connections=skips, **cell)
    run = session(to_onnx(saved))
    network = saved.network
    rng = np.random.default_rng(0)
    ids = rng.integers(0, VOCAB.size, (9, 3))
    state = network.start(3)
    state[...] = 0.5 * rng.standard_normal(state.shape)
    names = network.stack.cell.states
    given = {f"{name}_in": np.ascontiguousarray(state[:, s], np.float32) for s, name in enumerate(names)}
    logits, *states = run.run(["logits", *(f"{name}_out" for name in names)], {"ids": ids, **given})
    np.testing.assert_allclose(logits, network.feed(ids, state), atol=1e-5)
    for s, after in enumerate(states):
        np.testing.assert_allclose(after, state[:, s], atol=1e-5)


VARIANTS = [("origins", pooling, both) for pooling in ("last", "mean", "max") for both in (True, False)]
VARIANTS += [(name, "last", both) for name in ("answers", "numbers", "vowels") for both in (True, False)]


def test_predictions_are_those_of_charrnn_for_every_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    for number, (name, pooling, both) in enumerate(VARIANTS):
        cell = list(CELLS.values())[number % len(CELLS)]
        output = TASKS[name].get("model", {}).get("output", "softmax")
        model = {"hidden_size": 4, "num_layers": 2, "pooling": pooling, "bidirectional": both, "output": output, **cell}
        saved = train_task(tmp_path / "model.npz", TASKS[name] | {"model": model}, epochs=1).saved
        own = saved.task_model
        texts = ["ba", "abcde mina", "x"]
        ids = np.zeros((10, 3), np.int64)
        for k, text in enumerate(texts):
            ids[: len(text), k] = own.vocab.encode(text)
        (found,) = session(to_onnx(saved)).run(None, {"ids": ids, "lengths": np.array([2, 10, 1])})
        expected: Any = own.predict(texts)
        assert isinstance(own.network, TaskNetwork)
        if own.network.task.tag:
            for k, labels in enumerate(expected):
                np.testing.assert_allclose(found[: len(labels), k], labels, atol=1e-5)
        else:
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_model_says_what_it_holds_and_is_of_the_stated_version() -> None:
    onnx = pytest.importorskip("onnx")
    saved = language(VOCAB)
    model = onnx.load_model_from_string(to_onnx(saved))
    strings = {entry.key: entry.value for entry in model.metadata_props}
    assert strings["symbols"] == VOCAB.symbols
    assert json.loads(strings["charrnn"]) == saved.header.to_dict()
    assert (model.ir_version, [(opset.domain, opset.version) for opset in model.opset_import]) == (8, [("", 17)])


def test_the_program_of_the_docs_writes_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    Path("my.onnx").write_bytes(to_onnx(language(VOCAB)))
    page = (ROOT / "docs" / "export.md").read_text()
    program = next(block for block in re.findall(r"```py\n(.*?)```", page, re.DOTALL) if "my.onnx" in block)
    exec(compile(program, "docs/export.md", "exec"), {})  # our own page
    assert len(capsys.readouterr().out) == 201


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(CharrnnError, match="pip install onnx"):
        to_onnx(language(VOCAB))
