"""What `charrnn eval`, `compare` and `flow` print: results as lines of plain, aligned text.

Text of a user's goes through visible(). Nothing is computed here.
"""

from collections.abc import Iterator, Sequence

from charrnn.display.tables import (
    Cells,
    calibration_table,
    differing_table,
    figures_table,
    flows_table,
    kinds_table,
    models_table,
    new_passages_table,
    number,
    overlap_texts,
    positions_table,
    runs_table,
    size_text,
    weights_text,
)
from charrnn.errors import visible
from charrnn.evaluation import Assessment, Comparison
from charrnn.inspection import ModelFlow


def escaped(text: str) -> str:
    """Text that stays on its line and cannot command a terminal."""
    return visible(text, keep="")


def aligned(rows: Cells, indent: str = "  ", left: int = 1) -> list[str]:
    """Rows of cells as lines: the first `left` columns flush left, the others flush right."""
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def evaluation_lines(report: Assessment) -> Iterator[str]:
    """The report of `charrnn eval`."""
    analysis = report.analysis
    yield f"{visible(report.text)}: {size_text(report)}"
    yield from aligned(figures_table(report), left=3)
    if len(report.rows) > 1:
        yield from ["", *aligned(models_table(report))]
    if report.weights:
        yield f"  weights of the mixture: {escaped(weights_text(report))}"
    yield from ["", *aligned(kinds_table(report))]
    yield from ["", *aligned(positions_table(report))]
    if analysis.calibration_error is not None:
        yield from ["", *aligned(calibration_table(report))]
        yield f"  expected calibration error {analysis.calibration_error:.1%}"
    yield from ["", *worst_lines(report)]
    if report.novelty is not None:
        yield ""
        yield from (f"  {escaped(sentence)}" for sentence in overlap_texts(report, report.novelty))
        yield from aligned(new_passages_table(report.novelty))


def worst_lines(report: Assessment) -> Iterator[str]:
    """The passages with the highest loss, or the documents."""
    analysis = report.analysis
    if analysis.documents is not None:
        yield "  worst documents: nats/char, number, text"
        for document in analysis.worst_documents:
            text = escaped(document.text.replace("\n", "⏎"))
            yield f"  {document.nats_per_char:.2f}  {document.number:>9,}  {text}"
        return
    yield "  worst passages: nats/char, first character, [passage] in its context"
    for passage in analysis.worst:
        text = f"{passage.before}[{passage.text}]{passage.after}".replace("\n", "⏎")
        yield f"  {passage.nats_per_char:.2f}  {passage.start:>9,}  {escaped(text)}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """The result of `charrnn compare`."""
    yield from aligned(runs_table(comparison), "")
    if comparison.differing:
        yield from ["", *aligned(differing_table(comparison.differing, len(comparison.runs)), "")]
    yield ""
    yield from verdicts(comparison)


def verdicts(comparison: Comparison) -> Iterator[str]:
    """Which runs are better or worse than the reference, in words, and why others cannot be compared."""
    reference = next((run for run in comparison.runs if run.nats_per_char is not None), None)
    for run in comparison.runs:
        if reference is not None and run.difference is not None:
            found = run.difference
            yield verdict(escaped(reference.run), escaped(run.run), found.mean, found.beyond_noise)
            if found.unit != "nats/char":
                yield f"{escaped(run.run)}: its difference is in {found.unit}, because its tokens are not the same."
    for run in comparison.runs:
        if run.unknown_chars:
            yield (
                f"{escaped(run.run)}: {run.unknown_chars:,} characters are unknown to it; charged for, they make it "
                f"{number(run.nats_per_char_charged)} nats/char."
            )
        if run.note is not None:
            yield f"{escaped(run.run)}: {escaped(run.note)}"


def verdict(reference: str, other: str, difference: float, beyond_noise: bool) -> str:
    """A difference of two runs in words; a positive one means that the reference is better."""
    if not beyond_noise:
        return f"{reference} and {other} do not differ by more than noise."
    return f"{reference} is {'better' if difference > 0 else 'worse'} than {other} by more than noise."


def flow_lines(models: Sequence[ModelFlow]) -> list[str]:
    """The result of `charrnn flow`: gradients as shares of the gradient one step back."""
    return aligned(flows_table(models), "")
