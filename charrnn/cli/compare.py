"""`charrnn compare`."""

from collections.abc import Sequence
from pathlib import Path

import click

from charrnn.cli.inputs import load_language, load_model, load_task


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(), metavar="RUN RUN...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(runs: tuple[str, ...], as_json: bool) -> int:
    """Compare two or more runs: configs, validation loss, speed, and whether one is better by more than noise.

    \b
    charrnn compare runs/lstm runs/gru

    Runs with the same held-out split (test, else validation) are scored on it again. Each mean difference from the
    best run has a 95 % interval (paired block bootstrap). Classifiers, taggers and translators are compared on
    the same examples.
    """
    import json

    from charrnn.blas import one_thread
    from charrnn.display import comparison_lines, task_comparison_lines
    from charrnn.evaluation import compare as compare_runs
    from charrnn.evaluation import compare_tasks

    if len(runs) < 2:
        raise click.UsageError("name at least two runs")
    check_different(runs)
    first = load_model(runs[0])
    if first.config.task != "language":
        with one_thread():
            tasks = compare_tasks([first, *map(load_task, runs[1:])])
        for line in [json.dumps(tasks.to_dict())] if as_json else task_comparison_lines(tasks):
            click.echo(line)
        return 0
    models = [first, *(load_language(run, "compare with runs of its kind") for run in runs[1:])]
    with one_thread():
        found = compare_runs(models)
    for line in [json.dumps(found.to_dict())] if as_json else comparison_lines(found):
        click.echo(line)
    return 0


def check_different(runs: Sequence[str]) -> None:
    """Refuse a run that is named twice, whatever the path to it."""
    places = [Path(run).resolve() for run in runs]
    for k, place in enumerate(places):
        if place in places[:k]:
            raise click.UsageError(f"{runs[k]} is named twice; name different runs")
