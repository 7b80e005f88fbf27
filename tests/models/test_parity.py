"""Parity with PyTorch: the same weights give the same outputs, the same loss and the same gradients.

Stored records (see fixtures/make_torch_fixture.py) are checked everywhere, fresh ones where PyTorch is installed.
"""

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig
from charrnn.data.batches import Batch
from charrnn.data.document_batches import DocumentBatches
from charrnn.data.vocab import Vocab
from charrnn.models.network import Network
from tests.support.torture import volume

KINDS = ["rnn-tanh", "rnn-relu", "lstm", "gru"]
PRECISIONS = {"float32": 1e-5, "float64": 1e-12}
MODELS = volume(40, 250)  # random models of each of the four kinds


def from_torch(cell, arrays, gradients=False):
    """PyTorch's parameters, or their gradients, by our names and in our layout: a matrix (D, H) for each gate.

    Its LSTM has the gates in the order i, f, g, o, ours i, f, o, g. Its two biases are one of ours, their sum, and each
    of them has the gradient of the sum; only the GRU's candidate keeps the second, bias_hn.
    """
    order = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}[cell]

    def planes(name, k):
        rows = arrays[f"rnn.{name}_l{k}"]
        return rows.reshape(len(order), -1, *rows.shape[1:])[order]

    ours = {"output_weight": arrays["output.weight"].T, "output_bias": arrays["output.bias"]}
    if "embedding.weight" in arrays:
        ours["embedding"] = arrays["embedding.weight"]
    layers = part(arrays, "rnn.weight_hh_l")  # 0, 1, ..., and with both directions 0_reverse, 1_reverse, ...
    for k in layers:
        for name in ("weight_ih", "weight_hh"):
            ours[f"{name}_l{k}"] = planes(name, k).swapaxes(1, 2)
        bias, hidden_bias = planes("bias_ih", k), planes("bias_hh", k)
        if cell == "gru":
            ours[f"bias_hn_l{k}"] = hidden_bias[2]
            hidden_bias = hidden_bias * [[1], [1], [0]]
        ours[f"bias_l{k}"] = bias if gradients else bias + hidden_bias
    return ours


def part(record, prefix):
    return {name.removeprefix(prefix): array for name, array in record.items() if name.startswith(prefix)}


def assert_close(ours, theirs, truth, tolerance):
    """Arrays by name, equal within `tolerance` of the largest number in any of them.

    In float32 two correct programs may differ by more, because their rounding errors add up: then both must lie within
    twice the tolerance of the `truth`, the same computed in float64.
    """
    scale = max(np.abs(array).max() for array in theirs.values())
    for name, array in theirs.items():
        assert ours[name].shape == array.shape, name
        if np.abs(ours[name] - array).max() > tolerance * scale:
            assert truth is not None, name
            for found in (ours[name], array):
                assert np.abs(found - truth[name]).max() <= 2 * tolerance * scale, name


def check_model(kind, record, precision, skips=False):
    """Do the work of a record again, and compare everything that came out: logits and loss with PyTorch alone."""
    cell = kind.partition("-")[0]
    values, grads = (from_torch(cell, part(record, f"{name}/"), name == "grad") for name in ("value", "grad"))
    assert values.keys() == grads.keys()
    ours, our_grads = run_model(kind, record, values, precision, skips)
    truth, true_grads = run_model(kind, record, values, "float64") if precision == "float32" else (None, None)
    for name in ("logits", "loss"):
        assert_close({name: ours[name]}, {name: record[name]}, None, PRECISIONS[precision])
    for name in ("h", "end"):
        assert_close({name: ours[name]}, {name: record[name]}, truth, PRECISIONS[precision])
    assert_close(our_grads, grads, true_grads, PRECISIONS[precision])


