"""Values: the text of a YAML scalar as the type that its key asks for, by the core rules of YAML 1.2."""

import re
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from charrnn.config.yaml_tree import Node

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
