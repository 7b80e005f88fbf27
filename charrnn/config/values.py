"""Converts the text of YAML scalars to the types of keys, by the core rules of YAML 1.2, and checks bounds."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from charrnn.config.yaml_tree import MappingNode, Node, ScalarNode, SequenceNode

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | dict[str, Value] | None"

INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
INT_BASES = {"0o": 8, "0x": 16}
MAX_INT_LENGTH = 30  # characters; every key's bound is far lower, and Python limits the digits that int() reads
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NULL = ("", "~", "null", "Null", "NULL")
BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
SURROGATES = re.compile("[\ud800-\udfff]")  # UTF-8 cannot hold these

MAX_SHOWN = 100  # characters of a value in a message


class TypeMismatchError(Exception):
    """The node has no value of the type that its key asks for."""


@dataclass(frozen=True)
class Bound:
    """One kind of bound: its words in messages, the comparison that it demands, and its name in JSON Schema."""

    words: str
    holds: Callable[[float, float], bool]
    schema_name: str


BOUNDS = {  # argument of key(): what it means
    "low": Bound("at least", operator.ge, "minimum"),
    "above": Bound("above", operator.gt, "exclusiveMinimum"),
    "high": Bound("at most", operator.le, "maximum"),
    "below": Bound("below", operator.lt, "exclusiveMaximum"),
}


def is_union(type_hint: object) -> bool:
    """Return whether a type is a choice of types."""
    return get_origin(type_hint) in (UnionType, Union)


def is_null(node: Node) -> bool:
    """Return whether a node is null, written out or left empty."""
    return isinstance(node, ScalarNode) and node.plain and node.text in NULL


def type_in_words(type_hint: object) -> str:
    """Describe a type, for messages and the reference."""
    choices = get_args(type_hint)
    if get_origin(type_hint) is Literal:
        return " | ".join(choices)
    if is_union(type_hint):
        return " or ".join(dict.fromkeys(type_in_words(choice) for choice in choices))
    if get_origin(type_hint) is tuple:
        if choices[-1] is not Ellipsis:
            return f"a list of {len(choices)} numbers"
        return "a list of strings" if choices[0] is str else "a list of these"
    if get_origin(type_hint) is dict:
        return "a mapping of words to numbers"
    words: dict[object, str] = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        str: "a string",
        NoneType: "null",
    }
    return words[type_hint]


def convert(node: Node, type_hint: object) -> Value:
    """Return the value of a node as the type of its key. Raises TypeMismatchError if it has none."""
    if is_union(type_hint):
        return _first_that_fits(node, get_args(type_hint))
    if get_origin(type_hint) is tuple:
        return _to_tuple(node, get_args(type_hint))
    if get_origin(type_hint) is dict:
        return _to_dict(node, get_args(type_hint)[1])
    if not isinstance(node, ScalarNode):
        raise TypeMismatchError
    if get_origin(type_hint) is Literal:
        if node.text not in get_args(type_hint):
            raise TypeMismatchError
        return node.text
    return _SCALARS[type_hint](node)


def _first_that_fits(node: Node, type_hints: tuple[object, ...]) -> Value:
    for type_hint in type_hints:
        try:
            return convert(node, type_hint)
        except TypeMismatchError:
            continue
    raise TypeMismatchError


def _to_tuple(node: Node, type_hints: tuple[object, ...]) -> Value:
    """Convert a list to tuple[type, ...] or to a tuple of fixed length; all items have one type."""
    if not isinstance(node, SequenceNode) or not node.items:
        raise TypeMismatchError
    if type_hints[-1] is not Ellipsis and len(type_hints) != len(node.items):
        raise TypeMismatchError
    return tuple(convert(item, type_hints[0]) for item in node.items)


def _to_dict(node: Node, type_hint: object) -> Value:
    """Convert a mapping whose values have one type."""
    if not isinstance(node, MappingNode) or not node.items:
        raise TypeMismatchError
    return {name: convert(item, type_hint) for name, item in node.items.items()}


def _to_str(node: ScalarNode) -> str:
    if not node.text or is_null(node) or SURROGATES.search(node.text):
        raise TypeMismatchError
    return node.text


def _to_none(node: ScalarNode) -> None:
    if not is_null(node):
        raise TypeMismatchError


def _to_bool(node: ScalarNode) -> bool:
    if not node.plain or node.text not in BOOL:
        raise TypeMismatchError
    return BOOL[node.text]


def _to_int(node: ScalarNode) -> int:
    if not node.plain or len(node.text) >= MAX_INT_LENGTH or not INT.fullmatch(node.text):
        raise TypeMismatchError
    return int(node.text, INT_BASES.get(node.text[:2], 10))


def _to_float(node: ScalarNode) -> float:
    if not node.plain or not FLOAT.fullmatch(node.text):
        raise TypeMismatchError
    return float(node.text)


_SCALARS: dict[object, Callable[[ScalarNode], Value]] = {
    str: _to_str,
    NoneType: _to_none,
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
}


def violation(value: Value, bounds: Mapping[str, Any]) -> str | None:
    """Return how a value violates the bounds of its key, or None if it does not.

    Arguments:
        value: A number, or a tuple or mapping of numbers that must all be within the bounds. Other values have no
            bounds.
        bounds: The metadata of a key; see key().
    """
    values = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
    for number in values:
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        if abs(number) == float("inf"):
            return "is too large"
        for name, bound in BOUNDS.items():
            if name in bounds and not bound.holds(number, bounds[name]):
                return f"must be {bound.words} {bounds[name]}"
    return None


def shortened(text: str) -> str:
    """Return the repr of a text, cut off if it is long."""
    return repr(text if len(text) < MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")
