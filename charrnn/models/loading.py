"""Loading: a checkpoint, or a run directory's best, read, verified, and made into a model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array
from charrnn.config import Config, ModelConfig, config_from_dict
from charrnn.data import Corpus, Vocab, load_corpus, reads_standard_input
from charrnn.errors import CheckpointError, ConfigError, NewerFormatError, TextError
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from charrnn.nn import NextCharacter, Stack, make_cell
from charrnn.storage import BEST, LAST, PREVIOUS, checkpoint


@dataclass
class SavedModel:
    """A checkpoint, verified and understood: the model, its config, and everything else that the file holds."""

    model: Network | NGram
    config: Config
    header: dict[str, Any]
    arrays: dict[str, Array]
    path: Path
    note: str = ""  # where it stands in for another one: what is wrong with that

    @property
    def step(self) -> int:
        """The steps that it was trained for; 0 where it does not say."""
        training = self.header.get("training")
        step = training.get("step") if isinstance(training, dict) else 0
        return step if isinstance(step, int) else 0

    @property
    def name(self) -> str:
        """What a table calls it: its run directory where it is that run's best, else the file."""
        folder = self.path.parent
        return str(folder if self.path.name == "best.npz" and folder.name else self.path)

    @property
    def network(self) -> Network:
        """The model where it is a network. Raises CheckpointError where it has no weights."""
        if isinstance(self.model, NGram):
            raise CheckpointError(f"{self.path}: this is an n-gram; it has no weights to train, adapt or begin from")
        return self.model


def is_checkpoint(path: str | Path) -> bool:
    """Whether a path names a model rather than a text: a run directory, or a file that begins as checkpoints do."""
    path = Path(path)
    if path.is_dir():
        return any((path / name).exists() for name in (BEST, LAST, PREVIOUS))
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except (OSError, ValueError):
        return False
    return start.startswith(b"PK\3\4") and b"header.npy" in start


def load_checkpoint(path: str | Path, dtype: npt.DTypeLike = np.float32) -> SavedModel:
    """Read a checkpoint and build its model; of a run directory the best, or what stands in for it.

    Raises CheckpointError where the file is no whole checkpoint, or its arrays are not those that its config calls for.
    """
    path = Path(path)
    return load_run(path, [BEST], [LAST, PREVIOUS], dtype=dtype) if path.is_dir() else _load(path, dtype)


def load_latest(folder: Path) -> SavedModel:
    """The complete state of a run directory after the most steps. Raises CheckpointError where none is whole."""
    return load_run(folder, [LAST, PREVIOUS])


def load_run(folder: Path, *choices: list[str], dtype: npt.DTypeLike = np.float32) -> SavedModel:
    """The first choice of a run directory that is whole: of several files, the one of the most steps, as they say.

    Raises CheckpointError where no file is, and at once for one of a newer format, to which nothing is wrong.
    """
    faults: list[CheckpointError] = []
    for names in choices:
        whole: list[SavedModel] = []
        for path in (folder / name for name in names if (folder / name).exists()):
            try:
                whole.append(_load(path, dtype))
            except NewerFormatError:
                raise
            except CheckpointError as error:
                faults.append(error)
        if whole:
            found = max(whole, key=lambda loaded: loaded.step)
            if faults:
                found.note = "; ".join([*map(str, faults), f"{found.path} (step {found.step:,}) is read instead"])
            return found
    if faults:
        raise faults[0]
    raise CheckpointError(f"{folder}: this directory holds no checkpoint yet (no {BEST} and no {LAST})")


def _load(path: Path, dtype: npt.DTypeLike) -> SavedModel:
    header, arrays = checkpoint.load(path)
    try:
        words = header["vocab"]
        vocab = Vocab(words["symbols"], words["has_unknown"], words["tokens"])
        config = config_from_dict(header["config"])
    except ConfigError as error:
        raise CheckpointError(f"{path}: damaged ({'; '.join(str(error).splitlines())})") from None
    except (KeyError, TypeError):
        raise CheckpointError(f"{path}: damaged (its vocabulary or its config is missing)") from None
    check_vocab(path, vocab)
    if config.model.cell == "ngram":
        ngram = load_ngram(path, config.model, vocab, arrays)
        return SavedModel(ngram, config, header, arrays, path)
    check_arrays(path, config.model, vocab, arrays)
    network = Network(config.model, vocab, dtype)
    for name, value in network.params.value.items():
        value[...] = arrays[name]
    return SavedModel(network, config, header, arrays, path)


def load_ngram(path: Path, config: ModelConfig, vocab: Vocab, arrays: dict[str, Array]) -> NGram:
    """An n-gram, counted again from the text that its checkpoint holds. Raises CheckpointError where that is none."""
    text = arrays.get("text")
    if text is None or text.ndim != 1 or text.dtype.kind != "u" or len(text) < config.order or text.max() >= vocab.size:
        raise CheckpointError(f"{path}: damaged (the array text is missing, or is no text of its vocabulary)")
    return NGram(vocab, text, config.order, config.smoothing)


def check_vocab(path: Path, vocab: Vocab) -> None:
    """Raises CheckpointError where a vocabulary is none."""
    symbols = vocab.symbols
    sound = isinstance(symbols, str) and symbols and len(set(symbols)) == len(symbols)
    sound = sound and not any("\ud800" <= symbol <= "\udfff" for symbol in symbols) and type(vocab.has_unknown) is bool
    if not (sound and (vocab.tokens == "char" or vocab == Vocab.of_bytes())):
        raise CheckpointError(f"{path}: damaged (its vocabulary)")


def check_arrays(path: Path, config: ModelConfig, vocab: Vocab, arrays: dict[str, Array]) -> None:
    """Compare names and shapes with those that the config calls for, before memory is taken for a network.

    Raises CheckpointError naming the array that differs.
    """
    cell = make_cell(config.cell, config.activation, config.reset)
    sizes = (vocab.size, config.embedding_size, config.hidden_size, config.num_layers, config.dropout)
    wanted = Stack(cell, *sizes).shapes() | NextCharacter(config.hidden_size, vocab.size).shapes()
    for name, shape in wanted.items():
        found = arrays.get(name)
        if found is None:
            raise CheckpointError(f"{path}: damaged (the array {name} is missing)")
        if found.shape != shape:
            raise CheckpointError(f"{path}: damaged (the array {name} is {found.shape}, its config calls for {shape})")


def load(path: str | Path) -> Network | NGram:
    """The model of a checkpoint, ready to sample and to score."""
    return load_checkpoint(path).model


def own_corpus(loaded: SavedModel) -> Corpus:
    """The text that a model was trained on, read again.

    Raises:
        TextError: it has changed, or came from standard input.
    """
    if reads_standard_input(loaded.config.data):
        raise TextError(
            "the text of this run came from standard input and was not kept; score a file instead", hint="name a FILE"
        )
    corpus = load_corpus(loaded.config, loaded.model.vocab)
    if corpus.fingerprint != loaded.header.get("data"):
        raise TextError(
            "the text has changed since this model was trained, so its splits are not the same; score a file instead",
            hint="name a FILE",
        )
    return corpus
