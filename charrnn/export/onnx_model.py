"""Networks as ONNX models, of standard operators alone: opset 17, which runtimes since 2022 read.

    language   ids (T, N), h_in (L, N, H), for an lstm also c_in  ->  logits (T, N, V), h_out, for an lstm also c_out
    classify   ids (T, N), lengths (N,)  ->  probabilities or numbers (N, C)
    tag        ids (T, N), lengths (N,)  ->  probabilities (T, N, C) of each symbol

The metadata hold the header of the checkpoint under `charrnn` and the vocabulary under `symbols`, as in safetensors
files. A recurrent operator takes the weights of all of its directions (R) in one array, with gates in an order of its
own; everything else is as in PyTorch.

Shapes: T steps, N streams, V vocabulary, C outputs, D inputs, G gates, H hidden units, L layers, R directions (1 or 2).
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CharrnnError
from charrnn.export.layout import GATES, layer_suffixes, network_of, torch_arrays, vocab_of
from charrnn.export.pytorch import HEADER, SYMBOLS
from charrnn.models import Network, SavedModel, TaskNetwork
from charrnn.nn import make_cell

OPSET, IR_VERSION = 17, 8
ORDER = {"rnn": "a", "lstm": "iofg", "gru": "zrn"}  # of gates in ONNX, which calls g c and n h


@dataclass
class Graph:
    """An ONNX graph that grows node by node. Every value has a name."""

    onnx: Any  # the package
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def add(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        """Add a node; returns the name of its first output."""
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, outputs, **attributes))
        return outputs[0]

    def constant(self, name: str, value: Any, dtype: Any = np.int64) -> str:
        """Add a constant; returns its name."""
        self.constants[name] = np.asarray(value, dtype)
        return name

    def model(self, inputs: dict[str, Any], outputs: dict[str, Any], metadata: dict[str, str]) -> bytes:
        """The whole model; inputs and outputs have a type and a shape, in which names are lengths that may vary."""
        helper = self.onnx.helper
        infos = [
            [helper.make_tensor_value_info(name, type_, shape) for name, (type_, shape) in values.items()]
            for values in (inputs, outputs)
        ]
        constants = [self.onnx.numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, "charrnn", *infos, constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="charrnn")
        helper.set_model_props(model, metadata)
        self.onnx.checker.check_model(model)
        data: bytes = model.SerializeToString()
        return data


def to_onnx(saved: SavedModel) -> bytes:
    """An ONNX model of a network.

    Raises:
        CharrnnError: the package onnx is missing.
        CheckpointError: the model is an n-gram.
    """
    network = network_of(saved)
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise CharrnnError("--to onnx needs one more package: pip install onnx") from None
    metadata = {HEADER: json.dumps(saved.header.to_dict()), SYMBOLS: vocab_of(saved).symbols}
    graph = Graph(onnx)
    if isinstance(network, Network):
        return graph.model(*_language(graph, network), metadata)
    return graph.model(*_task(graph, network, saved), metadata)


def _language(graph: Graph, network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """Add the nodes of a language model; returns its inputs and outputs."""
    arrays, config = torch_arrays(network), network.config
    number, integer = graph.onnx.TensorProto.FLOAT, graph.onnx.TensorProto.INT64
    states = network.stack.cell.states
    x = _first_input(graph, arrays)
    for k in range(config.num_layers):
        position = graph.constant(f"layer_{k}", [k])
        initial = [graph.add("Gather", [f"{s}_in", position], [f"{s}_in_{k}"], axis=0) for s in states]
        x = _level(graph, network, arrays, k, x, initial)
    for s in states:
        graph.add("Concat", [f"{s}_out_{k}" for k in range(config.num_layers)], [f"{s}_out"], axis=0)
    _output_layer(graph, arrays, x, "logits")
    shape = (config.num_layers, "streams", config.hidden_size)
    inputs = {"ids": (integer, ("steps", "streams")), **{f"{s}_in": (number, shape) for s in states}}
    outputs = {"logits": (number, ("steps", "streams", network.vocab.size))}
    return inputs, outputs | {f"{s}_out": (number, shape) for s in states}


def _task(graph: Graph, network: TaskNetwork, saved: SavedModel) -> tuple[dict[str, Any], dict[str, Any]]:
    """Add the nodes of a classifier or tagger; returns its inputs and outputs."""
    arrays, task = torch_arrays(network), network.task
    number, integer = graph.onnx.TensorProto.FLOAT, graph.onnx.TensorProto.INT64
    graph.add("Cast", ["lengths"], ["lengths_32"], to=graph.onnx.TensorProto.INT32)
    x = _first_input(graph, arrays)
    for k in range(network.config.num_layers):
        x = _level(graph, network, arrays, k, x, [])
    if not task.tag:
        x = _pooled(graph, x, f"h_out_{network.config.num_layers - 1}", task.pooling)
    _output_layer(graph, arrays, x, "scores")
    if task.output == "linear":
        labels = saved.task_model.labels
        scaled = graph.add("Mul", ["scores", graph.constant("deviations", labels.deviations, np.float32)], ["scaled"])
        graph.add("Add", [scaled, graph.constant("means", labels.means, np.float32)], ["numbers"])
    elif task.output == "sigmoid":
        graph.add("Sigmoid", ["scores"], ["probabilities"])
    else:
        graph.add("Softmax", ["scores"], ["probabilities"], axis=-1)
    inputs = {"ids": (integer, ("steps", "streams")), "lengths": (integer, ("streams",))}
    shape = ("steps", "streams", task.outputs) if task.tag else ("streams", task.outputs)
    return inputs, {"numbers" if task.output == "linear" else "probabilities": (number, shape)}


def _first_input(graph: Graph, arrays: dict[str, Array]) -> str:
    """What the first layer reads, (T, N, D): embedded characters, or one-hot vectors."""
    if "embedding.weight" in arrays:
        return graph.add("Gather", [graph.constant("embedding", arrays["embedding.weight"], np.float32), "ids"], ["x"])
    depth = graph.constant("vocabulary", [arrays["rnn.weight_ih_l0"].shape[1]])
    return graph.add("OneHot", ["ids", depth, graph.constant("off_on", [0, 1], np.float32)], ["x"], axis=-1)


def _level(
    graph: Graph, network: Network | TaskNetwork, arrays: dict[str, Array], k: int, x: str, initial: list[str]
) -> str:
    """Add a layer of one or two directions; returns its output, (T, N, R * H).

    Its states are h_out_k and c_out_k, (R, N, H). Without initial states it begins from zeros and heeds the lengths.
    """
    config, suffixes = network.config, layer_suffixes(network)[k]
    order = [GATES[config.cell].index(gate) for gate in ORDER[config.cell]]

    def reordered(kind: str) -> Array:
        planes = [arrays[f"rnn.{kind}_{suffix}"] for suffix in suffixes]
        return np.stack([own.reshape(len(order), -1, *own.shape[1:])[order].reshape(own.shape) for own in planes])

    biases = np.concatenate([reordered("bias_ih"), reordered("bias_hh")], axis=1)
    inputs = [
        x,
        graph.constant(f"W_{k}", reordered("weight_ih"), np.float32),
        graph.constant(f"R_{k}", reordered("weight_hh"), np.float32),
        graph.constant(f"B_{k}", biases, np.float32),
        "" if initial else "lengths_32",
        *initial,
    ]
    attributes: dict[str, Any] = {"hidden_size": config.hidden_size}
    attributes["direction"] = "bidirectional" if len(suffixes) == 2 else "forward"
    if config.cell == "gru":
        attributes["linear_before_reset"] = int(config.reset == "after")
    elif config.cell == "rnn":
        attributes["activations"] = [config.activation.capitalize()] * len(suffixes)
    states = [f"{state}_out_{k}" for state in make_cell(config.cell).states]
    graph.add(config.cell.upper(), inputs, [f"y_{k}", *states], **attributes)
    graph.add("Transpose", [f"y_{k}"], [f"side_by_side_{k}"], perm=[0, 2, 1, 3])  # (T, R, N, H) -> (T, N, R, H)
    return graph.add("Reshape", [f"side_by_side_{k}", graph.constant(f"flat_{k}", [0, 0, -1])], [f"x_{k}"])


def _pooled(graph: Graph, x: str, last: str, pooling: str) -> str:
    """One vector for each example, (N, R * H), of the top layer's output and of its last states (R, N, H)."""
    if pooling == "last":
        graph.add("Transpose", [last], ["last"], perm=[1, 0, 2])
        return graph.add("Reshape", ["last", graph.constant("flat", [0, -1])], ["pooled"])
    graph.add("Shape", ["ids"], ["steps"], start=0, end=1)
    graph.add("Squeeze", ["steps", graph.constant("axis_0", [0])], ["count"])
    graph.add("Range", [graph.constant("zero", 0), "count", graph.constant("one", 1)], ["positions"])
    graph.add("Unsqueeze", ["positions", graph.constant("axes_1_2", [1, 2])], ["position"])  # (T, 1, 1)
    graph.add("Unsqueeze", ["lengths", graph.constant("axis_1", [1])], ["length"])  # (N, 1)
    graph.add("Less", ["position", "length"], ["inside"])  # (T, N, 1)
    outside = graph.constant("outside", -np.inf if pooling == "max" else 0, np.float32)
    graph.add("Where", ["inside", x, outside], ["counted"])
    if pooling == "max":
        return graph.add("ReduceMax", ["counted"], ["pooled"], axes=[0], keepdims=0)
    graph.add("ReduceSum", ["counted", "axis_0"], ["sum"], keepdims=0)
    graph.add("Cast", ["length"], ["divisor"], to=graph.onnx.TensorProto.FLOAT)
    return graph.add("Div", ["sum", "divisor"], ["pooled"])


def _output_layer(graph: Graph, arrays: dict[str, Array], x: str, out: str) -> None:
    """Add the output layer."""
    graph.add("MatMul", [x, graph.constant("output_weight", arrays["output.weight"].T, np.float32)], ["products"])
    graph.add("Add", ["products", graph.constant("output_bias", arrays["output.bias"], np.float32)], [out])
