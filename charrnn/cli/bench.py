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
@click.option(
    "--mpi",
    is_flag=True,
    help="Measure instead the exchange between all machines on which mpiexec or srun starts this command, and whether "
    "they pay.",
)
def bench(config: str | None, assignments: tuple[str, ...], seconds: float, as_json: bool, mpi: bool) -> int:
    """Measure how fast this machine trains CONFIG, and which number of workers is best.

    \b
    charrnn bench my.yaml
    charrnn bench                         the default network, on random text
    mpiexec -n 2 charrnn bench my.yaml --mpi

    Nothing is kept. For reliable figures, run nothing else on the machine meanwhile.
    """
    from charrnn.config import load_config

    if assignments and not config:
        raise click.UsageError("--set overrides a key of CONFIG; name one")
    if mpi:
        if not config:
            raise click.UsageError("--mpi measures a run; name its CONFIG")
        return bench_ranks(config, assignments, seconds, as_json)
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


def bench_ranks(config: str, assignments: tuple[str, ...], seconds: float, as_json: bool) -> int:
    """Measure as one of several ranks, the first of which prints the figures; return the exit code."""
    import json
    from dataclasses import asdict

    from charrnn.cli.on_ranks import end_together
    from charrnn.config import load_config
    from charrnn.display import gain_lines
    from charrnn.parallel import Ranks
    from charrnn.training import estimate_run

    ranks = Ranks()

    def measure_here() -> int:
        if ranks.size == 1:
            raise click.UsageError("--mpi compares machines; start two or more, as with mpiexec -n 2")
        settings = load_config(config, assignments)
        if settings.model.cell == "ngram":
            raise click.UsageError("bench measures networks; an n-gram is counted in one pass")
        gain = estimate_run(settings, seconds, ranks).gain
        assert gain is not None, "there are several ranks"
        if ranks.number == 0:
            click.echo(json.dumps(asdict(gain)) if as_json else "\n".join(gain_lines(gain)))
        return 0

    return end_together(ranks, measure_here)
