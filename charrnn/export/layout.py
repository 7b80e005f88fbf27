"""The parameters of a network in the layout of PyTorch's recurrent modules, which the other forms of a model share.

A matrix (G, D, H) of ours becomes (G * H, D), and the gates of an LSTM come in the order i, f, g, o. Each layer has two
biases in PyTorch: ours is the first, and the second is zero but for the candidate of a GRU that resets after the
product.

Names are those of a module that has `embedding`, `rnn` and `output`: rnn.weight_ih_l0, output.weight and so on.

Shapes: G gates, D inputs, H hidden units.
"""

from collections.abc import Mapping
from itertools import chain

import numpy as np

from charrnn.arrays import Array
from charrnn.models import Network, TaskNetwork
from charrnn.nn import make_cell

GATES = {"rnn": "a", "lstm": "ifgo", "gru": "rzn"}  # of PyTorch, in its order


def gate_order(cell: str) -> list[int]:
    """The positions in our order of the gates of a cell, in the order of PyTorch."""
    own = make_cell(cell).gates
    return [own.index(gate) for gate in GATES[cell]]


def layer_suffixes(network: Network | TaskNetwork) -> list[list[str]]:
    """What the parameters' names of each layer end in, from the input upwards; one or two directions for each level."""
    directions = ["", "_reverse"] if isinstance(network, TaskNetwork) and network.task.bidirectional else [""]
    return [[f"l{k}{direction}" for direction in directions] for k in range(network.config.num_layers)]


def own_name(kind: str, suffix: str) -> str:
    """Our name of a parameter of a layer: weight_ih_l0, bias_l1_reverse."""
    return f"{kind}_{suffix}"


def torch_arrays(network: Network | TaskNetwork) -> dict[str, Array]:
    """Name -> array of every parameter, as PyTorch has them; copies."""
    value, config = network.params.value, network.config
    order = gate_order(config.cell)
    arrays: dict[str, Array] = {}
    if config.embedding_size:
        arrays["embedding.weight"] = value["embedding"]
    for suffix in chain.from_iterable(layer_suffixes(network)):
        for kind in ("weight_ih", "weight_hh"):
            matrix = value[own_name(kind, suffix)][order]
            arrays[f"rnn.{kind}_{suffix}"] = matrix.swapaxes(1, 2).reshape(-1, matrix.shape[1])
        bias = value[own_name("bias", suffix)][order]
        hidden = np.zeros_like(bias)
        if own_name("bias_hn", suffix) in value:
            hidden[GATES["gru"].index("n")] = value[own_name("bias_hn", suffix)]
        arrays[f"rnn.bias_ih_{suffix}"] = bias.reshape(-1)
        arrays[f"rnn.bias_hh_{suffix}"] = hidden.reshape(-1)
    arrays["output.weight"] = value["output_weight"].T
    arrays["output.bias"] = value["output_bias"]
    return {name: np.array(array, order="C") for name, array in arrays.items()}


def set_torch_arrays(network: Network | TaskNetwork, arrays: Mapping[str, Array]) -> None:
    """Set all parameters of a network to arrays in the layout of torch_arrays(), which must have its shapes.

    The two biases of PyTorch are added up, but for the candidate of a GRU, which has both here too.
    """
    value, config = network.params.value, network.config
    order = gate_order(config.cell)
    if config.embedding_size:
        value["embedding"][...] = arrays["embedding.weight"]
    for suffix in chain.from_iterable(layer_suffixes(network)):
        for kind in ("weight_ih", "weight_hh"):
            matrix = arrays[f"rnn.{kind}_{suffix}"]
            value[own_name(kind, suffix)][order] = matrix.reshape(len(order), -1, matrix.shape[1]).swapaxes(1, 2)
        bias = arrays[f"rnn.bias_ih_{suffix}"].reshape(len(order), -1).copy()
        hidden = arrays[f"rnn.bias_hh_{suffix}"].reshape(len(order), -1).copy()
        if own_name("bias_hn", suffix) in value:
            candidate = hidden[GATES["gru"].index("n")]
            value[own_name("bias_hn", suffix)][...] = candidate
            candidate[...] = 0
        value[own_name("bias", suffix)][order] = bias + hidden
    value["output_weight"][...] = arrays["output.weight"].T
    value["output_bias"][...] = arrays["output.bias"]
