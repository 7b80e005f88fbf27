"""The configuration: one table of keys, from which come validation, the reference, and the JSON Schema.

Values are read by the core rules of YAML 1.2: `1e-3` is a number, `no` is text, `010` is ten. All faults of a file are
reported in one go, each with file:line:column and the nearest valid key. This module and yamltree.py, with which it
reads files, import no NumPy, so that a wrong config fails at once.

"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_type_hints

import yaml


def key(default: Any, help: str, **bounds: Any) -> Any:
    """A key of the table: its default, one sentence for the reference, and its range.

    Bounds: `low`, `high` inclusive, `above`, `below` exclusive; `only` = (other key, value) with which alone it counts.
    """
    metadata = {"help": help, **bounds}
    if default is MISSING:
        return field(metadata=metadata)
    if is_dataclass(default):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class DataConfig:
    """The text and how it is read."""

    path: str | tuple[str, ...] = key(
        MISSING,
        "The text: a file, a directory (all files below it), a glob, or a list of these, joined in that order. "
        ".gz, .bz2, .xz (and .zst with the extra zstd) are unpacked. Relative to the working directory; "
        "shipped:tales.txt is the text that comes with charrnn.",
    )
    tokens: Literal["char", "byte"] = key("char", "What the model reads: characters, or bytes as they are.")
    encoding: str = key("utf-8", "Encoding of the text, decoded strictly (not for tokens: byte).")
    normalize: Literal["none", "nfc"] = key("none", "Unicode normalisation; none leaves the text as it is.")
    lowercase: bool = key(False, "Fold the text to lower case.")
    min_count: int = key(1, "Characters rarer than this in the training text become one unknown character.", low=1)
    split: Literal["contiguous", "streams"] = key(
        "contiguous",
        "contiguous: cut once, in the order train, valid, test. streams: lay the text out as train.batch_size streams "
        "and cut those, in blocks of train.seq_length, so that every split sees all parts of the text; what does "
        "not fill a block is left out.",
    )
    fractions: tuple[float, float, float] = key(
        (0.9, 0.05, 0.05), "Shares of the text for train, valid and test; they sum to 1.", low=0, high=1
    )
    valid_path: str | tuple[str, ...] | None = key(
        None, "A text of its own to validate on; all of data.path then trains."
    )
    test_path: str | tuple[str, ...] | None = key(None, "A text of its own to test on; all of data.path then trains.")


@dataclass(frozen=True)
class InitConfig:
    """How parameters begin."""

    scheme: Literal["fan_in", "uniform", "normal", "orthogonal"] = key(
        "fan_in",
        "fan_in: uniform within scale / sqrt(hidden_size), as in PyTorch. uniform: within scale. normal: of standard "
        "deviation scale. orthogonal: recurrent matrices orthogonal times scale (Saxe et al. 2014), the rest fan_in.",
    )
    scale: float | None = key(
        None, "Scale of the scheme; null: 1 for fan_in and orthogonal, 0.08 for the others.", above=0
    )


@dataclass(frozen=True)
class ModelConfig:
    """The model."""

    cell: Literal["rnn", "lstm", "gru", "ngram"] = key(
        "lstm",
        "The recurrent cell; or ngram, a Markov model that is counted in seconds instead of trained: a baseline. For "
        "it only order and smoothing count here, and nothing of train but the blocks of data.split: streams.",
    )
    order: int = key(
        7,
        "The n of the n-gram: all its characters, so order - 1 are looked at.",
        low=1,
        high=20,
        only=("cell", "ngram"),
    )
    smoothing: Literal["kneser-ney", "witten-bell", "additive"] = key(
        "kneser-ney",
        "What the n-gram gives to the unseen. kneser-ney: interpolated, modified (Chen and Goodman 1998). witten-bell: "
        "interpolated. additive: one is added to every count.",
        only=("cell", "ngram"),
    )
    hidden_size: int = key(256, "Hidden units of each layer.", low=1, high=65536)
    num_layers: int = key(2, "Recurrent layers on top of one another.", low=1, high=64)
    embedding_size: int | None = key(
        None, "Width of a learned character embedding; null: characters look up rows of the input weights.", low=1
    )
    dropout: float = key(0.0, "Share of values dropped between layers while training.", low=0, below=1)
    activation: Literal["tanh", "relu", "sigmoid"] = key("tanh", "Activation of the plain RNN.", only=("cell", "rnn"))
    reset: Literal["after", "before"] = key(
        "after",
        "Where the GRU resets: after the recurrent product (as PyTorch) or before it (Cho et al. 2014).",
        only=("cell", "gru"),
    )
    forget_bias: float = key(1.0, "Initial bias of the LSTM's forget gate.", only=("cell", "lstm"))
    init: InitConfig = key(InitConfig(), "How parameters begin; a word alone is the scheme.")


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate changes."""

    kind: Literal["constant", "exponential", "cosine", "plateau"] = key(
        "constant",
        "constant; exponential: times factor at each epoch after start_epoch; cosine: down to floor at the last step "
        "(Loshchilov and Hutter 2017); plateau: times factor when validation has not improved.",
    )
    factor: float = key(0.95, "exponential and plateau: what the rate is multiplied by.", above=0, high=1)
    start_epoch: int = key(10, "exponential: the last epoch at the full rate.", low=0)
    floor: float = key(0.05, "cosine and plateau: the lowest rate, as a share of learning_rate.", low=0, high=1)
    patience: int = key(2, "plateau: evaluations without improvement before the rate falls.", low=1)


