"""The table of keys: every section of a config is a dataclass, and every key is a field of one.

Validation, the reference and the JSON Schema are derived from this table. To add a key, add a field.
This module imports no NumPy, so that a faulty config is reported at once.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, replace
from typing import Any, Literal

import yaml

from charrnn.config.table import Condition, Key, key, key_table, leaves_of


@dataclass(frozen=True)
class DocumentsConfig:
    """Whether the text is a set of documents, and how they are told apart."""

    kind: Literal["none", "line", "paragraph", "file"] = key(
        "none",
        "none: the text is one stream, and a model reads across lines. line: each line is a document. paragraph: "
        "documents stand between empty lines. file: each file of data.path is one.",
    )
    separator: str | None = key(
        None, "A text that stands between two documents; it may span lines. It goes with kind: none only."
    )

    def __bool__(self) -> bool:
        """Whether the text is a set of documents."""
        return self.kind != "none" or self.separator is not None


@dataclass(frozen=True)
class DataConfig:
    """The text and how it is read."""

    path: str | tuple[str, ...] = key(
        MISSING,
        "The text: a file, a directory (every file below it), a glob, or a list of these, joined in that order. "
        "Files that end in .gz, .bz2, .xz (and .zst with the extra zstd) are decompressed. Relative to the working "
        "directory; shipped:tales.txt is the text that comes with charrnn.",
    )
    tokens: Literal["char", "byte"] = key("char", "What the model reads: characters, or raw bytes.")
    encoding: str = key("utf-8", "Encoding of the text; invalid text is an error. Not used with tokens: byte.")
    normalize: Literal["none", "nfc"] = key("none", "Unicode normalisation; none leaves the text unchanged.")
    lowercase: bool = key(False, "Convert the text to lower case.")
    min_count: int = key(
        1,
        "Characters that occur fewer times than this in the training text are replaced by one unknown character.",
        low=1,
    )
    documents: DocumentsConfig = key(
        DocumentsConfig(),
        "Read the text as a set of documents, such as names, molecules or poems: each is drawn, scored and split "
        "whole, and nothing of the one before is remembered. A word alone is the kind.",
    )
    split: Literal["auto", "contiguous", "streams", "random"] = key(
        "auto",
        "contiguous: cut the text into train, valid and test, in that order. streams: lay the text out as "
        "train.batch_size parallel streams and cut each of them into train, valid and test, so that every split covers "
        "all parts of the text. The cuts fall on blocks of train.seq_length; an incomplete last block is left out. "
        "random: draw whole documents; equal documents go into one split. auto: random with data.documents, else "
        "contiguous.",
    )
    split_seed: int = key(
        1,
        "Seed of split random. It is apart from seed, so that models with other seeds hold out the same documents.",
        low=0,
        high=2**63 - 1,
    )
    fractions: tuple[float, float, float] = key(
        (0.9, 0.05, 0.05),
        "Fractions of the text, or of its documents, for train, valid and test; they sum to 1.",
        low=0,
        high=1,
    )
    valid_path: str | tuple[str, ...] | None = key(
        None, "A separate text for validation; all of data.path is then training text."
    )
    test_path: str | tuple[str, ...] | None = key(
        None, "A separate text for testing; all of data.path is then training text."
    )

    def resolved(self) -> "DataConfig":
        """The same with split auto replaced by what it stands for."""
        if self.split != "auto":
            return self
        return replace(self, split="random" if self.documents else "contiguous")


@dataclass(frozen=True)
class InitConfig:
    """How the parameters are initialised."""

    scheme: Literal["fan_in", "uniform", "normal", "orthogonal"] = key(
        "fan_in",
        "fan_in: uniform within +-scale / sqrt(hidden_size), as in PyTorch. uniform: uniform within +-scale. normal: "
        "normal with standard deviation scale. orthogonal: recurrent matrices are orthogonal, times scale (Saxe et al. "
        "2014), and all other parameters as with fan_in.",
    )
    scale: float | None = key(
        None, "Scale of the scheme; null: 1 for fan_in and orthogonal, 0.08 for uniform and normal.", above=0
    )


@dataclass(frozen=True)
class ModelConfig:
    """The model."""

    cell: Literal["rnn", "lstm", "gru", "ngram"] = key(
        "lstm",
        "The recurrent cell, or ngram: a Markov model that is counted in seconds instead of trained, as a baseline. An "
        "n-gram ignores every model key but order and smoothing, and all of train except batch_size and seq_length "
        "under data.split: streams.",
    )
    order: int = key(
        7,
        "The n of the n-gram. It counts the predicted character: an n-gram predicts from the n - 1 characters before.",
        low=1,
        high=20,
        only=Condition("model.cell", ("ngram",)),
    )
    smoothing: Literal["kneser-ney", "witten-bell", "additive"] = key(
        "kneser-ney",
        "How the n-gram gives probability to what it has not seen. kneser-ney: interpolated, modified (Chen and "
        "Goodman 1998). witten-bell: interpolated. additive: add one to every count.",
        only=Condition("model.cell", ("ngram",)),
    )
    hidden_size: int = key(256, "Hidden units in each layer.", low=1, high=65536)
    num_layers: int = key(2, "Number of stacked recurrent layers.", low=1, high=64)
    embedding_size: int | None = key(
        None, "Size of a learned character embedding; null: each character selects a row of the input weights.", low=1
    )
    dropout: float = key(0.0, "Fraction of the values between layers that is dropped in training.", low=0, below=1)
    activation: Literal["tanh", "relu", "sigmoid"] = key(
        "tanh", "Activation function of the plain RNN.", only=Condition("model.cell", ("rnn",))
    )
    reset: Literal["after", "before"] = key(
        "after",
        "Where the GRU applies its reset gate: after the recurrent product, as PyTorch, or before it (Cho et al. "
        "2014).",
        only=Condition("model.cell", ("gru",)),
    )
    forget_bias: float = key(1.0, "Initial bias of the LSTM's forget gate.", only=Condition("model.cell", ("lstm",)))
    init: InitConfig = key(InitConfig(), "How the parameters are initialised; a word alone is the scheme.")


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate changes."""

    kind: Literal["constant", "exponential", "cosine", "plateau"] = key(
        "constant",
        "constant: the rate does not change. exponential: multiply it by factor at each epoch after start_epoch. "
        "cosine: lower it to floor at the last step (Loshchilov and Hutter 2017). plateau: multiply it by factor when "
        "the validation loss has not improved.",
    )
    factor: float = key(0.95, "exponential and plateau: what the rate is multiplied by.", above=0, high=1)
    start_epoch: int = key(10, "exponential: the last epoch at the full rate.", low=0)
    floor: float = key(0.05, "cosine and plateau: the lowest rate, as a fraction of learning_rate.", low=0, high=1)
    patience: int = key(2, "plateau: evaluations without improvement before the rate falls.", low=1)


