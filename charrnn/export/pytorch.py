"""Models as safetensors files in the layout of PyTorch, and files of PyTorch's weights as models.

A file that is written here holds the header of the checkpoint under `charrnn` and the vocabulary under `symbols`; of a
translator the header alone, which has the symbols of both sides. Of a file from elsewhere, only `symbols` is needed:
everything else follows from the names and shapes of its arrays. Its modules may have any names.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.errors import CheckpointError
from charrnn.export.layout import GATES, alone, network_of, own_arrays, torch_arrays, vocab_of
from charrnn.export.tensor_file import read_tensors, write_tensors
from charrnn.models import (
    Header,
    SavedModel,
    check_arrays,
    parameter_shapes,
    task_of,
    task_shapes,
    translate_shapes,
    translation_of,
)

HEADER, SYMBOLS, ACTIVATION = "charrnn", "symbols", "activation"  # names of strings in a file
RECURRENT = re.compile(r"(weight|bias)_(ih|hh)_l\d+(_reverse)?")


def to_safetensors(saved: SavedModel) -> bytes:
    """A safetensors file with the weights of a network, in float32; without the n-gram inside one.

    Raises:
        CheckpointError: the model is an n-gram, or PyTorch has no such cell.
    """
    saved = alone(saved)
    arrays, config = torch_arrays(network_of(saved)), saved.config.model
    if config.cell == "gru" and config.reset == "before":
        raise CheckpointError(
            f"{saved.path}: PyTorch has no GRU with model.reset: before; export it to onnx, or train one with after"
        )
    if config.cell == "rnn" and config.activation == "sigmoid":
        raise CheckpointError(
            f"{saved.path}: PyTorch has no RNN with activation: sigmoid; export it to onnx, or train one with tanh"
        )
    return write_tensors(arrays, {"format": "pt", **strings_of(saved)})


def strings_of(saved: SavedModel) -> dict[str, str]:
    """What a file says of its model beside the weights: the header, and the vocabulary but of a translator."""
    strings = {HEADER: json.dumps(saved.header.to_dict())}
    return strings if saved.config.task == "translate" else strings | {SYMBOLS: vocab_of(saved).symbols}


def from_safetensors(path: Path) -> tuple[Header, dict[str, Array]]:
    """A model from a safetensors file: the header and the parameters of a checkpoint.

    Raises:
        CheckpointError: the file cannot be read, does not hold such a model, or has weights that are not finite.
    """
    arrays, strings = read_tensors(path)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"{path}: the array {name} holds numbers that are NaN or infinite; import weights from before that"
            )
    header = _saved_header(path, strings)
    if header is None or header.config.task != "translate":
        arrays = named_as_ours(path, arrays)
    if header is None:
        header = Header.from_dict(_header_values(path, arrays, strings), path)
    try:
        own = own_arrays(arrays, header.config.model)
    except (ValueError, KeyError, IndexError):
        raise CheckpointError(f"{path}: its arrays are not those of a {header.config.model.cell}") from None
    check_arrays(path, _shapes(header), own)
    return header, own


def named_as_ours(path: Path, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays under the names of torch_arrays(), whatever the modules are called.

    The output layer is the module with a bias; the embedding is the other one. Raises CheckpointError.
    """
    modules: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        module, _, parameter = name.rpartition(".")
        modules.setdefault(module, {})[parameter] = array
    own: dict[str, Array] = {}
    for module, parameters in modules.items():
        if all(RECURRENT.fullmatch(parameter) for parameter in parameters):
            kind = "rnn"
        elif parameters.keys() == {"weight", "bias"}:
            kind = "output"
        elif parameters.keys() == {"weight"}:
            kind = "embedding"
        else:
            unknown = sorted(f"{module}.{parameter}".strip(".") for parameter in parameters)
            raise CheckpointError(f"{path}: {unknown[0]} belongs to no RNN, LSTM, GRU, Embedding or Linear of PyTorch")
        if any(name.startswith(f"{kind}.") for name in own):
            raise CheckpointError(f"{path}: {module} is a second module of the kind {kind}; a model here has one")
        own |= {f"{kind}.{parameter}": array for parameter, array in parameters.items()}
    suffixes = {"l0", *(name.split("_", 2)[2] for name in own if name.startswith("rnn."))}
    recurrent = [f"rnn.weight_{kind}_{suffix}" for suffix in sorted(suffixes) for kind in ("ih", "hh")]
    embedding = [name for name in own if name.startswith("embedding.")]
    for name in (*recurrent, *embedding, "output.weight"):
        if name not in own or own[name].ndim != 2:
            raise CheckpointError(
                f"{path}: there is no matrix {name}; save an RNN, LSTM or GRU of PyTorch with its Linear"
            )
    return own


def _saved_header(path: Path, strings: Mapping[str, str]) -> Header | None:
    """The header that the file holds; None without one."""
    if HEADER not in strings:
        return None
    try:
        values = dict(json.loads(strings[HEADER]))
    except (ValueError, TypeError, RecursionError):
        raise CheckpointError(f"{path}: damaged (its string {HEADER})") from None
    return Header.from_dict(values, path)


def _header_values(path: Path, own: Mapping[str, Array], strings: Mapping[str, str]) -> dict[str, Any]:
    """The header of a language model that follows from the arrays of a file."""
    if not strings.get(SYMBOLS):
        raise CheckpointError(
            f"{path}: does not say which characters its ids stand for; save it with metadata={{'{SYMBOLS}': TEXT}}, of "
            f"all characters in the order of their ids"
        )
    outputs = len(own["output.weight"])
    if len(strings[SYMBOLS]) != outputs:
        raise CheckpointError(
            f"{path}: its string {SYMBOLS} has {len(strings[SYMBOLS]):,} characters, but the model predicts one of "
            f"{outputs:,}; give one for each id"
        )
    rows, hidden = own["rnn.weight_hh_l0"].shape
    cell = {len(gates) * hidden: cell for cell, gates in GATES.items()}.get(rows)
    model: dict[str, Any] = {
        "cell": cell,
        "hidden_size": hidden,
        "num_layers": sum(bool(re.fullmatch(r"rnn\.weight_hh_l\d+", name)) for name in own),
        "dropout": 0.0,
    }
    if "embedding.weight" in own:
        model["embedding_size"] = own["embedding.weight"].shape[-1]
    if ACTIVATION in strings:
        model["activation"] = strings[ACTIVATION]
    vocab = {"symbols": strings[SYMBOLS], "has_unknown": False, "tokens": "char"}
    return {"config": {"task": "language", "data": {"path": f"{path.stem}.txt"}, "model": model}, "vocab": vocab}


def _shapes(header: Header) -> dict[str, Shape]:
    """Name -> shape of every parameter that a header calls for."""
    config = header.config
    if header.source is not None and header.target is not None:
        return translate_shapes(config.model, translation_of(config, header.source, header.target))
    assert header.vocab is not None, "a model that is no translator has a vocabulary"
    if header.labels is None:
        return parameter_shapes(config.model, header.vocab.size)
    return task_shapes(config.model, task_of(config, header.vocab, header.labels))
