"""Every error that a user can cause, one class for each exit code of the command line.

A message is one line (or one line for each fault) and says what, where, and what to do next.
This module holds no logic and imports nothing.
"""


class CharrnnError(Exception):
    """Something failed that the message explains; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class ConfigError(CharrnnError):
    """One or more faults in a configuration; one line for each, with file:line:column."""

    exit_code = 2


class TextError(CharrnnError):
    """Text that cannot be read, decoded, split or encoded."""

    exit_code = 2


class CheckpointError(CharrnnError):
    """A file that is not a whole, valid charrnn checkpoint, or one that does not fit its model."""

    exit_code = 2


class RunExistsError(CharrnnError):
    """A run directory that holds another run, which nothing may overwrite unasked."""

    exit_code = 2


class RunInUseError(CharrnnError):
    """A run directory in which another trainer is at work."""

    exit_code = 3


class DivergedError(CharrnnError):
    """A loss or gradient that is no longer a finite number."""

    exit_code = 4
