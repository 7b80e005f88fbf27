"""Translators agree with the same network in PyTorch, which packs its sources: loss and every gradient."""

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig
from charrnn.data.pair_batches import padded_pairs
from charrnn.models.translate_network import TranslateNetwork, part
from charrnn.models.translate_parts import DECODER, ENCODER, Translation
from tests.models.test_parity import KINDS, PRECISIONS, assert_close
from tests.models.test_translate_network import some_pairs
from tests.support.torture import volume

MODELS = volume(6, 40)  # random models of each kind


ORDERS = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}  # of PyTorch's gates, in ours


def random_model(kind, seed):
    """A config, a task, and a batch; all of it random."""
    rng = np.random.default_rng(seed)
    cell, _, activation = kind.partition("-")
    config = ModelConfig(
        cell=cell,
        activation=activation or "tanh",
        hidden_size=int(rng.integers(1, 16)),
        num_layers=int(rng.integers(1, 3)),
        embedding_size=int(rng.integers(0, 9)) or None,
        dropout=0.0,
    )
    attention = str(rng.choice(["none", "dot", "general", "additive"]))
    task = Translation(6, 5, attention, bidirectional=attention != "dot", label_smoothing=float(rng.choice([0, 0.1])))
    count = int(rng.integers(1, 6))
    pairs = some_pairs(rng.integers(1, 9, count).tolist(), rng.integers(0, 9, count).tolist(), seed)
    return config, task, padded_pairs(pairs, np.arange(count), task.target_size - 1)


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


def torch_loss(torch, config, task, batch, named, rnns):
    """The mean loss of a target symbol; `named` holds the parameters that are not those of recurrent layers."""
    lengths = torch.from_numpy(np.asarray(batch.lengths))
    tables = {
        prefix: named.get(f"{prefix}embedding", torch.eye(size, dtype=torch.float64))
        for prefix, size in ((ENCODER, task.source_size), (DECODER, task.target_size))
    }
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        tables[ENCODER][torch.from_numpy(batch.x)], lengths, enforce_sorted=False
    )
    memory, _ = torch.nn.utils.rnn.pad_packed_sequence(rnns[ENCODER](packed)[0])
    count, hidden = len(lengths), config.hidden_size
    last = memory[lengths - 1, torch.arange(count)]
    if task.bidirectional:
        last = torch.cat([last[:, :hidden], memory[0, :, hidden:]], 1)
    first = torch.tanh(last @ named["bridge_weight"] + named["bridge_bias"])
    states = first.reshape(count, config.num_layers, -1, hidden).permute(2, 1, 0, 3).contiguous()
    s, _ = rnns[DECODER](
        tables[DECODER][torch.from_numpy(batch.y_in)], tuple(states) if config.cell == "lstm" else states[0]
    )
    output = s
    if task.attention != "none":
        if task.attention == "additive":
            query, key = s @ named["attention_weight"], memory @ named["attention_key"]
            scores = torch.tanh(query[:, None] + key[None]) @ named["attention_score"]
        else:
            query = s @ named["attention_weight"] if task.attention == "general" else s
            scores = torch.einsum("tnw,snw->tsn", query, memory)
        beyond = torch.arange(len(memory))[:, None] >= lengths
        weights = scores.masked_fill(beyond, -torch.inf).softmax(1)
        context = torch.einsum("tsn,snw->tnw", weights, memory)
        joined = torch.cat([context, s], 2)
        output = torch.tanh(joined @ named["attention_out_weight"] + named["attention_out_bias"])
    logits = output @ named["output_weight"] + named["output_bias"]
    options = {"label_smoothing": task.label_smoothing, "ignore_index": -1, "reduction": "sum"}
    targets = torch.from_numpy(batch.y_out).flatten()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets, **options) / batch.count


@pytest.mark.parametrize("seed", range(MODELS))
@pytest.mark.parametrize("kind", KINDS)
def test_random_translators_agree_with_pytorch(kind, seed):
    torch = pytest.importorskip("torch")
    config, task, batch = random_model(kind, seed)
    network = TranslateNetwork(config, task, "float64")
    numbers = np.random.default_rng(seed).uniform(-1, 1, network.params.size)
    values = (numbers / np.sqrt(config.hidden_size)).astype(np.float32)
    network.params.values[...] = values
    widths = config.embedding_size or task.source_size, config.embedding_size or task.target_size
    rnns = {
        prefix: torch_rnn(torch, config, part(network.params.value, prefix), width, both)
        for prefix, width, both in zip((ENCODER, DECODER), widths, (task.bidirectional, False), strict=True)
    }
    named = {
        name: torch.from_numpy(value.copy()).requires_grad_()
        for name, value in network.params.value.items()
        if not any(kind in name for kind in ("weight_ih", "weight_hh", "bias_l", "bias_hn"))
    }
    loss = torch_loss(torch, config, task, batch, named, rnns)
    loss.backward()
    grads = {name: tensor.grad.numpy() for name, tensor in named.items()}
    for prefix, rnn in rnns.items():
        grads |= {prefix + name: own for name, own in rnn_gradients(config, rnn).items()}
    assert grads.keys() == network.params.grad.keys()
    results = {}
    for precision in PRECISIONS:
        own = TranslateNetwork(config, task, precision)
        own.params.values[...] = values
        tape = own.tape(len(batch.x), len(batch.y_in), len(batch.lengths))
        found = {"loss": np.array(own.forward(batch, tape))}
        own.backward(batch, tape)
        results[precision] = found, own.params.grad
    truth = results["float64"]
    for precision, tolerance in PRECISIONS.items():
        assert_close(results[precision][0], {"loss": loss.detach().numpy()}, truth[0], tolerance)
        assert_close(results[precision][1], grads, truth[1], tolerance)
