"""The page of `charrnn report`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from charrnn.data import choose_split
from charrnn.display.html import charts, page, section
from charrnn.display.page_evaluation import evaluation, surprise
from charrnn.display.page_inside import gradients, neurons
from charrnn.display.svg import Series, chart, safe
from charrnn.errors import TextError
from charrnn.evaluation import ReportOptions, assess
from charrnn.inspection import flow
from charrnn.models import Network, SavedModel, model_name
from charrnn.storage import RunDirectory, clipped_share, column, read_log

LARGE = 20_000_000  # characters of training text beyond which baselines take too long for a page


SHOWN_SAMPLES, SAMPLE = 5, 600  # texts of a run, and bytes of each


def run_page(loaded: SavedModel, units: Sequence[tuple[int, int]] = ()) -> tuple[bytes, list[float], str]:
    """What `charrnn report` writes of a run, or of a checkpoint alone, as much as there is; its validation losses, or
    those of training where there is no such split; and what is wrong with its text, of which then nothing is shown.

    `units`: layers and units, both from 0, to show beside those that are found.
    """
    fault = ""
    run, model = RunDirectory(loaded.path.parent), loaded.model
    records = read_log(run.log)
    kind = "n-grams" if loaded.config.model.cell == "ngram" else "parameters"
    about = f"{model_name(loaded.config.model)}, {model.size:,} {kind}, vocabulary of {model.vocab.size}"
    if loaded.step and isinstance(model, Network):
        about += f", after {loaded.step:,} steps"
    sections = [f"<p>{safe(about)}. {safe(loaded.note)}</p>", *curves(loaded, records)]
    try:
        corpus = loaded.corpus()
        split = choose_split(corpus, None)
        report, _ = assess([loaded], split, corpus, ReportOptions(baselines=len(corpus.train) <= LARGE))
        sections += [*evaluation(report), surprise(loaded, split.ids)]
        if isinstance(model, Network) and len(split) > 1:
            sections += [*neurons(model, split.ids, units), gradients([(loaded.name, flow(model, split.ids))])]
    except TextError as error:
        fault = str(error)
        sections.append(section("Evaluation", f"<p>{safe(fault)}</p>"))
    sections += [samples(run.samples), configuration(loaded)]
    losses = [loss for _, loss in column(records, "valid_loss") or column(records, "loss")]
    return page(loaded.name, sections), losses, fault


def curves(loaded: SavedModel, records: list[dict[str, Any]]) -> Iterator[str]:
    """Learning curves, and what the optimizer did."""
    train, valid = column(records, "loss"), column(records, "valid_loss")
    if not train:
        return
    marks = [(step, "rollback") for step, _ in column([r | {"at": 0} for r in records if "rollback" in r], "at")]
    best = min(valid, key=lambda point: point[1], default=None)
    said = "There is no validation split."
    if best:
        marks.append((best[0], f"best {best[1]:.4f}"))
        said = f"Best validation loss {best[1]:.4f} nats per character, at step {best[0]:,.0f}."
    drawn = [
        chart("Loss", [Series("training", train), Series("validation", valid)], "step", "nats/char", marks=marks),
        chart("Learning rate", [Series("", column(records, "learning_rate"))], "step", ""),
        chart("Gradient norm", [Series("", column(records, "grad_norm"))], "step", "mean of an interval"),
        chart(
            "Steps clipped",
            [Series("", column(records, "clipped"))],
            "step",
            "share",
            frame=[(train[0][0], 0), (train[0][0], 1)],
        ),
    ]
    last = train[-1][0]
    share = clipped_share(records)
    cut = "" if share is None else f" {share:.1%} of the steps were clipped."
    yield section("Training", charts(*drawn), note=f"{last:,.0f} steps. {said}{cut}")


def samples(folder: Path) -> str:
    """Texts written along the way, from the first to the last."""
    try:
        files = sorted(folder.glob("*.txt"))
    except OSError:
        return ""
    count = min(SHOWN_SAMPLES, len(files))
    chosen = [files[k * (len(files) - 1) // max(count - 1, 1)] for k in range(count)]
    parts = []
    for path in chosen:
        try:
            with open(path, "rb") as file:
                text = file.read(SAMPLE).decode("utf-8", "replace")
        except OSError:
            continue
        step = f"step {int(path.stem):,}" if path.stem.isdecimal() else path.stem
        parts.append(f"<h3>{safe(step)}</h3><pre>{safe(text)}</pre>")
    return section("Samples over time", *parts, note="Written by the model at temperature 0.8 while it learned.")


def configuration(loaded: SavedModel) -> str:
    """The complete config."""
    text = f"<details><summary>All keys</summary><pre>{safe(loaded.config.to_yaml())}</pre></details>"
    return section("Configuration", text)
