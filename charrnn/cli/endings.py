"""How a command ends that raised something: its lines on stderr and its exit code."""

from typing import Any

import click

from charrnn.cli.messages import error_lines, fail, system_lines, usage_lines
from charrnn.cli.streams import close_stdout
from charrnn.errors import CharrnnError

NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # click 8.1 shows the help itself and exits 0


def explain(error: BaseException) -> int:
    """Print the lines of an error; return the exit code. Raises an error that no user can cause."""
    if isinstance(error, NO_ARGUMENTS):
        click.echo(error.format_message())
        return 2
    if isinstance(error, click.ClickException):
        return fail(usage_lines(error), 2)
    if isinstance(error, CharrnnError):
        return fail(error_lines(error), error.exit_code)
    if isinstance(error, KeyboardInterrupt | click.exceptions.Abort):
        return 130
    if isinstance(error, BrokenPipeError):
        return close_stdout()
    if isinstance(error, OSError | MemoryError):
        fail(system_lines(error), 1)
        close_stdout()  # it may be stdout that is full
        return 1
    raise error
