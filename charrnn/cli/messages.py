"""Errors and notes on stderr, one line each."""

import errno
import os

import click

from charrnn.errors import CharrnnError, ConfigError, visible


def fail(lines: list[str], code: int) -> int:
    """Print the lines of an error; return the exit code."""
    for line in lines:
        note(line)
    return code


def note(line: str) -> None:
    """Print one line on stderr."""
    click.echo(f"charrnn: {visible(line, keep='')}", err=True)


def usage_lines(error: click.ClickException) -> list[str]:
    """The line for a wrong command line, with the command whose help explains it."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "charrnn"
    message = error.format_message().replace("\n\t", " ")  # click lists the choices of a missing option in lines
    return [f"{message} (see {command} --help)"]


def error_lines(error: CharrnnError) -> list[str]:
    """The lines for an error of the library: one for each fault, the last with the option that is the remedy."""
    if isinstance(error, ConfigError):
        return [str(fault) for fault in error.faults]
    *lines, last = map(str, error.args or ("",))
    return [*lines, f"{last} ({error.hint})" if error.hint else last]


def system_lines(error: OSError | MemoryError) -> list[str]:
    """The line for a failure of the operating system."""
    if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:
        return [f"out of memory ({error}); a smaller model, batch or window needs less: see --dry-run"]
    where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return [f"{where}{error.strerror or error}"]
