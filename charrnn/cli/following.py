"""Train to the end, or until a signal, and show it."""

import shlex
import sys

from rich.console import Console

from charrnn.cli.signals import Stop
from charrnn.display import opening
from charrnn.display.live import LivePanel, PlainLines
from charrnn.terminal import hush, tell
from charrnn.training import Run, conclusion, limit, next_commands


def follow(run: Run, quiet: bool, resumed_from: int | None) -> int:
    """Train to the end, or until a signal; show it; return the exit code."""
    stop, console = Stop(), Console(stderr=True, highlight=False)
    live = sys.stderr.isatty() and console.is_terminal and not console.is_dumb_terminal and not quiet
    say = (lambda line: None) if quiet else tell
    for line in opening(run, resumed_from):
        say(line)
    if run.finished:
        key = "train.patience" if run.state.stopped else limit(run)
        say(f"this run is finished ({run.state.stopped or 'all steps done'}); raise {key} to go on")
        return 0
    display = LivePanel(run, console, lambda: stop.message) if live else PlainLines(run)
    if isinstance(display, LivePanel):
        display.live.start()
    try:
        for progress in run:
            if not quiet:
                display.update(progress)
            if stop.code:
                if not progress.saved:
                    run.save()
                break
    finally:
        if isinstance(display, LivePanel):
            try:
                display.live.stop()
            except OSError:  # the terminal was closed
                hush()
    if stop.code and not run.finished:
        say(f"saved at step {run.state.step:,}; to go on:  {again()}")
        return stop.code
    for line in conclusion(run):
        say(line)
    for command in next_commands(run):
        say(f"next:  {command}")
    return 0


def again() -> str:
    """The command line that continues this run."""
    words = [word for word in sys.argv[1:] if word not in ("--resume", "--force")]
    return " ".join(["charrnn", *map(shlex.quote, words), "--resume"])
