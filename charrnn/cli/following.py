"""Trains a run to its end, or until a signal, and shows its progress: a live panel in a terminal, else plain lines."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from charrnn.cli.signals import Stop
from charrnn.display import opening
from charrnn.display.live import LivePanel, PlainLines
from charrnn.terminal import hush, tell
from charrnn.training import Progress, Run, conclusion, counted_labels_lines, counted_lines, limit, next_commands


def follow(run: Run, quiet: bool, resumed_from: int | None) -> int:
    """Train a run and show its progress.

    Arguments:
        run: the run.
        quiet: print nothing but errors.
        resumed_from: the step after which the run was resumed; None without --resume.

    Returns:
        The exit code: 0, or 128 plus the number of the signal that stopped the run.
    """
    ranks = run.team.ranks
    stop = Stop(silent=ranks is not None and ranks.number > 0)
    _print(opening(run, resumed_from), quiet)
    if run.finished:
        _print([_finished_line(run)], quiet)
        return 0
    with _display(run, stop, quiet) as show:
        _train(run, stop, show)
    if stop.code and not run.finished:
        _print([f"saved at step {run.state.step:,}; to continue:  {_resume_command()}"], quiet)
        return stop.code
    _print(conclusion(run), quiet)
    if not quiet:
        _print([*counted_lines(run), *counted_labels_lines(run)], quiet)
    _print([f"next:  {command}" for command in next_commands(run)], quiet)
    return 0


def _train(run: Run, stop: Stop, show: Callable[[Progress], None]) -> None:
    """Train to the end, or until a signal, after which the run is saved."""
    for progress in run:
        show(progress)
        stop.code = run.team.agree("stop", stop.code)
        if stop.code:
            if not progress.saved:
                run.save()
            return


@contextmanager
def _display(run: Run, stop: Stop, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield the function that shows a step: in a live panel, which is closed at the end, in plain lines, or nowhere."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda progress: None
    elif not sys.stderr.isatty() or not console.is_terminal or console.is_dumb_terminal:
        yield PlainLines(run).update
    else:
        panel = LivePanel(run, console, lambda: stop.message)
        panel.live.start()
        try:
            yield panel.update
        finally:
            try:
                panel.live.stop()
            except OSError:  # the terminal was closed
                hush()


def _print(lines: list[str], quiet: bool) -> None:
    """Print lines on stderr, unless the run is a quiet one."""
    for line in [] if quiet else lines:
        tell(line)


def _finished_line(run: Run) -> str:
    """Why there is nothing to train, and which key continues the run."""
    key = "train.patience" if run.state.stopped else limit(run)
    return f"this run is finished ({run.state.stopped or 'all steps done'}); raise {key} to continue"


def _resume_command() -> str:
    """The command line that continues this run."""
    words = [word for word in sys.argv[1:] if word not in ("--resume", "--force")]
    return " ".join(["charrnn", *map(shlex.quote, words), "--resume"])