@dataclass(frozen=True)
class TrainConfig:
    """Training."""

    seq_length: int = key(100, "Length of the windows of truncated backpropagation through time, in characters.", low=1)
    batch_size: int = key(32, "Number of text streams that are read in parallel.", low=1)
    epochs: int | None = key(30, "Passes over the training text; null: no limit but max_steps.", low=1)
    max_steps: int | None = key(
        None, "Limit on the number of steps. The run ends at epochs or max_steps, whichever comes first.", low=1
    )
    optimizer: Literal["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"] = key("adam", "The optimizer.")
    learning_rate: float = key(2e-3, "Learning rate, before the schedule is applied.", above=0)
    schedule: ScheduleConfig = key(ScheduleConfig(), "How the learning rate changes; a word alone is the kind.")
    warmup_steps: int = key(0, "Steps over which the learning rate rises linearly from zero.", low=0)
    momentum: float = key(0.9, "Momentum coefficient of the optimizer momentum.", low=0, below=1)
    betas: tuple[float, float] = key(
        (0.9, 0.999), "Decay rates of the two moments of the gradient in adam and adamw.", low=0, below=1
    )
    rho: float = key(0.99, "Decay rate of the squared gradient in rmsprop.", low=0, below=1)
    epsilon: float = key(1e-8, "Added to the denominator in adagrad, rmsprop, adam and adamw.", above=0)
    weight_decay: float = key(
        0.0, "Coefficient of the L2 penalty, added to the gradient; adamw decays the weights directly instead.", low=0
    )
    clip_norm: float | None = key(
        5.0, "Largest global norm of the gradient: a larger gradient is scaled down to it. null: no limit.", above=0
    )
    clip_value: float | None = key(
        None, "Largest size of each entry of the gradient, enforced after clip_norm. null: no limit.", above=0
    )
    workers: Literal["auto"] | int = key(
        "auto", "Processes that share the work; auto: one per processor, but no more than shards.", low=1, high=256
    )
    shards: int | None = key(
        None,
        "Number of parts that each batch is divided into. With the same number of shards, any number of workers gives "
        "the same model, bit for bit. null: chosen from this machine's processors and the size of the model, then kept "
        "for the run.",
        low=1,
        high=256,
    )
    log_every: int | None = key(None, "Steps between records of the log; null: a tenth of eval_every.", low=1)
    eval_every: int | None = key(
        None,
        "Steps between evaluations on the validation split; null: one epoch, but at least 100 and at most 1000 steps.",
        low=1,
    )
    save_every: int | None = key(None, "Steps between saves of last.npz; null: at each evaluation.", low=1)
    save_minutes: float | None = key(
        10.0, "Also save after this many minutes; null: never. Does not affect the result.", above=0
    )
    sample_every: int | None = key(None, "Steps between samples; null: at each evaluation.", low=1)
    sample_length: int = key(300, "Characters in each sample that is written during training; 0: no samples.", low=0)
    patience: int | None = key(
        10, "Stop after this many evaluations without improvement; null: do not stop early.", low=1
    )
    on_divergence: Literal["stop", "rollback"] = key(
        "stop",
        "What to do when training diverges: the loss, the gradient or a parameter is not finite or far too large. "
        "stop: end with exit code 4. rollback: return to the state of the latest save_every with a sound loss (at most "
        "twice that of guessing), halve the learning rate and continue; at most five times in a row.",
    )


