"""The header of a checkpoint: everything in it that is not an array, as typed records.

It is read from JSON once, here. What the model needs (config and vocabulary) must be right, else the checkpoint is
damaged; what only describes its history may be missing, as in files of other versions. It holds no time, host or
path, so identical runs give identical headers.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from charrnn.config import Config, ModelConfig, TrainConfig, config_from_dict
from charrnn.data import END, SURROGATES, Labels, Symbols, Vocab
from charrnn.errors import CheckpointError, ConfigError
from charrnn.optim import Plateau


class Evaluation(NamedTuple):
    """One evaluation of a run: losses in nats per character, and two means since the evaluation before.

    Runs of 0.1.0 did not keep the last two.
    """

    step: int
    train_loss: float
    valid_loss: float | None
    grad_norm: float = 0.0
    clipped: float = 0.0  # share of the steps


@dataclass
class Sums:
    """Sums over the training steps since some moment."""

    nats: float = 0.0
    chars: int = 0
    norm: float = 0.0
    clipped: int = 0
    steps: int = 0

    def add(self, loss: float, chars: int, norm: float, clipped: bool) -> None:
        """Add one step: its mean loss over `chars` characters, its gradient norm, and whether it was clipped."""
        self.nats += loss * chars
        self.chars += chars
        self.norm += norm
        self.clipped += clipped
        self.steps += 1


@dataclass
class TrainingState:
    """How far a run has come. All of it is saved, and none of it depends on time."""

    step: int = 0
    chars: int = 0
    best: float | None = None  # lowest validation loss, nats per character
    best_step: int = 0
    waited: int = 0  # evaluations since the best one
    stopped: str = ""  # why the run ended early, if it did
    plateau: Plateau = field(default_factory=Plateau)
    halvings: int = 0  # of the learning rate: one for each rollback
    rollbacks: int = 0  # since the latest save that a rollback may return to
    records: int = 0  # lines of the log (not bytes: how long a time is when written out varies)
    history: list[Evaluation] = field(default_factory=list)  # the latest evaluations
    since_log: Sums = field(default_factory=Sums)
    since_eval: Sums = field(default_factory=Sums)

    @classmethod
    def from_dict(cls, values: Any) -> "TrainingState":
        """The state that to_dict() of a header wrote. Raises TypeError or ValueError if `values` is not one."""
        saved = dict(values)
        saved["plateau"] = Plateau(**saved["plateau"])
        saved["history"] = [Evaluation(*entry) for entry in saved.get("history", [])]
        for name in ("since_log", "since_eval"):
            saved[name] = Sums(**saved.get(name, {}))
        state = cls(**saved)
        for entry in fields(cls):
            value, default = getattr(state, entry.name), getattr(cls(), entry.name)
            if isinstance(default, int) and not isinstance(value, int):
                raise TypeError(f"{entry.name} is not a whole number")
        if not (state.best is None or isinstance(state.best, int | float)):
            raise TypeError("best is not a number")
        return state


@dataclass(frozen=True)
class Header:
    """A checkpoint's header.

    Attributes: `config`, resolved; `vocab`, None of a translator; `training`, how far the run had come, or None if the
    file does not say; `splits`, characters or examples in each split; `fingerprint`, the SHA-256 of each text;
    `versions` of what computed it; `labels`, of a model that classifies or tags; `by_0_2`, whether 0.1 or 0.2 wrote it,
    whose configs have no task and had other defaults; `source` and `target`, the symbols of both sides of a translator;
    `thresholds`, of yes/no labels, or none if they were not fitted; `teachers`, the SHA-256 of each.
    """

    config: Config
    vocab: Vocab | None
    training: TrainingState | None = None
    splits: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    labels: Labels | None = None
    by_0_2: bool = False
    source: Symbols | None = None
    target: Symbols | None = None
    thresholds: tuple[float, ...] = ()
    teachers: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The header as JSON data.

        The output directory, the number of workers, the minutes between saves and whether TensorBoard is served are
        left at their defaults: they do not affect the result.
        """
        train = replace(self.config.train, workers="auto", save_minutes=TrainConfig.save_minutes, tensorboard=False)
        config = replace(self.config, out=None, train=train)
        return {
            "config": config.to_dict(),
            "vocab": asdict(self.vocab) if self.vocab else None,
            "training": asdict(self.training) if self.training else None,
            "splits": dict(self.splits),
            "data": dict(self.fingerprint),
            "versions": dict(self.versions),
            **({"labels": asdict(self.labels)} if self.labels else {}),
            **({"source": asdict(self.source)} if self.source else {}),
            **({"target": asdict(self.target)} if self.target else {}),
            **({"thresholds": list(self.thresholds)} if self.thresholds else {}),
            **({"teachers": list(self.teachers)} if self.teachers else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], path: Path) -> "Header":
        """The header that to_dict() gave; `path` names the file in messages.

        Raises:
            CheckpointError: config, vocabulary, labels or symbols are missing or wrong.
        """
        try:
            config = config_from_dict(values["config"])
            translates = config.task == "translate"
            vocab = None if translates else saved_vocab(path, values["vocab"], config.task != "language")
        except ConfigError as error:
            raise CheckpointError(f"{path}: damaged ({'; '.join(map(str, error.faults))})") from None
        except (KeyError, TypeError):
            raise CheckpointError(f"{path}: damaged (its vocabulary or its config is missing)") from None
        if config.model.cell != "ngram" and None in (config.model.hidden_size, config.model.num_layers):
            raise CheckpointError(f"{path}: damaged (its config does not say the size of the network)")
        if config.task == "language" and config.model.cell != "ngram" and config.model.ngram is None:
            config = replace(config, model=replace(config.model, ngram=0))  # by a version that had none, or null for it
        counted: dict[str, Any] = {"plateau": {}} if config.model.cell == "ngram" else {}  # 0.2 did not write it there
        try:
            training = TrainingState.from_dict(counted | values["training"])
        except (KeyError, TypeError, ValueError):
            training = None
        splits, fingerprint, versions = (_mapping(values.get(name)) for name in ("splits", "data", "versions"))
        labelled = config.task in ("classify", "tag")
        labels = saved_labels(path, values.get("labels"), config) if labelled else None
        return cls(
            config=config,
            vocab=vocab,
            training=training,
            splits=splits,
            fingerprint=fingerprint,
            versions=versions,
            labels=labels,
            by_0_2="task" not in values["config"],
            source=saved_symbols(path, values.get("source")) if translates else None,
            target=saved_symbols(path, values.get("target")) if translates else None,
            thresholds=saved_thresholds(path, values.get("thresholds"), config, labels) if labels else (),
            teachers=tuple(map(str, _list(values.get("teachers")))),
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def saved_labels(path: Path, values: Any, config: Config) -> Labels:
    """The labels that a header holds. Raises CheckpointError if `values` is no such thing."""
    saved = _mapping(values)
    names, means, deviations = (_list(saved.get(name)) for name in ("names", "means", "deviations"))
    valid = len(names) > 0 and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    columns = len(names) if config.task == "classify" and config.model.output == "linear" else 0
    for numbers in (means, deviations):
        valid = valid and len(numbers) == columns and all(type(own) is float and isfinite(own) for own in numbers)
    if not (valid and all(own > 0 for own in deviations)):
        raise CheckpointError(f"{path}: damaged (its labels)")
    return Labels(tuple(names), tuple(means), tuple(deviations))


def saved_thresholds(path: Path, values: Any, config: Config, labels: Labels) -> tuple[float, ...]:
    """The thresholds that a header holds, if any. Raises CheckpointError if `values` is no such thing."""
    if values is None or config.task != "classify" or config.model.output != "sigmoid":
        return ()
    thresholds = _list(values)
    if len(thresholds) != len(labels) or not all(type(own) is float and 0 <= own <= 1 for own in thresholds):
        raise CheckpointError(f"{path}: damaged (its thresholds)")
    return tuple(thresholds)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def saved_symbols(path: Path, values: Any) -> Symbols:
    """The symbols of one side that a header holds. Raises CheckpointError if `values` is no such thing."""
    saved = _mapping(values)
    names = _list(saved.get("names"))
    valid = "names" in saved and all(isinstance(name, str) and name for name in names)
    if not valid or SURROGATES.search("".join(names)) or names != sorted(set(names)):
        raise CheckpointError(f"{path}: damaged (its symbols)")
    return Symbols(tuple(names))


def saved_vocab(path: Path, values: Any, of_task: bool) -> Vocab:
    """The vocabulary that a header holds. Raises as check_vocab(), and KeyError or TypeError without one."""
    vocab = Vocab(values["symbols"], values["has_unknown"], values["tokens"], values.get("end", ""))
    check_vocab(path, vocab, of_task)
    return vocab


def check_vocab(path: Path, vocab: Vocab, of_task: bool = False) -> None:
    """Check that a vocabulary from a file is one, with an unknown symbol for a task. Raises CheckpointError."""
    symbols = vocab.symbols
    valid = isinstance(symbols, str) and symbols and len(set(symbols)) == len(symbols)
    valid = valid and not SURROGATES.search(symbols) and type(vocab.has_unknown) is bool
    valid = valid and vocab.end in ("", "\n", END) and vocab.end in symbols
    valid = valid and (not of_task or (vocab.has_unknown and not vocab.end))
    all_bytes = replace(Vocab.of_bytes(vocab.end), has_unknown=of_task)
    if not (valid and (vocab.tokens == "char" or vocab == all_bytes)):
        raise CheckpointError(f"{path}: damaged (its vocabulary)")


def model_name(config: ModelConfig) -> str:
    """What tables call a model, for example "lstm 2 x 128"."""
    if config.cell == "ngram":
        return f"{config.order}-gram, {config.smoothing}"
    article = "an" if config.ngram in (8, 11, 18) else "a"
    inside = f" with {article} {config.ngram}-gram" if config.ngram else ""
    return f"{config.cell} {config.num_layers} x {config.hidden_size}{inside}"