def network_of(kind, values, precision, end="", skips=False):
    """Our network with the parameters of PyTorch's."""
    cell, _, activation = kind.partition("-")
    config = ModelConfig(
        cell=cell,
        hidden_size=values["output_weight"].shape[0],
        num_layers=sum(name.startswith("weight_hh") for name in values),
        embedding_size=values["embedding"].shape[1] if "embedding" in values else None,
        activation=activation or "tanh",
        skip_connections=skips,
    )
    network = Network(config, Vocab("".join(map(chr, range(len(values["output_bias"])))), end=end), precision)
    assert network.params.shapes == {name: values[name].shape for name in network.params.shapes}
    assert network.params.shapes.keys() == values.keys()
    for name, value in network.params.value.items():
        value[...] = values[name]
    return network


def run_model(kind, record, values, precision, skips=False):
    """What our network makes of a record: results by name, and gradients by name."""
    network, start = network_of(kind, values, precision, skips=skips), record["start"].astype(precision)
    ids, targets, end = record["ids"], record["targets"], start.copy()
    batch, tape = Batch(ids, targets, None, ids.size, fresh=False), network.tape(*ids.shape)
    logits = network.feed(ids, start.copy())
    loss = network.forward(batch, end, tape)
    results = {"logits": logits, "h": tape.h.reshape(record["h"].shape).copy(), "end": end, "loss": loss}
    network.backward(batch, tape)
    return results, network.params.grad


@pytest.mark.row(16)
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_agrees_with_the_stored_results_of_pytorch(kind, precision, stored):
    records = part(stored, f"model {kind} ")
    assert sorted(records) == ["x1 lookup", "x2 embedding 4", "x3 lookup"]
    for record in records.values():
        check_model(kind, record, precision)


@pytest.mark.row(16)
@pytest.mark.parametrize("seed", range(MODELS))
@pytest.mark.parametrize("kind", KINDS)
def test_random_models_agree_with_pytorch(kind, seed, live):
    rng = np.random.default_rng(seed)
    layers, embedding = int(rng.integers(1, 4)), int(rng.integers(0, 12)) or None
    limits = {"hidden": 20, "vocab": 40, "length": 12, "streams": 6}
    sizes = {name: int(rng.integers(1, limit)) for name, limit in limits.items()}
    for precision in PRECISIONS:
        dtype = getattr(live.torch, precision)
        check_model(kind, live.model_record(kind, layers, embedding, **sizes, seed=seed, dtype=dtype), precision)


@pytest.mark.row(16)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_record_is_what_pytorch_computes_today(kind, stored, live):
    today = live.model_record(kind, 2, 4, seed=2)
    then = stored[f"model {kind} x2 embedding 4"]
    assert today.keys() == then.keys()
    for name, array in today.items():
        np.testing.assert_allclose(array, then[name], rtol=1e-12, atol=1e-12)


@pytest.mark.row(16)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
def test_a_window_of_documents_agrees_with_pytorch_which_reads_them_one_by_one(kind, seed, live):
    record = live.document_record(kind, layers=1 + seed % 3, embedding=(None, 3)[seed % 2], seed=seed)
    cell = kind.partition("-")[0]
    values, grads = (from_torch(cell, part(record, f"{name}/"), name == "grad") for name in ("value", "grad"))
    network = network_of(kind, values, "float64", end="\0")
    batch = DocumentBatches(record["ids"], 0, 3, len(record["ids"]), seed)[0]
    tape = network.tape(*batch.x.shape)
    loss = network.forward(batch, network.stack.state(3, network.dtype), tape)
    network.backward(batch, tape)
    assert loss == pytest.approx(record["loss"], rel=1e-12)
    assert_close(network.params.grad, grads, None, 1e-12)


@pytest.mark.row(16)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", KINDS)
def test_skip_connections_agree_with_layers_of_pytorch_that_are_added_up(kind, seed, live):
    record = live.skip_record(kind, layers=2 + seed % 3, embedding=(None, 3)[seed % 2], seed=seed)
    check_model(kind, record, "float64", skips=True)
