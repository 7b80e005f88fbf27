"""The parameters of a network in the layout of PyTorch's recurrent modules, which the other forms of a model share.

A matrix (G, D, H) of ours becomes (G * H, D), and the gates of an LSTM come in the order i, f, g, o. Each layer has two
biases in PyTorch: ours is the first, and the second is zero but for the candidate of a GRU that resets after the
product.

Names are those of a module that has `embedding`, `rnn` and `output`: rnn.weight_ih_l0, output.weight and so on. Of a
translator, the modules `encoder` and `decoder` have an `embedding` and an `rnn` each; see linear_layout.py for the rest
of it.

Shapes: G gates, D inputs, H hidden units.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby

import numpy as np

from charrnn.arrays import Array
from charrnn.config import ModelConfig
from charrnn.data import Vocab
from charrnn.errors import CheckpointError
from charrnn.export.linear_layout import own_linears, torch_linears
from charrnn.models import (
    AnyNetwork,
    GatedNetwork,
    NGramClassifier,
    SavedModel,
    TaskModel,
    TranslateModel,
    TranslateNetwork,
    without_gate,
)
from charrnn.nn import make_cell

GATES = {"rnn": "a", "lstm": "ifgo", "gru": "rzn"}  # of PyTorch, in its order
PARTS = {"encoder_": "encoder.", "decoder_": "decoder."}  # of a translator: what our names and PyTorch's begin with


def gate_order(cell: str) -> list[int]:
    """The positions in our order of the gates of a cell, in the order of PyTorch."""
    own = make_cell(cell).gates
    return [own.index(gate) for gate in GATES[cell]]


def layer_suffixes(names: Iterable[str]) -> list[list[str]]:
    """What the parameters' names of each layer end in, from the input upwards; one or two directions for each level.

    Arguments: `names`, of ours or of PyTorch's, in the order of the layers.
    """
    suffixes = [name.partition("weight_hh_")[2] for name in names if "weight_hh_" in name]
    return [list(level) for _, level in groupby(suffixes, lambda suffix: suffix.removesuffix("_reverse"))]


def alone(saved: SavedModel) -> SavedModel:
    """A network with an n-gram inside as the network alone, which is what the forms hold; any other model as it is.

    Of its training, the network alone keeps the steps, and not the losses.
    """
    if not isinstance(saved.model, GatedNetwork):
        return saved
    network = without_gate(saved.model.network)
    config = replace(saved.config, model=network.config)
    training = saved.header.training
    if training:  # its losses were those of the mixture
        training = replace(training, best=None, best_step=0, history=[])
    return replace(saved, model=network, header=replace(saved.header, config=config, training=training))


def network_of(saved: SavedModel) -> AnyNetwork:
    """The network of a model that alone() gave. Raises CheckpointError for an n-gram."""
    if isinstance(saved.model, TranslateModel):
        return saved.model.network
    if not isinstance(saved.model, TaskModel):
        return saved.network
    if isinstance(saved.model.network, NGramClassifier):
        raise CheckpointError(f"{saved.path}: these are n-grams, which have no weights; name a network")
    return saved.model.network


def vocab_of(saved: SavedModel) -> Vocab:
    """The characters that a model of network_of() reads."""
    assert saved.header.vocab is not None, "a translator has no vocabulary"
    return saved.header.vocab


def part_of(named: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in named.items() if name.startswith(prefix)}


def torch_arrays(network: AnyNetwork) -> dict[str, Array]:
    """Name -> array of every parameter, as PyTorch has them; copies."""
    value, cell = network.params.value, network.config.cell
    parts = PARTS if isinstance(network, TranslateNetwork) else {"": ""}
    arrays = {
        theirs + name: array
        for ours, theirs in parts.items()
        for name, array in _torch_stack(part_of(value, ours), cell).items()
    }
    arrays |= torch_linears(value)
    return {name: np.array(array, order="C") for name, array in arrays.items()}


def _torch_stack(value: Mapping[str, Array], cell: str) -> dict[str, Array]:
    """The parameters of recurrent layers and of the embedding below them."""
    order = gate_order(cell)
    arrays = {"embedding.weight": value["embedding"]} if "embedding" in value else {}
    for suffix in chain.from_iterable(layer_suffixes(value)):
        for kind in ("weight_ih", "weight_hh"):
            matrix = value[f"{kind}_{suffix}"][order]
            arrays[f"rnn.{kind}_{suffix}"] = matrix.swapaxes(1, 2).reshape(-1, matrix.shape[1])
        bias = value[f"bias_{suffix}"][order]
        hidden = np.zeros_like(bias)
        if f"bias_hn_{suffix}" in value:
            hidden[GATES["gru"].index("n")] = value[f"bias_hn_{suffix}"]
        arrays[f"rnn.bias_ih_{suffix}"] = bias.reshape(-1)
        arrays[f"rnn.bias_hh_{suffix}"] = hidden.reshape(-1)
    return arrays


def own_arrays(arrays: Mapping[str, Array], config: ModelConfig) -> dict[str, Array]:
    """Undo torch_arrays(): the parameters of a network under our names.

    The two biases of PyTorch are added up, but for the candidate of a GRU, which has both here too. A layer without
    biases has biases of zero.

    Raises:
        ValueError, KeyError, IndexError: an array is missing, or not of the shape that the cell of `config` calls for.
    """
    parts = PARTS if "bridge.weight" in arrays else {"": ""}
    own = {
        ours + name: array
        for ours, theirs in parts.items()
        for name, array in _own_stack(part_of(arrays, theirs), config).items()
    }
    own |= own_linears(arrays)
    return {name: np.array(array, order="C") for name, array in own.items()}


def _own_stack(arrays: Mapping[str, Array], config: ModelConfig) -> dict[str, Array]:
    """Undo _torch_stack()."""
    order = gate_order(config.cell)
    own = {"embedding": arrays["embedding.weight"]} if "embedding.weight" in arrays else {}
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
    return own


def _in_own_order(planes: Array, order: Sequence[int]) -> Array:
    """The planes of gates in the order of PyTorch, (G, ...), in ours."""
    own = np.empty_like(planes)
    own[order] = planes
    return own
