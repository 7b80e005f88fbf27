"""Train to the end, or until a signal, and show progress: a live panel in a terminal, plain lines anywhere else."""

import shlex
import sys

from rich.console import Console

from charrnn.cli.signals import Stop
from charrnn.display import opening
from charrnn.display.live import LivePanel, PlainLines
from charrnn.terminal import hush, tell
from charrnn.training import Run, conclusion, limit, next_commands


def follow(run: Run, quiet: bool, resumed_from: int | None) -> int:
    """Train a run and show its progress.

    Arguments:
        run: the run.
        quiet: print nothing but errors.
        resumed_from: the step after which the run was resumed; None if it was not asked to resume.

    Returns:
        The exit code: 0, or 128 plus the number of the signal that stopped the run.
    """
    stop = Stop()
    lines = opening(run, resumed_from)
    if run.finished:
        _tell_unless(quiet, [*lines, _finished_line(run)])
        return 0
    _tell_unless(quiet, lines)
    _train(run, stop, quiet)
    if stop.code and not run.finished:
        _tell_unless(quiet, [f"saved at step {run.state.step:,}; to go on:  {_resume_command()}"])
        return stop.code
    _tell_unless(quiet, [*conclusion(run), *(f"next:  {command}" for command in next_commands(run))])
    return 0


def _train(run: Run, stop: Stop, quiet: bool) -> None:
    """Train to the end, or until a signal, after which the run is saved."""
    console = Console(stderr=True, highlight=False)
    live = sys.stderr.isatty() and console.is_terminal and not console.is_dumb_terminal and not quiet
    panel = LivePanel(run, console, lambda: stop.message) if live else None
    display = panel or (None if quiet else PlainLines(run))
    if panel:
        panel.live.start()
    try:
        for progress in run:
            if display:
                display.update(progress)
            if stop.code:
                if not progress.saved:
                    run.save()
                break
    finally:
        if panel:
            _close(panel)


def _close(panel: LivePanel) -> None:
    try:
        panel.live.stop()
    except OSError:  # the terminal was closed
        hush()


def _tell_unless(quiet: bool, lines: list[str]) -> None:
    for line in [] if quiet else lines:
        tell(line)


def _finished_line(run: Run) -> str:
    key = "train.patience" if run.state.stopped else limit(run)
    return f"this run is finished ({run.state.stopped or 'all steps done'}); raise {key} to go on"


def _resume_command() -> str:
    """The command line that continues this run."""
    words = [word for word in sys.argv[1:] if word not in ("--resume", "--force")]
    return " ".join(["charrnn", *map(shlex.quote, words), "--resume"])
