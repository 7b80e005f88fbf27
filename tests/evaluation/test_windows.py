"""In cold windows every character is scored once, from the part of its window before it and from nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import Vocab
from charrnn.evaluation import windows
from charrnn.evaluation.scoring import score_each
from charrnn.evaluation.windows import score_in_windows
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

VOCAB = Vocab("abcde")
NETWORK = Network(ModelConfig(cell="gru", hidden_size=3, num_layers=2, dropout=0), VOCAB, np.float64)
NETWORK.initialise(np.random.default_rng(1))
NETWORK.params.values *= 4  # far from uniform


def some_text(length: int) -> Array:
    return np.random.default_rng(length).integers(0, VOCAB.size, length).astype(np.int32)


def by_definition(model: Network | NGram, ids: Array, window: int) -> Array:
    """-ln p of each character, one at a time."""
    nats = np.zeros(len(ids))
    for position, target in enumerate(ids):
        state = model.start(1)
        logits = model.predict(state)[0]
        for symbol in ids[(position - 1) // window * window : position] if position else []:
            logits = model.feed(np.array([[symbol]]), state)[0, 0]
        nats[position] = np.log(np.exp(logits).sum()) - logits[target]
    return nats


@given(length=st.integers(1, 60), window=st.integers(1, 70), side_by_side=st.integers(1, 4), steps=st.integers(1, 9))
def test_every_character_is_scored_from_its_window_alone(
    length: int, window: int, side_by_side: int, steps: int
) -> None:
    ids = some_text(length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "SIDE_BY_SIDE", side_by_side)
        patch.setattr(windows, "CHUNK_STEPS", steps)
        scores = score_in_windows(NETWORK, ids, window)
    np.testing.assert_allclose(scores.nats, by_definition(NETWORK, ids, window), rtol=1e-12)
    assert scores.rank is not None
    assert scores.confidence is not None
    assert len(scores.rank) == len(scores.confidence) == length


def test_processes_do_not_change_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = some_text(50)
    whole = score_in_windows(NETWORK, ids, 7)
    monkeypatch.setattr(windows, "MIN_CHARS_PER_PROCESS", 10)
    for processes in (2, 3):
        shared = score_in_windows(NETWORK, ids, 7, processes)
        for name in ("nats", "rank", "confidence"):
            np.testing.assert_allclose(getattr(shared, name), getattr(whole, name), rtol=1e-12)


def test_a_window_as_long_as_the_text_is_a_carried_state() -> None:
    ids = some_text(300)
    ngram = NGram(VOCAB, some_text(400), 4)
    for model in (NETWORK, ngram):
        np.testing.assert_allclose(
            score_in_windows(model, ids, 300).nats, score_each(model, ids).nats, rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(score_in_windows(ngram, ids, 5).nats, by_definition(ngram, ids, 5), rtol=1e-12)
