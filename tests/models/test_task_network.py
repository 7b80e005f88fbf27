"""Networks that classify or tag: independent of the batch, the sum of their shards, and parity with PyTorch."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.config.model_keys import ModelConfig
from charrnn.data.length_batches import LengthBatches
from charrnn.models.task_network import Task, TaskNetwork
from tests.support.tasks import HIDDEN, OUTPUTS, SYMBOLS, TASKS, make_examples, make_network, make_task_toy

lengths_of_examples = st.lists(st.integers(1, 60), min_size=1, max_size=30)
tasks = st.sampled_from(sorted(TASKS)).map(TASKS.get)
CONFIG = ModelConfig(cell="lstm", hidden_size=HIDDEN, num_layers=2, embedding_size=2, dropout=0.4)


def predictions(network, batches):
    """What a network predicts for each example, in their order: (C,), or (T, C) to tag."""
    found = [None] * len(batches.lengths)
    for batch in batches:
        predicted = network.predict(batch)
        for n, (row, length) in enumerate(zip(batch.rows, batch.lengths, strict=True)):
            found[row] = predicted[:length, n].copy() if network.task.tag else predicted[n].copy()
    return found


@settings(max_examples=25)
@given(
    lengths=lengths_of_examples,
    size=st.integers(1, 30),
    seed=st.integers(0, 1000),
    task=tasks,
    hidden=st.sampled_from([3, 32]),
    layers=st.integers(1, 2),
)
def test_a_prediction_does_not_depend_on_the_batch_or_its_order(cell, lengths, size, seed, task, hidden, layers):
    network = make_network(ModelConfig(**cell, hidden_size=hidden, num_layers=layers), task, np.float32, seed)
    if cell["cell"] != "rnn":  # without gates, larger weights make any rounding error grow at every step
        network.params.values[...] *= 1.5
    examples = make_examples(task, lengths, seed)
    alone = predictions(network, LengthBatches(examples, 1, None, task.tag))
    together = predictions(network, LengthBatches(examples, size, seed, task.tag))
    for one, other in zip(alone, together, strict=True):
        scale = max(1.0, np.abs(one).max())  # a number that is no probability may be large
        assert np.abs(one - other).max() <= 1e-6 * scale


@settings(max_examples=25)
@given(lengths=lengths_of_examples, shards=st.integers(1, 5), size=st.integers(1, 30), task=tasks)
def test_losses_and_gradients_of_shards_add_up_to_those_of_the_batch(lengths, shards, size, task):
    network = make_network(CONFIG, task)
    batches = LengthBatches(make_examples(task, lengths), size, 1, task.tag)

    def loss_and_gradient(batch):
        tape = network.tape(*batch.x.shape)
        network.params.grads[...] = np.nan  # so that backward() must overwrite it
        loss = network.forward(batch, tape)
        network.backward(batch, tape)
        return loss, network.params.grads.copy()

    for k, batch in enumerate(batches):
        loss, gradient = loss_and_gradient(batch)
        cut = [loss_and_gradient(batches.shard(k, index, shards)) for index in range(shards)]
        assert sum(own for own, _ in cut) == pytest.approx(loss, rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(sum(own for _, own in cut), gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_what_lies_beyond_the_end_changes_no_bit(cell, task):
    toy = make_task_toy(ModelConfig(**cell, hidden_size=HIDDEN, num_layers=2, dropout=0.4), task)
    inside = np.arange(len(toy.full.x))[:, None] < toy.full.lengths
    other = replace(toy.full, x=np.where(inside, toy.full.x, (toy.full.x + 1) % SYMBOLS))
    assert not np.array_equal(other.x, toy.full.x)
    assert toy.forward(other) == toy.forward(toy.full)
    gradient = toy.gradient(toy.full)
    np.testing.assert_array_equal(toy.gradient(other), gradient)


def test_a_batch_without_a_single_target_has_a_loss_and_a_gradient_of_zero():
    for task in TASKS.values():
        toy = make_task_toy(CONFIG, task)
        missing = -1 if toy.full.targets.dtype.kind == "i" else np.nan
        batch = replace(toy.full, targets=np.full_like(toy.full.targets, missing), count=1)
        assert toy.forward(batch) == 0
        assert not toy.gradient(batch).any()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_bytes_of_a_tape_are_known_before_it_is_made(cell, task, training):
    for layers, dropout, embedding in ((1, 0.0, None), (1, 0.4, 4), (3, 0.0, 2), (3, 0.4, None)):
        config = ModelConfig(**cell, hidden_size=HIDDEN, num_layers=layers, dropout=dropout, embedding_size=embedding)
        network = TaskNetwork(config, task)
        tape = network.tape(7, 4, training)
        assert tape.encoder.nbytes + tape.scores.nbytes == network.tape_bytes(7, 4, training)


def test_dropping_values_and_replacing_symbols_needs_a_generator():
    task = replace(TASKS["mean-softmax-both"], input_dropout=0.5)
    toy = make_task_toy(CONFIG, task)
    assert toy.forward(toy.full, None) == toy.forward(toy.full, None)
    assert len({float(toy.forward(toy.full, seed)) for seed in range(5)}) == 5


def test_the_share_of_symbols_that_are_replaced_by_the_unknown_one_is_the_input_dropout():
    task = Task(SYMBOLS, OUTPUTS, input_dropout=0.3, unknown_id=4)
    network = make_network(CONFIG, task)
    examples = make_examples(task, [50] * 40)
    examples.ids[...] %= 4
    batch = LengthBatches(examples, 40, None)[0]
    tape = network.tape(*batch.x.shape)
    network.forward(batch, tape, np.random.default_rng(0))
    assert tape.ids is not None
    assert (tape.ids == 4).mean() == pytest.approx(0.3, abs=0.03)
    assert (tape.ids[tape.ids != 4] == batch.x[tape.ids != 4]).all()
    assert (batch.x < 4).all()


def test_a_network_begins_with_forget_biases_in_both_directions_and_survives_pickling():
    config = ModelConfig(cell="lstm", hidden_size=4, num_layers=2, forget_bias=3.0)
    network = TaskNetwork(config, TASKS["max-softmax-both"])
    network.initialise(np.random.default_rng(0))
    for name in ("bias_l0", "bias_l0_reverse", "bias_l1", "bias_l1_reverse"):
        assert (network.params.value[name][1] == 3).all()
        assert (np.abs(network.params.value[name][0]) < 1).all()
    assert network.params.values.all()
    copy = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copy.params.values, network.params.values)
    assert (copy.config, copy.task) == (network.config, network.task)


def test_tasks_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="a tagger has the output softmax, not linear"):
        Task(SYMBOLS, OUTPUTS, tag=True, output="linear")
    with pytest.raises(ValueError, match="unknown_id, which is None"):
        Task(SYMBOLS, OUTPUTS, input_dropout=0.1)
