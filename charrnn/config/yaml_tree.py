"""Strict YAML: text to a tree of Nodes, each with its place in the file, and a list of all that is wrong.

Scalars stay text until someone asks for a type; repeated keys, aliases and tags are faults; depth and size are bounded,
and the parser's events are read with a stack of our own, so that no file can exhaust memory. Knows nothing of configs.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import yaml

from charrnn.errors import ConfigError, visible

MAX_BYTES = 1 << 20
MAX_DEPTH = 16


@dataclass
class Node:
    """A value of the file with its place. `value`: a dict of Nodes, a list of Nodes, or the text of a scalar."""

    value: Any
    where: str
    plain: bool = False  # a scalar without quotes, which may be a number, a boolean or null
    keys: dict[str, str] = field(default_factory=dict)  # of a mapping: key -> its place


class Faults:
    """All that is wrong, in the order of the file."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.keys: set[str] = set()  # keys whose value is faulty

    def add(self, where: str, message: str) -> None:
        """Note one fault; text of the user's is shown with its control characters escaped."""
        self.found.append(visible(f"{where}: {message}", keep=""))

    def raise_if_any(self) -> None:
        """Raise ConfigError with one line for each fault."""
        if self.found:
            raise ConfigError("\n".join(sorted(dict.fromkeys(self.found), key=_place)))


def _place(line: str) -> tuple[int, int]:
    match = re.match(r".*?:(\d+):(\d+): ", line)
    return (int(match[1]), int(match[2])) if match else (1 << 30, 0)


def parse_yaml(text: str, source: str, faults: Faults) -> Node | None:
    """YAML text to a tree of Nodes; faults of form are noted, and None returned where no tree can be had.

    Works on the parser's events with a stack of its own, so that neither aliases nor brackets can exhaust memory.
    """
    if len(text) > MAX_BYTES:
        faults.add(source, f"a config of {len(text):,} characters is surely not one; the limit is {MAX_BYTES:,}")
        return None
    root: list[Node] = []
    stack: list[tuple[Node, str | None]] = []  # open collections, each with the key that waits for its value

    def attach(node: Node, event: Any) -> None:
        if not stack:
            root.append(node)
            return
        parent, waiting = stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif waiting is None:
            name = node.value if isinstance(node.value, str) else "?"
            if not isinstance(node.value, str):
                faults.add(node.where, "a key must be a word")
            elif name in parent.value:
                faults.add(
                    node.where, f"{name}: given twice (first at {':'.join(parent.keys[name].rsplit(':', 2)[1:])})"
                )
            parent.keys.setdefault(name, node.where)
            stack[-1] = (parent, name)
        else:
            parent.value.setdefault(waiting, node)
            stack[-1] = (parent, None)

    try:
        loader = yaml.SafeLoader(text)
        while loader.check_event():
            event: Any = loader.get_event()  # type: ignore[no-untyped-call]
            mark: Any = event.start_mark
            where = f"{source}:{mark.line + 1}:{mark.column + 1}"
            if isinstance(event, yaml.AliasEvent):
                faults.add(where, f"*{event.anchor}: aliases are not used here; write the value out")
                attach(Node("", where, plain=True), event)
            elif isinstance(event, yaml.NodeEvent):
                tag = getattr(event, "tag", None)
                if tag and tag != "!":
                    faults.add(where, f"{tag}: tags are not used here; write the plain value")
                if isinstance(event, yaml.ScalarEvent):
                    attach(Node(event.value, where, plain=event.style is None), event)
                else:
                    node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], where)
                    attach(node, event)
                    stack.append((node, None))
                    if len(stack) > MAX_DEPTH:
                        faults.add(where, f"nested deeper than {MAX_DEPTH} levels")
                        return None
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.DocumentStartEvent) and root:
                faults.add(where, "a second document; a config is one")
                return None
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        where = f"{source}:{at.line + 1}:{at.column + 1}" if at else source
        quote = "; a value that begins with * needs quotes" if "alias" in str(error.context) else ""
        faults.add(where, f"not YAML: {error.problem or error.context}{quote}")
        return None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        faults.add(f"{source}:{line}:{column}", f"not YAML: the character {chr(error.character)!r} is not allowed")
        return None
    except (ValueError, OverflowError):  # an escape beyond Unicode, or a version of a thousand digits
        mark = loader.get_mark()
        faults.add(f"{source}:{mark.line + 1}:{mark.column + 1}", "not YAML: a number out of range")
        return None
    return root[0] if root else Node("", f"{source}:1:1", plain=True)


def node_of(value: Any, source: str) -> Node:
    """Plain Python data (as from JSON) as Nodes, so that it passes the same checks as a file."""
    if isinstance(value, dict):
        return Node(
            {str(k): node_of(v, source) for k, v in value.items()}, source, keys={str(k): source for k in value}
        )
    if isinstance(value, list | tuple):
        return Node([node_of(item, source) for item in value], source)
    if isinstance(value, str):
        return Node(value, source)
    if value is None:
        return Node("null", source, plain=True)
    if isinstance(value, PurePath):
        return Node(str(value), source)
    try:
        return Node(json.dumps(getattr(value, "item", lambda: value)()), source, plain=True)
    except (TypeError, ValueError):
        return Node(f"a {type(value).__name__}", source)


def place_of(node: Node, *path: str) -> str:
    """Where a key stands in the file, or the nearest collection around it."""
    where = node.where
    for name in path:
        if not isinstance(node.value, dict) or name not in node.value:
            return where
        where, node = node.keys[name], node.value[name]
    return where
