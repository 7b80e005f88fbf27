"""Parity with PyTorch, which packs sequences of many lengths: outputs, losses and gradients in both directions.

Stored records (see fixtures/make_torch_task_fixture.py) are checked everywhere, fresh ones where PyTorch is installed.
"""

import importlib

import numpy as np
import pytest

from charrnn.data.length_batches import ExampleBatch, present
from charrnn.models.task_network import Task, TaskNetwork
from tests.conftest import read_records
from tests.models.test_parity import KINDS, PRECISIONS, assert_close, from_torch, part
from tests.support.tasks import STORED, TorchModel, make_examples, one_batch, stored_batch
from tests.support.torture import volume

MODELS = volume(12, 60)  # random models of each kind


@pytest.fixture(scope="module")
def stored():
    return read_records("torch-tasks.npz")


@pytest.fixture(scope="module")
def live():
    pytest.importorskip("torch")
    return importlib.import_module("tests.support.fixtures.make_torch_task_fixture")


def batch_of(record):
    """The batch of a record."""
    targets = record["targets"]
    count = max(int(present(targets).sum()), 1)
    return ExampleBatch(record["ids"], record["lengths"], targets, count, np.arange(len(record["lengths"])))


def run_model(model, record, values, precision):
    """Outputs of the top layer within each example, and loss; gradients by name."""
    network = TaskNetwork(model.config, model.task, precision)
    assert network.params.shapes == {name: values[name].shape for name in network.params.shapes}
    assert network.params.shapes.keys() == values.keys()
    for name, value in network.params.value.items():
        value[...] = values[name]
    batch = batch_of(record)
    tape = network.tape(*batch.x.shape)
    h = network.encoder.forward(network.params.value, batch.x, batch.lengths, tape.encoder)
    inside = np.arange(len(h))[:, None] < batch.lengths
    results = {"h": h * inside[:, :, None], "loss": np.array(network.forward(batch, tape))}
    network.backward(batch, tape)
    return results, network.params.grad


def check_model(model, record):
    """Do the work of a record again, and compare everything that came out."""
    cell = model.config.cell
    values, grads = (from_torch(cell, part(record, f"{name}/"), name == "grad") for name in ("value", "grad"))
    truth, true_grads = run_model(model, record, values, "float64")
    for precision, tolerance in PRECISIONS.items():
        results, own_grads = run_model(model, record, values, precision)
        for name, array in results.items():
            assert_close({name: array}, {name: record[name]}, truth, tolerance)
        assert_close(own_grads, grads, true_grads, tolerance)


@pytest.mark.parametrize("name", STORED)
def test_a_model_agrees_with_the_stored_results_of_pytorch(name, stored):
    check_model(STORED[name], stored[name])


def test_every_record_is_of_a_model_that_reads_in_both_directions(stored):
    assert stored.keys() == STORED.keys()
    for record in stored.values():
        assert "value/rnn.weight_hh_l0_reverse" in record


@pytest.mark.parametrize("name", STORED)
def test_a_stored_record_is_what_pytorch_computes_today(name, stored, live):
    today = live.task_record(STORED[name], stored_batch(STORED[name].task), seed=0)
    assert today.keys() == stored[name].keys()
    for key, array in today.items():
        np.testing.assert_allclose(array, stored[name][key], rtol=1e-12, atol=1e-12)


def random_model(kind, seed):
    """A model, and examples; all of it random."""
    rng = np.random.default_rng(seed)
    hidden, layers, embedding = (int(rng.integers(low, high)) for low, high in ((1, 20), (1, 4), (0, 12)))
    tag = bool(rng.random() < 0.3)
    classes = int(rng.integers(2, 6))
    output = "softmax" if tag else str(rng.choice(["softmax", "sigmoid", "linear"]))
    weighted = output == "softmax" and rng.random() < 0.5
    task = Task(
        vocab_size=int(rng.integers(2, 40)),
        outputs=classes,
        tag=tag,
        output=output,
        bidirectional=bool(rng.random() < 0.8),
        pooling=str(rng.choice(["last", "mean", "max"])),
        class_weights=tuple(rng.uniform(0.5, 2, classes)) if weighted else None,
        label_smoothing=0.1 if weighted else 0.0,
    )
    examples = make_examples(task, rng.integers(1, 15, int(rng.integers(1, 8))).tolist(), seed)
    return TorchModel(kind, layers, embedding or None, hidden, task), examples


@pytest.mark.parametrize("seed", range(MODELS))
@pytest.mark.parametrize("kind", KINDS)
def test_random_models_agree_with_pytorch_on_packed_sequences(kind, seed, live):
    model, examples = random_model(kind, seed)
    check_model(model, live.task_record(model, one_batch(examples, model.task), seed))
