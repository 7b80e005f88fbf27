"""What a person sees while a network trains: a live panel in a terminal, plain lines anywhere else; and how to stop it.

Everything goes to stderr. Text of the user's never reaches the terminal raw. No training happens here.
"""

import os
import signal
import sys
import threading
from collections import deque
from contextlib import suppress
from itertools import pairwise
from math import exp, log
from time import monotonic
from types import FrameType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from charrnn.blas import forced_kernel, sentence
from charrnn.data.corpus import remarks
from charrnn.errors import visible
from charrnn.processes import STOPPING
from charrnn.storage.files import to_nowhere
from charrnn.training.advice import conclusion, limit, next_commands, shell
from charrnn.training.bench import SIDE_BY_SIDE, Bench
from charrnn.training.estimate import Estimate
from charrnn.training.loop import Progress, Run

BARS = "▁▂▃▄▅▆▇█"


class Stop:
    """Turns SIGINT, SIGTERM and SIGHUP into a flag that is read between steps; the second Ctrl-C ends at once."""

    def __init__(self) -> None:
        self.code = 0  # 128 + the signal's number, once one has come
        self.message = ""
        if threading.current_thread() is threading.main_thread():
            for name in STOPPING:
                number = getattr(signal, name)
                if name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN:  # nohup has it ignored
                    signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.code and number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt
        self.code = 128 + number
        self.message = "stopping after this step, saving; Ctrl-C again to stop now"
        if not sys.stderr.isatty():
            with suppress(OSError):  # whoever read it may have gone
                os.write(2, f"{self.message}\n".encode())


def duration(seconds: float) -> str:
    """Seconds in the two units that matter: 45s, 12m 30s, 3h 05m, 2d 4h."""
    s = round(seconds)
    if s < 60:
        return f"{s}s"
    if s < 3600:
        return f"{s // 60}m {s % 60:02d}s"
    if s < 86400:
        return f"{s // 3600}h {s % 3600 // 60:02d}m"
    return f"{s // 86400}d {s % 86400 // 3600}h"


