"""Weights in the layout of PyTorch: PyTorch computes the same with them, and they come back bit for bit."""

import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.data.vocab import Vocab
from charrnn.errors import CheckpointError
from charrnn.export.pytorch import from_safetensors, to_safetensors
from charrnn.export.tensor_file import read_tensors, write_tensors
from charrnn.models.loading import load_checkpoint
from charrnn.storage import checkpoint
from tests.conftest import CELLS
from tests.export.test_web import language
from tests.support.processes import ROOT, call
from tests.support.task_runs import TASKS, train_task, write_tables
from tests.support.translators import a_random_translator

IN_TORCH = {name: cell for name, cell in CELLS.items() if name not in ("rnn-sigmoid", "gru-before")}
VOCAB = Vocab("\n abcde")
TRANSLATORS: list[dict[str, Any]] = [
    {"cell": "gru", "attention": "general", "embedding_size": 3},
    {"cell": "lstm", "attention": "additive"},
    {"cell": "rnn", "attention": "dot", "bidirectional": False, "num_layers": 1},
    {"cell": "gru", "attention": "none"},
]


class OpenTensors:
    """What the loader of the docs needs of the package safetensors."""

    def __init__(self, path: str, framework: str) -> None:
        self.tensors, self.strings = read_tensors(Path(path))

    def __enter__(self) -> "OpenTensors":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def keys(self) -> list[str]:
        return list(self.tensors)

    def get_tensor(self, name: str) -> Any:
        import torch

        return torch.from_numpy(self.tensors[name].copy())

    def metadata(self) -> dict[str, str]:
        return self.strings


def loader_of_the_docs(monkeypatch: pytest.MonkeyPatch, skips: bool = False) -> Any:
    """The program of docs/export.md, which reads my.safetensors; with what follows it for skip connections."""
    package = ModuleType("safetensors")
    package.safe_open = OpenTensors  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "safetensors", package)
    page = (ROOT / "docs" / "export.md").read_text()
    blocks = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    return compile("\n".join(blocks[: 1 + skips]), "docs/export.md", "exec")


def test_pytorch_computes_the_same_with_the_loader_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    loaders = [loader_of_the_docs(monkeypatch, skips) for skips in (False, True)]
    ids = np.random.default_rng(0).integers(0, VOCAB.size, (9, 2))
    for cell in IN_TORCH.values():
        for embedding, skips in ((None, False), (3, False), (None, True), (3, True)):
            saved = language(VOCAB, scale=0.5, embedding_size=embedding, skip_connections=skips, **cell)
            Path("my.safetensors").write_bytes(to_safetensors(saved))
            names: dict[str, Any] = {}
            exec(loaders[skips], names)  # our own page
            with torch.no_grad():
                first, state = names["network"](torch.from_numpy(ids[:4]))
                rest, _ = names["network"](torch.from_numpy(ids[4:]), state)
            network = saved.network
            expected = network.feed(ids, network.start(2))
            np.testing.assert_allclose(np.concatenate([first, rest]), expected, rtol=1e-5, atol=1e-5)


def test_pytorch_tags_the_same_in_both_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    settings = TASKS["vowels"] | {"model": {"cell": "lstm", "hidden_size": 4, "num_layers": 2}}
    saved = train_task(tmp_path / "tagger.npz", settings, epochs=1).saved
    Path("my.safetensors").write_bytes(to_safetensors(saved))
    names: dict[str, Any] = {}
    exec(loader_of_the_docs(monkeypatch), names)  # our own page
    ids = saved.model.vocab.encode("meat time")
    with torch.no_grad():
        scores, _ = names["network"](torch.from_numpy(ids)[:, None].long())
    np.testing.assert_allclose(scores.softmax(-1)[:, 0], saved.task_model.predict(["meat time"])[0], atol=1e-5)


