"""The configuration: one table of keys, from which come validation, the reference, and the JSON Schema.

Values are read by the core rules of YAML 1.2: `1e-3` is a number, `no` is text, `010` is ten. All faults of a file are
reported in one go, each with file:line:column and the nearest valid key. This module and yamltree.py, with which it
reads files, import no NumPy, so that a wrong config fails at once.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from charrnn.config.yaml_tree import Faults, Node, node_of, parse_yaml
from charrnn.errors import ConfigError, visible

SCHEMA_FILE = "charrnn.schema.json"


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


# -- the table ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DataConfig:
    """The text and how it is read."""

    path: str | tuple[str, ...] = key(
        MISSING,
        "The text: a file, a directory (all files below it), a glob, or a list of these, joined in that order. "
        ".gz, .bz2, .xz (and .zst with the extra zstd) are unpacked. Relative to the working directory.",
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


# -- nodes to Config ----------------------------------------------------------------------------------------------

INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
UNFIT = re.compile("[\0\ud800-\udfff]")  # what no file name and no UTF-8 can hold
NULL = ("", "~", "null", "Null", "NULL")
BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def is_union(kind: Any) -> bool:
    """Whether a type of the table is a choice of types."""
    return get_origin(kind) in (UnionType, Union)


def named(kind: Any) -> str:
    """A type of the table in words, for messages and the reference."""
    if get_origin(kind) is Literal:
        return " | ".join(get_args(kind))
    if is_union(kind):
        return " or ".join(dict.fromkeys(named(part) for part in get_args(kind)))
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        return "a list of texts" if parts[-1] is Ellipsis else f"a list of {len(parts)} numbers"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text", NoneType: "null"}[kind]


class _Mismatch(Exception):
    """The node is not of the type asked for."""


def convert(node: Node, kind: Any) -> Any:
    """The value of a node as the type of its key. Raises _Mismatch."""
    if is_union(kind):
        for part in sorted(get_args(kind), key=lambda part: part is str):  # null before text
            try:
                return convert(node, part)
            except _Mismatch:
                continue
        raise _Mismatch
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if not isinstance(node.value, list) or not node.value:
            raise _Mismatch
        if parts[-1] is not Ellipsis and len(parts) != len(node.value):
            raise _Mismatch
        return tuple(convert(item, parts[0]) for item in node.value)
    if not isinstance(node.value, str):
        raise _Mismatch
    text = node.value
    if get_origin(kind) is Literal and text in get_args(kind):
        return text
    if kind is str and (text not in NULL or not node.plain) and text and not UNFIT.search(text):
        return text
    if node.plain:
        if kind is NoneType and text in NULL:
            return None
        if kind is bool and text in BOOL:
            return BOOL[text]
        if kind is int and INT.fullmatch(text) and len(text) < 30:
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if kind is float and FLOAT.fullmatch(text):
            return float(text)
    raise _Mismatch


def outside(value: Any, bounds: dict[str, Any]) -> str | None:
    """What is wrong with a number, or with any of a tuple of numbers, by the bounds of its key; None if nothing is."""
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if abs(number) == float("inf"):
            return "is too large"
        if "low" in bounds and number < bounds["low"]:
            return f"must be at least {bounds['low']}"
        if "above" in bounds and number <= bounds["above"]:
            return f"must be above {bounds['above']}"
        if "high" in bounds and number > bounds["high"]:
            return f"must be at most {bounds['high']}"
        if "below" in bounds and number >= bounds["below"]:
            return f"must be below {bounds['below']}"
    return None


def shortened(text: str) -> str:
    """The repr of a text, cut where it is long."""
    return repr(text if len(text) < 100 else text[:99] + "…")


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


@cache
def homes() -> dict[str, str]:
    """The name of every key with its full path."""
    return {path.rpartition(".")[2]: path for path in reversed(list(all_keys()))}


def suggestion(name: str, section: Any, prefix: str) -> str:
    """The nearest valid key, in this section or elsewhere, as the end of a message."""
    names = [entry.name for entry, _ in table(section)]
    elsewhere = homes()
    if name in elsewhere:
        return f"; did you mean {elsewhere[name]}?"
    near = difflib.get_close_matches(name, names, 1, 0.6)
    if near:
        return f"; did you mean {near[0]}?"
    near = difflib.get_close_matches(name, elsewhere, 1, 0.75)
    if near:
        return f"; did you mean {elsewhere[near[0]]}?"
    return f"; {prefix.rstrip('.') or 'a config'} has {', '.join(names)}"


def build(section: Any, node: Node, prefix: str, faults: Faults) -> Any:
    """A section from its node, with every fault noted; where a key is faulty its default stands in."""
    keys = list(table(section))
    if isinstance(node.value, str) and node.plain and node.value in NULL:
        node = Node({}, node.where)
    if isinstance(node.value, str) and prefix.count(".") == 2:  # `schedule: cosine` is short for its first key
        first = keys[0][0].name
        node = Node({first: node}, node.where, keys={first: node.where})
    if not isinstance(node.value, dict):
        faults.add(node.where, f"{prefix.rstrip('.') or 'a config'} must be a mapping of keys to values")
        return None
    for name in [name for name in node.value if name not in {entry.name for entry, _ in keys}]:
        faults.add(node.keys[name], f"{prefix}{name}: unknown key{suggestion(name, section, prefix)}")
    values: dict[str, Any] = {}
    for entry, kind in keys:
        path = prefix + entry.name
        child = node.value.get(entry.name)
        if is_dataclass(kind):
            made = build(kind, child or Node({}, node.where), path + ".", faults)
            values[entry.name] = made
        elif child is None:
            if entry.default is MISSING:
                faults.add(
                    node.where,
                    f"{path} is missing: it names {entry.metadata['help'][0].lower()}"
                    f"{entry.metadata['help'][1:].split(':')[0]}",
                )
                values[entry.name] = ""
        else:
            try:
                value = convert(child, kind)
            except _Mismatch:
                shown = shortened(child.value) if isinstance(child.value, str) else "a collection"
                near = (
                    difflib.get_close_matches(str(child.value), get_args(kind), 1)
                    if get_origin(kind) is Literal
                    else []
                )
                hint = f"; did you mean {near[0]}?" if near else ""
                faults.add(child.where, f"{path}: expected {named(kind)}, got {shown}{hint}")
                faults.keys.add(path)
                if entry.default is MISSING:
                    values[entry.name] = ""
                continue
            wrong = outside(value, dict(entry.metadata))
            if wrong:
                faults.keys.add(path)
                faults.add(child.where, f"{path}: {child.value if isinstance(child.value, str) else value} {wrong}")
                continue
            values[entry.name] = value
    return section(**values)


def place_of(node: Node, *path: str) -> str:
    """Where a key stands in the file, or the nearest collection around it."""
    where = node.where
    for name in path:
        if not isinstance(node.value, dict) or name not in node.value:
            return where
        where, node = node.keys[name], node.value[name]
    return where


def check_combinations(config: Config, root: Node, faults: Faults) -> None:
    """Note what each key allows but all of them together do not; a faulty key has been blamed already."""
    data, model, train = config.data, config.model, config.train

    def clash(at: str, message: str, *others: str) -> None:
        if not faults.keys & {at, *others}:
            faults.add(place_of(root, *at.split(".")), message)

    for entry, _ in table(ModelConfig):
        if "only" in entry.metadata:
            other, value = entry.metadata["only"]
            if getattr(model, entry.name) != entry.default and getattr(model, other) != value:
                name = f"model.{entry.name}"
                clash(name, f"{name} counts only with model.{other}: {value}; leave it out", f"model.{other}")
    if model.dropout and model.num_layers == 1:
        message = "model.dropout works between layers, and model.num_layers is 1; set it to 0 or add a layer"
        clash("model.dropout", message, "model.num_layers")
    if abs(sum(data.fractions) - 1) > 1e-6:
        clash("data.fractions", f"data.fractions: {list(data.fractions)} sum to {sum(data.fractions):g}, not 1")
    if not data.fractions[0]:
        message = "data.fractions: nothing is left to train on; the first share must be above 0"
        clash("data.fractions", message)
    if train.shards and train.shards > train.batch_size:
        message = f"train.shards: {train.shards} are more than the {train.batch_size} streams of train.batch_size"
        clash("train.shards", message, "train.batch_size")
    own = [name for name in ("valid_path", "test_path") if getattr(data, name)]
    if own and data.split == "streams":
        clash("data.split", f"data.split: streams cuts data.path; it does not go with data.{own[0]}")
    if own and data.fractions != (0.9, 0.05, 0.05):
        clash("data.fractions", f"data.fractions cuts data.path; it does not go with data.{own[0]}")
    if data.tokens == "byte":
        for name, default in (("normalize", "none"), ("lowercase", False), ("min_count", 1), ("encoding", "utf-8")):
            if getattr(data, name) != default:
                clash(f"data.{name}", f"data.{name} does not go with data.tokens: byte; leave it out")
    try:
        "".encode(data.encoding)
    except (LookupError, ValueError):
        message = f"data.encoding: {data.encoding!r} is not a text encoding; usual ones are utf-8, latin-1, cp1252"
        clash("data.encoding", message)
    if train.epochs is None and train.max_steps is None:
        message = "train.epochs and train.max_steps are both null: the run would never end"
        clash("train", message, "train.epochs", "train.max_steps")
    validated = data.valid_path or (data.fractions[1] and not own)
    if train.schedule.kind == "plateau" and not validated:
        message = "train.schedule: plateau follows the validation loss, and there is no validation split"
        clash("train.schedule", message, "data.fractions", "data.valid_path", "data.test_path")


def resolve(root: Node | None, faults: Faults) -> Config:
    """A tree of nodes to a Config. Raises ConfigError with all faults, those already noted included."""
    config: Any = build(Config, root, "", faults) if root else None
    sections = config and (config.data, config.model, config.train)
    if root and sections and all(sections) and config.model.init and config.train.schedule:
        check_combinations(config, root, faults)
    faults.raise_if_any()
    made: Config = config
    return made


def override(root: Node, assignment: str, faults: Faults) -> None:
    """Put KEY=VALUE (a dotted key, a YAML value) into the tree, over what the file says."""
    path, equals, text = assignment.partition("=")
    source = f"--set {path}"
    if not equals or not path.strip():
        faults.add("--set", f"{assignment!r} is not of the form KEY=VALUE, for instance train.learning_rate=1e-3")
        return
    value = parse_yaml(text, source, faults)
    if value is None:
        return
    value.where = source
    node = root
    *sections, last = path.strip().split(".")
    for name in sections:
        child = node.value.get(name) if isinstance(node.value, dict) else None
        if child is None or not isinstance(child.value, dict):
            short = child is not None and isinstance(child.value, str) and bool(child.value)
            first = {"schedule": "kind", "init": "scheme"}.get(name)
            kept = {first: child} if short and first else {}
            child = Node(kept, source, keys=dict.fromkeys(kept, source))
        node.value[name] = child
        node.keys.setdefault(name, source)
        node = child
    node.value[last] = value
    node.keys[last] = source


def load_config(path: str | Path, overrides: Sequence[str] = (), **values: str | int | None) -> Config:
    """Read a config file. `overrides`: KEY=VALUE strings that win over it; `values`: top-level keys that win over
    both, where they are not None. `out` is filled in from the file's name.

    Raises ConfigError with one line for every fault: file:line:column, what is wrong, and the nearest valid key.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{path}: {error.strerror}; a config is a YAML file, such as one in configs/"
        raise ConfigError(visible(message, keep="")) from None
    except UnicodeDecodeError as error:
        message = f"{path}: byte offset {error.start}: a config is UTF-8 text, and this is not"
        raise ConfigError(visible(message, keep="")) from None
    faults = Faults()
    root = parse_yaml(text, str(path), faults)
    if root is not None and not isinstance(root.value, dict) and not (root.plain and root.value in NULL):
        faults.add(root.where, "a config is a mapping of keys to values, beginning with `data:`")
        root = None
    if root is not None:
        if not isinstance(root.value, dict):
            root = Node({}, f"{path}:1:1")
        for assignment in overrides:
            override(root, assignment, faults)
        for name, value in values.items():
            if value is not None:
                root.value[name], root.keys[name] = node_of(value, f"--{name}"), f"--{name}"
    config = resolve(root, faults)
    return config if config.out else replace(config, out=str(Path("runs") / path.stem))


