"""Loading: a checkpoint, or a run directory's best one, read, verified and made into a model.

Nothing is taken on trust: see building.py. It writes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import (
    Corpus,
    ExampleCorpus,
    Layout,
    PairCorpus,
    load_corpus,
    load_examples,
    load_pairs,
    reads_standard_input,
)
from charrnn.errors import CheckpointError, NewerFormatError, TextError
from charrnn.models.building import AnyModel, build_model
from charrnn.models.gated_network import GatedNetwork
from charrnn.models.header import Header
from charrnn.models.known import NAME, known_documents
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from charrnn.models.task_model import TaskModel
from charrnn.models.translate_model import TranslateModel
from charrnn.storage import RunDirectory, checkpoint

KINDS = {"language": "language model", "classify": "classifier", "tag": "tagger", "translate": "translator"}


@dataclass
class SavedModel:
    """A verified checkpoint: the model, ready to use, and everything else that the file holds.

    Attributes: `model`; `header`; `arrays` by name, those of the optimizer and the carried state included; `path`;
    `note`, why another file of the run directory was not used, or "".
    """

    model: AnyModel
    header: Header
    arrays: dict[str, Array]
    path: Path
    note: str = ""

    @property
    def config(self) -> Config:
        """The resolved config that it was trained with."""
        return self.header.config

    @property
    def step(self) -> int:
        """The steps that it was trained for; 0 if the file does not say."""
        return self.header.training.step if self.header.training else 0

    @property
    def best_loss(self) -> float | None:
        """The best validation loss of its run, in nats per character; of a task, the best figure of train.best.

        None if the file does not say.
        """
        best = self.header.training.best if self.header.training else None
        return None if best is None else float(best)

    @property
    def name(self) -> str:
        """What tables call it: the run directory if the file is its best checkpoint, else the file."""
        folder = self.path.parent
        return str(folder if self.path == RunDirectory(folder).best and folder.name else self.path)

    @property
    def network(self) -> Network:
        """The model as a network; of a mixture, its network alone.

        Raises:
            CheckpointError: the model is an n-gram or another kind of model.
        """
        model = self.language_model
        if isinstance(model, GatedNetwork):
            return model.network
        if isinstance(model, NGram):
            raise CheckpointError(
                f"{self.path}: this is an n-gram, which has no weights, units or gradients; name a network"
            )
        return model

    @property
    def language_model(self) -> Network | NGram | GatedNetwork:
        """The model as one of a language. Raises CheckpointError if it is another kind of model."""
        if isinstance(self.model, TaskModel | TranslateModel):
            kind = KINDS[self.config.task]
            raise CheckpointError(f"{self.path}: this is a {kind}, not a language model; use charrnn predict")
        return self.model

    @property
    def task_model(self) -> TaskModel:
        """The model as a classifier or tagger. Raises CheckpointError if it is another kind of model."""
        if isinstance(self.model, TranslateModel):
            raise CheckpointError(f"{self.path}: this is a translator, and a classifier or tagger is needed here")
        if not isinstance(self.model, TaskModel):
            raise CheckpointError(f"{self.path}: this is a language model; use charrnn sample, or train a classifier")
        return self.model

    @property
    def translate_model(self) -> TranslateModel:
        """The model as a translator. Raises CheckpointError if it is another kind of model."""
        if not isinstance(self.model, TranslateModel):
            raise CheckpointError(f"{self.path}: this is a {KINDS[self.config.task]}, and a translator is needed here")
        return self.model

    def known_documents(self) -> Array:
        """The documents of the training text, as known_documents() gives them; the model is one of documents.

        Raises:
            CheckpointError: the file does not hold them.
        """
        if isinstance(self.language_model, NGram):
            return known_documents(self.language_model.ids, self.language_model.vocab)
        if NAME not in self.arrays:
            raise CheckpointError(
                f"{self.path}: this checkpoint does not say which documents it was trained on, so that new ones cannot "
                f"be told from them; train it again"
            )
        return self.arrays[NAME]

    def corpus(self) -> Corpus:
        """Read the text that a language model was trained on again.

        Raises:
            TextError: the text has changed, or came from standard input.
            CheckpointError: the model is not one of a language.
        """
        vocab = self.language_model.vocab
        self._check_readable()
        corpus = load_corpus(self.config, vocab)
        self._check_unchanged(corpus.fingerprint)
        return corpus

    def examples(self) -> ExampleCorpus:
        """Read the examples that a classifier or tagger was trained on again, in the same splits.

        Raises:
            TextError: the examples have changed, or came from standard input.
            CheckpointError: the model neither classifies nor tags.
        """
        model = self.task_model
        self._check_readable()
        corpus = load_examples(self.config)
        self._check_unchanged(corpus.fingerprint)
        if (corpus.vocab, corpus.labels) != (model.vocab, model.labels):
            raise CheckpointError(f"{self.path}: damaged (its vocabulary or labels are not those of its examples)")
        return corpus

    @property
    def layout(self) -> Layout:
        """How the files of its examples are laid out. Raises CheckpointError if it is a language model."""
        model = self.model if isinstance(self.model, TranslateModel) else self.task_model
        return model.rules.layout

    def pairs(self) -> PairCorpus:
        """Read the pairs that a translator was trained on again; errors are those of examples()."""
        model = self.translate_model
        self._check_readable()
        corpus = load_pairs(self.config)
        self._check_unchanged(corpus.fingerprint)
        if (corpus.source, corpus.target) != (model.source, model.target):
            raise CheckpointError(f"{self.path}: damaged (its symbols are not those of its examples)")
        return corpus

    def _check_readable(self) -> None:
        if reads_standard_input(self.config.data):
            raise TextError(
                "the text of this run came from standard input and was not kept; score a file instead",
                hint="name a FILE",
            )

    def _check_unchanged(self, fingerprint: Mapping[str, str]) -> None:
        if fingerprint != self.header.fingerprint:
            raise TextError(
                "the text has changed since this model was trained, so its splits are not the same; score a file "
                "instead",
                hint="name a FILE",
            )


def is_checkpoint(path: str | Path) -> bool:
    """Whether a path names a model rather than a text: a run directory, or a file that begins as checkpoints do."""
    path = Path(path)
    if path.is_dir():
        return RunDirectory(path).has_model
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except (OSError, ValueError):
        return False
    return start.startswith(b"PK\3\4") and b"header.npy" in start


def load(path: str | Path) -> AnyModel:
    """The model of a checkpoint or of a run directory, ready to sample and to score, or to predict.

    Raises:
        CheckpointError: the file is not a complete, valid checkpoint.
    """
    return load_checkpoint(path).model


def load_checkpoint(path: str | Path, dtype: npt.DTypeLike = np.float32) -> SavedModel:
    """Read a checkpoint and build its model. Of a run directory, read the best checkpoint, or the latest without one.

    Raises:
        CheckpointError: the file is not a complete, valid checkpoint, or its arrays do not fit its config.
    """
    if not str(path):  # as a path it would be the working directory
        raise CheckpointError("the name of the model is empty; name a checkpoint or a run directory")
    path = Path(path)
    if not path.is_dir():
        return _load(path, dtype)
    run = RunDirectory(path)
    return _first_valid(run, [run.best], [run.last, run.previous], dtype=dtype)


def load_latest(path: str | Path) -> SavedModel:
    """The complete state of a run directory after the most steps. Raises CheckpointError if no file is valid."""
    run = RunDirectory(path)
    return _first_valid(run, [run.last, run.previous])


def _first_valid(run: RunDirectory, *choices: list[Path], dtype: npt.DTypeLike = np.float32) -> SavedModel:
    """The first choice with a valid file; of several files in one choice, the one after the most steps.

    A file of a newer format ends the search at once: it is not damaged, and an older file must not replace it.
    """
    faults: list[CheckpointError] = []
    for paths in choices:
        valid: list[SavedModel] = []
        for path in filter(Path.exists, paths):
            try:
                valid.append(_load(path, dtype))
            except NewerFormatError:
                raise
            except CheckpointError as error:
                faults.append(error)
        if valid:
            latest = max(valid, key=lambda saved: saved.step)
            if faults:
                latest.note = "; ".join([*map(str, faults), f"{latest.path} (step {latest.step:,}) is read instead"])
            return latest
    if faults:
        raise faults[0]
    raise CheckpointError(
        f"{run.path}: this directory holds no checkpoint yet (no {run.best.name} and no {run.last.name})"
    )


def _load(path: Path, dtype: npt.DTypeLike) -> SavedModel:
    document, arrays = checkpoint.load(path)
    header = Header.from_dict(document, path)
    return SavedModel(build_model(path, header, arrays, dtype), header, arrays, path)
