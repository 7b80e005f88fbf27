"""Translators as two ONNX models: an encoder, which reads sources, and a decoder, which reads targets step by step.

    encoder.onnx  ids (Ts, N), lengths (N,)                       ->  memory (Ts, N, W), key (Ts, N, H), h_out (L, N, H)
    decoder.onnx  ids (Tt, N), lengths, memory, key, h_in         ->  logits (Tt, N, U), h_out

An lstm has c_out and c_in as well. The key is what attention compares a state with; dot attention has none beside the
memory, and a translator without attention has neither. The decoder reads any number of steps; to write, it reads one.
The metadata hold the header of the checkpoint under `charrnn`, with the symbols of both sides.

Shapes: Ts, Tt steps of source and target, N sources, H hidden units, W width of the memory, L layers, S states, U
symbols of targets.
"""

from collections.abc import Mapping

import numpy as np

from charrnn.arrays import Array
from charrnn.export.layout import PARTS, network_of, part_of, torch_arrays
from charrnn.export.linear_layout import KEY, QUERY
from charrnn.export.onnx_graph import (
    Graph,
    Values,
    add_carried,
    add_input,
    add_inside,
    add_last,
    add_levels,
    add_linear,
    carried_values,
    new_graph,
)
from charrnn.export.pytorch import strings_of
from charrnn.models import SavedModel, TranslateNetwork


def translator_to_onnx(saved: SavedModel) -> dict[str, bytes]:
    """The two ONNX models of a translator, by the names of their files. Raises CharrnnError if onnx is missing."""
    network = network_of(saved)
    assert isinstance(network, TranslateNetwork), "other networks are one model; see onnx_model.py"
    arrays, strings = torch_arrays(network), strings_of(saved)
    models = {}
    for name, build in (("encoder.onnx", _encoder), ("decoder.onnx", _decoder)):
        graph = new_graph()
        models[name] = graph.model(*build(graph, network, arrays), strings)
    return models


def _source_values(graph: Graph, network: TranslateNetwork, arrays: Mapping[str, Array]) -> Values:
    """What the encoder hands on to attention."""
    if network.parts.attention is None:
        return {}
    steps, width = ("source_steps", "streams"), network.parts.encoder.width
    values: Values = {"memory": (graph.number, (*steps, width))}
    if KEY in arrays:
        values["key"] = (graph.number, (*steps, network.config.hidden_size))
    return values


def _encoder(graph: Graph, network: TranslateNetwork, arrays: Mapping[str, Array]) -> tuple[Values, Values]:
    """Add the nodes of the encoder and of the bridge; returns inputs and outputs."""
    config, own = network.config, part_of(arrays, PARTS["encoder_"])
    x = add_levels(graph, config, own, add_input(graph, own))
    handed = _source_values(graph, network, arrays)
    if handed:
        graph.add("Identity", [x], ["memory"])
    if KEY in arrays:
        add_linear(graph, arrays, KEY.removesuffix(".weight"), "memory", "key")
    carried = carried_values(graph, config, "out")
    add_linear(graph, arrays, "bridge", add_last(graph, config), "first")
    graph.add("Tanh", ["first"], ["flat_states"])
    sizes = graph.constant("state_sizes", [0, config.num_layers, len(carried), config.hidden_size])
    graph.add("Reshape", ["flat_states", sizes], ["by_source"])  # (N, L, S, H)
    graph.add("Transpose", ["by_source"], ["states"], perm=[2, 1, 0, 3])  # (S, L, N, H)
    for position, name in enumerate(carried):
        graph.add("Gather", ["states", graph.constant(f"state_{position}", position)], [name], axis=0)
    inputs: Values = {"ids": (graph.integer, ("source_steps", "streams")), "lengths": (graph.integer, ("streams",))}
    return inputs, handed | carried


def _decoder(graph: Graph, network: TranslateNetwork, arrays: Mapping[str, Array]) -> tuple[Values, Values]:
    """Add the nodes of the decoder, of attention and of the output layer; returns inputs and outputs."""
    config, own = network.config, part_of(arrays, PARTS["decoder_"])
    x = add_carried(graph, config, own, add_input(graph, own))
    handed = _source_values(graph, network, arrays)
    if handed:
        handed["lengths"] = (graph.integer, ("streams",))
        x = _attended(graph, arrays, x)
    add_linear(graph, arrays, "output", x, "logits")
    inputs: Values = {"ids": (graph.integer, ("steps", "streams"))}
    outputs: Values = {"logits": (graph.number, ("steps", "streams", network.task.target_size))}
    return inputs | handed | carried_values(graph, config, "in"), outputs | carried_values(graph, config, "out")


def _attended(graph: Graph, arrays: Mapping[str, Array], s: str) -> str:
    """Add attention of states (Tt, N, H) to the inputs memory and key; returns its output, (Tt, N, H)."""
    key = "key" if KEY in arrays else "memory"
    if QUERY in arrays:
        query = add_linear(graph, arrays, QUERY.removesuffix(".weight"), s, "query")
        graph.add("Transpose", [query], ["queries"], perm=[1, 0, 2])
        graph.add("Transpose", [key], ["keys"], perm=[1, 0, 2])
        graph.add("Unsqueeze", ["queries", graph.constant("axis_2", [2])], ["each_query"])  # (N, Tt, 1, H)
        graph.add("Unsqueeze", ["keys", graph.constant("axis_1", [1])], ["each_key"])  # (N, 1, Ts, H)
        graph.add("Add", ["each_query", "each_key"], ["sums"])
        graph.add("Tanh", ["sums"], ["compared"])
        add_linear(graph, arrays, "attention.score", "compared", "column")
        graph.add("Squeeze", ["column", graph.constant("axis_3", [3])], ["scores"])
    else:
        graph.add("Transpose", [s], ["queries"], perm=[1, 0, 2])
        graph.add("Transpose", [key], ["keys"], perm=[1, 2, 0])
        graph.add("MatMul", ["queries", "keys"], ["scores"])  # (N, Tt, Ts)
    graph.add("Transpose", [add_inside(graph, "memory")], ["attendable"], perm=[1, 2, 0])  # (N, 1, Ts)
    beyond = graph.constant("beyond", -np.inf, np.float32)
    graph.add("Where", ["attendable", "scores", beyond], ["own_scores"])
    graph.add("Softmax", ["own_scores"], ["weights"], axis=-1)
    graph.add("Transpose", ["memory"], ["memories"], perm=[1, 0, 2])
    graph.add("MatMul", ["weights", "memories"], ["contexts"])
    graph.add("Transpose", ["contexts"], ["context"], perm=[1, 0, 2])
    graph.add("Concat", ["context", s], ["both"], axis=-1)
    add_linear(graph, arrays, "attention.output", "both", "joined")
    return graph.add("Tanh", ["joined"], ["attended"])
