"""Weights that follow the text: by the paper's equations, never ahead of it, and given back as they were."""

import numpy as np
import pytest

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.batches import Batch
from charrnn.data.vocab import Vocab
from charrnn.errors import ConfigError
from charrnn.evaluation import dynamic
from charrnn.evaluation.dynamic import DECAY, EPSILON, SEGMENT, root_mean_square, score_dynamically
from charrnn.evaluation.scoring import score_each
from charrnn.models.gated_network import GatedNetwork, mixed
from charrnn.models.network import Network
from charrnn.models.ngram import NGram

VOCAB = Vocab("abcde")


@pytest.fixture(autouse=True)
def few_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamic, "SAMPLE_PIECES", 5)


@pytest.fixture
def network() -> Network:
    network = Network(ModelConfig(cell="lstm", hidden_size=4, num_layers=2), VOCAB, np.float64)
    network.params.values[...] = np.random.default_rng(0).normal(0, 0.4, network.params.size)
    return network


def some_text(length: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 5, length).astype(np.uint8)


def plainly(network: Network, ids: Array, step: object) -> Array:
    """-ln p of each character, one at a time, and after each segment `step` on the gradient of its mean loss."""
    state, nats = network.start(1), []
    logits = network.predict(state)[0].copy()
    nats.append(-np.log(np.exp(logits[ids[0]]) / np.exp(logits).sum()))
    for begin in range(0, len(ids) - 1, SEGMENT):
        x, y = ids[begin : begin + SEGMENT][: len(ids) - 1 - begin], ids[begin + 1 : begin + SEGMENT + 1]
        before = state.copy()
        for k, target in zip(x, y, strict=True):
            logits = network.feed(np.array([[k]]), state)[0, 0].copy()
            nats.append(-np.log(np.exp(logits[target]) / np.exp(logits).sum()))
        batch = Batch(x[:, None].astype(int), y[:, None].astype(int), None, len(x), fresh=False)
        tape = network.tape(len(x), 1)
        network.forward(batch, before, tape)
        network.backward(batch, tape)
        step(network.params.values, network.params.grads)  # type: ignore[operator]
    return np.array(nats)


def test_the_sgd_rule_takes_plain_gradient_steps(network: Network) -> None:
    ids, trained = some_text(95), network.params.values.copy()
    found = score_dynamically(network, ids, some_text(500), "sgd", 0.3)
    np.testing.assert_array_equal(network.params.values, trained)

    def step(values: Array, grads: Array) -> None:
        values -= 0.3 * grads

    np.testing.assert_allclose(found, plainly(network, ids, step), rtol=1e-10)
    assert not np.allclose(found, score_each(network, ids).nats)


def test_the_rms_rule_follows_the_equations_of_the_paper(network: Network) -> None:
    ids, train, trained = some_text(95), some_text(3000, 1), network.params.values.copy()
    size = root_mean_square(network, train)
    found = score_dynamically(network, ids, train, "rms", 0.01)
    np.testing.assert_array_equal(network.params.values, trained)
    relative = size / size.mean()

    def step(values: Array, grads: Array) -> None:
        back = np.minimum(DECAY * relative, 1) * (trained - values)
        values += back - 0.01 * grads / (size + EPSILON * size.mean())

    np.testing.assert_allclose(found, plainly(network, ids, step), rtol=1e-10)


def test_gradients_are_measured_by_their_root_mean_square(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamic, "SAMPLE_PIECES", 2)
    monkeypatch.setattr(dynamic, "SEGMENTS_PER_PIECE", 3)
    train, squares = some_text(3 * SEGMENT + 1), []

    def note(values: Array, grads: Array) -> None:
        squares.append(grads**2)

    plainly(network, train, note)
    found = root_mean_square(network, train)  # both pieces are the whole of so short a text
    np.testing.assert_allclose(found, np.sqrt(np.mean(squares, axis=0)), rtol=1e-10)


