"""The translator from its definition: one source, one symbol and one product at a time, without batches or padding."""

from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import Vocab
from charrnn.models.network import Network
from charrnn.models.translate_network import part
from charrnn.models.translate_parts import DECODER, ENCODER, Translation


def log_probs(config: ModelConfig, task: Translation, named: dict[str, Array], source: Array, target: Array) -> Array:
    """ln p (len + 1, U) of the symbol after each beginning of a target, the empty one included."""
    memory, last = read_source(config, task, part(named, ENCODER), source)
    state = np.tanh(last @ named["bridge_weight"] + named["bridge_bias"]).reshape(config.num_layers, -1, 1)
    state = state.reshape(config.num_layers, -1, config.hidden_size)
    decoder = stack_of(config, part(named, DECODER), task.target_size)
    carried = state[:, :, None].copy()  # (L, S, 1, H)
    logs = []
    for symbol in [task.target_size - 1, *target.tolist()]:
        s = top_of(decoder, np.array([symbol]), carried)[0]
        output = s
        if task.attention != "none":
            weights = softmax(np.array([score(task, named, s, h) for h in memory]))
            context = sum(w * h for w, h in zip(weights, memory, strict=True))
            joined = np.concatenate([np.asarray(context), s])
            output = np.tanh(joined @ named["attention_out_weight"] + named["attention_out_bias"])
        logs.append(np.log(softmax(output @ named["output_weight"] + named["output_bias"])))
    return np.array(logs)


def score(task: Translation, named: dict[str, Array], s: Array, h: Array) -> Any:
    """How well a state and a step of the source go together."""
    if task.attention == "dot":
        return s @ h
    if task.attention == "general":
        return s @ named["attention_weight"] @ h
    return np.tanh(s @ named["attention_weight"] + h @ named["attention_key"]) @ named["attention_score"]


def read_source(config: ModelConfig, task: Translation, named: dict[str, Array], source: Array) -> tuple[Array, Array]:
    """The outputs of an encoder for one source (len, W), and the last of each direction, side by side."""
    suffixes = ("", "_reverse")[: 1 + task.bidirectional]
    below: list[Array] = [named["embedding"][symbol] for symbol in source] if "embedding" in named else []
    for level in range(config.num_layers):
        outputs = []
        for direction, suffix in enumerate(suffixes):
            own = {
                name.removesuffix(suffix).replace(f"_l{level}", "_l0"): value
                for name, value in named.items()
                if f"_l{level}" in name and name.endswith(suffix or f"_l{level}")
            }
            steps = list(range(len(source)))[:: -1 if direction else 1]
            inputs = [below[t] if below else np.eye(task.source_size)[source[t]] for t in steps]
            h = run_layer(config, own, np.array(inputs))
            outputs.append(h[::-1] if direction else h)
        below = list(np.concatenate(outputs, axis=1))
    hidden = config.hidden_size
    last = [below[-1][:hidden], *([below[0][hidden:]] if task.bidirectional else [])]
    return np.array(below), np.concatenate(last)


def run_layer(config: ModelConfig, own: dict[str, Array], inputs: Array) -> Array:
    """The outputs (T, H) of one layer for vectors (T, D): a network whose embedding holds those vectors."""
    network = stack_of(
        ModelConfig(
            cell=config.cell, activation=config.activation, reset=config.reset, hidden_size=config.hidden_size,
            num_layers=1, dropout=0.0, embedding_size=inputs.shape[1],
        ),
        {**own, "embedding": inputs},
        len(inputs),
    )  # fmt: skip
    state = network.stack.state(1, np.float64)
    return np.array([top_of(network, np.array([t]), state)[0] for t in range(len(inputs))])


def stack_of(config: ModelConfig, named: dict[str, Array], size: int) -> Network:
    """A language model with these parameters, of which only the stack is used."""
    network = Network(config, Vocab("".join(map(chr, range(size)))), np.float64)
    for name, value in named.items():
        network.params.value[name][...] = value
    return network


def top_of(network: Network, ids: Array, state: Array) -> Array:
    """The top layer's output (1, H) after one symbol; the state is moved on."""
    tape = network.stack.tape(1, 1, np.float64, training=False)
    top: Array = network.stack.forward(network.params.value, ids[None], state, tape)[0].copy()
    return top


def softmax(scores: Array) -> Array:
    p = np.exp(scores - scores.max())
    result: Array = p / p.sum()
    return result