@dataclass(frozen=True)
class TrainConfig:
    """Training."""

    seq_length: int = key(100, "Window of truncated backpropagation through time, in characters.", low=1)
    batch_size: int = key(32, "Streams of text that are read in parallel.", low=1)
    epochs: int | None = key(30, "Passes over the training text; null: only max_steps counts.", low=1)
    max_steps: int | None = key(None, "Steps at most; whichever of epochs and max_steps ends first.", low=1)
    optimizer: Literal["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"] = key("adam", "The optimizer.")
    learning_rate: float = key(2e-3, "Learning rate, before its schedule.", above=0)
    schedule: ScheduleConfig = key(ScheduleConfig(), "How the learning rate changes; a word alone is the kind.")
    warmup_steps: int = key(0, "Steps over which the rate rises linearly from zero.", low=0)
    momentum: float = key(0.9, "Momentum of optimizer momentum.", low=0, below=1)
    betas: tuple[float, float] = key((0.9, 0.999), "Decay rates of the moments of adam and adamw.", low=0, below=1)
    rho: float = key(0.99, "Decay rate of the squared gradient of rmsprop.", low=0, below=1)
    epsilon: float = key(1e-8, "Added to the denominator of adagrad, rmsprop, adam and adamw.", above=0)
    weight_decay: float = key(0.0, "L2 penalty added to the gradient; adamw decays the weights themselves.", low=0)
    clip_norm: float | None = key(5.0, "Scale the gradient down to this global norm; null: do not.", above=0)
    clip_value: float | None = key(None, "Then clamp each entry of the gradient to this size; null: do not.", above=0)
    workers: Literal["auto"] | int = key(
        "auto", "Processes that share the work; auto: as many as there are processors and shards.", low=1, high=256
    )
    shards: int | None = key(
        None,
        "Parts into which a batch is cut; with the same shards any number of workers gives the same model, bit for "
        "bit. null: by the processors of this machine and the size of the model, then kept in the run.",
        low=1,
        high=256,
    )
    log_every: int | None = key(None, "Steps between records of the log; null: a tenth of eval_every.", low=1)
    eval_every: int | None = key(
        None, "Steps between evaluations on the validation split; null: one epoch, but 100 to 1000 steps.", low=1
    )
    save_every: int | None = key(None, "Steps between saves of last.npz; null: with each evaluation.", low=1)
    save_minutes: float | None = key(
        10.0, "Minutes after which it is saved besides; null: never. Changes nothing of the result.", above=0
    )
    sample_every: int | None = key(None, "Steps between samples; null: with each evaluation.", low=1)
    sample_length: int = key(300, "Characters of a sample written along the way; 0: none.", low=0)
    patience: int | None = key(
        10, "Stop after this many evaluations without improvement; null: go on to the end.", low=1
    )
    on_divergence: Literal["stop", "rollback"] = key(
        "stop",
        "What follows when loss, gradient or parameters are no longer sensible numbers. stop: end with exit code 4. "
        "rollback: return to the state of the latest save_every at which the loss was sound (at most twice that of "
        "guessing), halve the learning rate and go on; five times in a row at most.",
    )


@dataclass(frozen=True)
class Config:
    """A whole run. `Config(data=DataConfig(path="my.txt"))` is a complete one."""

    data: DataConfig = key(MISSING, "The text and how it is read.")
    model: ModelConfig = key(ModelConfig(), "The model.")
    train: TrainConfig = key(TrainConfig(), "Training.")
    seed: int = key(1, "Seed of all randomness: initialisation, dropout, samples.", low=0, high=2**63 - 1)
    out: str | None = key(None, "The run directory; null: runs/ and the config file's name.")

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars, for JSON and YAML."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def to_yaml(self) -> str:
        """The complete, resolved config as YAML that load_config() reads back to an equal Config."""
        text: str = yaml.dump(
            self.to_dict(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None
        )
        return text


def flat(nested: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested dicts, as Config.to_dict() gives them, under their dotted keys."""
    for name, value in nested.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


class _Dumper(yaml.SafeDumper):
    """Writes text that holds control characters or odd line ends in quotes, with escapes."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"'
    ),
)


def table(section: Any) -> Iterator[tuple[Field[Any], Any]]:
    """The keys of a section (a dataclass) with their types."""
    hints = get_type_hints(section)
    for entry in fields(section):
        yield entry, hints[entry.name]


def all_keys(section: Any = Config, prefix: str = "") -> Iterator[str]:
    """Every key of the table with its full path, sections included."""
    for entry, kind in table(section):
        yield prefix + entry.name
        if is_dataclass(kind):
            yield from all_keys(kind, f"{prefix}{entry.name}.")
