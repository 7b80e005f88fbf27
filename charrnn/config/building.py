"""Builds a Config from a config file and the overrides of its keys, or raises ConfigError with everything wrong."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import MISSING, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from charrnn.config.faults import Faults
from charrnn.config.keys import SHORTHAND, Config, all_keys
from charrnn.config.rules import check_combinations
from charrnn.config.table import AnySection, Key, key_table, keys_of
from charrnn.config.values import TypeMismatchError, convert, is_null, shortened, type_in_words, violation
from charrnn.config.yaml_tree import MappingNode, Node, ScalarNode, node_of, parse_yaml
from charrnn.errors import ConfigError, Fault, Place
from charrnn.shipped import config_hint, find_config

Section = TypeVar("Section", bound=AnySection)

SAME_SECTION_SIMILARITY = 0.6  # lowest similarity of a misspelt key to the key of its section that is suggested
OTHER_SECTION_SIMILARITY = 0.75  # the same for keys of other sections
SUFFIXES_OF_DATA = (".txt", ".tsv", ".csv", ".jsonl", ".conll", ".conllu")  # of files that are mistaken for configs


def load_config(path: str | Path, overrides: Sequence[str] = (), **values: str | int | None) -> Config:
    """Read a config: a file, or a shipped one by its name, such as `quickstart`.

    Arguments:
        path: A YAML file, or the name of a shipped config.
        overrides: KEY=VALUE strings with dotted keys and YAML values, which take precedence over the file.
        values: Top-level keys, which take precedence over both unless they are None.

    Returns:
        The config. If `out` is not given, it is runs/ and the name of the file.

    Raises:
        ConfigError: With one fault for everything that is wrong: its place, and the nearest valid key.
    """
    path = find_config(path)
    faults = Faults()
    root = parse_yaml(_read_text(path), str(path), faults)
    if not isinstance(root, MappingNode) and path.suffix in SUFFIXES_OF_DATA:
        message = f"this is no config; to train on it, write `data: {{path: {path}}}` to a YAML file and name that"
        raise ConfigError(Fault(message, Place(str(path))))
    if root is not None and is_null(root):
        root = MappingNode({}, Place(str(path), 1, 1))
    if isinstance(root, MappingNode):
        root.items.pop("tune", None)  # it belongs to a search: see search_space.py
        for assignment in overrides:
            override(root, assignment, faults)
        for name, value in values.items():
            if value is not None:
                source = f"argument {name}"
                root.put(name, node_of(value, source), Place(source))
    elif root is not None:
        faults.add(root.place, "a config is a mapping of keys to values, beginning with `data:`")
        root = None
    config = resolve(root, faults)
    return config if config.out else replace(config, out=str(Path("runs") / path.stem))


def config_from_dict(values: dict[str, Any], source: str = "config") -> Config:
    """Make a Config from plain data, such as Config.to_dict() returns, with all the checks of a file.

    Arguments:
        values: Sections and keys as nested dicts.
        source: What messages name as the place of a fault.

    Raises:
        ConfigError: With one fault for everything that is wrong.
    """
    return resolve(node_of(values, source), Faults())


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{error.strerror}; a config is a YAML file, or {config_hint(path)}"
        if (path / "config.yaml").is_file():
            message = f"{error.strerror}; the config of this run is {path / 'config.yaml'}"
        raise ConfigError(Fault(message, Place(str(path)))) from None
    except UnicodeDecodeError as error:
        message = f"byte offset {error.start}: not UTF-8; a config is UTF-8 text"
        raise ConfigError(Fault(message, Place(str(path)))) from None


def resolve(root: Node | None, faults: Faults) -> Config:
    """Make a Config from a tree of nodes, or from None if there is none because of a fault.

    Raises:
        ConfigError: With all faults, including those that were in `faults` before.
    """
    config = build_section(Config, root, "", faults) if root is not None else None
    if root is not None and config is not None:
        check_combinations(config, root, faults)
    faults.raise_if_any()
    assert config is not None  # else there is a fault
    return config.resolved()


def build_section(section: type[Section], node: Node, prefix: str, faults: Faults) -> Section | None:
    """Build a section, of any table, from its node.

    Arguments:
        section: The dataclass of the section.
        node: Its node: a mapping, null, or a word if the section has a shorthand.
        prefix: Its dotted name with a dot at the end; empty for the root.
        faults: Receives what is wrong with the section and its keys.

    Returns:
        The section, with the defaults of keys that are not given or faulty, or None if it or a section of it is not a
        mapping.
    """
    mapping = _as_mapping(node, section)
    if mapping is None:
        faults.add(node.place, f"{_section_name(prefix)} must be a mapping of keys to values")
        return None
    _note_unknown_keys(section, mapping, prefix, faults)
    values: dict[str, Any] = {}
    complete = True
    for entry in keys_of(section):
        name = entry.field.name
        child = mapping.items.get(name)
        if entry.section:
            child = child or MappingNode({}, mapping.place)
            values[name] = build_section(entry.section, child, f"{prefix}{name}.", faults)
            complete = complete and values[name] is not None
        elif child is None:
            values[name] = _default(entry)
            if entry.field.default is MISSING:
                faults.add(mapping.place, f"{prefix}{name} is missing: it names {_subject(entry)}")
        else:
            written = prefix[:-1] if child is node else prefix + name  # a word stands for the section and for its key
            values[name] = _value(entry, child, prefix + name, written, faults)
    make: Callable[..., Section] = section
    return make(**values) if complete else None


def _as_mapping(node: Node, section: type[AnySection]) -> MappingNode | None:
    """Return the keys that a section's node gives: null gives none, and a word gives the key of its shorthand."""
    if is_null(node):
        return MappingNode({}, node.place)
    if isinstance(node, ScalarNode) and section in SHORTHAND:
        key = SHORTHAND[section]
        return MappingNode({key: node}, node.place, {key: node.place})
    return node if isinstance(node, MappingNode) else None


