"""Models of the arrays of a checkpoint, by what its header says.

Names and shapes of the arrays must be those that the config calls for, before memory is taken for a network.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape
from charrnn.config import ModelConfig
from charrnn.data import Examples, Vocab, pair_rules_of, rules_of
from charrnn.errors import CheckpointError
from charrnn.models.gated_network import GatedNetwork
from charrnn.models.header import Header
from charrnn.models.known import check_known
from charrnn.models.network import Network, parameter_shapes
from charrnn.models.ngram import NGram, Smoothing
from charrnn.models.ngram_classifier import NGramClassifier
from charrnn.models.task_model import TaskModel, task_of
from charrnn.models.task_network import TaskNetwork, task_shapes
from charrnn.models.translate_model import TranslateModel, translation_of
from charrnn.models.translate_network import TranslateNetwork
from charrnn.models.translate_parts import translate_shapes

AnyModel = Network | NGram | GatedNetwork | TaskModel | TranslateModel
AnyNetwork = Network | TaskNetwork | TranslateNetwork


def build_model(path: Path, header: Header, arrays: dict[str, Array], dtype: npt.DTypeLike) -> AnyModel:
    """The model of a checkpoint. Raises CheckpointError if the arrays do not fit the header."""
    if header.config.task == "translate":
        return build_translator(path, header, arrays, dtype)
    if header.config.task != "language":
        return build_task(path, header, arrays, dtype)
    config = header.config.model
    if config.cell == "ngram":
        return build_ngram(path, header, arrays, config.order, config.smoothing)
    network = build_network(path, header, arrays, dtype)
    if config.ngram:
        return GatedNetwork(network, build_ngram(path, header, arrays, config.ngram, "kneser-ney"))
    return network


def build_network(path: Path, header: Header, arrays: dict[str, Array], dtype: npt.DTypeLike) -> Network:
    """A recurrent language model. Raises CheckpointError if the arrays do not fit the header."""
    config, vocab = header.config.model, header.vocab
    assert vocab is not None, "a language model has a vocabulary"
    check_arrays(path, parameter_shapes(config, vocab.size), arrays)
    check_known(path, vocab, arrays)
    network = Network(config, vocab, dtype)
    _fill(network.params.value, arrays)
    return network


def build_ngram(path: Path, header: Header, arrays: dict[str, Array], order: int, smoothing: Smoothing) -> NGram:
    """An n-gram, counted again from the text in its checkpoint. Raises CheckpointError if that text is invalid."""
    vocab = header.vocab
    assert vocab is not None, "a language model has a vocabulary"
    text = arrays.get("text")
    if text is None or text.ndim != 1 or text.dtype.kind != "u" or len(text) < order or text.max() >= vocab.size:
        raise CheckpointError(f"{path}: damaged (the array text is missing, or is no text of its vocabulary)")
    if vocab.end_id is not None and text[-1] != vocab.end_id:
        raise CheckpointError(f"{path}: damaged (the last document in the array text has no end)")
    return NGram(vocab, text, order, smoothing)


def build_task(path: Path, header: Header, arrays: dict[str, Array], dtype: npt.DTypeLike) -> TaskModel:
    """A classifier or tagger. Raises CheckpointError if the arrays do not fit the header."""
    config, vocab, labels = header.config, header.vocab, header.labels
    assert vocab is not None, "a model of labels has a vocabulary"
    assert labels is not None, "a model of labels has some"
    _check_format(path, header)
    if config.model.cell == "ngram":
        counted = build_counted(path, vocab, len(labels), arrays, config.model)
        return TaskModel(config, counted, vocab, labels, rules_of(config))
    task = task_of(config, vocab, labels)
    check_arrays(path, task_shapes(config.model, task), arrays)
    network = TaskNetwork(config.model, task, dtype)
    _fill(network.params.value, arrays)
    return TaskModel(config, network, vocab, labels, rules_of(config), header.thresholds)


def build_counted(
    path: Path, vocab: Vocab, classes: int, arrays: dict[str, Array], config: ModelConfig
) -> NGramClassifier:
    """N-grams of labels, counted again from the examples of a file. Raises CheckpointError if they are invalid."""
    nothing = np.zeros(0)
    text, bounds, targets = (arrays.get(name, nothing) for name in ("text", "bounds", "targets"))
    if not _are_examples(text, bounds, targets, vocab.size, classes):
        raise CheckpointError(f"{path}: damaged (the arrays text, bounds and targets are missing, or are no examples)")
    return NGramClassifier(vocab, Examples(text, bounds, targets), classes, config.order, config.smoothing)


def _are_examples(text: Array, bounds: Array, targets: Array, size: int, classes: int) -> bool:
    """Whether arrays of a file are symbols (len,) below `size`, bounds (n + 1,), and labels (n,) below `classes`."""
    flat = all(own.ndim == 1 and own.dtype.kind in "iu" and len(own) for own in (text, bounds, targets))
    if not flat or len(bounds) != len(targets) + 1 or bounds[0] != 0 or bounds[-1] != len(text):
        return False
    within = text.min() >= 0 and text.max() < size and targets.min() >= 0 and targets.max() < classes
    return bool(within and (bounds[1:] > bounds[:-1]).all())


def build_translator(path: Path, header: Header, arrays: dict[str, Array], dtype: npt.DTypeLike) -> TranslateModel:
    """A translator. Raises CheckpointError if the arrays do not fit the header."""
    config, source, target = header.config, header.source, header.target
    assert source is not None, "a translator reads symbols"
    assert target is not None, "a translator writes symbols"
    _check_format(path, header)
    translation = translation_of(config, source, target)
    check_arrays(path, translate_shapes(config.model, translation), arrays)
    network = TranslateNetwork(config.model, translation, dtype)
    _fill(network.params.value, arrays)
    return TranslateModel(config, network, source, target, pair_rules_of(config))


def check_arrays(path: Path, shapes: Mapping[str, Shape], arrays: dict[str, Array]) -> None:
    """Check names and shapes against those that the config calls for. Raises CheckpointError naming the array."""
    for name, shape in shapes.items():
        found = arrays.get(name)
        if found is None:
            raise CheckpointError(f"{path}: damaged (the array {name} is missing)")
        if found.shape != shape:
            raise CheckpointError(f"{path}: damaged (the array {name} is {found.shape}, its config calls for {shape})")


def _check_format(path: Path, header: Header) -> None:
    if header.config.data.format == "auto":
        raise CheckpointError(f"{path}: damaged (the format of its examples)")


def _fill(values: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    for name, value in values.items():
        value[...] = arrays[name]
