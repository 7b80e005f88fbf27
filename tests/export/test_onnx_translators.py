"""Translators as two ONNX models: onnxruntime computes what charrnn computes. `make exports` runs these tests."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.export.onnx_translator import translator_to_onnx
from charrnn.generation.translating import translate_texts
from charrnn.nn.ops import log_softmax_
from charrnn.storage import checkpoint
from tests.conftest import CELLS
from tests.export.test_onnx import session
from tests.support.processes import ROOT, call
from tests.support.translators import a_random_translator

ATTENTION = [("none", True), ("dot", False), ("general", True), ("general", False), ("additive", True)]


@pytest.fixture(autouse=True)
def lenient_numerics() -> Any:
    """Packages of others may round and overflow as they like."""
    with np.errstate(all="ignore"):
        yield


def run(part: Any, feeds: dict[str, Any]) -> dict[str, Any]:
    """The feeds, and the outputs of a session under the names of the inputs that they become."""
    inputs = {node.name: feeds[node.name] for node in part.get_inputs()}
    results = zip((node.name for node in part.get_outputs()), part.run(None, inputs), strict=True)
    return feeds | {name.replace("_out", "_in"): value for name, value in results}


@pytest.mark.parametrize(("attention", "both"), ATTENTION)
def test_probabilities_and_states_are_those_of_charrnn_for_every_cell_and_attention(attention: str, both: bool) -> None:
    pytest.importorskip("onnx")
    for seed, cell in enumerate(CELLS.values()):
        embedding = 3 if seed % 2 else None
        saved = a_random_translator(seed, attention=attention, bidirectional=both, embedding_size=embedding, **cell)
        parts = {name: session(data) for name, data in translator_to_onnx(saved).items()}
        model = saved.translate_model
        examples = model.encode(["abcab", "x", "ca?"])
        encoded = model.read(examples, np.arange(3))
        ids = np.full((5, 3), 2)
        for k, (start, stop) in enumerate(zip(examples.bounds, examples.bounds[1:], strict=False)):
            ids[: stop - start, k] = examples.ids[start:stop]
        feeds = run(parts["encoder.onnx"], {"ids": ids, "lengths": examples.lengths})
        for step in ([model.target.last_id] * 3, [0, 1, 2], [4, 3, 4]):
            feeds = run(parts["decoder.onnx"], feeds | {"ids": np.array([step])})
            found = np.exp(log_softmax_(feeds["logits"][0].astype(float)))
            np.testing.assert_allclose(found, np.exp(model.network.step(np.array(step), encoded)), atol=1e-5)
            for s, name in enumerate(model.network.parts.decoder.cell.states):
                np.testing.assert_allclose(feeds[f"{name}_in"], encoded.state[:, s], atol=1e-5)


def test_several_steps_at_once_are_the_same_as_one_by_one() -> None:
    pytest.importorskip("onnx")
    parts = {name: session(data) for name, data in translator_to_onnx(a_random_translator()).items()}
    begun = run(parts["encoder.onnx"], {"ids": np.array([[0], [2]]), "lengths": np.array([2])})
    together = run(parts["decoder.onnx"], begun | {"ids": np.array([[5], [1], [3]])})["logits"]
    for step, id_ in enumerate((5, 1, 3)):
        begun = run(parts["decoder.onnx"], begun | {"ids": np.array([[id_]])})
        np.testing.assert_allclose(begun["logits"][0], together[step], atol=1e-5)


def test_the_program_of_the_docs_writes_what_charrnn_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    saved = a_random_translator(4)
    checkpoint.save(Path("my.npz"), saved.header.to_dict(), saved.translate_model.network.params.value)
    assert call("export", "my.npz", "my-onnx", "--to", "onnx").code == 0
    assert {path.name for path in Path("my-onnx").iterdir()} == {"encoder.onnx", "decoder.onnx"}
    page = (ROOT / "docs" / "export.md").read_text()
    program = next(block for block in re.findall(r"```py\n(.*?)```", page, re.DOTALL) if "my-onnx" in block)
    exec(compile(program.replace('"472"', '"abx"'), "docs/export.md", "exec"), {})  # our own page
    (answers,) = translate_texts([saved.translate_model], ["abx"])
    assert answers.text
    assert capsys.readouterr().out == f"{answers.text}\n"
