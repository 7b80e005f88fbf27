"""The list of faults that reading a config fills, so that all of them are reported at once."""

import sys

from charrnn.errors import ConfigError, Fault, Place


class Faults:
    """Collects what is wrong with a config.

    Attributes:
        items: The faults in the order in which they were found.
        faulty_keys: The dotted keys whose value is wrong. Rules that compare several keys skip them.
    """

    def __init__(self) -> None:
        self.items: list[Fault] = []
        self.faulty_keys: set[str] = set()

    def add(self, place: Place, message: str, key: str | None = None) -> None:
        """Add one fault. `key` is the dotted key whose value it makes useless, if there is one."""
        self.items.append(Fault(message, place))
        if key is not None:
            self.faulty_keys.add(key)

    def raise_if_any(self) -> None:
        """Raise ConfigError with every fault once, in the order of the file; faults without a line come last."""
        if self.items:
            raise ConfigError(*sorted(dict.fromkeys(self.items), key=_order))


def _order(fault: Fault) -> tuple[int, int]:
    place = fault.place
    if place is None or place.line is None:
        return sys.maxsize, 0
    return place.line, place.column or 0
