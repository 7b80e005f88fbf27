"""Translators: against a plain reading of the definition, numeric derivatives, PyTorch, and batches of other pairs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.config.model_keys import ModelConfig
from charrnn.data.pair_batches import PairBatches, padded_pairs
from charrnn.data.pairs import PairExamples
from charrnn.models.translate_network import TranslateNetwork
from charrnn.models.translate_parts import Translation, translate_size
from tests.models.test_gradients import TINY, relative_error
from tests.support.naive_translation import log_probs

SOURCES, TARGETS, HIDDEN = 6, 5, 3
END = TARGETS - 1
KINDS = {
    "none-both": Translation(SOURCES, TARGETS, "none"),
    "none-one": Translation(SOURCES, TARGETS, "none", bidirectional=False),
    "dot-one": Translation(SOURCES, TARGETS, "dot", bidirectional=False),
    "general-both": Translation(SOURCES, TARGETS, "general"),
    "general-both-smoothed": Translation(SOURCES, TARGETS, "general", label_smoothing=0.2),
    "general-one-input": Translation(SOURCES, TARGETS, bidirectional=False, input_dropout=0.3, unknown_id=5),
    "additive-both": Translation(SOURCES, TARGETS, "additive"),
}
SIZES = {
    "x1": {"num_layers": 1},
    "x1-embedding": {"num_layers": 1, "embedding_size": 2},
    "x2-dropout-embedding": {"num_layers": 2, "dropout": 0.3, "embedding_size": 4},
    "x2-dropout-of-weights-and-outputs": {"num_layers": 2, "recurrent_dropout": 0.4, "output_dropout": 0.3},
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def task(request):
    return request.param


def some_pairs(lengths, target_lengths, seed=0):
    rng = np.random.default_rng(seed)
    ids, targets = rng.integers(0, SOURCES, sum(lengths)), rng.integers(0, END, sum(target_lengths))
    return PairExamples(ids, np.cumsum([0, *lengths]), targets, np.cumsum([0, *target_lengths]))


def make_network(config, task, dtype=np.float64, seed=0):
    network = TranslateNetwork(config, task, dtype)
    rng = np.random.default_rng(seed)
    network.params.values[...] = rng.standard_normal(network.params.size) / np.sqrt(config.hidden_size)
    return network


PAIRS = some_pairs([4, 1, 3, 6], [3, 2, 0, 5])
FULL = padded_pairs(PAIRS, np.arange(4), END)
SHORT = padded_pairs(PAIRS, np.array([2, 1]), END)


def forward(network, batch, tape):
    return network.forward(batch, tape, np.random.default_rng(1))


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_gradients_of_every_composition_agree_with_slopes_along_random_directions(cell, sizes, task):
    config = ModelConfig(**cell, hidden_size=HIDDEN, **{"dropout": 0.0, **sizes})
    real, imaginary = (make_network(config, task, dtype) for dtype in (np.float64, np.complex128))
    for batch in (FULL, SHORT):
        tapes = [network.tape(7, 6, len(batch.lengths)) for network in (real, imaginary)]
        forward(real, batch, tapes[0])
        real.backward(batch, tapes[0])
        direction = np.random.default_rng(2).standard_normal(real.params.size)
        imaginary.params.values.imag[...] = TINY * direction
        slope = forward(imaginary, batch, tapes[1]).imag / TINY
        assert real.params.grads @ direction == pytest.approx(slope, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", ["none-both", "dot-one", "general-both-smoothed", "additive-both"])
def test_the_gradient_of_every_parameter_agrees_with_the_complex_step(name):
    config = ModelConfig(cell="lstm", hidden_size=HIDDEN, num_layers=2, embedding_size=2, dropout=0.3)
    real, imaginary = (make_network(config, KINDS[name], dtype) for dtype in (np.float64, np.complex128))
    tape, other = (network.tape(6, 6, 4) for network in (real, imaginary))
    forward(real, FULL, tape)
    real.backward(FULL, tape)
    numeric = np.zeros(real.params.size)
    for i in range(len(numeric)):
        imaginary.params.values.imag[i] = TINY
        numeric[i] = forward(imaginary, FULL, other).imag / TINY
        imaginary.params.values.imag[i] = 0
    wanted = real.params.views(numeric)
    for key, own in wanted.items():
        assert relative_error(real.params.grad[key], own) <= 1e-9


def test_losses_and_steps_are_those_of_the_definition(cell, task):
    config = ModelConfig(**cell, hidden_size=HIDDEN, num_layers=2, embedding_size=2, dropout=0.0)
    network = make_network(config, task)
    batch = replace(FULL, count=1)
    total = network.forward(batch, network.tape(6, 6, 4))
    encoded = network.encode(FULL)
    steps = np.array([network.step(ids, encoded) for ids in FULL.y_in])
    expected = 0.0
    for k in range(4):
        source = PAIRS.ids[PAIRS.bounds[k] : PAIRS.bounds[k + 1]]
        target = PAIRS.target_ids[PAIRS.target_bounds[k] : PAIRS.target_bounds[k + 1]]
        logs = log_probs(config, task, network.params.value, source, target)
        np.testing.assert_allclose(steps[: len(logs), k], logs, rtol=1e-9)
        own = logs[np.arange(len(logs)), [*target, END]]
        smoothing = task.label_smoothing
        expected -= (1 - smoothing) * own.sum() + smoothing * logs.mean(axis=1).sum()
    assert total == pytest.approx(expected, rel=1e-9)


@given(order=st.permutations(range(4)), beams=st.integers(1, 3), sources=st.integers(1, 4))
@settings(max_examples=20)
def test_a_step_depends_on_nothing_else_in_its_batch(order, beams, sources):
    """In float32: alone, or among other sources in any order, with several beginnings of each."""
    config = ModelConfig(cell="gru", hidden_size=HIDDEN, num_layers=1, dropout=0.0)
    network = make_network(config, KINDS["general-both"], np.float32)
    rows = np.array(order[:sources])
    encoded = network.encode(padded_pairs(PAIRS, rows, END))
    encoded.state = np.repeat(encoded.state, beams, axis=2)
    alone = [network.encode(padded_pairs(PAIRS, rows[k : k + 1], END)) for k in range(sources)]
    for symbol in (END, 1, 0):
        together = network.step(np.full(sources * beams, symbol), encoded)
        for k, own in enumerate(alone):
            expected = network.step(np.array([symbol]), own)[0]
            for row in together[k * beams : (k + 1) * beams]:
                np.testing.assert_allclose(np.exp(row), np.exp(expected), atol=1e-6)
            assert encoded.weights is not None
            assert own.weights is not None
            length = own.weights.shape[1]
            np.testing.assert_allclose(encoded.weights[k * beams, :length], own.weights[0], atol=1e-6)
            assert not encoded.weights[k * beams, length:].any()


def test_selected_sources_go_on_as_before():
    network = make_network(
        ModelConfig(cell="gru", hidden_size=HIDDEN, num_layers=1, dropout=0.0), KINDS["general-both"]
    )
    whole = network.encode(FULL)
    network.step(np.full(4, END), whole)
    rows = np.array([2, 1])
    part = whole.select(rows)
    part.state = whole.state[:, :, rows]
    assert len(part.memory) == 3
    np.testing.assert_allclose(
        network.step(np.array([0, 1]), part), network.step(np.array([2, 1, 0, 3]), whole)[rows], rtol=1e-12
    )


def test_sizes_are_known_in_advance(task):
    config = ModelConfig(cell="lstm", hidden_size=HIDDEN, num_layers=2, dropout=0.3)
    network = make_network(config, task, np.float32)
    assert translate_size(config, task) == network.params.size
    tape = network.tape(6, 5, 4)
    held = tape.encoder.nbytes + tape.decoder.nbytes + tape.scores.nbytes + tape.dstate.nbytes
    if network.parts.attention:
        held += 4 * network.parts.attention.scalars(6, 5, 4, training=True)
    assert held <= network.tape_bytes(6, 5, 4) <= held + 4 * 2 * 2 * 4 * HIDDEN


# -- batches ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=30), st.integers(1, 5))
def test_every_pair_is_in_one_batch_of_an_epoch_and_shards_share_it(lengths, size):
    pairs = some_pairs(*map(list, zip(*lengths, strict=True)))
    batches = PairBatches(pairs, size, 3, END)
    for epoch in range(2):
        rows = [batches.batch(k, epoch).rows for k in range(len(batches))]
        assert sorted(np.concatenate(rows).tolist()) == list(range(len(pairs)))
        for k, own in enumerate(rows):
            shards = [batches.shard(k, index, 3, epoch) for index in range(3)]
            assert sorted(np.concatenate([shard.rows for shard in shards]).tolist()) == sorted(own.tolist())
            assert sum(int((shard.y_out >= 0).sum()) for shard in shards) == batches.count(k, epoch)
            assert {shard.count for shard in shards} == {batches.count(k, epoch)}
    assert 0 <= batches.padding() < 1


def test_a_batch_reads_what_it_is_to_write_one_symbol_later():
    pairs = PairExamples(np.array([1, 2, 3]), np.array([0, 1, 3]), np.array([0, -1, 2, 1]), np.array([0, 3, 4]))
    batch = padded_pairs(pairs, np.array([0, 1]), 4)
    assert batch.x.T.tolist() == [[1, 0], [2, 3]]
    assert batch.y_in.T.tolist() == [[4, 0, 4, 2], [4, 1, 4, 4]]
    assert batch.y_out.T.tolist() == [[0, -1, 2, 4], [1, 4, -1, -1]]
    assert batch.count == 5
