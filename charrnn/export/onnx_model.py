"""Language models, classifiers and taggers as ONNX models.

    language   ids (T, N), h_in (L, N, H), for an lstm also c_in  ->  logits (T, N, V), h_out, for an lstm also c_out
    classify   ids (T, N), lengths (N,)  ->  probabilities or numbers (N, C)
    tag        ids (T, N), lengths (N,)  ->  probabilities (T, N, C) of each symbol

The metadata hold the header of the checkpoint under `charrnn` and the vocabulary under `symbols`, as in safetensors
files.

Shapes: T steps, N streams, V vocabulary, C outputs, H hidden units, L layers, R directions (1 or 2).
"""

from collections.abc import Mapping

import numpy as np

from charrnn.arrays import Array
from charrnn.export.layout import alone, network_of, torch_arrays
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
from charrnn.models import Network, SavedModel, TaskNetwork, TranslateNetwork


def to_onnx(saved: SavedModel) -> bytes:
    """An ONNX model of a network that is no translator; without the n-gram inside one.

    Raises:
        CharrnnError: the package onnx is missing.
        CheckpointError: the model is an n-gram.
    """
    saved = alone(saved)
    network = network_of(saved)
    assert not isinstance(network, TranslateNetwork), "a translator is two models; see onnx_translator.py"
    graph, arrays = new_graph(), torch_arrays(network)
    if isinstance(network, Network):
        inputs, outputs = _language(graph, network, arrays)
    else:
        inputs, outputs = _task(graph, network, arrays, saved)
    return graph.model(inputs, outputs, strings_of(saved))


def _language(graph: Graph, network: Network, arrays: Mapping[str, Array]) -> tuple[Values, Values]:
    """Add the nodes of a language model; returns its inputs and outputs."""
    config = network.config
    x = add_carried(graph, config, arrays, add_input(graph, arrays))
    add_linear(graph, arrays, "output", x, "logits")
    inputs: Values = {"ids": (graph.integer, ("steps", "streams"))}
    outputs: Values = {"logits": (graph.number, ("steps", "streams", network.vocab.size))}
    return inputs | carried_values(graph, config, "in"), outputs | carried_values(graph, config, "out")


def _task(graph: Graph, network: TaskNetwork, arrays: Mapping[str, Array], saved: SavedModel) -> tuple[Values, Values]:
    """Add the nodes of a classifier or tagger; returns its inputs and outputs."""
    config, task = network.config, network.task
    x = add_levels(graph, config, arrays, add_input(graph, arrays))
    if not task.tag:
        x = add_last(graph, config) if task.pooling == "last" else _pooled(graph, x, task.pooling)
    add_linear(graph, arrays, "output", x, "scores")
    if task.output == "linear":
        labels = saved.task_model.labels
        scaled = graph.add("Mul", ["scores", graph.constant("deviations", labels.deviations, np.float32)], ["scaled"])
        graph.add("Add", [scaled, graph.constant("means", labels.means, np.float32)], ["numbers"])
    elif task.output == "sigmoid":
        graph.add("Sigmoid", ["scores"], ["probabilities"])
    else:
        graph.add("Softmax", ["scores"], ["probabilities"], axis=-1)
    inputs: Values = {"ids": (graph.integer, ("steps", "streams")), "lengths": (graph.integer, ("streams",))}
    shape = ("steps", "streams", task.outputs) if task.tag else ("streams", task.outputs)
    return inputs, {"numbers" if task.output == "linear" else "probabilities": (graph.number, shape)}


def _pooled(graph: Graph, x: str, pooling: str) -> str:
    """Add the mean or the maximum of the top layer's output (T, N, R * H) over the steps of each text; its name."""
    inside = add_inside(graph, "ids")
    outside = graph.constant("outside", -np.inf if pooling == "max" else 0, np.float32)
    graph.add("Where", [inside, x, outside], ["counted"])
    if pooling == "max":
        return graph.add("ReduceMax", ["counted"], ["pooled"], axes=[0], keepdims=0)
    graph.add("ReduceSum", ["counted", graph.constant("axis_0", [0])], ["sum"], keepdims=0)
    graph.add("Cast", ["lengths"], ["divisors"], to=graph.number)
    graph.add("Unsqueeze", ["divisors", graph.constant("axis_1", [1])], ["divisor"])
    return graph.add("Div", ["sum", "divisor"], ["pooled"])
