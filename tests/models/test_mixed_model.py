"""A mixture is the weighted mean of the probabilities of its models, however it is read."""

from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import Vocab
from charrnn.models.mixed_model import MixedModel
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

VOCAB = Vocab("abcdef")
IDS = np.random.default_rng(0).integers(0, VOCAB.size, 200).astype(np.int32)
NETWORK = Network(ModelConfig(cell="gru", hidden_size=4, num_layers=1, dropout=0), VOCAB)
NETWORK.initialise(np.random.default_rng(1))
MODELS = (NETWORK, NGram(VOCAB, IDS, 3))
WEIGHTS = (0.7, 0.3)
MIXTURE = MixedModel(MODELS, WEIGHTS)


def softmax(logits: Array) -> Any:
    p = np.exp(logits.astype(np.float64))
    return p / p.sum(axis=-1, keepdims=True)


def expected(ids: Array) -> Any:
    """The probabilities (N, V) after reading ids (T, N), from the definition."""
    p = 0.0
    for model, weight in zip(MODELS, WEIGHTS, strict=True):
        state = model.start(ids.shape[1])
        p = p + weight * softmax(model.feed(ids, state)[-1])
    return p


def test_probabilities_are_weighted_means_and_sum_to_one() -> None:
    ids = IDS[:10].reshape(5, 2)
    state = MIXTURE.start(2)
    np.testing.assert_allclose(np.exp(MIXTURE.predict(state)).sum(axis=1), 1, rtol=1e-12)
    after = MIXTURE.feed(ids, state)
    np.testing.assert_allclose(np.exp(after[-1]), expected(ids), rtol=1e-6)
    np.testing.assert_allclose(np.exp(after).sum(axis=2), 1, rtol=1e-12)
    np.testing.assert_allclose(MIXTURE.predict(state), after[-1], rtol=1e-5)


def test_single_characters_are_read_as_windows_are() -> None:
    ids = IDS[:12].reshape(6, 2)
    state = MIXTURE.start(2)
    read = MIXTURE.stepper(state)
    logs = [read(row).copy() for row in ids]
    np.testing.assert_allclose(logs, MIXTURE.feed(ids, MIXTURE.start(2)), rtol=1e-5)


def test_selected_streams_go_on_as_before() -> None:
    ids = IDS[:12].reshape(4, 3)
    state = MIXTURE.start(3)
    MIXTURE.feed(ids, state)
    selected = MIXTURE.select(state, np.array([2, 0, 2]))
    np.testing.assert_allclose(MIXTURE.predict(selected), MIXTURE.predict(state)[[2, 0, 2]], rtol=1e-5)