@pytest.mark.parametrize("rule", ["rms", "sgd"])
@pytest.mark.parametrize("at", [1, 19, 20, 21, 40, 77])
def test_no_character_is_seen_before_it_is_scored(network: Network, rule: dynamic.Rule, at: int) -> None:
    text, other = some_text(80), some_text(80)
    other[at:] = (other[at:] + 1) % 5
    found, changed = (score_dynamically(network, ids, some_text(500), rule, 0.5) for ids in (text, other))
    np.testing.assert_array_equal(found[:at], changed[:at])
    assert found[at] != changed[at]


def test_a_rate_of_zero_and_no_decay_is_the_static_score(network: Network) -> None:
    ids = some_text(130)
    found = score_dynamically(network, ids, ids, "sgd", 0.0)
    np.testing.assert_allclose(found, score_each(network, ids).nats, rtol=1e-10)


@pytest.mark.parametrize("rule", ["rms", "sgd"])
def test_a_text_of_another_kind_gets_easier_as_it_is_read(network: Network, rule: dynamic.Rule) -> None:
    ids = np.tile([0, 1], 500)
    found = score_dynamically(network, ids, some_text(2000, 3), rule, {"rms": 0.01, "sgd": 0.5}[rule])
    assert found[-500:].mean() < 0.8 * score_each(network, ids).nats[-500:].mean()


@pytest.fixture
def gated() -> GatedNetwork:
    """A network with a gate, and a 3-gram of some text."""
    inside = Network(ModelConfig(cell="gru", hidden_size=4, num_layers=1, ngram=3), VOCAB, np.float64)
    inside.params.values[...] = np.random.default_rng(0).normal(0, 0.4, inside.params.size)
    return GatedNetwork(inside, NGram(VOCAB, some_text(600, 1), 3))


def test_a_gate_adapts_with_its_network_and_the_n_gram_stays(gated: GatedNetwork) -> None:
    ids, network = some_text(2 * SEGMENT + 1), gated.network
    still, trained = score_each(gated, ids).nats, network.params.values.copy()
    found = score_dynamically(gated, ids, some_text(600, 1), "sgd", 0.3)
    np.testing.assert_array_equal(network.params.values, trained)
    np.testing.assert_allclose(found[: SEGMENT + 1], still[: SEGMENT + 1], rtol=1e-10)
    counted = gated.ngram.log_probs(ids)[1 : SEGMENT + 1, None]
    text = ids[: SEGMENT + 1, None].astype(int)
    batch = Batch(text[:-1], text[1:], None, SEGMENT, fresh=False, counted=counted)
    tape, state = network.tape(SEGMENT, 1), network.start(1)
    network.forward(batch, state, tape)
    network.backward(batch, tape)
    network.params.values -= 0.3 * network.params.grads
    own = network.feed_scores(ids[SEGMENT:-1, None], state)[:, 0]
    logs = mixed(own, gated.ngram.feed(ids[:-1, None], gated.ngram.start(1))[SEGMENT:, 0])
    np.testing.assert_allclose(found[SEGMENT + 1 :], -logs[np.arange(SEGMENT), ids[SEGMENT + 1 :]], rtol=1e-8)


def test_a_gate_has_its_gradients_measured_with_what_folds_expect(gated: GatedNetwork) -> None:
    size = root_mean_square(gated, some_text(600, 1))
    assert size.shape == gated.network.params.values.shape
    assert (size > 0).any()
    assert size[-1] > 0  # the bias of the gate


@pytest.mark.parametrize("length", [1, 2, SEGMENT + 1, SEGMENT + 2])
def test_the_shortest_texts_are_scored(network: Network, length: int) -> None:
    assert len(score_dynamically(network, some_text(length), some_text(2), "rms")) == length


def test_a_network_refuses_the_config_of_an_n_gram() -> None:
    with pytest.raises(ConfigError, match="counted"):
        Network(ModelConfig(cell="ngram"), VOCAB)
