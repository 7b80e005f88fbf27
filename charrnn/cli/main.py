"""The entry point: runs a command, and turns whatever it raises into lines on stderr and an exit code.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage, config or unreadable input, 3
directory in use, 4 diverged, 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM. Nothing imports this module but `__main__`.
Commands import the heavy packages inside their functions, so that `charrnn -h` starts without NumPy.
"""

import signal
import sys
from typing import Any

import click

from charrnn.cli.bench import bench
from charrnn.cli.compare import compare
from charrnn.cli.config import show_config
from charrnn.cli.embed import embed
from charrnn.cli.evaluate import evaluate
from charrnn.cli.export import export
from charrnn.cli.flow import flow
from charrnn.cli.group import cli
from charrnn.cli.import_weights import import_weights
from charrnn.cli.info import info
from charrnn.cli.messages import error_lines, fail, system_lines, usage_lines
from charrnn.cli.predict import predict
from charrnn.cli.report import report
from charrnn.cli.sample import sample
from charrnn.cli.streams import close_stdout, open_streams
from charrnn.cli.train import train
from charrnn.cli.tune import tune
from charrnn.errors import CharrnnError

__all__ = ["cli", "main"]

NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # click 8.1 shows the help itself and exits 0

for command in (
    train,
    sample,
    predict,
    evaluate,
    compare,
    tune,
    embed,
    report,
    export,
    import_weights,
    flow,
    info,
    bench,
    show_config,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its code. An error is one line, or one for each fault; never a traceback."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # set by __main__.py: from here on Ctrl-C is handled below
        signal.signal(signal.SIGINT, signal.default_int_handler)
    open_streams()
    sys.exit(run())


def run() -> int:
    """Run the command line; return its exit code."""
    try:
        code: int = cli.main(prog_name="charrnn", standalone_mode=False)
        sys.stdout.flush()
    except NO_ARGUMENTS as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return fail(usage_lines(error), 2)
    except CharrnnError as error:
        return fail(error_lines(error), error.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        return 130
    except BrokenPipeError:
        return close_stdout()
    except (OSError, MemoryError) as error:
        fail(system_lines(error), 1)
        close_stdout()  # it may be stdout that is full
        return 1
    return code
