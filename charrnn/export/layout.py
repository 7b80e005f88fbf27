"""The parameters of a network in the layout of PyTorch's recurrent modules, which the other forms of a model share.

A matrix (G, D, H) of ours becomes (G * H, D), and the gates of an LSTM come in the order i, f, g, o. Each layer has two
biases in PyTorch: ours is the first, and the second is zero but for the candidate of a GRU that resets after the
product.

Names are those of a module that has `embedding`, `rnn` and `output`: rnn.weight_ih_l0, output.weight and so on.

Shapes: G gates, D inputs, H hidden units.
"""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from charrnn.arrays import Array
from charrnn.config import ModelConfig
from charrnn.data import Vocab
from charrnn.errors import CheckpointError
from charrnn.models import Network, NGramClassifier, SavedModel, TaskModel, TaskNetwork, TranslateModel
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


def network_of(saved: SavedModel) -> Network | TaskNetwork:
    """The network of a language model, classifier or tagger. Raises CheckpointError for any other model."""
    if isinstance(saved.model, TranslateModel):
        raise CheckpointError(f"{saved.path}: this is a translator, which can be exported to tensorboard only")
    if saved.config.model.ngram:
        raise CheckpointError(
            f"{saved.path}: an export cannot hold the n-gram inside this network (model.ngram); train one without"
        )
    if not isinstance(saved.model, TaskModel):
        return saved.network
    if isinstance(saved.model.network, NGramClassifier):
        raise CheckpointError(f"{saved.path}: these are n-grams, and a network is needed here")
    return saved.model.network


def vocab_of(saved: SavedModel) -> Vocab:
    """The characters that a model of network_of() reads."""
    assert saved.header.vocab is not None, "a translator has no vocabulary"
    return saved.header.vocab


def torch_arrays(network: Network | TaskNetwork) -> dict[str, Array]:
    """Name -> array of every parameter, as PyTorch has them; copies."""
    value, config = network.params.value, network.config
    order = gate_order(config.cell)
    arrays: dict[str, Array] = {}
    if config.embedding_size:
        arrays["embedding.weight"] = value["embedding"]
    for suffix in chain.from_iterable(layer_suffixes(network)):
        for kind in ("weight_ih", "weight_hh"):
            matrix = value[f"{kind}_{suffix}"][order]
            arrays[f"rnn.{kind}_{suffix}"] = matrix.swapaxes(1, 2).reshape(-1, matrix.shape[1])
        bias = value[f"bias_{suffix}"][order]
        hidden = np.zeros_like(bias)
        if f"bias_hn_{suffix}" in value:
            hidden[GATES["gru"].index("n")] = value[f"bias_hn_{suffix}"]
        arrays[f"rnn.bias_ih_{suffix}"] = bias.reshape(-1)
        arrays[f"rnn.bias_hh_{suffix}"] = hidden.reshape(-1)
    arrays["output.weight"] = value["output_weight"].T
    arrays["output.bias"] = value["output_bias"]
    return {name: np.array(array, order="C") for name, array in arrays.items()}


def own_arrays(arrays: Mapping[str, Array], config: ModelConfig) -> dict[str, Array]:
    """Undo torch_arrays(): the parameters of a network under our names.

    The two biases of PyTorch are added up, but for the candidate of a GRU, which has both here too. A layer without
    biases has biases of zero.

    Raises:
        ValueError: an array is not of the shape that the cell of `config` calls for.
    """
    order = gate_order(config.cell)
    own = {"output_weight": arrays["output.weight"].T, "output_bias": arrays["output.bias"]}
    if "embedding.weight" in arrays:
        own["embedding"] = arrays["embedding.weight"]
    for suffix in (name.removeprefix("rnn.weight_hh_") for name in arrays if name.startswith("rnn.weight_hh_")):
        for kind in ("weight_ih", "weight_hh"):
            matrix = arrays[f"rnn.{kind}_{suffix}"]
            planes = matrix.reshape(len(order), -1, matrix.shape[1]).swapaxes(1, 2)
            own[f"{kind}_{suffix}"] = _in_own_order(planes, order)
        none = np.zeros(len(matrix), matrix.dtype)
        bias, hidden = (arrays.get(f"rnn.bias_{kind}_{suffix}", none).reshape(len(order), -1) for kind in ("ih", "hh"))
        if config.cell == "gru" and config.reset == "after":
            candidate = GATES["gru"].index("n")
            own[f"bias_hn_{suffix}"] = hidden[candidate]
            hidden = np.where(np.arange(len(order))[:, None] == candidate, 0, hidden)
        own[f"bias_{suffix}"] = _in_own_order(bias + hidden, order)
    return {name: np.array(array, order="C") for name, array in own.items()}


def _in_own_order(planes: Array, order: Sequence[int]) -> Array:
    """The planes of gates in the order of PyTorch, (G, ...), in ours."""
    own = np.empty_like(planes)
    own[order] = planes
    return own
