"""The display of a run while it trains: a live panel in a terminal, plain lines anywhere else.

Everything is written to stderr. Control characters in the user's text are made visible before they are shown. This
module neither trains nor handles signals.
"""

from collections import deque
from collections.abc import Callable
from math import exp, log
from time import monotonic
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from charrnn.display.formats import curve, duration
from charrnn.errors import visible
from charrnn.terminal import tell
from charrnn.training import LogRecord, Progress, Run

# Training losses that the panel draws as a curve: the latest ones.
CURVE_LOSSES = 4096

# Training losses whose mean the panel shows: the latest ones.
MEAN_LOSSES = 50

# Lines of a sample that the panel shows.
SAMPLE_LINES = 6

# Columns of the panel, at most.
PANEL_WIDTH = 100

# Times that the panel is drawn in a second.
REFRESHES_PER_SECOND = 6

# exp() of more overflows.
MAX_EXPONENT = 700


class RemainingTime:
    """The time that a run still takes, from the steps of this session with their evaluations and saves."""

    def __init__(self, run: Run) -> None:
        self.start_time = monotonic()
        self.start_step = run.state.step

    def after(self, progress: Progress) -> str:
        """Return the time of the remaining steps as text; early stopping may end the run sooner."""
        if progress.rollback:
            self.start_time = monotonic()
            self.start_step = progress.step - 1
        steps_done = max(progress.step - self.start_step, 1)
        seconds_per_step = (monotonic() - self.start_time) / steps_done
        return duration(seconds_per_step * (progress.steps - progress.step))


def plain_line(progress: Progress, record: LogRecord, left: str) -> str:
    """Return one record of the log as one line; `left` is the remaining time."""
    valid = "" if record.valid_loss is None else f"  valid {record.valid_loss:.4f}"
    valid += "".join(f"  {name} {value:.4f}" for name, value in record.valid_figures.items())
    if record.bits_per_char is not None:
        valid += f"  bits/char {record.bits_per_char:.3f}  perplexity {record.perplexity:.2f}"
    return (
        f"step {progress.step}/{progress.steps}  epoch {progress.epoch}  loss {record.loss:.4f}{valid}  "
        f"lr {progress.learning_rate:.2g}  norm {record.grad_norm:.2f}  clipped {record.clipped:.0%}  "
        f"{progress.chars_per_second:,.0f} char/s  left {left}"
    )


class LivePanel:
    """One panel, redrawn a few times a second.

    Arguments:
        run: the run to show.
        console: where to draw.
        stop_message: returns what to show after a signal, and "" before.
    """

    def __init__(self, run: Run, console: Console, stop_message: Callable[[], str]) -> None:
        self.run = run
        self.console = console
        self.stop_message = stop_message
        self.remaining = RemainingTime(run)
        self.losses: deque[float] = deque(maxlen=CURVE_LOSSES)
        self.progress: Progress | None = None
        self.sample = ""
        self.figures: dict[str, float] = {}  # of the latest evaluation of examples
        self.advice = run.advice
        self.live = Live(
            get_renderable=self.render, console=console, refresh_per_second=REFRESHES_PER_SECOND, transient=False
        )

    def update(self, progress: Progress) -> None:
        """Take over the results of a step."""
        self.losses.append(progress.loss)
        self.sample = progress.sample or self.sample
        self.progress = progress
        if progress.record and progress.record.valid_figures:
            self.figures = progress.record.valid_figures
        if progress.record and progress.record.advice is not None:
            self.advice = progress.record.advice
        if progress.rollback:
            self.console.print(Text(visible(f"note: {progress.rollback}")))

    def render(self) -> Any:
        """Return the panel as it is now."""
        progress = self.progress
        if progress is None:
            return Text("first step ...")
        width = max(self.console.width - 6, 10)
        bar = Table.grid()  # a bar by itself does not end its line
        bar.add_row(ProgressBar(progress.steps, progress.step, width=width))
        rows: list[Any] = [self._figures(progress), bar]
        rows.append(Text(curve(list(self.losses), width), style="cyan", no_wrap=True))
        if self.sample:
            lines = visible(self.sample).strip().splitlines()[:SAMPLE_LINES]
            rows.append(Text("\n".join(lines), style="dim"))
        rows += [Text(sentence, style="yellow") for sentence in self.advice]
        if message := self.stop_message():
            rows.append(Text(message, style="bold yellow"))
        title = Text(visible(str(self.run.directory.path if self.run.directory else "")))
        return Panel(Group(*rows), title=title, title_align="left", width=min(self.console.width, PANEL_WIDTH))

    def _figures(self, progress: Progress) -> Table:
        """The table of figures: step, losses, speed, learning rate."""
        state = self.run.state
        recent = list(self.losses)[-MEAN_LOSSES:]
        loss = sum(recent) / len(recent)
        best = f"{state.best:.4f} at step {state.best_step:,}" if state.best is not None else "not yet"
        text = self.run.config.task == "language"
        clipped = "  clipped" if progress.clipped else ""
        table = Table.grid(padding=(0, 2))
        table.add_row(
            "step", f"{progress.step:,} of {progress.steps:,}", "epoch", f"{progress.epoch} of {progress.epochs}"
        )
        if text:
            table.add_row("loss", f"{loss:.4f} nats/char", "best validation", best)
            table.add_row("bits/char", f"{loss / log(2):.3f}", "perplexity", f"{exp(min(loss, MAX_EXPONENT)):.2f}")
        else:
            table.add_row("loss", f"{loss:.4f}", f"best {self.run.config.train.best}", best)
            cells = [cell for name, value in self.figures.items() for cell in (name, f"{value:.4f}")]
            table.add_row(*(cells or ["validation", "not yet"]))
        table.add_row("speed", f"{progress.chars_per_second:,.0f} char/s", "left", self.remaining.after(progress))
        table.add_row(
            "learning rate", f"{progress.learning_rate:.3g}", "gradient norm", f"{progress.grad_norm:.3f}{clipped}"
        )
        return table


class PlainLines:
    """One line for each record, for files and other programs. Advice is printed when it is new."""

    def __init__(self, run: Run) -> None:
        self.remaining = RemainingTime(run)
        self.shown_advice = set[str]()

    def update(self, progress: Progress) -> None:
        """Print the record of a step if there is one, and the reason of a rollback."""
        if progress.rollback:
            tell(f"note: {progress.rollback}")
            self.remaining.after(progress)  # restarts from here
        if progress.record:
            tell(plain_line(progress, progress.record, self.remaining.after(progress)))
            self.advise(progress.record.advice)

    def advise(self, advice: list[str] | None) -> None:
        """Print the sentences whose rule the evaluation before did not name; None: there was no evaluation."""
        if advice is not None:
            by_name = {sentence.partition(":")[0]: sentence for sentence in advice}
            for name, sentence in by_name.items():
                if name not in self.shown_advice:
                    tell(sentence)
            self.shown_advice = set(by_name)
