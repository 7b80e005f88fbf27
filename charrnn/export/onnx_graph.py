"""An ONNX graph that grows layer by layer, of standard operators alone: opset 17, which runtimes since 2022 read.

A recurrent operator takes the weights of all of its directions (R) in one array, with gates in an order of its own;
everything else is as in PyTorch.

Shapes: T steps, N streams, V vocabulary, D inputs, H hidden units, R directions (1 or 2).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import ModelConfig
from charrnn.errors import CharrnnError
from charrnn.export.layout import GATES, layer_suffixes
from charrnn.nn import make_cell

OPSET, IR_VERSION = 17, 8
ORDER = {"rnn": "a", "lstm": "iofg", "gru": "zrn"}  # of gates in ONNX, which calls g c and n h

Values = dict[
    str, tuple[Any, tuple[int | str, ...]]
]  # name -> type and shape, in which names are lengths that may vary


def new_graph() -> "Graph":
    """A graph without a node. Raises CharrnnError if the package onnx is missing."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise CharrnnError("--to onnx needs one more package: pip install onnx") from None
    return Graph(onnx)


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

    @property
    def number(self) -> Any:
        """The type of numbers."""
        return self.onnx.TensorProto.FLOAT

    @property
    def integer(self) -> Any:
        """The type of ids and lengths."""
        return self.onnx.TensorProto.INT64

    def model(self, inputs: Values, outputs: Values, metadata: dict[str, str]) -> bytes:
        """The whole model."""
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


def add_input(graph: Graph, arrays: Mapping[str, Array]) -> str:
    """Add what the first layer reads of the input `ids` (T, N): embedded symbols, or one-hot vectors; (T, N, D)."""
    if "embedding.weight" in arrays:
        return graph.add("Gather", [graph.constant("embedding", arrays["embedding.weight"], np.float32), "ids"], ["x"])
    depth = graph.constant("vocabulary", [arrays["rnn.weight_ih_l0"].shape[1]])
    return graph.add("OneHot", ["ids", depth, graph.constant("off_on", [0, 1], np.float32)], ["x"], axis=-1)


def add_levels(graph: Graph, config: ModelConfig, arrays: Mapping[str, Array], x: str) -> str:
    """Add layers of one or two directions that begin from zeros and heed the input `lengths` (N,).

    Returns: the output of the top level, (T, N, R * H).
    """
    graph.add("Cast", ["lengths"], ["lengths_32"], to=graph.onnx.TensorProto.INT32)
    for k in range(config.num_layers):
        x = _add_level(graph, config, arrays, k, x, [])
    return x


def add_carried(graph: Graph, config: ModelConfig, arrays: Mapping[str, Array], x: str) -> str:
    """Add layers of one direction from the inputs h_in, for an lstm also c_in, to the outputs h_out and c_out.

    Returns: the output of the top layer, or with skip connections the sum of those of all layers, (T, N, H).
    """
    states = make_cell(config.cell).states
    outputs = []
    for k in range(config.num_layers):
        position = graph.constant(f"layer_{k}", [k])
        initial = [graph.add("Gather", [f"{s}_in", position], [f"{s}_in_{k}"], axis=0) for s in states]
        x = _add_level(graph, config, arrays, k, x, initial)
        outputs.append(x)
    for s in states:
        graph.add("Concat", [f"{s}_out_{k}" for k in range(config.num_layers)], [f"{s}_out"], axis=0)
    return graph.add("Sum", outputs, ["total"]) if config.skip_connections else x


def carried_values(graph: Graph, config: ModelConfig, ending: str) -> Values:
    """The inputs or outputs of add_carried(), as `ending` says: in or out."""
    shape = (config.num_layers, "streams", config.hidden_size)
    return {f"{state}_{ending}": (graph.number, shape) for state in make_cell(config.cell).states}


def _add_level(
    graph: Graph, config: ModelConfig, arrays: Mapping[str, Array], k: int, x: str, initial: list[str]
) -> str:
    """Add level k; returns its output, (T, N, R * H). Its states are h_out_k and c_out_k, (R, N, H)."""
    suffixes = layer_suffixes(arrays)[k]
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


def add_last(graph: Graph, config: ModelConfig) -> str:
    """Add the last outputs of all directions of the top level, side by side, (N, R * H); returns their name."""
    graph.add("Transpose", [f"h_out_{config.num_layers - 1}"], ["last"], perm=[1, 0, 2])
    return graph.add("Reshape", ["last", graph.constant("flat", [0, -1])], ["pooled"])


def add_linear(graph: Graph, arrays: Mapping[str, Array], name: str, x: str, out: str) -> str:
    """Add a layer that does not recur: W x + b, or W x where there is no b; returns `out`, its output."""
    has_bias = f"{name}.bias" in arrays
    weight = graph.constant(f"{name}.weight", arrays[f"{name}.weight"].T, np.float32)
    product = graph.add("MatMul", [x, weight], [f"{name}.product" if has_bias else out])
    if has_bias:
        graph.add("Add", [product, graph.constant(f"{name}.bias", arrays[f"{name}.bias"], np.float32)], [out])
    return out


def add_inside(graph: Graph, value: str) -> str:
    """Add whether each step of a value (T, N, ...) lies within the length of its text, (T, N, 1); returns its name."""
    graph.add("Shape", [value], ["steps"], start=0, end=1)
    graph.add("Squeeze", ["steps"], ["count"])
    graph.add("Range", [graph.constant("zero", 0), "count", graph.constant("one", 1)], ["positions"])
    graph.add("Unsqueeze", ["positions", graph.constant("axes_1_2", [1, 2])], ["position"])  # (T, 1, 1)
    graph.add("Unsqueeze", ["lengths", graph.constant("last_axis", [-1])], ["length"])  # (N, 1)
    return graph.add("Less", ["position", "length"], ["inside"])
