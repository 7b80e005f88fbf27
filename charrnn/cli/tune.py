"""`charrnn tune`: many runs with other values of some keys, and the best of them."""

import shlex
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from charrnn.cli.options import Number

if TYPE_CHECKING:
    from charrnn.tuning import Outcome, Search

SHOWN = 10  # trials in the table


@click.command()
@click.argument("config", type=click.Path())
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key, for all trials.")
@click.option("--trials", type=click.IntRange(1, 100_000), default=30, show_default=True,
              help="Trials in all, those of other processes included.")  # fmt: skip
@click.option("--minutes", type=Number(0, min_open=True), metavar="M", help="Stop this process after M minutes.")
@click.option("--out", metavar="DIR", help="Folder of the search (default: runs/, the config's name, and -tune).")
@click.option("--quiet", is_flag=True, help="Print nothing but errors and the outcome.")
def tune(
    config: str, assignments: tuple[str, ...], trials: int, minutes: float | None, out: str | None, quiet: bool
) -> int:
    """Search for better values of the keys of CONFIG; needs the extra tune.

    \b
    charrnn tune my.yaml --trials 40 --minutes 30

    What varies is in the section `tune` of CONFIG, or follows from the task and the length of the text; the first trial
    has the values that `charrnn train` would have. Trials are run directories in DIR. The same command goes on with a
    search that was stopped; several processes, also on several machines, may work on one folder. At the end the best
    config is written to DIR/best.yaml, and the best trial is compared with the first on the test split.
    """
    from charrnn.cli.signals import Stop
    from charrnn.config import load_config, load_space
    from charrnn.terminal import tell
    from charrnn.training import complete_config
    from charrnn.tuning import Search, default_space, outcome

    settings = load_config(config, assignments)
    if settings.model.cell == "ngram":
        raise click.UsageError("an n-gram is counted, and has no values to search for; set model.cell")
    complete = complete_config(settings)
    if complete.model.ngram and settings.model.ngram is None:  # a trial that sets hidden_size would have none
        assignments = (*assignments, f"model.ngram={complete.model.ngram}")
    space = load_space(config, assignments) or default_space(settings, complete)
    folder = Path(out or f"{settings.out}-tune")
    search = Search(folder, config, assignments, space, complete)
    stop, began = Stop(), monotonic()

    def stopping() -> bool:
        return bool(stop.code) or (minutes is not None and monotonic() - began > 60 * minutes)

    while not stopping():
        trial = search.open_trial(trials, lambda number, error: tell(f"trial {number}: {error}"))
        if trial is None:
            break
        over = trial.train(stopping, lambda progress: None)
        if over and not quiet:
            tell(trial_line(search, trial.number))
    result = outcome(search)
    for line in [*outcome_lines(result), *beside_the_first(search, result)]:
        click.echo(line)
    if result.best:
        best = write_best(folder, result)
        tell(f"next:  charrnn train {shlex.quote(str(best))}")
    if result.open or stop.code:
        words = " ".join(map(shlex.quote, ["charrnn", *sys.argv[1:]]))
        tell(f"a trial is not finished; to continue:  {words}" if result.open else f"to continue:  {words}")
    return stop.code


def trial_line(search: "Search", number: int) -> str:
    """How a trial ended."""
    own = search.study.trials[number]
    end = {"PRUNED": "cut short", "FAIL": "diverged"}.get(own.state.name) or f"{search.best_name} {own.value:.4f}"
    values = ", ".join(f"{name} {value_text(value)}" for name, value in own.params.items())
    return f"trial {number}: {end}  ({values})"


def value_text(value: object) -> str:
    """A value of a trial, short."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def outcome_lines(result: "Outcome") -> list[str]:
    """The table of the best trials, and what mattered."""
    from charrnn.display import aligned

    count = len(result.rows)
    counts = f"{count} trial{'s' * (count != 1)} finished, {result.pruned} cut short, {result.failed} failed"
    if not result.rows:
        return [counts]
    names = list(result.rows[0].values)
    cells = [["trial", result.figure, *(name.rpartition(".")[2] for name in names)]]
    for row in result.rows[:SHOWN]:
        cells.append([str(row.number), f"{row.figure:.4f}", *(value_text(row.values.get(name, "")) for name in names)])
    lines = [counts, *aligned(cells)]
    if result.importance:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in result.importance.items())
        lines.append(f"what mattered: {shares}")
    return lines


def beside_the_first(search: "Search", result: "Outcome") -> list[str]:
    """Whether the best trial is better than the first by more than noise, on the test split, which chose neither.

    Of many trials the best on a short validation split may owe that to luck. No lines without a test split, or where
    the first trial is the best or did not finish.
    """
    from charrnn.blas import one_thread
    from charrnn.cli.inputs import load_model
    from charrnn.display import task_verdicts, verdicts
    from charrnn.evaluation import Comparison, TaskComparison, compare, compare_tasks

    finished = [row.number for row in result.rows]
    if 0 not in finished[1:]:
        return []
    models = [load_model(str(search.directory(number))) for number in (finished[0], 0)]
    with one_thread():
        language = models[0].config.task == "language"
        found: Comparison | TaskComparison = compare(models) if language else compare_tasks(models)
    if any(run.text == "valid split" for run in found.runs):
        return []
    sentences = verdicts(found) if isinstance(found, Comparison) else task_verdicts(found)
    return ["on the test split (trial-0000 has the values without a search):", *(f"  {own}" for own in sentences)]


def write_best(folder: Path, result: "Outcome") -> Path:
    """Write the config of the best trial, whole or not at all."""
    from charrnn.storage import write_atomic

    assert result.best is not None
    best = result.rows[0]
    text = f"# Trial {best.number} of a search: {result.figure} {best.figure:.4f}.\n{result.best.to_yaml()}"
    path = folder / "best.yaml"
    write_atomic(path, lambda file: file.write(text.encode()))
    return path