def test_models_come_back_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    models = [language(VOCAB, embedding_size=2, **cell) for cell in IN_TORCH.values()]
    models += [language(VOCAB, skip_connections=True)]
    models += [language(Vocab("\nab", end="\n", has_unknown=True)), language(Vocab.of_bytes())]
    models += [train_task(tmp_path / f"{name}.npz", TASKS[name], epochs=0).saved for name in ("origins", "numbers")]
    models += [a_random_translator(k, **own) for k, own in enumerate(TRANSLATORS)]
    for saved in models:
        Path("x.safetensors").write_bytes(to_safetensors(saved))
        header, arrays = from_safetensors(Path("x.safetensors"))
        assert header.to_dict() == saved.header.to_dict()
        network: Any = getattr(saved.model, "network", saved.model)
        assert arrays.keys() == network.params.value.keys()
        assert all(np.array_equal(arrays[name], value) for name, value in network.params.value.items())


@pytest.mark.parametrize(("kind", "embedding"), [("LSTM", 3), ("GRU", None), ("RNN", None)])
def test_a_model_that_pytorch_trained_becomes_a_checkpoint(
    kind: str, embedding: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(1)
    relu = {"nonlinearity": "relu"} if kind == "RNN" else {}
    recurrent = getattr(torch.nn, kind)(embedding or VOCAB.size, 4, 2, bias=kind != "LSTM", **relu)
    modules = torch.nn.ModuleDict({"core": recurrent, "read_out": torch.nn.Linear(4, VOCAB.size)})
    if embedding:
        modules["look_up"] = torch.nn.Embedding(VOCAB.size, embedding)
    arrays = {name: tensor.numpy() for name, tensor in modules.state_dict().items()}
    strings = {"symbols": VOCAB.symbols} | ({"activation": "relu"} if relu else {})
    Path("theirs.safetensors").write_bytes(write_tensors(arrays, strings))
    assert call("import", "theirs.safetensors", "ours.npz").text.startswith(f"written: ours.npz ({kind.lower()} 2 x 4")
    assert call("sample", "ours.npz", "--length", "20").code == 0
    ids = torch.arange(VOCAB.size)[:, None]
    with torch.no_grad():
        x = modules["look_up"](ids) if embedding else torch.nn.functional.one_hot(ids, VOCAB.size).float()
        expected = modules["read_out"](recurrent(x)[0])
    network = load_checkpoint("ours.npz").network
    np.testing.assert_allclose(network.feed(ids.numpy(), network.start(1)), expected, atol=1e-5)


def test_the_package_safetensors_reads_the_file() -> None:
    package = pytest.importorskip("safetensors.numpy")
    saved = language(VOCAB)
    read = package.load(to_safetensors(saved))
    assert np.array_equal(read["output.bias"], saved.network.params.value["output_bias"])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("F64", np.array([1.5, -2], "<f8").tobytes()),
        ("F16", np.array([1.5, -2], "<f2").tobytes()),
        ("BF16", np.array([0x3FC0, 0xC000], "<u2").tobytes()),
    ],
)
def test_floats_of_other_widths_are_read(name: str, data: bytes, tmp_path: Path) -> None:
    header = json.dumps({"x": {"dtype": name, "shape": [2], "data_offsets": [0, len(data)]}}).encode()
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + data)
    arrays, _ = read_tensors(tmp_path / "x")
    assert arrays["x"].tolist() == [1.5, -2]


@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_file_is_one_error_and_never_another(data: st.DataObject, tmp_path_factory: Any) -> None:
    whole = bytearray(to_safetensors(language(Vocab("ab"), hidden_size=2, num_layers=1)))
    header = int.from_bytes(whole[:8], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, header + 8))] = data.draw(st.sampled_from(b'0179-,{}[]":abn\xff'))
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    with suppress(CheckpointError):  # another error fails the test
        from_safetensors(path)


