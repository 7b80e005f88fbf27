"""Every error that a user can cause, one class for each exit code of the command line.

A message is one line (or one line for each fault) and says what, where, and what to do next. Text of a user's, in a
message or anywhere else, goes to a terminal through visible(). Imports nothing but unicodedata.
"""

import unicodedata

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode categories that are not shown raw
JOINERS = "\u200c\u200d"  # formatting characters that only shape the letters beside them


def visible(text: str, keep: str = "\n\t") -> str:
    """Text that cannot command a terminal: control and formatting characters, but those in `keep`, as escapes."""
    return "".join(
        symbol if symbol in keep + JOINERS or unicodedata.category(symbol) not in HIDDEN else ascii(symbol)[1:-1]
        for symbol in text
    )


class CharrnnError(Exception):
    """Something failed that the message explains; the command line prints it and exits with `exit_code`.

    Arguments:
        lines: the message, one line for each fault.
        hint: the command-line option or argument that is the remedy; the command line appends it to the message.
    """

    exit_code = 1

    def __init__(self, *lines: str, hint: str = "") -> None:
        super().__init__(*lines)
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class ConfigError(CharrnnError):
    """One or more faults in a configuration; one line for each, with file:line:column."""

    exit_code = 2


class TextError(CharrnnError):
    """Text that cannot be read, decoded, split or encoded."""

    exit_code = 2


class CheckpointError(CharrnnError):
    """A file that is not a whole, valid charrnn checkpoint, or one that does not fit its model."""

    exit_code = 2


class NewerFormatError(CheckpointError):
    """A checkpoint of a format that only a later charrnn reads: nothing is wrong with it."""


class RunExistsError(CharrnnError):
    """A run directory that holds another run, which nothing may overwrite unasked."""

    exit_code = 2


class RunInUseError(CharrnnError):
    """A run directory in which another trainer is at work."""

    exit_code = 3


class DivergedError(CharrnnError):
    """A loss, gradient or parameter that is no longer a sensible number; `found` says which, without any path."""

    exit_code = 4

    def __init__(self, found: str, advice: str = "", hint: str = "") -> None:
        super().__init__(found + advice, hint=hint)
        self.found = found
