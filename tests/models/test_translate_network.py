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


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6),
    beams=st.integers(1, 3),
    task=st.sampled_from(sorted(KINDS)).map(KINDS.get),
    cell=st.sampled_from(["gru", "lstm"]),
    hidden=st.sampled_from([3, 32]),
)
@settings(max_examples=25)
def test_a_step_depends_on_nothing_else_in_its_batch(lengths, beams, task, cell, hidden):
    """In float32: alone, or among other sources of any lengths, with several beginnings of each."""
    network = make_network(ModelConfig(cell=cell, hidden_size=hidden, num_layers=2, dropout=0.0), task, np.float32)
    pairs = some_pairs(lengths, [0] * len(lengths))
    encoded = network.encode(padded_pairs(pairs, np.arange(len(lengths)), END))
    encoded.state = np.repeat(encoded.state, beams, axis=2)
    alone = [network.encode(padded_pairs(pairs, np.array([k]), END)) for k in range(len(lengths))]
    for symbol in (END, 1, 0, 1, 2):
        together = network.step(np.full(len(lengths) * beams, symbol), encoded)
        for k, own in enumerate(alone):
            expected = network.step(np.array([symbol]), own)[0]
            for row in together[k * beams : (k + 1) * beams]:
                np.testing.assert_allclose(np.exp(row), np.exp(expected), atol=1e-6)
            if encoded.weights is None or own.weights is None:
                assert task.attention == "none"
                continue
            np.testing.assert_allclose(encoded.weights[k * beams, : lengths[k]], own.weights[0], atol=1e-6)
            assert not encoded.weights[k * beams, lengths[k] :].any()


def loss_and_gradient(network, batch):
    tape = network.tape(len(batch.x), len(batch.y_in), max(len(batch.lengths), 1))
    network.params.grads[...] = np.nan  # so that backward() must overwrite it
    loss = network.forward(batch, tape, None)
    network.backward(batch, tape)
    return loss, network.params.grads.copy()


@given(
    lengths=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=9), size=st.integers(1, 9)
)
@settings(max_examples=15)
def test_losses_and_gradients_of_shards_add_up_to_those_of_the_batch(lengths, size):
    network = make_network(ModelConfig(cell="lstm", hidden_size=HIDDEN, num_layers=2, dropout=0.0), Translation(6, 5))
    batches = PairBatches(some_pairs(*map(list, zip(*lengths, strict=True))), size, 1, END)
    for k in range(len(batches)):
        loss, gradient = loss_and_gradient(network, batches.batch(k))
        parts = [loss_and_gradient(network, batches.shard(k, index, 3)) for index in range(3)]
        assert sum(own for own, _ in parts) == pytest.approx(loss, rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(sum(own for _, own in parts), gradient, rtol=1e-10, atol=1e-12)


def test_what_lies_beyond_the_ends_changes_no_bit(cell, task):
    network = make_network(ModelConfig(**cell, hidden_size=HIDDEN, num_layers=2, dropout=0.0), task, np.float32)
    beyond = np.arange(len(FULL.x))[:, None] >= FULL.lengths
    unread = FULL.y_out == -1
    x = np.where(beyond, (FULL.x + 1) % SOURCES, FULL.x)
    other = replace(FULL, x=x, y_in=np.where(unread, (FULL.y_in + 1) % TARGETS, FULL.y_in))
    assert not np.array_equal(other.x, FULL.x)
    assert not np.array_equal(other.y_in, FULL.y_in)
    loss, gradient = loss_and_gradient(network, FULL)
    changed_loss, changed_gradient = loss_and_gradient(network, other)
    assert changed_loss == loss
    np.testing.assert_array_equal(changed_gradient, gradient)


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