def test_what_cannot_be_exported_or_imported_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    for cell, word in (
        ({"cell": "gru", "reset": "before"}, "reset"),
        ({"cell": "rnn", "activation": "sigmoid"}, "RNN"),
    ):
        with pytest.raises(CheckpointError, match=word):
            to_safetensors(language(VOCAB, **cell))
    good, strings = read_tensors_of(to_safetensors(language(VOCAB, embedding_size=2)), tmp_path)
    bare = {"symbols": VOCAB.symbols}
    faults: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
        "which characters": (good, {}),
        "3 characters, but the model predicts one of 7": (good, {"symbols": "abc"}),
        "its config calls for": (good | {"rnn.weight_hh_l1": good["rnn.weight_hh_l1"][:, :-1]}, strings),
        "no matrix rnn.weight_hh_l1": (good | {"rnn.weight_hh_l1": np.zeros(15)}, strings),
        "no matrix rnn.weight_hh_l2": (good | {"rnn.weight_ih_l2": np.zeros((15, 5))}, strings),
        "no matrix embedding.weight": (good | {"embedding.weight": np.array(1.0)}, bare),
        "no matrix rnn.weight_ih_l0": ({"a.weight": np.zeros((2, 2)), "a.bias": np.zeros(2)}, bare),
        "a second module": (good | {"b.weight": np.zeros((7, 2)), "b.bias": np.zeros(7)}, bare),
        "belongs to no RNN": (good | {"norm.gain": np.zeros(2)}, bare),
        "damaged \\(its string charrnn\\)": (good, {"charrnn": "{"}),
        "the array output.bias holds numbers that are NaN or infinite": (
            good | {"output.bias": np.full(7, np.inf)},
            bare,
        ),
        "the array embedding.weight holds": (good | {"embedding.weight": np.full((7, 2), np.nan)}, strings),
        "not those of a lstm": (good, strings | {"charrnn": strings["charrnn"].replace('"gru"', '"lstm"')}),
    }
    for message, (arrays, texts) in faults.items():
        path = tmp_path / "faulty.safetensors"
        path.write_bytes(write_tensors(arrays, texts))
        with pytest.raises(CheckpointError, match=message):
            from_safetensors(path)
    result = call("import", str(tmp_path / "missing.safetensors"), str(tmp_path / "new.npz"))
    assert (result.code, result.text, result.err.count("\n")) == (2, "", 1)
    result = call("import", str(tmp_path / "faulty.safetensors"), str(tmp_path / "new"))
    assert (result.code, result.text) == (2, "")
    assert "the name of a checkpoint ends in .npz" in result.err


def read_tensors_of(data: bytes, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    (folder / "good.safetensors").write_bytes(data)
    return read_tensors(folder / "good.safetensors")


def test_a_translator_comes_back_through_the_commands_and_damage_to_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved = a_random_translator(4)
    checkpoint.save(Path("my.npz"), saved.header.to_dict(), saved.translate_model.network.params.value)
    assert call("export", "my.npz", "my.safetensors", "--to", "safetensors").code == 0
    assert call("import", "my.safetensors", "again.npz").text.startswith("written: again.npz (gru 2 x 5")
    words = ("--text", "abx", "--beam", "3")
    assert call("predict", "again.npz", *words).text == call("predict", "my.npz", *words).text
    arrays, strings = read_tensors(Path("my.safetensors"))
    for name, array in (("decoder.rnn.weight_hh_l1", None), ("bridge.weight", np.zeros((2, 2))), ("bridge.bias", None)):
        others = {own: value for own, value in arrays.items() if own != name}
        Path("faulty").write_bytes(write_tensors(others if array is None else others | {name: array}, strings))
        result = call("import", "faulty", "new.npz")
        assert (result.code, result.text, result.err.count("\n")) == (2, "", 1), name
        assert not Path("new.npz").exists()


def test_the_file_says_what_it_holds(tmp_path: Path) -> None:
    saved = language(VOCAB)
    _, strings = read_tensors_of(to_safetensors(saved), tmp_path)
    assert strings["symbols"] == VOCAB.symbols
    assert json.loads(strings["charrnn"]) == saved.header.to_dict()
