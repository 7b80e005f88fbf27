"""The entry point: runs a command, and turns whatever it raises into lines on stderr and an exit code.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage, config or unreadable input, 3
directory in use, 4 diverged, 129 SIGHUP, 130 Ctrl-C, 138 SIGUSR1, 143 SIGTERM. Nothing imports this module but
`__main__`. Commands import the heavy packages inside their functions, so that `charrnn -h` starts without NumPy.
"""

import signal
import sys

from charrnn.cli.bench import bench
from charrnn.cli.compare import compare
from charrnn.cli.config import show_config
from charrnn.cli.embed import embed
from charrnn.cli.endings import explain
from charrnn.cli.evaluate import evaluate
from charrnn.cli.export import export
from charrnn.cli.flow import flow
from charrnn.cli.group import cli
from charrnn.cli.import_weights import import_weights
from charrnn.cli.info import info
from charrnn.cli.predict import predict
from charrnn.cli.report import report
from charrnn.cli.sample import sample
from charrnn.cli.streams import open_streams
from charrnn.cli.train import train
from charrnn.cli.tune import tune

__all__ = ["cli", "main"]

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
    except BaseException as error:
        return explain(error)
    return code
