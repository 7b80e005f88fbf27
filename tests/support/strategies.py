"""Hypothesis strategies that the test files share: text, and configs built from the table of keys."""

from dataclasses import is_dataclass, replace
from functools import reduce
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st

from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.config.keys import Config
from charrnn.config.model_keys import InitConfig, ModelConfig
from charrnn.config.table import keys_of
from charrnn.config.task_rules import FIGURES, WITHOUT_COLUMNS
from charrnn.config.train_keys import ScheduleConfig, TrainConfig

# -- text ---------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]))  # all of Unicode but halves of surrogate pairs
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)  # what a path can be

# Characters whose lower case or normal form hangs on their neighbours: sigmas, combining marks, Hangul, dotted I.
neighbourly = st.text("aeAEΣσςİIé\u0301\u0327\u0344\u0345\u00ad'.\u1112\u1161\u11ab\u212b \n\r\t", max_size=40)

# What means something in YAML, and what it cannot hold.
yaml_noise = st.text("{}[]:,-?&*!|>'\"%@#` \n\r\tab01~.\\xuUe<=\0\x1b\x85\u2028\ufeffé😀", max_size=40)

# Plain data as JSON knows it.
plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

# -- configs ------------------------------------------------------------------------------------------------------

FRACTIONS = [(0.9, 0.05, 0.05), (0.8, 0.1, 0.1), (0.9, 0.1, 0.0), (1.0, 0.0, 0.0)]
FRESH = {
    Config: Config(data=DataConfig(path="my.txt")),
    DataConfig: DataConfig(path="my.txt"),
    DocumentsConfig: DocumentsConfig(),
    InitConfig: InitConfig(),
    ModelConfig: ModelConfig(),
    ScheduleConfig: ScheduleConfig(),
    TrainConfig: TrainConfig(),
}


def values(kind: Any, bounds: dict[str, Any]) -> st.SearchStrategy[Any]:
    """All values of a type of the table, within the bounds of its key."""
    low, high = bounds.get("low", bounds.get("above")), bounds.get("high", bounds.get("below"))
    parts = get_args(kind)
    if is_dataclass(kind):
        return section(kind)
    if get_origin(kind) is Literal:
        return st.sampled_from(parts)
    if get_origin(kind) in (UnionType, Union):
        return st.one_of(*(values(part, bounds) for part in parts))
    if get_origin(kind) is tuple and parts[-1] is Ellipsis:
        return st.lists(values(parts[0], bounds), min_size=1, max_size=3).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*(values(part, bounds) for part in parts))
    if get_origin(kind) is dict:
        return st.dictionaries(names, values(parts[1], bounds), min_size=1, max_size=3)
    if kind is int:
        return st.integers(low, 10**9 if high is None else high)
    if kind is float:
        without_low, without_high = "above" in bounds, "below" in bounds
        return st.floats(
            low, high, allow_nan=False, allow_infinity=False, exclude_min=without_low, exclude_max=without_high
        )
    return {bool: st.booleans(), str: names, NoneType: st.none()}[kind]


def section(kind: Any) -> st.SearchStrategy[Any]:
    """A section of the config, each key by itself."""
    own = {"fractions": st.sampled_from(FRACTIONS), "encoding": st.sampled_from(["utf-8", "latin-1", "cp1252"])}
    keys = {entry.name: values(hint, dict(entry.metadata)) for entry, hint in keys_of(kind)}
    return st.builds(kind, **{name: own.get(name, of_type) for name, of_type in keys.items()})


def back(made: Any, *keys: str) -> Any:
    """A section with some of its keys at their defaults."""
    return replace(made, **{key: getattr(FRESH[type(made)], key) for key in keys})


def possible(config: Config) -> Config:
    """The config with the keys that rule each other out put back to their defaults, a split, and a run directory."""
    has_classes = config.task == "classify" and config.model.output == "softmax"
    if config.task != "language" and config.model.cell == "ngram" and not has_classes:
        config = replace(config, model=back(config.model, "cell"))
    config = without_idle_keys(config, config)
    config = possible_examples(config) if config.task != "language" else possible_text(config)
    data, model, train = config.data, config.model, config.train
    if data.tokens == "byte":
        data = back(data, "normalize", "lowercase", "min_count", "encoding")
    if data.valid_path or data.test_path:
        data = back(data, "split", "fractions")
    if data.documents.kind != "none":
        data = replace(data, documents=back(data.documents, "separator"))
    if model.num_layers == 1:
        model = back(model, "dropout", "skip_connections")
    if model.cell == "ngram":
        model = back(model, "ngram")
    if model.ngram or model.cell == "ngram":
        train = back(train, "teacher")
    if train.shards and train.batch_size and train.shards > train.batch_size:
        train = back(train, "shards")
    if not (data.valid_path or data.split_column is not None or (data.fractions[1] and not data.test_path)):
        train = back(train, "schedule", "best")
    return replace(config, data=data, model=model, train=train, out=config.out or "runs/my").resolved()


def possible_text(config: Config) -> Config:
    """The same for the keys that rule each other out in the config of a language model."""
    data = config.data
    wrong = ("stratified", "column", "streams" if data.documents else "random")
    if data.split in wrong:
        data = back(data, "split")
    return replace(config, data=data, model=back(config.model, "bidirectional"))


def possible_examples(config: Config) -> Config:
    """The same in the config of a model of examples."""
    data, train, output = config.data, config.train, config.model.output
    if config.task == "translate":
        config = possible_pairs(config)
        data = config.data
    if data.format in ("files", "folders"):
        data = back(data, "source", "target", "split_column")
    if data.valid_path or data.test_path or data.split not in ("auto", "column"):
        data = back(data, "split_column")
    if data.split in ("contiguous", "streams") or (data.split == "column") > (data.split_column is not None):
        data = back(data, "split")
    if data.split == "stratified" and (config.task != "classify" or output != "softmax"):
        data = back(data, "split")
    if config.task == "tag" and config.model.scheme == "segments":
        data = back(data, "format", "target", "label_separator")
    several = isinstance(data.target, tuple) and len(data.target) > 1
    if several and (config.task != "classify" or output == "softmax"):
        data = back(data, "target")
    elif config.task == "classify" and (several or output != "sigmoid"):
        data = back(data, "label_separator")
    if config.task == "classify" and output == "softmax":
        data = back(data, "label_separator")
    if config.task == "classify" and output != "softmax":
        train = back(train, "label_smoothing", "class_weights")
    if train.best not in FIGURES[output if config.task == "classify" else config.task]:
        train = back(train, "best")
    return replace(config, data=data, train=train)


def possible_pairs(config: Config) -> Config:
    """The same for what only a translator refuses."""
    data, model = config.data, config.model
    if data.format in WITHOUT_COLUMNS:
        data = back(data, "format")
    if data.too_long == "cut":
        data = back(data, "too_long")
    if model.attention == "dot":
        model = replace(model, bidirectional=False)
    return replace(config, data=back(data, "tokens"), model=model)


def without_idle_keys(section: Any, config: Config) -> Any:
    """A section with every key or section below it that does not apply to the config put back to its default."""
    kept = {}
    for entry, hint in keys_of(type(section)):
        condition = entry.metadata.get("only")
        if condition and reduce(getattr, condition.key.split("."), config) not in condition.values:
            kept[entry.name] = getattr(FRESH[type(section)], entry.name)
        elif is_dataclass(hint):
            kept[entry.name] = without_idle_keys(getattr(section, entry.name), config)
    return replace(section, **kept)


configs = section(Config).map(possible)
