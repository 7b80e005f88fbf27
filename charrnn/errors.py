"""Every error that a user can cause: one class for each exit code of the command line.

A message says in one line what is wrong, where, and what to do next. A ConfigError has one such line for each fault.
Text that a user supplied passes through visible() before it is shown. This module imports only the standard library.
"""

import unicodedata
from typing import NamedTuple

HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode categories that are shown as escapes
JOINERS = "\u200c\u200d"  # formatting characters that only shape the letters beside them


def visible(text: str, keep: str = "\n\t") -> str:
    """Escape the characters with which text could control a terminal.

    Arguments:
        text: Any text, for example from a file of the user's.
        keep: Control characters that stay as they are.
    """
    return "".join(
        symbol
        if symbol in keep + JOINERS or unicodedata.category(symbol) not in HIDDEN_CATEGORIES
        else ascii(symbol)[1:-1]
        for symbol in text
    )


class Place(NamedTuple):  # not a dataclass, whose import would take a twentieth of `charrnn -h`
    """Where a value of a config was given: a file, an override or plain data, with line and column if it has them.

    Lines and columns count from 1. A place is written as `source` or as `source:line:column`.
    """

    source: str
    line: int | None = None
    column: int | None = None

    @property
    def position(self) -> str:
        """Line and column as they are written, without the source; empty for a place that has none."""
        return "" if self.line is None else f"{self.line}:{self.column}"

    def __str__(self) -> str:
        return f"{self.source}:{self.position}" if self.position else self.source


class Fault(NamedTuple):
    """One thing that is wrong with a configuration.

    str() is always a single line that is safe to print.
    """

    message: str
    place: Place | None = None

    def __str__(self) -> str:
        return visible(f"{self.place}: {self.message}" if self.place else self.message, keep="")


class CharrnnError(Exception):
    """A failure that the message explains. The command line prints the message and exits with `exit_code`.

    Arguments:
        lines: the message, one line for each fault.
        hint: the command-line option or argument that is the remedy; the command line appends it to the message.
    """

    exit_code = 1

    def __init__(self, *lines: object, hint: str = "") -> None:
        super().__init__(*lines)
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class ConfigError(CharrnnError):
    """One or more faults in a configuration. str() has one line for each.

    Arguments:
        faults: What is wrong, in the order in which it is reported. A plain message is a fault without a place.
    """

    exit_code = 2

    def __init__(self, *faults: Fault | str) -> None:
        super().__init__(*faults)
        self.faults = [Fault(fault) if isinstance(fault, str) else fault for fault in faults]

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class TextError(CharrnnError):
    """The text cannot be read, decoded, split or encoded."""

    exit_code = 2


class CheckpointError(CharrnnError):
    """The file is not a complete, valid charrnn checkpoint, or it does not fit its model."""

    exit_code = 2


class NewerFormatError(CheckpointError):
    """The checkpoint is sound but has a format that only a later version of charrnn reads."""


class RunExistsError(CharrnnError):
    """The run directory holds another run, which is only replaced on request."""

    exit_code = 2


class RunInUseError(CharrnnError):
    """Another process is training in the run directory."""

    exit_code = 3


class DivergedError(CharrnnError):
    """Training diverged: the loss, the gradient or a parameter is not finite or far too large.

    Arguments:
        found: What diverged, without any path.
        advice: What to do about it; the message is `found` followed by `advice`.
    """

    exit_code = 4

    def __init__(self, found: str, advice: str = "", hint: str = "") -> None:
        super().__init__(found + advice, hint=hint)
        self.found = found
