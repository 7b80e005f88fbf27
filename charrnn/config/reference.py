"""Generated from the table of keys: the commented reference config and the JSON Schema for editors."""

import json
from dataclasses import MISSING, Field, is_dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from charrnn.config.keys import Config, InitConfig, ScheduleConfig, table
from charrnn.config.values import is_union, named
from charrnn.shipped import SCHEMA


def reference_yaml(schema: str = SCHEMA) -> str:
    """Every key with its default, type and meaning, as a commented YAML file that is itself a valid config.

    `schema`: the JSON Schema that the first line names for editors, a URI or a path relative to the config.
    """
    lines = [
        f"# yaml-language-server: $schema={schema}",
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
            default = "shipped:tales.txt" if entry.default is MISSING else entry.default
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
