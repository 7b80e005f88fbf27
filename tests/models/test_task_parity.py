"""Parity with PyTorch, which packs sequences of many lengths: outputs, losses and gradients in both directions."""

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig
from charrnn.models.task_network import Task, TaskNetwork
from tests.models.test_parity import KINDS, PRECISIONS, assert_close
from tests.support.tasks import make_examples, one_batch
from tests.support.torture import volume

MODELS = volume(12, 60)  # random models of each kind
ORDERS = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}  # of PyTorch's gates, in ours


def random_model(kind, seed):
    """A config, a task, and examples; all of it random."""
    rng = np.random.default_rng(seed)
    cell, _, activation = kind.partition("-")
    config = ModelConfig(
        cell=cell,
        activation=activation or "tanh",
        hidden_size=int(rng.integers(1, 20)),
        num_layers=int(rng.integers(1, 4)),
        embedding_size=int(rng.integers(0, 12)) or None,
    )
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
    return config, task, make_examples(task, rng.integers(1, 15, int(rng.integers(1, 8))).tolist(), seed)


def torch_rnn(torch, config, value, width, bidirectional):
    """Recurrent layers of PyTorch for inputs of this width, with parameters by their names here."""
    cells = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    options = {"nonlinearity": config.activation} if config.cell == "rnn" else {}
    rnn = cells[config.cell](
        width, config.hidden_size, config.num_layers, bidirectional=bidirectional, **options
    ).double()
    order = ORDERS[config.cell]

    def rows(planes):  # from (G, D, H) or (G, H) to PyTorch's (G * H, D) or (G * H,)
        planes = np.asarray(planes)[np.argsort(order)]
        return torch.from_numpy(planes.swapaxes(1, -1).reshape(-1, *planes.shape[1:-1]).copy())

    with torch.no_grad():
        for name, parameter in rnn.named_parameters():
            kind, _, layer = name.partition("_l")
            if kind.startswith("weight"):
                parameter.copy_(rows(value[name]))
            elif kind == "bias_ih":
                parameter.copy_(rows(value[f"bias_l{layer}"]))
            else:
                parameter.zero_()
                if config.cell == "gru":
                    parameter[2 * config.hidden_size :] = torch.from_numpy(value[f"bias_hn_l{layer}"])
    return rnn


def torch_of(torch, config, task, network):
    """Modules of PyTorch with the parameters of a network: embedding, recurrent layers, output layer."""
    value = network.params.value
    rnn = torch_rnn(torch, config, value, config.embedding_size or task.vocab_size, task.bidirectional)
    table = torch.from_numpy(value["embedding"] if config.embedding_size else np.eye(task.vocab_size))
    weight, bias = (torch.from_numpy(value[f"output_{name}"].copy()) for name in ("weight", "bias"))
    return table.clone().requires_grad_(), rnn, weight.requires_grad_(), bias.requires_grad_()


def torch_scores(torch, task, hidden, modules, batch):
    """Scores (N, C), or (T, N, C) to tag, and the outputs (T, N, W) of the top layer."""
    table, rnn, weight, bias = modules
    lengths = torch.from_numpy(np.asarray(batch.lengths))
    packed = torch.nn.utils.rnn.pack_padded_sequence(table[torch.from_numpy(batch.x)], lengths, enforce_sorted=False)
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(rnn(packed)[0])
    inside = torch.arange(len(h))[:, None, None] < lengths[:, None]
    if task.tag:
        rows = h
    elif task.pooling == "mean":
        rows = h.sum(0) / lengths[:, None]
    elif task.pooling == "max":
        rows = torch.where(inside, h, -torch.inf).amax(0)
    else:
        last = h[lengths - 1, torch.arange(len(lengths))]
        rows = torch.cat([last[:, :hidden], h[0, :, hidden:]], 1)
    return rows @ weight + bias, h


def torch_loss(torch, task, scores, batch):
    """The sum of the losses, divided by the targets that are present."""
    targets, functional = torch.from_numpy(np.asarray(batch.targets)), torch.nn.functional
    if task.output == "softmax":
        weights = None if task.class_weights is None else torch.tensor(task.class_weights, dtype=torch.float64)
        options = {"weight": weights, "label_smoothing": task.label_smoothing, "ignore_index": -1, "reduction": "sum"}
        return functional.cross_entropy(scores.flatten(0, -2), targets.flatten(), **options) / batch.count
    present = ~targets.isnan()
    if task.output == "sigmoid":
        loss = functional.binary_cross_entropy_with_logits(scores[present], targets[present], reduction="sum")
    else:
        loss = functional.mse_loss(scores[present], targets[present], reduction="sum")
    return loss / batch.count


def gradients_of(config, task, modules):
    """PyTorch's gradients by our names and in our layout."""
    table, rnn, weight, bias = modules
    grads = {"output_weight": weight.grad.numpy(), "output_bias": bias.grad.numpy()}
    if config.embedding_size:
        grads["embedding"] = table.grad.numpy()
    return grads | rnn_gradients(config, rnn)


def rnn_gradients(config, rnn):
    """The gradients of PyTorch's recurrent layers by our names and in our layout."""
    order, hidden, grads = ORDERS[config.cell], config.hidden_size, {}
    for name, parameter in rnn.named_parameters():
        kind, _, layer = name.partition("_l")
        planes = parameter.grad.numpy().reshape(len(order), hidden, *parameter.shape[1:])[order]
        if kind.startswith("weight"):
            grads[name] = planes.swapaxes(1, 2)
        elif kind == "bias_ih":
            grads[f"bias_l{layer}"] = planes
        elif config.cell == "gru":
            grads[f"bias_hn_l{layer}"] = planes[2]
    return grads


def ours(config, task, values, batch, precision):
    """Outputs of the top layer within each example, loss, and gradients by name."""
    network = TaskNetwork(config, task, precision)
    network.params.values[...] = values
    tape = network.tape(*batch.x.shape)
    h = network.encoder.forward(network.params.value, batch.x, batch.lengths, tape.encoder)
    inside = np.arange(len(h))[:, None] < batch.lengths
    results = {"h": h * inside[:, :, None], "loss": np.array(network.forward(batch, tape))}
    network.backward(batch, tape)
    return results, network.params.grad


@pytest.mark.parametrize("seed", range(MODELS))
@pytest.mark.parametrize("kind", KINDS)
def test_random_models_agree_with_pytorch_on_packed_sequences(kind, seed):
    torch = pytest.importorskip("torch")
    config, task, examples = random_model(kind, seed)
    batch = one_batch(examples, task)
    network = TaskNetwork(config, task, "float64")
    numbers = np.random.default_rng(seed).uniform(-1, 1, network.params.size)
    network.params.values[...] = (numbers / np.sqrt(config.hidden_size)).astype(np.float32)
    modules = torch_of(torch, config, task, network)
    scores, h = torch_scores(torch, task, config.hidden_size, modules, batch)
    loss = torch_loss(torch, task, scores, batch)
    loss.backward()
    theirs = {"h": h.detach().numpy(), "loss": loss.detach().numpy()}
    grads, truth = gradients_of(config, task, modules), ours(config, task, network.params.values, batch, "float64")
    assert grads.keys() == network.params.grad.keys()
    for precision, tolerance in PRECISIONS.items():
        results, own_grads = ours(config, task, network.params.values, batch, precision)
        for name, array in theirs.items():
            assert_close({name: results[name]}, {name: array}, truth[0], tolerance)
        assert_close(own_grads, grads, truth[1], tolerance)
