"""`charrnn export` as a user meets it: files are whole and new, and what cannot be done is one line."""

from pathlib import Path

import pytest

from charrnn.data.vocab import Vocab
from charrnn.storage import checkpoint
from tests.export.test_web import language
from tests.support.processes import call


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder, with a network, model.npz, and an n-gram, runs/counted."""
    monkeypatch.chdir(tmp_path)
    saved = language(Vocab("\n abc"))
    checkpoint.save(Path("model.npz"), saved.header.to_dict(), saved.network.params.value)
    Path("abc.txt").write_text("abc cab\n" * 40)
    Path("counted.yaml").write_text("data: {path: abc.txt}\nmodel: {cell: ngram, order: 2}\n")
    assert call("train", "counted.yaml", "--quiet").code == 0


@pytest.mark.parametrize("form", ["web", "safetensors"])
def test_a_form_is_written_once_and_the_same_every_time(form: str) -> None:
    result = call("export", "model.npz", "out", "--to", form)
    assert (result.code, result.err) == (0, "")
    assert result.text.startswith("written: out (")
    data = Path("out").read_bytes()
    taken = call("export", "model.npz", "out", "--to", form)
    assert (taken.code, taken.text, taken.err.count("\n")) == (2, "", 1)
    assert call("export", "model.npz", "again", "--to", form).code == 0
    if form == "safetensors":
        assert Path("again").read_bytes() == data
    else:
        assert Path("again").read_bytes().replace(b"again", b"out") == data.replace(b"again", b"out")


@pytest.mark.parametrize("form", ["web", "safetensors", "onnx"])
def test_an_n_gram_is_refused(form: str) -> None:
    result = call("export", "runs/counted", "out", "--to", form)
    assert (result.code, result.text, result.err.count("\n")) == (2, "", 1)
    assert "n-gram" in result.err
    assert not Path("out").exists()


def test_what_is_no_model_or_no_form_is_refused() -> None:
    for words in (["abc.txt", "out", "--to", "web"], ["missing", "out", "--to", "web"], ["model.npz", "out"]):
        result = call("export", *words)
        assert (result.code, result.text, result.err.count("\n")) == (2, "", 1), words
        assert not Path("out").exists()
