"""The table of keys: every section of a config is a dataclass, and every key is a field of one.

Validation, the reference and the JSON Schema are derived from this table. To add a key, add a field.
This module imports no NumPy, so that a faulty config is reported at once.
"""

import json
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, replace
from typing import Any, Literal

import yaml

from charrnn.config.data_keys import DataConfig, DocumentsConfig
from charrnn.config.model_keys import InitConfig, ModelConfig
from charrnn.config.table import Key, key, key_table, leaves_of, value_of
from charrnn.config.train_keys import ScheduleConfig, TrainConfig

STREAMS = (32, 100)  # batch_size and seq_length of split streams, which cuts the text by them


@dataclass(frozen=True, kw_only=True)
class _Task:
    """The first key of a config, apart because it has a default and data has none."""

    task: Literal["language", "classify", "tag", "translate"] = key(
        "language",
        "What is learned. language: to continue a text, character by character. classify: to give each example one of "
        "several labels, several at once, or numbers; see model.output. tag: to give each symbol or token of an "
        "example a label. translate: to write another text for each example, such as how a word is pronounced.",
    )


@dataclass(frozen=True)
class Config(_Task):
    """A whole run. `Config(data=DataConfig(path="my.txt"))` is complete."""

    data: DataConfig = key(MISSING, "The text and how it is read.")
    model: ModelConfig = key(ModelConfig(), "The model.")
    train: TrainConfig = key(TrainConfig(), "Training.")
    seed: int = key(1, "Seed of all randomness: initialisation, dropout and samples.", low=0, high=2**63 - 1)
    out: str | None = key(None, "The run directory; null: runs/ and the name of the config file.")

    def resolved(self) -> "Config":
        """The same with the keys resolved that decide how the text is cut: all others can wait until it is read."""
        if self.task != "language":
            return self._of_examples()
        train = self.train
        if self.data.split == "streams":
            batch_size, seq_length = (train.batch_size or STREAMS[0]), (train.seq_length or STREAMS[1])
            train = replace(train, batch_size=batch_size, seq_length=seq_length)
        return replace(self, data=self.data.resolved(), train=train)

    def _of_examples(self) -> "Config":
        data, model = self.data, self.model
        if data.split == "auto" and data.split_column is not None:
            data = replace(data, split="column")
        elif data.split == "auto":
            by_class = self.task == "classify" and model.output == "softmax"
            data = replace(data, split="stratified" if by_class else "random")
        if model.bidirectional is None:
            model = replace(model, bidirectional=True)
        return replace(self, data=data, model=model)

    def left_to_text(self) -> list[str]:
        """Return the keys that follow the text and have no value yet, by their dotted names."""
        applying = {
            name: entry.field.metadata.get("only")
            for name, entry in leaves().items()
            if "follows_text" in entry.field.metadata
        }
        return [
            name
            for name, condition in applying.items()
            if value_of(self, name) is None and (condition is None or condition.holds(self))
        ]

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
    """Yield the values of nested dicts, such as Config.to_dict() returns, with their dotted keys.

    The value of a key that is a mapping stays one.
    """
    for name, value in nested.items():
        if isinstance(value, dict) and prefix + name not in leaves():
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
