"""The section `tune` of a config: the keys that a search varies, each with its values.

    tune:
      train.learning_rate: {low: 1e-3, high: 1e-2, log: true}
      model.cell: [gru, lstm]

`charrnn train` does not read it. A range has whole numbers if its key does. Every bound and value must be one that the
key may have.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import get_args

from charrnn.config.building import load_config
from charrnn.config.faults import Faults
from charrnn.config.keys import leaves
from charrnn.config.values import BOOL
from charrnn.config.yaml_tree import MappingNode, Node, ScalarNode, SequenceNode, parse_yaml
from charrnn.errors import ConfigError, Fault
from charrnn.shipped import find_config

SECTION = "tune"
NOT_VARIED = ("task", "out", "train.best")  # trials lie in one folder and are compared by one figure
OF_THE_TEXT = (  # what is held out, and what a symbol of it is
    *("data.path", "data.valid_path", "data.test_path", "data.fractions", "data.split", "data.split_column"),
    *("data.split_seed", "data.documents.kind", "data.documents.separator", "data.tokens"),
)
FORMS = "a list of values, or {low: .., high: ..} with log: true where it spans orders of magnitude"


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `log`: even in their logarithms. `whole`: whole numbers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """Some values, as YAML spells them."""

    values: tuple[str, ...]


Space = dict[str, Range | Choice]  # by the dotted name of the key


def load_space(path: str | Path, overrides: Sequence[str] = ()) -> Space:
    """Read the section `tune` of a config.

    Arguments:
        path: the config, as for load_config().
        overrides: KEY=VALUE strings, with which every value of the space must go together.

    Returns:
        The space, empty without the section.

    Raises:
        ConfigError: with one fault for everything that is wrong.
    """
    found = find_config(path)
    faults = Faults()
    root = parse_yaml(found.read_bytes().decode("utf-8-sig"), str(found), faults)
    section = root.items.get(SECTION) if isinstance(root, MappingNode) else None
    if section is None:
        return {}
    space: Space = {}
    nodes = section.items if isinstance(section, MappingNode) else {}
    if not nodes:
        faults.add(section.place, f"{SECTION} names keys with their values, such as train.learning_rate: {FORMS}")
    for name, node in nodes.items():
        own = _entry(name, node, faults)
        if own is not None:
            space[name] = own
    faults.raise_if_any()
    for name, own in space.items():
        for value in own.values if isinstance(own, Choice) else map(number_text, (own.low, own.high)):
            _check(path, [*overrides, f"{name}={value}"], nodes[name])
    return space


def number_text(value: float) -> str:
    """A number as YAML reads it back."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _entry(name: str, node: Node, faults: Faults) -> Range | Choice | None:
    """The values of one key."""
    if name in OF_THE_TEXT:
        faults.add(node.place, f"{SECTION}: {name} cannot vary, because trials are compared on the same held-out text")
        return None
    if name not in leaves() or name in NOT_VARIED:
        near = difflib.get_close_matches(name, leaves().keys() - {name, *NOT_VARIED}, 1)
        remedy = f"did you mean {near[0]}?" if near else "charrnn config lists all keys"
        faults.add(node.place, f"{SECTION}: {name} is no key that can vary; {remedy}")
        return None
    if isinstance(node, SequenceNode) and all(isinstance(item, ScalarNode) for item in node.items) and node.items:
        return Choice(tuple(item.text for item in node.items if isinstance(item, ScalarNode)))
    if isinstance(node, MappingNode) and {"low", "high"} <= node.items.keys() <= {"low", "high", "log"}:
        texts = {key: item.text for key, item in node.items.items() if isinstance(item, ScalarNode)}
        try:
            low, high = float(texts["low"]), float(texts["high"])
        except (KeyError, ValueError):
            low = high = nan
        log = BOOL.get(texts.get("log", "false"))
        if log is not None and low < high and (low > 0 or not log):
            return Range(low, high, log, whole=_is_whole(name))
        if low >= high or (log and low < high):
            why = "low must be below high" if low >= high else "with log: true, low must be above 0"
            faults.add(node.place, f"{SECTION}: {name}: {why}")
            return None
    faults.add(node.place, f"{SECTION}: {name}: expected {FORMS}")
    return None


def _is_whole(name: str) -> bool:
    """Whether the numbers that a key may have are whole."""
    hint = leaves()[name].type_hint
    types = get_args(hint) or (hint,)
    return int in types and float not in types


def _check(path: str | Path, overrides: Sequence[str], node: Node) -> None:
    """Raise a ConfigError at the node that proposes the last of these overrides if a config with them is wrong."""
    try:
        load_config(path, overrides)
    except ConfigError as error:
        raise ConfigError(Fault(f"{SECTION}: {error.faults[0].message}", node.place)) from None
