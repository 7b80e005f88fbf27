"""A network with an n-gram inside: probabilities that sum to one, folds, and batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.config.model_keys import ModelConfig
from charrnn.data.batches import Batches
from charrnn.data.document_batches import DocumentBatches
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.models.folds import fold_edges, fold_log_probs
from charrnn.models.gated_network import GatedNetwork
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

VOCAB = Vocab("abcdef")
IDS = np.random.default_rng(0).integers(0, VOCAB.size, 200).astype(np.uint8)
NETWORK = Network(ModelConfig(cell="gru", hidden_size=4, num_layers=1, dropout=0, ngram=3), VOCAB)
NETWORK.initialise(np.random.default_rng(1))
NETWORK.params.values[...] *= 3  # so that gates differ
NGRAM = NGram(VOCAB, IDS, 3)
MODEL = GatedNetwork(NETWORK, NGRAM)


def test_probabilities_are_those_of_the_gate_and_sum_to_one() -> None:
    ids = IDS[:10].reshape(5, 2)
    state = MODEL.start(2)
    np.testing.assert_allclose(np.exp(MODEL.predict(state)).sum(axis=1), 1, atol=1e-6)
    p = np.exp(MODEL.feed(ids, state))
    np.testing.assert_allclose(p.sum(axis=2), 1, atol=1e-6)
    value, h = NETWORK.params.value, state[0][-1, 0].astype(np.float64)
    scores = h @ value["output_weight"] + value["output_bias"]
    gate = 1 / (1 + np.exp(-scores[:, -1:]))
    own = np.exp(scores[:, :-1])
    own /= own.sum(axis=1, keepdims=True)
    assert np.ptp(gate) > 1e-3
    np.testing.assert_allclose(p[-1], gate * own + (1 - gate) * np.exp(NGRAM.predict(state[1])), rtol=1e-5)


def test_single_characters_and_selected_streams_are_read_as_windows_are() -> None:
    ids = IDS[:12].reshape(6, 2)
    state = MODEL.start(2)
    read = MODEL.stepper(state)
    logs = [read(row).copy() for row in ids]
    np.testing.assert_allclose(logs, MODEL.feed(ids, MODEL.start(2)), rtol=1e-5)
    np.testing.assert_allclose(MODEL.predict(MODEL.select(state, np.array([1, 0, 1]))), logs[-1][[1, 0, 1]], rtol=1e-5)


def test_the_network_alone_gives_no_more_logits_than_characters() -> None:
    state = NETWORK.start(2)
    shapes = [NETWORK.predict(state).shape, NETWORK.feed(IDS[:2].reshape(1, 2), state).shape[1:]]
    assert [*shapes, NETWORK.stepper(state)(IDS[:2]).shape] == [(2, VOCAB.size)] * 3


@settings(deadline=None, max_examples=30)
@given(st.text("abc", min_size=30, max_size=120), st.integers(1, 4), st.booleans())
def test_a_fold_is_scored_by_the_ngram_of_the_others(text: str, order: int, documents: bool) -> None:
    vocab = Vocab("\nabc", end="\n") if documents else Vocab("abc")
    text = "\n".join(text[k : k + 7] for k in range(0, len(text), 7)) + "\n" if documents else text
    ids = vocab.encode(text).astype(np.uint8)
    logs = fold_log_probs(vocab, ids, order)
    edges = fold_edges(vocab, ids)
    fold = len(edges) // 2
    begin, stop = edges[fold - 1], edges[fold]
    if documents:
        assert all(ids[edge - 1] == vocab.end_id for edge in edges[1:])
    model = NGram(vocab, np.concatenate([ids[:begin], ids[stop:]]), order)
    state = model.start(1)
    for id in ids[:begin]:
        model.feed(np.array([[id]]), state)
        state = model.start(1) if id == vocab.end_id else state
    for position in range(begin, stop):
        assert logs[position] == pytest.approx(model.predict(state)[0, ids[position]], rel=1e-5)
        model.feed(ids[position : position + 1, None], state)
        state = model.start(1) if ids[position] == vocab.end_id else state


def test_batches_hold_what_was_counted_of_each_target() -> None:
    ids, counted = np.tile(np.arange(8), 5), np.arange(40) + 0.5
    for batches in (Batches(ids, 3, 4, counted), DocumentBatches(ids, 7, 3, 4, 1, counted)):
        for k in range(len(batches)):
            batch = batches[k]
            assert batch.counted is not None
            kept = slice(None) if batch.weight is None else batch.weight > 0
            assert (batch.counted[kept] % 8 == batch.y[kept] + 0.5).all()


def test_a_text_without_two_folds_is_refused() -> None:
    vocab = Vocab("\na", end="\n")
    with pytest.raises(TextError, match=r"too short for model\.ngram 3"):
        fold_log_probs(vocab, vocab.encode("aaaaaaaaaaaaaaaaaaa\n"), 3)
