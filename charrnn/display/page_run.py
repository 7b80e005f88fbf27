"""The page of `charrnn report`. It draws what PageData holds and computes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charrnn.display.html import charts, page, section
from charrnn.display.page_evaluation import evaluation_sections, surprise_section
from charrnn.display.page_inside import Inside, inside_sections
from charrnn.display.page_task import HeldOutExamples, example_sections
from charrnn.display.page_translation import HeldOutPairs, pair_sections
from charrnn.display.svg import Axes, Points, Series, chart, safe
from charrnn.display.task_tables import MEASURE_NAMES
from charrnn.evaluation import Assessment, Surprise


@dataclass(frozen=True)
class TrainingCurves:
    """What the log of a run holds, as points (step, value).

    Fields: `figure`, what train.best names, or empty for a text, whose loss is in nats per character; `valid_figure`,
    its values; `best`, the best of them, None without a validation split; `rollbacks`, the steps at which training was
    rolled back; `clipped_share`, the share of all steps that were clipped, None where the log does not say.
    """

    figure: str
    loss: Points
    valid_loss: Points
    valid_figure: Points
    best: tuple[float, float] | None
    learning_rate: Points
    grad_norm: Points
    clipped: Points
    rollbacks: Sequence[float]
    clipped_share: float | None


@dataclass(frozen=True)
class Sample:
    """A text that the model generated during training, under a heading that says when."""

    heading: str
    text: str


@dataclass(frozen=True)
class HeldOut:
    """What was measured on the held-out text; an n-gram has no inside."""

    evaluation: Assessment
    surprise: Surprise
    inside: Inside | None


@dataclass(frozen=True)
class PageData:
    """What the page of a run, or of a checkpoint alone, shows.

    Fields: `title`; `about`, a paragraph on the model; `curves`, from the log; `held_out`, of a text, of examples or of
    pairs, or None and the `problem` with them; `samples`, first to last; `config`, all keys as YAML.
    """

    title: str
    about: str
    curves: TrainingCurves
    held_out: HeldOut | HeldOutExamples | HeldOutPairs | None
    problem: str
    samples: Sequence[Sample]
    config: str


def run_page(data: PageData) -> bytes:
    """The HTML file."""
    sections = [
        f"<p>{safe(data.about)}</p>",
        training_section(data.curves),
        *held_out_sections(data.held_out, data.problem),
        samples_section(data.samples),
        config_section(data.config),
    ]
    return page(data.title, sections)


def held_out_sections(held_out: HeldOut | HeldOutExamples | HeldOutPairs | None, problem: str) -> Iterator[str]:
    """What was measured on the held-out text, examples or pairs, or why there is nothing."""
    if held_out is None:
        yield section("Evaluation", f"<p>{safe(problem)}</p>")
        return
    if isinstance(held_out, HeldOutExamples):
        yield from example_sections(held_out)
        return
    if isinstance(held_out, HeldOutPairs):
        yield from pair_sections(held_out)
        return
    yield from evaluation_sections(held_out.evaluation)
    yield surprise_section(held_out.surprise)
    if held_out.inside is not None:
        yield from inside_sections(held_out.inside)


def training_section(curves: TrainingCurves) -> str:
    """Learning curves, and what the optimizer did; empty where there is no log."""
    if not curves.loss:
        return ""
    marks = [(step, "rollback") for step in curves.rollbacks]
    if curves.best is None:
        result = "There is no validation split."
    else:
        step, value = curves.best
        marks.append((step, f"best {value:.4f}"))
        name, unit = MEASURE_NAMES[curves.figure or "loss"], "" if curves.figure else " nats per character"
        result = f"Best validation {name} {value:.4f}{unit}, at step {step:,.0f}."
    share = curves.clipped_share
    clipped = "" if share is None else f" {share:.1%} of the steps were clipped."
    note = f"{curves.loss[-1][0]:,.0f} steps. {result}{clipped}"
    return section("Training", charts(*training_charts(curves, marks)), note=note)


def training_charts(curves: TrainingCurves, marks: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Loss, the figure that chooses the best step, learning rate, gradient norm and clipping by step."""
    losses = [Series("training", curves.loss), Series("validation", curves.valid_loss)]
    first = curves.loss[0][0]
    if curves.figure in ("", "loss"):
        yield chart("Loss", losses, Axes("step", "per target" if curves.figure else "nats/char"), marks)
    else:
        yield chart(
            f"Validation {MEASURE_NAMES[curves.figure]}", [Series("", curves.valid_figure)], Axes("step", ""), marks
        )
        yield chart("Loss", losses, Axes("step", "per target"))
    yield chart("Learning rate", [Series("", curves.learning_rate)], Axes("step", ""))
    yield chart("Gradient norm", [Series("", curves.grad_norm)], Axes("step", "mean of each log interval"))
    share = Axes("step", "share of each log interval", include=[(first, 0), (first, 1)])
    yield chart("Steps clipped", [Series("", curves.clipped)], share)


def samples_section(samples: Sequence[Sample]) -> str:
    """Texts that were generated during training."""
    parts = [f"<h3>{safe(sample.heading)}</h3><pre>{safe(sample.text)}</pre>" for sample in samples]
    return section("Samples over time", *parts, note="Generated by the model during training, at temperature 0.8.")


def config_section(config: str) -> str:
    """The complete config."""
    return section("Configuration", f"<details><summary>All keys</summary><pre>{safe(config)}</pre></details>")
