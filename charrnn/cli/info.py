"""`charrnn info`."""

from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.inputs import load_model
from charrnn.cli.options import CHECKPOINT
from charrnn.errors import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from charrnn.config import Config
    from charrnn.models import Header, SavedModel, TrainingState

MAX_EVALUATIONS = 10  # printed, the latest
MAX_SYMBOL_CHARS = 1000  # printed of the vocabulary, which is written as a Python string


@click.command()
@CHECKPOINT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(checkpoint: str, as_json: bool) -> int:
    """Print what CHECKPOINT holds: architecture, vocabulary, config, training history, versions.

    \b
    charrnn info runs/my
    """
    import json

    saved = load_model(checkpoint)
    for line in [json.dumps(info_document(saved))] if as_json else info_lines(saved):
        click.echo(line)
    return 0


def info_document(saved: "SavedModel") -> dict[str, Any]:
    """The header of a checkpoint with its path and size, as JSON data."""
    from charrnn.storage import checkpoint

    size, unit = size_of(saved)
    marks = {"format": checkpoint.FORMAT, "version": checkpoint.VERSION}
    return {"path": str(saved.path), unit: size, **marks, **saved.header.to_dict()}


def info_lines(saved: "SavedModel") -> list[str]:
    """A checkpoint for people. Text of the file's is escaped."""
    from charrnn.models import model_name

    header = saved.header
    size, unit = size_of(saved)
    task = "" if saved.config.task == "language" else f"{saved.config.task}, "
    versions = ", ".join(f"{name} {version}" for name, version in header.versions.items()) or "unknown"
    return [
        visible(str(saved.path)),
        f"  model        {task}{model_name(saved.config.model)}, {size:,} {unit}",
        *(f"  {line}" for line in symbols_lines(header)),
        *ngram_lines(saved),
        *(f"  {line}" for line in training_lines(header.training, saved.config)),
        f"  arrays       {', '.join(saved.arrays)}",
        f"  versions     {visible(versions, keep='')}",
        "  config",
        *(f"    {visible(line)}" for line in saved.config.to_yaml().splitlines()),
    ]


def ngram_lines(saved: "SavedModel") -> list[str]:
    """What the n-gram inside a network counts, as it lies in the file; no lines without one."""
    if not saved.config.model.ngram:
        return []
    return [f"  n-gram       counts the training text, {len(saved.arrays['text']):,} characters, which this file holds"]


def symbols_lines(header: "Header") -> list[str]:
    """What a model reads and predicts: a vocabulary, how documents end, labels, or the symbols of both sides."""
    from charrnn.data import END

    lines = []
    if vocab := header.vocab:
        symbols = vocab.symbols.replace(END, "") if vocab.end == END else vocab.symbols
        lines.append(f"vocabulary   {vocab.size} {vocab.tokens}s: {visible(repr(symbols))[:MAX_SYMBOL_CHARS]}")
        if vocab.end:
            end = "a symbol of its own, one of the vocabulary, shown as ␃" if vocab.end == END else "a newline"
            lines.append(f"documents    each ends with {end}")
    if header.labels:
        lines.append(f"labels       {labels_text(header.labels.names)}")
    if header.labels and header.thresholds:
        pairs = zip(header.labels.names, header.thresholds, strict=True)
        fitted = visible(", ".join(f"{name} {threshold:.3f}" for name, threshold in pairs), keep="")
        lines.append(f"thresholds   {fitted[:MAX_SYMBOL_CHARS]}")
    for name, side in (("sources", header.source), ("targets", header.target)):
        if side:
            lines.append(f"{name}      {len(side.names)} symbols: {visible(' '.join(side.names))[:MAX_SYMBOL_CHARS]}")
    return lines


def labels_text(names: "Sequence[str]") -> str:
    """How many labels a model has, and which."""
    return f"{len(names)}: {visible(', '.join(names), keep='')[:MAX_SYMBOL_CHARS]}"


def size_of(saved: "SavedModel") -> tuple[int, str]:
    """The size of a model and its unit: the parameters of a network, the characters that n-grams count.

    The n-grams themselves are not counted here: that may take far more memory than the file, which need not be one of
    the user's own.
    """
    if saved.config.model.cell == "ngram":
        return len(saved.arrays["text"]), "characters"
    return saved.model.size, "parameters"


def training_lines(state: "TrainingState | None", config: "Config") -> list[str]:
    """How long a model was trained, its best validation loss or figure, and the latest evaluations."""
    if state is None:
        return ["trained      unknown"]
    lines = [f"trained      {state.step:,} steps, {state.chars:,} characters"]
    if state.best is not None:
        unit = "nats/char" if config.task == "language" else config.train.best
        lines.append(f"best         {state.best:.4f} {unit} on validation, at step {state.best_step:,}")
    for evaluation in state.history[-MAX_EVALUATIONS:]:
        valid = "" if evaluation.valid_loss is None else f"   valid {evaluation.valid_loss:.4f}"
        lines.append(f"  step {evaluation.step:>8,}   train {evaluation.train_loss:.4f}{valid}")
    return lines