def _default(entry: Key) -> Any:
    """Return the default of a key. A key that must be given has an empty string instead, next to a fault."""
    return "" if entry.field.default is MISSING else entry.field.default


def _subject(entry: Key) -> str:
    """Return the beginning of a key's help, up to the colon, to continue a sentence."""
    help_text: str = entry.field.metadata["help"]
    return help_text[0].lower() + help_text[1:].split(":")[0]


def _value(entry: Key, node: Node, name: str, written: str, faults: Faults) -> Any:
    """Return the value of a key, or its default, with a fault noted, if it has the wrong type or is out of bounds.

    Arguments:
        entry, node: The key and the node of its value.
        name: The dotted name of the key.
        written: What the user wrote for it: the same, or the name of its section.
        faults: Receives the fault.
    """
    try:
        value = convert(node, entry.type_hint)
    except TypeMismatchError:
        faults.add(node.place, f"{written}: {_mismatch(node, entry.type_hint)}", name)
        return _default(entry)
    wrong = violation(value, entry.field.metadata)
    if wrong:
        shown = node.text if isinstance(node, ScalarNode) else value
        faults.add(node.place, f"{written}: {shown} {wrong}", name)
        return _default(entry)
    return value


def _mismatch(node: Node, type_hint: object) -> str:
    shown = shortened(node.text) if isinstance(node, ScalarNode) else "a collection"
    message = f"expected {type_in_words(type_hint)}, got {shown}"
    if isinstance(node, ScalarNode) and not node.text:
        message += ", which is empty"
    if isinstance(node, ScalarNode) and get_origin(type_hint) is Literal:
        near = difflib.get_close_matches(node.text, get_args(type_hint), 1)
        if near:
            message += f"; did you mean {near[0]}?"
    return message


def _note_unknown_keys(section: type[AnySection], mapping: MappingNode, prefix: str, faults: Faults) -> None:
    names = [entry.field.name for entry in keys_of(section)]
    for name in mapping.items:
        if name not in names:
            message = f"{prefix}{name}: unknown key{suggestion(name, names, prefix)}"
            faults.add(mapping.key_places[name], message)


@cache
def homes() -> dict[str, str]:
    """Return the full name of every key by its last part; of several the first in the table."""
    return {name.rpartition(".")[2]: name for name in reversed(all_keys())}


def suggestion(name: str, names: Sequence[str], prefix: str) -> str:
    """Return the end of a message about an unknown key: the nearest valid key, or the keys of the section.

    Arguments:
        name: The unknown key.
        names: The keys of its section.
        prefix: The section's dotted name with a dot at the end.
    """
    if name in homes():
        return f"; did you mean {homes()[name]}?"
    near = difflib.get_close_matches(name, names, 1, SAME_SECTION_SIMILARITY)
    if near:
        return f"; did you mean {near[0]}?"
    near = difflib.get_close_matches(name, homes(), 1, OTHER_SECTION_SIMILARITY)
    if near:
        return f"; did you mean {homes()[near[0]]}?"
    return f"; {_section_name(prefix)} has {', '.join(names)}"


def _section_name(prefix: str) -> str:
    return prefix.rstrip(".") or "a config"


def override(root: MappingNode, assignment: str, faults: Faults) -> None:
    """Set one key in a tree, replacing its value.

    Arguments:
        root: The tree of a config.
        assignment: KEY=VALUE with a dotted key and a YAML value.
        faults: Receives what is wrong with the form of the assignment.
    """
    name, equals, text = assignment.partition("=")
    name, place = name.strip(), Place("override")
    if not equals or not name:
        message = f"{assignment!r} is not of the form KEY=VALUE, for instance train.learning_rate=1e-3"
        faults.add(place, message)
        return
    if name.split(".")[0] == "tune":
        faults.add(place, "the section tune stands in the config itself; an override gives a key one value")
        return
    if text.strip() == "-":  # standard input; YAML would read it as a list of nothing
        value: Node | None = ScalarNode("-", place)
    else:
        value = parse_yaml(text, f"override {name}", faults)
    if value is not None:
        *sections, last = name.split(".")
        _section_to_override(root, sections, place).put(last, replace(value, place=place), place)


def _section_to_override(root: MappingNode, sections: Sequence[str], place: Place) -> MappingNode:
    """Return the mapping of a section, after making those on the way to it that the file does not have as mappings."""
    mapping, prefix = root, ""
    for section in sections:
        prefix += section
        child = mapping.items.get(section)
        if not isinstance(child, MappingNode):
            child = _new_section(child, prefix, place)
            mapping.items[section] = child
            mapping.key_places.setdefault(section, place)
        mapping = child
        prefix += "."
    return mapping


def _new_section(replaced: Node | None, name: str, place: Place) -> MappingNode:
    """Return an empty mapping for a section, with the word that it replaces as the key of the shorthand."""
    new = MappingNode({}, place)
    entry = key_table(Config).get(name)
    key = SHORTHAND.get(entry.section) if entry else None
    if key and isinstance(replaced, ScalarNode) and replaced.text:
        new.put(key, replaced, place)
    return new
