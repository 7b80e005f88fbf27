"""`charrnn info`."""

from typing import TYPE_CHECKING

import click

from charrnn.cli.inputs import load_model
from charrnn.cli.options import CHECKPOINT
from charrnn.errors import visible

if TYPE_CHECKING:
    from charrnn.models import TrainingState

SHOWN_EVALUATIONS = 10
SHOWN_SYMBOLS = 1000  # characters of the vocabulary, as Python writes it


@click.command()
@CHECKPOINT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(checkpoint: str, as_json: bool) -> int:
    """Print what CHECKPOINT holds: architecture, vocabulary, config, training history, versions.

    \b
    charrnn info runs/my
    """
    import json

    from charrnn.models import NGram, model_name
    from charrnn.storage import checkpoint as checkpoints

    saved = load_model(checkpoint)
    header, vocab = saved.header, saved.header.vocab
    if isinstance(saved.model, NGram):
        # Counting its n-grams may take far more memory than the file, which may come from a stranger.
        size, unit = len(saved.arrays["text"]), "characters"
    else:
        size, unit = saved.model.size, "parameters"
    if as_json:
        document = {"format": checkpoints.FORMAT, "version": checkpoints.VERSION, **header.to_dict()}
        click.echo(json.dumps({"path": str(saved.path), unit: size, **document}))
        return 0
    versions = ", ".join(f"{name} {version}" for name, version in header.versions.items()) or "unknown"
    click.echo(visible(str(saved.path)))
    click.echo(f"  model        {model_name(saved.config.model)}, {size:,} {unit}")
    click.echo(f"  vocabulary   {vocab.size} {vocab.tokens}s: {visible(repr(vocab.symbols))[:SHOWN_SYMBOLS]}")
    for line in training_lines(header.training):
        click.echo(f"  {line}")
    click.echo(f"  arrays       {', '.join(saved.arrays)}")
    click.echo(f"  versions     {visible(versions, keep='')}")
    click.echo("  config")
    for line in saved.config.to_yaml().splitlines():
        click.echo(f"    {visible(line)}")
    return 0


def training_lines(state: "TrainingState | None") -> list[str]:
    """How far the run had come, and its latest evaluations."""
    if state is None:
        return ["trained      unknown"]
    lines = [f"trained      {state.step:,} steps, {state.chars:,} characters"]
    if state.best is not None:
        lines.append(f"best         {state.best:.4f} nats/char on validation, at step {state.best_step:,}")
    for entry in state.history[-SHOWN_EVALUATIONS:]:
        valid = "" if entry.valid_loss is None else f"   valid {entry.valid_loss:.4f}"
        lines.append(f"  step {entry.step:>8,}   train {entry.train_loss:.4f}{valid}")
    return lines
