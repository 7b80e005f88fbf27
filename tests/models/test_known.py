"""What a checkpoint keeps of its training documents, and how a damaged or hostile one is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.config.keys import Config
from charrnn.config.model_keys import ModelConfig
from charrnn.data.documents import digest
from charrnn.data.vocab import END, Vocab
from charrnn.errors import CheckpointError
from charrnn.models.header import Header
from charrnn.models.known import is_known, known_documents
from charrnn.models.loading import load_checkpoint
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from charrnn.storage.checkpoint import save

VOCAB = Vocab("abc\n" + END, end=END)
LINES = Vocab("\nabc", end="\n")


def ids_of(*documents: str, vocab: Vocab = VOCAB) -> Array:
    return vocab.encode("".join(document + vocab.end for document in documents))


@given(st.lists(st.text("abc\n", min_size=1, max_size=4), min_size=1), st.text("abc\n", min_size=1, max_size=4))
def test_exactly_the_documents_of_a_text_are_known(documents: list[str], other: str) -> None:
    known = known_documents(ids_of(*documents), VOCAB)
    assert known.dtype == np.uint32
    assert len(known) == len(set(documents)), "four bytes each"
    assert (np.diff(known.astype(np.int64)) > 0).all()
    assert all(is_known(known, digest(document)) for document in documents)
    assert is_known(known, digest(other)) == (other in documents)


def test_nothing_is_known_to_an_empty_list() -> None:
    assert not is_known(np.zeros(0, np.uint32), 3)


# -- selecting streams of a state ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["lstm", "ngram"])
def test_selected_streams_go_on_as_they_would_have_and_the_others_stay(model: str) -> None:
    ids = ids_of("ab", "abc", "cab", "b", vocab=LINES)
    language_model: Network | NGram = NGram(LINES, ids, 3)
    if model == "lstm":
        language_model = Network(ModelConfig(cell="lstm", hidden_size=4, num_layers=2), LINES, np.float64)
        language_model.initialise(np.random.default_rng(1))
    state = language_model.start(4)
    language_model.feed(np.array([[0, 1, 2, 3], [1, 1, 2, 2]]), state)
    before = state.copy()
    selected = language_model.select(state, np.array([2, 0, 2]))
    after = language_model.feed(np.array([[1, 2, 3]]), selected)[0].copy()
    np.testing.assert_array_equal(state, before)
    all_of_them = language_model.feed(np.array([[2, 0, 1, 0]]), state)[0].copy()
    np.testing.assert_allclose(after[:2], all_of_them[[2, 0]], rtol=1e-12)
    again = before.copy()
    np.testing.assert_allclose(after[2], language_model.feed(np.array([[0, 0, 3, 0]]), again)[0, 2], rtol=1e-12)


# -- checkpoints --------------------------------------------------------------------------------------------------


def written(path: Path, known: Array | None, vocab: Vocab = LINES, kind: str = "line") -> Path:
    """A checkpoint of a network of documents, with this array of known ones."""
    config = Config(
        DataConfig("x.txt", documents=DocumentsConfig(kind)), ModelConfig(cell="lstm", hidden_size=2, num_layers=1)
    )  # type: ignore[arg-type]
    arrays = dict(Network(config.model, vocab).params.value)
    if known is not None:
        arrays["documents"] = known
    save(path, Header(config, vocab).to_dict(), arrays)
    return path


def test_a_checkpoint_gives_the_documents_that_it_holds(tmp_path: Path) -> None:
    known = known_documents(ids_of("a", "b", vocab=LINES), LINES)
    saved = load_checkpoint(written(tmp_path / "my.npz", known))
    np.testing.assert_array_equal(saved.known_documents(), known)


def test_an_older_checkpoint_loads_but_knows_no_documents(tmp_path: Path) -> None:
    saved = load_checkpoint(written(tmp_path / "my.npz", None))
    with pytest.raises(CheckpointError, match=r"my.npz: .*which documents it was trained on.*train it again"):
        saved.known_documents()


DAMAGED = {
    "of another type": np.array([1, 2], np.int32),
    "of floats": np.array([1, 2], np.float32),
    "of two dimensions": np.array([[1, 2]], np.uint32),
    "a number": np.array(1, np.uint32),
    "empty": np.zeros(0, np.uint32),
    "not sorted": np.array([2, 1], np.uint32),
    "one twice": np.array([1, 1], np.uint32),
}


@pytest.mark.parametrize("known", DAMAGED.values(), ids=DAMAGED)
def test_known_documents_that_are_none_are_damage(known: Array, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"my.npz: damaged \(the array documents is no sorted list"):
        load_checkpoint(written(tmp_path / "my.npz", known))


def test_a_model_of_a_stream_has_no_known_documents(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(written(tmp_path / "my.npz", np.array([1], np.uint32), Vocab("ab"), "none"))


def counted(path: Path, text: Array) -> Path:
    """A checkpoint of an n-gram of lines."""
    config = Config(DataConfig("x.txt", documents=DocumentsConfig("line")), ModelConfig(cell="ngram", order=2))
    save(path, Header(config, LINES).to_dict(), {"text": text.astype(np.uint8)})
    return path


def test_an_ngram_knows_the_documents_of_its_text(tmp_path: Path) -> None:
    ids = ids_of("a", "b", "a", vocab=LINES)
    saved = load_checkpoint(counted(tmp_path / "my.npz", ids))
    np.testing.assert_array_equal(saved.known_documents(), known_documents(ids, LINES))


def test_an_ngram_whose_last_document_has_no_end_is_damage(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"my.npz: damaged \(the last document"):
        load_checkpoint(counted(tmp_path / "my.npz", ids_of("a", "b", vocab=LINES)[:-1]))
