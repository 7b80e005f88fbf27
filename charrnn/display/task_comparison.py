"""What `charrnn compare` prints about classifiers, taggers and translators. Text of a user's is escaped."""

from collections.abc import Iterator

from charrnn.display.lines import aligned, escaped
from charrnn.display.tables import Cells, differing_table
from charrnn.display.task_tables import MEASURE_NAMES, figure
from charrnn.evaluation import Difference, TaskComparison

NUMBERS = ("rmse", "mean_auc")  # figures that are no shares
IN_SENTENCES = MEASURE_NAMES | {"exact": "share of exact targets", "symbol_error": "share of wrong symbols"}


def task_comparison_lines(comparison: TaskComparison) -> Iterator[str]:
    """The result of `charrnn compare` on models of examples."""
    yield from aligned(task_runs_table(comparison), "")
    if comparison.differing:
        yield from ["", *aligned(differing_table(comparison.differing, len(comparison.runs)), "")]
    yield ""
    yield from task_verdicts(comparison)


def task_verdicts(comparison: TaskComparison) -> Iterator[str]:
    """Which figures of the best run are better than those of the others, in words, or why they cannot be compared."""
    first = comparison.runs[0]
    for run in comparison.runs:
        for name, found in run.differences.items():
            what = IN_SENTENCES[name]
            if not found.beyond_noise:
                yield f"{escaped(first.run)} and {escaped(run.run)} do not differ in {what} by more than noise."
            else:
                word = "higher" if found.mean < 0 else "lower"
                yield f"{escaped(first.run)} has a {word} {what} than {escaped(run.run)}, by more than noise."
        if run.note:
            yield f"{escaped(run.run)}: {escaped(run.note)}"


def task_runs_table(comparison: TaskComparison) -> Cells:
    """The runs with their figures and differences."""
    names = next((list(run.figures) for run in comparison.runs if run.figures), [])
    head = ["run", "examples", "text"]
    for name in names:
        head += [MEASURE_NAMES[name], "difference", "95 % interval"]
    rows = [head]
    for run in comparison.runs:
        cells = [run.run, f"{run.examples:,}" if run.figures else "-", run.text or "-"]
        for name in names:
            value, difference = run.figures.get(name), run.differences.get(name)
            cells.append("-" if value is None else figure(value, name not in NUMBERS))
            cells += ["-", "-"] if difference is None else [signed(difference.mean, name), interval(difference, name)]
        rows.append(cells)
    return rows


def signed(value: float, name: str) -> str:
    """A difference of figures; that of shares in percentage points."""
    return f"{value:+.4f}" if name in NUMBERS else f"{value:+.1%}"


def interval(difference: Difference, name: str) -> str:
    """The interval of a difference."""
    low, high = difference.interval
    return f"{signed(low, name)} to {signed(high, name)}"