def size(count: float) -> str:
    """Bytes as kB, MB or GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def curve(values: list[float], width: int) -> str:
    """A line of block characters, high to low, one per value or mean of neighbours."""
    if not values:
        return ""
    if len(values) > width:
        cuts = [len(values) * k // width for k in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in pairwise(cuts)]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(BARS[min(int((v - low) / span * len(BARS)), len(BARS) - 1)] for v in values)


class Clock:
    """Time left, from the steps of this session, evaluations and all."""

    def __init__(self, run: Run) -> None:
        self.began, self.first = monotonic(), run.counters.step

    def left(self, progress: Progress) -> str:
        """Time that the remaining steps will take; early stopping may end the run before."""
        if progress.rollback:
            self.began, self.first = monotonic(), progress.step - 1
        done = max(progress.step - self.first, 1)
        return duration((monotonic() - self.began) / done * (progress.steps - progress.step))


def header(run: Run) -> list[str]:
    """What is about to be trained, on what and with what, in a few lines."""
    corpus, model, train = run.corpus, run.config.model, run.config.train
    kind = "bytes" if corpus.vocab.tokens == "byte" else "characters"
    split = f"train {len(corpus.train):,}, valid {len(corpus.valid):,}, test {len(corpus.test):,}"
    layers = f"{model.num_layers} x {model.hidden_size}"
    return [
        f"text: {corpus.size:,} {kind} ({split}), vocabulary {corpus.vocab.size}",
        f"model: {model.cell} {layers}, {run.network.params.size:,} parameters",
        f"training: {run.steps:,} steps of {train.batch_size} x {train.seq_length} {kind}, {run.epochs} epochs; "
        f"evaluated every {run.eval_every:,} steps",
        f"machine: {sentence()}; {run.team.workers} worker{'s' * (run.team.workers > 1)} of one thread each",
    ]


def opening(run: Run, resumed_from: int | None) -> list[str]:
    """All lines before the first step: the header, what changed, and what to mind."""
    lines = header(run)
    if run.added or run.removed:
        lines.append(f"vocabulary: new {visible(repr(run.added))}, no longer there {visible(repr(run.removed))}")
    if resumed_from is not None:
        lines.append(
            f"resuming after step {resumed_from:,}"
            if resumed_from
            else "nothing to resume yet: starting from the beginning"
        )
    notes = [*run.notes, *remarks(run.config, run.corpus, run.network.params.size), forced_kernel()]
    return lines + [f"note: {note}" for note in notes if note]


def plain_line(progress: Progress, record: dict[str, Any], left: str) -> str:
    """One record of the log as one line."""
    valid = "" if record["valid_loss"] is None else f"  valid {record['valid_loss']:.4f}"
    return (
        f"step {progress.step}/{progress.steps}  epoch {progress.epoch}  loss {record['loss']:.4f}{valid}  "
        f"bits/char {record['bits_per_char']:.3f}  perplexity {record['perplexity']:.2f}  "
        f"lr {progress.learning_rate:.2g}  norm {record['grad_norm']:.2f}  clipped {record['clipped']:.0%}  "
        f"{progress.chars_per_second:,.0f} char/s  left {left}"
    )


class LivePanel:
    """One panel, redrawn a few times a second."""

    def __init__(self, run: Run, stop: Stop, console: Console) -> None:
        self.run, self.stop, self.console, self.clock = run, stop, console, Clock(run)
        self.losses: deque[float] = deque(maxlen=4096)
        self.progress: Progress | None = None
        self.sample, self.advice = "", run.advice
        self.live = Live(get_renderable=self.render, console=console, refresh_per_second=6, transient=False)

    def update(self, progress: Progress) -> None:
        """Take note of a step."""
        self.losses.append(progress.loss)
        self.sample = progress.sample or self.sample
        self.progress = progress
        if progress.record and progress.record["advice"] is not None:
            self.advice = progress.record["advice"]
        if progress.rollback:
            self.console.print(Text(visible(f"note: {progress.rollback}")))

    def render(self) -> Any:
        """The panel as it stands."""
        progress, at = self.progress, self.run.counters
        if progress is None:
            return Text("first step ...")
        recent = list(self.losses)[-50:]
        loss = sum(recent) / len(recent)
        grid = Table.grid(padding=(0, 2))
        best = f"{at.best:.4f} at step {at.best_step:,}" if at.best is not None else "not yet"
        grid.add_row(
            "step", f"{progress.step:,} of {progress.steps:,}", "epoch", f"{progress.epoch} of {progress.epochs}"
        )
        grid.add_row("loss", f"{loss:.4f} nats/char", "best validation", best)
        grid.add_row("bits/char", f"{loss / log(2):.3f}", "perplexity", f"{exp(min(loss, 700)):.2f}")
        grid.add_row("speed", f"{progress.chars_per_second:,.0f} char/s", "left", self.clock.left(progress))
        clipped = "  clipped" if progress.clipped else ""
        grid.add_row(
            "learning rate", f"{progress.learning_rate:.3g}", "gradient norm", f"{progress.grad_norm:.3f}{clipped}"
        )
        width = max(self.console.width - 6, 10)
        bar = Table.grid()  # a bar by itself does not end its line
        bar.add_row(ProgressBar(progress.steps, progress.step, width=width))
        parts: list[Any] = [grid, bar]
        parts.append(Text(curve(list(self.losses), width), style="cyan", no_wrap=True))
        if self.sample:
            lines = visible(self.sample).strip().splitlines()[:6]
            parts.append(Text("\n".join(lines), style="dim"))
        parts += [Text(sentence, style="yellow") for sentence in self.advice]
        if self.stop.message:
            parts.append(Text(self.stop.message, style="bold yellow"))
        title = Text(visible(str(self.run.folder)))
        return Panel(Group(*parts), title=title, title_align="left", width=min(self.console.width, 100))


class PlainLines:
    """One line for each record, for files and other programs; advice when it is new, not with each evaluation."""

    def __init__(self, run: Run, stop: Stop, console: Console) -> None:
        self.clock, self.advised = Clock(run), set[str]()

    def update(self, progress: Progress) -> None:
        """Print a record where there is one, and what was undone."""
        if progress.rollback:
            tell(f"note: {progress.rollback}")
            self.clock.left(progress)
        if progress.record:
            tell(plain_line(progress, progress.record, self.clock.left(progress)))
            self.advise(progress.record["advice"])

    def advise(self, advice: list[str] | None) -> None:
        """Print the sentences of an evaluation that the one before it did not have, whatever their numbers."""
        if advice is not None:
            named = {sentence.partition(":")[0]: sentence for sentence in advice}
            for name, sentence in named.items():
                if name not in self.advised:
                    tell(sentence)
            self.advised = set(named)


def tell(line: str) -> None:
    """One line on stderr, whatever its encoding; flushed. Training goes on where nobody reads it any more."""
    encoding = sys.stderr.encoding or "utf-8"
    try:
        sys.stderr.write(visible(line, keep="").encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    except OSError:
        hush()


def hush() -> None:
    """Let stderr lead nowhere: a terminal that was closed, or a pipe whose reader has gone."""
    to_nowhere(2)


def follow(run: Run, quiet: bool, resumed_from: int | None) -> int:
    """Train to the end, or until a signal; show it; return the exit code."""
    stop, console = Stop(), Console(stderr=True, highlight=False)
    live = sys.stderr.isatty() and console.is_terminal and not console.is_dumb_terminal and not quiet
    say = (lambda line: None) if quiet else tell
    for line in opening(run, resumed_from):
        say(line)
    if run.finished:
        key = "train.patience" if run.counters.stopped else limit(run)
        say(f"this run is finished ({run.counters.stopped or 'all steps done'}); raise {key} to go on")
        return 0
    display: LivePanel | PlainLines = (LivePanel if live else PlainLines)(run, stop, console)
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
        say(f"saved at step {run.counters.step:,}; to go on:  {again()}")
        return stop.code
    for line in conclusion(run):
        say(line)
    for command in next_commands(run):
        say(f"next:  {command}")
    return 0


def again() -> str:
    """The command line that continues this run."""
    words = [word for word in sys.argv[1:] if word not in ("--resume", "--force")]
    return " ".join(["charrnn", *map(shell, words), "--resume"])


def describe_estimate(estimate: Estimate) -> list[str]:
    """What --dry-run prints."""
    run = estimate.run
    parts = ", ".join(f"{name} {size(count)}" for name, count in estimate.memory.items())
    per_epoch = estimate.seconds / run.steps * len(run.batches)
    return [
        *header(run),
        f"memory: about {size(sum(estimate.memory.values()))} ({parts}) beside Python and NumPy",
        f"speed: {estimate.chars_per_second:,.0f} char/s measured",
        f"time: about {duration(estimate.seconds)} for all {run.steps:,} steps ({duration(per_epoch)} an epoch); "
        f"early stopping may end it before",
        *(f"note: {note}" for note in remarks(run.config, run.corpus, run.network.params.size)),
        "nothing was trained or written",
    ]


def describe_bench(bench: Bench) -> list[str]:
    """What `charrnn bench` prints."""
    lines = ["workers     char/s   of the ceiling   memory   an epoch"]
    for row in bench.rows:
        share = row.chars_per_second / row.ceiling
        mark = "   <- best" if row is bench.best and len(bench.rows) > 1 else ""
        lines.append(
            f"{row.workers:>7} {row.chars_per_second:>10,.0f} {share:>15.0%} {size(row.memory):>9} "
            f"{duration(row.epoch_seconds):>10}{mark}"
        )
    lines += [
        "The ceiling is the speed of a step's matrix products alone, on as many processes.",
        f"evaluation: {bench.evaluation:,.0f} char/s, one process",
        f"sampling: {bench.sampling:,.0f} char/s one text, {bench.sampling_batch:,.0f} char/s {SIDE_BY_SIDE} at once",
    ]
    if bench.best.workers == bench.auto:
        return [*lines, f"train.workers: auto takes {bench.auto}, the best."]
    return [*lines, f"train.workers: auto takes {bench.auto}; try --set train.shards={bench.best.workers}"]
