"""Strict YAML: reads text into a tree of nodes, each with its place in the file.

Scalars stay text, because only the key that uses a scalar knows its type. Repeated keys, aliases and tags are faults.
Size and depth are limited, and the parser's events are read with an explicit stack, so that no file can exhaust memory.
This module does not know which keys a config has.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, TypeAlias

import yaml

from charrnn.config.faults import Faults
from charrnn.errors import Place

MAX_CHARACTERS = 1 << 20
MAX_DEPTH = 16


@dataclass
class ScalarNode:
    """A scalar as it is written. `plain`: without quotes, so it may mean a number, a boolean or null."""

    text: str
    place: Place
    plain: bool = False


@dataclass
class SequenceNode:
    """A list of nodes."""

    items: "list[Node]"
    place: Place


@dataclass
class MappingNode:
    """A mapping from keys to nodes. `key_places` holds the place of each key; a node holds that of its value."""

    items: "dict[str, Node]"
    place: Place
    key_places: dict[str, Place] = field(default_factory=dict)

    def put(self, key: str, node: "Node", place: Place) -> None:
        """Set a key, replacing what it had."""
        self.items[key] = node
        self.key_places[key] = place


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def parse_yaml(text: str, source: str, faults: Faults) -> Node | None:
    """Read YAML text into a tree of nodes.

    Arguments:
        text: A YAML document.
        source: What places name as their source, such as the path of the file.
        faults: Receives everything that is wrong with the form of the text.

    Returns:
        The root of the tree, an empty scalar for an empty document, or None if the text is no YAML document.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"a config of {len(text):,} characters is too large; the limit is {MAX_CHARACTERS:,}"
        faults.add(Place(source), message)
        return None
    tree = _TreeBuilder(source, faults)
    try:
        for event in _events(text, source):
            tree.take(event)
    except _UnreadableError as error:
        faults.add(error.place, error.message)
        return None
    return tree.root or ScalarNode("", Place(source, 1, 1), plain=True)


class _UnreadableError(Exception):
    """The text gives no tree."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


def _events(text: str, source: str) -> Iterator[yaml.Event]:
    """Yield the parser's events. Raises _UnreadableError where the text is not YAML."""
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        place = _place_of_offset(text, error.position, source)
        raise _UnreadableError(place, f"not YAML: the character {chr(error.character)!r} is not allowed") from None
    try:
        while loader.check_event():
            event: yaml.Event = loader.get_event()  # type: ignore[no-untyped-call]
            yield event
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, source) from None
    except (ValueError, OverflowError):  # an escape beyond Unicode, or a version with thousands of digits
        raise _UnreadableError(_place(loader.get_mark(), source), "not YAML: a number out of range") from None


def _not_yaml(error: yaml.MarkedYAMLError, source: str) -> _UnreadableError:
    hint = "; a value that begins with * needs quotes" if "alias" in str(error.context) else ""
    place = _place(error.problem_mark or error.context_mark, source)
    return _UnreadableError(place, f"not YAML: {error.problem or error.context}{hint}")


def _place(mark: "yaml.Mark | yaml._yaml.Mark | None", source: str) -> Place:
    return Place(source, mark.line + 1, mark.column + 1) if mark else Place(source)


def _place_of_offset(text: str, offset: int, source: str) -> Place:
    line_start = text.rfind("\n", 0, offset) + 1
    return Place(source, text.count("\n", 0, offset) + 1, offset - line_start + 1)


@dataclass
class _OpenCollection:
    """A collection that has not ended yet, and for a mapping the key that has no value yet."""

    node: SequenceNode | MappingNode
    pending_key: str | None = None


class _TreeBuilder:
    """Builds the tree from the parser's events, with the open collections on a stack."""

    def __init__(self, source: str, faults: Faults) -> None:
        self.source = source
        self.faults = faults
        self.root: Node | None = None
        self.stack: list[_OpenCollection] = []

    def take(self, event: yaml.Event) -> None:
        """Add one event to the tree. Raises _UnreadableError for a second document and for too much depth."""
        place = _place(event.start_mark, self.source)
        if isinstance(event, yaml.AliasEvent):
            message = f"*{event.anchor}: aliases are not allowed in a config; write the value out"
            self.faults.add(place, message)
            self._attach(ScalarNode("", place, plain=True))
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event.tag, place)
            self._attach(ScalarNode(event.value, place, plain=event.style is None))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_tag(event.tag, place)
            self._open(MappingNode({}, place) if isinstance(event, yaml.MappingStartEvent) else SequenceNode([], place))
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _UnreadableError(place, "a second document begins here; a config is a single document")

    def _refuse_tag(self, tag: str | None, place: Place) -> None:
        if tag and tag != "!":
            self.faults.add(place, f"{tag}: tags are not allowed in a config; write the plain value")

    def _open(self, node: SequenceNode | MappingNode) -> None:
        self._attach(node)
        self.stack.append(_OpenCollection(node))
        if len(self.stack) > MAX_DEPTH:
            raise _UnreadableError(node.place, f"nested deeper than {MAX_DEPTH} levels")

    def _attach(self, node: Node) -> None:
        """Put a node where it belongs: at the root, into a list, or into a mapping as key or value."""
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if isinstance(parent.node, SequenceNode):
            parent.node.items.append(node)
        elif parent.pending_key is None:
            parent.pending_key = self._key(parent.node, node)
        else:
            parent.node.items.setdefault(parent.pending_key, node)  # the first value of a repeated key counts
            parent.pending_key = None

    def _key(self, mapping: MappingNode, node: Node) -> str:
        """Return the name that a node gives as a key of a mapping."""
        name = "?"
        if not isinstance(node, ScalarNode):
            self.faults.add(node.place, "a key must be a word, not a list or a mapping")
        else:
            name = node.text
            if name in mapping.items:
                self.faults.add(node.place, f"{name}: given twice (first at {mapping.key_places[name].position})")
        mapping.key_places.setdefault(name, node.place)
        return name


def node_of(value: Any, source: str) -> Node:
    """Turn plain Python data, such as parsed JSON, into nodes, so that it passes the same checks as a file."""
    place = Place(source)
    if isinstance(value, dict):
        mapping = MappingNode({}, place)
        for key, inner in value.items():
            mapping.put(str(key), node_of(inner, source), place)
        return mapping
    if isinstance(value, list | tuple):
        return SequenceNode([node_of(item, source) for item in value], place)
    if isinstance(value, str | PurePath):
        return ScalarNode(str(value), place)
    if value is None:
        return ScalarNode("null", place, plain=True)
    try:
        number = value.item() if hasattr(value, "item") else value  # of a NumPy scalar, the Python number
        return ScalarNode(json.dumps(number), place, plain=True)
    except (TypeError, ValueError):
        return ScalarNode(f"a {type(value).__name__}", place)


def place_of(node: Node, *path: str) -> Place:
    """Return the place of the key with this path, or of the nearest collection around it."""
    place = node.place
    for name in path:
        if not isinstance(node, MappingNode) or name not in node.items:
            return place
        place = node.key_places[name]
        node = node.items[name]
    return place
