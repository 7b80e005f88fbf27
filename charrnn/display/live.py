"""What a person sees while a network trains: a live panel in a terminal, plain lines anywhere else; and how to stop it.

Everything goes to stderr. Text of the user's never reaches the terminal raw. No training happens here.

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


class Clock:
    """Time left, from the steps of this session, evaluations and all."""

    def __init__(self, run: Run) -> None:
        self.began, self.first = monotonic(), run.state.step

    def left(self, progress: Progress) -> str:
        """Time that the remaining steps will take; early stopping may end the run before."""
        if progress.rollback:
            self.began, self.first = monotonic(), progress.step - 1
        done = max(progress.step - self.first, 1)
        return duration((monotonic() - self.began) / done * (progress.steps - progress.step))


def plain_line(progress: Progress, record: LogRecord, left: str) -> str:
    """One record of the log as one line."""
    valid = "" if record.valid_loss is None else f"  valid {record.valid_loss:.4f}"
    return (
        f"step {progress.step}/{progress.steps}  epoch {progress.epoch}  loss {record.loss:.4f}{valid}  "
        f"bits/char {record.bits_per_char:.3f}  perplexity {record.perplexity:.2f}  "
        f"lr {progress.learning_rate:.2g}  norm {record.grad_norm:.2f}  clipped {record.clipped:.0%}  "
        f"{progress.chars_per_second:,.0f} char/s  left {left}"
    )


class LivePanel:
    """One panel, redrawn a few times a second. `stop_message` returns what to say of a signal that came, or nothing."""

    def __init__(self, run: Run, console: Console, stop_message: Callable[[], str]) -> None:
        self.run, self.console, self.stop_message = run, console, stop_message
        self.clock = Clock(run)
        self.losses: deque[float] = deque(maxlen=4096)
        self.progress: Progress | None = None
        self.sample, self.advice = "", run.advice
        self.live = Live(get_renderable=self.render, console=console, refresh_per_second=6, transient=False)

    def update(self, progress: Progress) -> None:
        """Take note of a step."""
        self.losses.append(progress.loss)
        self.sample = progress.sample or self.sample
        self.progress = progress
        if progress.record and progress.record.advice is not None:
            self.advice = progress.record.advice
        if progress.rollback:
            self.console.print(Text(visible(f"note: {progress.rollback}")))

    def render(self) -> Any:
        """The panel as it stands."""
        progress, at = self.progress, self.run.state
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
        if message := self.stop_message():
            parts.append(Text(message, style="bold yellow"))
        title = Text(visible(str(self.run.directory.path if self.run.directory else "")))
        return Panel(Group(*parts), title=title, title_align="left", width=min(self.console.width, 100))


class PlainLines:
    """One line for each record, for files and other programs; advice when it is new, not with each evaluation."""

    def __init__(self, run: Run) -> None:
        self.clock, self.advised = Clock(run), set[str]()

    def update(self, progress: Progress) -> None:
        """Print a record where there is one, and what was undone."""
        if progress.rollback:
            tell(f"note: {progress.rollback}")
            self.clock.left(progress)
        if progress.record:
            tell(plain_line(progress, progress.record, self.clock.left(progress)))
            self.advise(progress.record.advice)

    def advise(self, advice: list[str] | None) -> None:
        """Print the sentences of an evaluation that the one before it did not have, whatever their numbers."""
        if advice is not None:
            named = {sentence.partition(":")[0]: sentence for sentence in advice}
            for name, sentence in named.items():
                if name not in self.advised:
                    tell(sentence)
            self.advised = set(named)
