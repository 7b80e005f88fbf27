"""How a table of keys is declared and read: its keys are the fields of dataclasses, its sections are dataclasses.

This module knows no key of charrnn; those are in keys.py.
"""

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, get_type_hints

FOLLOWS_TEXT = object()  # a default, see key()


class AnySection(Protocol):
    """A section of any table: an instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


@dataclass(frozen=True)
class Condition:
    """Says with which values of another key a key or a section applies.

    Attributes:
        key: The dotted name of the other key.
        values: The values with which the key or section applies. With any other it must keep its default.
    """

    key: str
    values: tuple[object, ...]

    def holds(self, config: object) -> bool:
        """Return whether the other key has one of the values in this config."""
        return value_of(config, self.key) in self.values

    def __str__(self) -> str:
        return f"{self.key}: {' | '.join(map(str, self.values))}"


def key(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    only: Condition | None = None,
) -> Any:
    """Declare a key or a section of the table.

    Arguments:
        default: Its default, or MISSING if it must be given. The default of a section is an instance of it.
            FOLLOWS_TEXT is the default None, for a value that is chosen once the text has been read; null is then
            allowed in a file, and the annotation of the field is the type of the value that is chosen.
        help: Its meaning, for the reference.
        low, high: Inclusive bounds of a number, or of each number of a list.
        above, below: Exclusive bounds.
        only: When it applies; without a condition it always does.
    """
    optional = {"low": low, "above": above, "high": high, "below": below, "only": only}
    metadata = {"help": help, **{name: value for name, value in optional.items() if value is not None}}
    if default is MISSING:
        return field(metadata=metadata)
    if default is FOLLOWS_TEXT:
        return field(default=None, metadata=metadata | {"follows_text": True})
    if is_dataclass(default):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


class Key(NamedTuple):
    """A key or a section of the table: its field, whose metadata holds the arguments of key(), and its type."""

    field: Field[Any]
    type_hint: Any

    @property
    def section(self) -> type[AnySection] | None:
        """The dataclass of a section; None for a key that is not a section."""
        return self.type_hint if isinstance(self.type_hint, type) and is_dataclass(self.type_hint) else None


def keys_of(section: type[AnySection]) -> Iterator[Key]:
    """Yield the keys of one section, in order; those of its own sections are not included."""
    hints = get_type_hints(section)
    for entry in fields(section):
        hint = hints[entry.name]
        yield Key(entry, hint | None if "follows_text" in entry.metadata else hint)


def key_table(section: type[AnySection], prefix: str = "") -> dict[str, Key]:
    """Return every key and section below a section under its dotted name, each section before its keys."""
    table: dict[str, Key] = {}
    for entry in keys_of(section):
        name = prefix + entry.field.name
        table[name] = entry
        if entry.section:
            table |= key_table(entry.section, f"{name}.")
    return table


def leaves_of(section: type[AnySection]) -> dict[str, Key]:
    """Return every key below a section that is not a section itself, under its dotted name."""
    return {name: entry for name, entry in key_table(section).items() if not entry.section}


def default_of(entry: Key) -> Any:
    """Return the default of a key or a section, or MISSING if it must be given."""
    factory = entry.field.default_factory
    return entry.field.default if factory is MISSING else factory()


def value_of(config: object, name: str) -> Any:
    """Return the value that a config has for a dotted name."""
    value = config
    for part in name.split("."):
        value = getattr(value, part)
    return value