def config_from_dict(values: dict[str, Any], source: str = "config") -> Config:
    """A Config from plain data, with all the checks of a file; `source` names it in messages."""
    return resolve(node_of(values, source), Faults())


# -- generated from the table -------------------------------------------------------------------------------------


def reference() -> str:
    """Every key with its default, type and meaning, as a commented YAML file that is itself a valid config."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        "# Every key of a charrnn config, with its default. Only data.path must be given.",
        "# Written by `charrnn config`; do not edit.",
    ]

    def section(kind: Any, indent: str) -> None:
        for entry, hint in table(kind):
            lines.extend(["", *_wrapped(entry.metadata["help"], indent)])
            if is_dataclass(hint):
                lines.append(f"{indent}{entry.name}:")
                section(hint, indent + "  ")
                continue
            bounds = [
                f"{word} {entry.metadata[word]}" for word in ("low", "above", "high", "below") if word in entry.metadata
            ]
            words = {"low": "at least", "above": "above", "high": "at most", "below": "below"}
            limits = "".join(f", {words[b.split()[0]]} {b.split()[1]}" for b in bounds)
            lines.append(f"{indent}# {named(hint)}{limits}")
            default = "data/tales.txt" if entry.default is MISSING else entry.default
            default = list(default) if isinstance(default, tuple) else default
            lines.append(f"{indent}{entry.name}: {json.dumps(default) if not isinstance(default, str) else default}")

    section(Config, "")
    return "\n".join(lines) + "\n"


def _wrapped(text: str, indent: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of the table, for editors."""

    def of(kind: Any, entry: Field[Any] | None) -> dict[str, Any]:
        bounds = {"low": "minimum", "above": "exclusiveMinimum", "high": "maximum", "below": "exclusiveMaximum"}
        limits = {bounds[b]: v for b, v in entry.metadata.items() if b in bounds} if entry else {}
        if is_dataclass(kind):
            keys = list(table(kind))
            made: dict[str, Any] = {
                "type": "object",
                "additionalProperties": False,
                "properties": {e.name: {"description": e.metadata["help"], **of(hint, e)} for e, hint in keys},
            }
            required = [e.name for e, _ in keys if e.default is MISSING and e.default_factory is MISSING]
            if required:
                made["required"] = required
            first = keys[0]
            if kind in (InitConfig, ScheduleConfig):
                return {"anyOf": [of(first[1], first[0]), made]}
            return made
        if get_origin(kind) is Literal:
            return {"enum": list(get_args(kind))}
        if is_union(kind):
            return {"anyOf": [of(part, entry) for part in get_args(kind)]}
        if get_origin(kind) is tuple:
            parts = get_args(kind)
            items = {"type": "array", "items": of(parts[0], entry), "minItems": 1}
            if parts[-1] is not Ellipsis:
                items |= {"minItems": len(parts), "maxItems": len(parts)}
            return items
        names = {int: "integer", float: "number", bool: "boolean", str: "string", NoneType: "null"}
        return {"type": names[kind], **(limits if kind in (int, float) else {})}

    schema = of(Config, None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "charrnn config", **schema}