@dataclass(frozen=True)
class Config:
    """A whole run. `Config(data=DataConfig(path="my.txt"))` is complete."""

    data: DataConfig = key(MISSING, "The text and how it is read.")
    model: ModelConfig = key(ModelConfig(), "The model.")
    train: TrainConfig = key(TrainConfig(), "Training.")
    seed: int = key(1, "Seed of all randomness: initialisation, dropout and samples.", low=0, high=2**63 - 1)
    out: str | None = key(None, "The run directory; null: runs/ and the name of the config file.")

    def to_dict(self) -> dict[str, Any]:
        """Return the config as plain dicts, lists and scalars, for JSON and YAML."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def to_yaml(self) -> str:
        """Return the complete config as YAML. load_config() reads it back to an equal Config."""
        text: str = yaml.dump(
            self.to_dict(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None
        )
        return text


SHORTHAND: dict[object, str] = {  # section: the key that a word in place of the section sets
    DocumentsConfig: "kind",
    InitConfig: "scheme",
    ScheduleConfig: "kind",
}


def flat(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested dicts, such as Config.to_dict() returns, with their dotted keys."""
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


class _Dumper(yaml.SafeDumper):
    """Quotes and escapes text that holds control characters or unusual line ends."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"'
    ),
)


def all_keys() -> list[str]:
    """Return the dotted name of every key of a config, sections included, each section before its keys."""
    return list(key_table(Config))


def leaves() -> dict[str, Key]:
    """Return every key of a config that is not a section: {"data.path": Key(field, type_hint), ...}."""
    return leaves_of(Config)
