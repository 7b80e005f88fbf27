"""`charrnn info`."""

from typing import Any

import click

from charrnn.cli.inputs import opened
from charrnn.cli.options import CHECKPOINT
from charrnn.errors import visible


@click.command()
@CHECKPOINT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(checkpoint: str, as_json: bool) -> int:
    """Print what CHECKPOINT holds: architecture, vocabulary, config, training history, versions.

    \b
    charrnn info runs/my
    """
    import json

    from charrnn.models import describe_model

    loaded = opened(checkpoint)
    header, vocab = loaded.header, loaded.model.vocab
    model, training, ngram = loaded.config.model, header.get("training"), loaded.config.model.cell == "ngram"
    # An n-gram is counted when it is used, which may take more memory than a file from a stranger is worth.
    size, what = (len(loaded.arrays["text"]), "characters") if ngram else (loaded.model.size, "parameters")
    if as_json:
        click.echo(json.dumps({"path": str(loaded.path), what: size, **header}))
        return 0
    click.echo(visible(str(loaded.path)))
    click.echo(f"  model        {describe_model(model)}, {size:,} {what}")
    click.echo(f"  vocabulary   {vocab.size} {vocab.tokens}s: {visible(repr(vocab.symbols))[:1000]}")
    for line in history(training if isinstance(training, dict) else {}):
        click.echo(f"  {line}")
    click.echo(f"  arrays       {', '.join(loaded.arrays)}")
    versions = header.get("versions")
    named = ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else "unknown"
    click.echo(f"  versions     {visible(named, keep='')}")
    click.echo("  config")
    for line in loaded.config.to_yaml().splitlines():
        click.echo(f"    {visible(line)}")
    return 0


def history(training: dict[str, Any]) -> list[str]:
    """The training history of a checkpoint in a few lines; nothing where the file tells none."""
    try:
        lines = [f"trained      {training['step']:,} steps, {training['chars']:,} characters"]
        if training["best"] is not None:
            lines.append(
                f"best         {training['best']:.4f} nats/char on validation, at step {training['best_step']:,}"
            )
        for step, nats, valid, *_ in training["history"][-10:]:
            lines.append(
                f"  step {step:>8,}   train {nats:.4f}" + (f"   valid {valid:.4f}" if valid is not None else "")
            )
    except (KeyError, TypeError, ValueError):
        return ["trained      unknown"]
    return lines
