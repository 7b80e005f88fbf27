"""The command line: parse, call, print. Nothing imports it; the heavy modules are imported inside the commands.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage, config or unreadable input,
3 directory in use, 4 diverged, 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.
"""

import signal
import sys

import click

from charrnn.cli.bench import bench
from charrnn.cli.compare import compare
from charrnn.cli.config import show_config
from charrnn.cli.evaluate import evaluate
from charrnn.cli.flow import flow
from charrnn.cli.group import cli
from charrnn.cli.info import info
from charrnn.cli.report import report
from charrnn.cli.sample import sample
from charrnn.cli.streams import closed_pipe, explained, fail, open_streams
from charrnn.cli.train import train
from charrnn.errors import CharrnnError, ConfigError

for command in (train, bench, sample, evaluate, compare, report, flow, info, show_config):
    cli.add_command(command)


def main() -> None:
    """Run the command line and leave with its exit code; every error is one line, or one for each fault."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # __main__.py took it away
    open_streams()
    try:
        code = cli.main(prog_name="charrnn", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "charrnn"
        code = fail([f"{error.format_message()} (see {where} --help)"], 2)
    except ConfigError as error:
        code = fail(str(error).splitlines(), error.exit_code)
    except CharrnnError as error:
        *lines, last = error.args or ("",)
        code = fail([*lines, f"{last} ({error.hint})" if error.hint else last], error.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        code = 130
    except BrokenPipeError:
        code = closed_pipe()
    except (OSError, MemoryError) as error:
        code = fail([explained(error)], 1)
        closed_pipe()  # it may be stdout that is full
    sys.exit(code)
