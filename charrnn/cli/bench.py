"""`charrnn bench`."""

from typing import TYPE_CHECKING

import click

from charrnn.cli.options import Number

if TYPE_CHECKING:
    from charrnn.config import Config


@click.command()
@click.argument("config", type=click.Path(), required=False)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. train.batch_size=64."
)
@click.option("--seconds", type=Number(0, min_open=True), default=2.0, show_default=True, help="Time for each figure.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(config: str | None, assignments: tuple[str, ...], seconds: float, as_json: bool) -> int:
    """Measure how fast this machine trains CONFIG, and which number of workers is best.

    \b
    charrnn bench my.yaml
    charrnn bench                         the default model, on random text

    Nothing is kept. For reliable figures, run nothing else on the machine meanwhile.
    """
    from charrnn.config import load_config

    if assignments and not config:
        raise click.UsageError("--set overrides a key of CONFIG; name one")
    settings = load_config(config, assignments) if config else None
    if settings and settings.model.cell == "ngram":
        raise click.UsageError("bench measures networks; an n-gram is counted in one pass")
    click.echo(measured(settings, seconds, as_json))
    return 0


def measured(settings: "Config | None", seconds: float, as_json: bool) -> str:
    """Measure; return the figures as a table or as JSON."""
    import json
    from dataclasses import asdict

    from charrnn.blas import sentence
    from charrnn.display import describe_bench
    from charrnn.training import measure

    speeds = measure(settings, seconds)
    return json.dumps(asdict(speeds)) if as_json else "\n".join([f"machine: {sentence()}", *describe_bench(speeds)])
