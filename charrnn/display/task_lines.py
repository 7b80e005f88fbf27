"""What `charrnn eval` prints about a classifier or tagger: results as lines of plain, aligned text.

Text of a user's goes through visible(). Nothing is computed here.
"""

from collections.abc import Iterator

from charrnn.display.formats import plural
from charrnn.display.lines import aligned, escaped
from charrnn.display.task_tables import (
    answers_table,
    confusions_table,
    labels_table,
    measures_table,
    mistakes_table,
    numbers_table,
    rows_table,
    spans_table,
    tags_table,
    task_calibration_table,
)
from charrnn.evaluation import TaskAssessment


def task_lines(report: TaskAssessment) -> Iterator[str]:
    """The report of `charrnn eval` on a classifier or tagger."""
    unknown = f", {report.unknown:,} unknown to the model" if report.unknown else ""
    count = plural(report.examples, "example")
    yield f"{escaped(report.text)}: {count}, {report.symbols:,} symbols{unknown}"
    yield from aligned(measures_table(report), left=3)
    if len(report.rows) > 1:
        yield from ["", *aligned(rows_table(report))]
    if report.answers is not None:
        yield from ["", *aligned(answers_table(report))]
    if report.numbers is not None and len(report.numbers) > 1:
        yield from ["", *aligned(numbers_table(report))]
    if report.tags is not None:
        yield from ["", *aligned(tags_table(report))]
    if report.spans is not None:
        yield from ["", *aligned(spans_table(report))]
    if report.labels is not None:
        yield from label_lines(report)


def label_lines(report: TaskAssessment) -> Iterator[str]:
    """What is known of each label, of confusions, calibration and mistakes."""
    labels = report.labels
    assert labels is not None
    yield from ["", *aligned(labels_table(report))]
    if labels.confusions:
        yield from ["", *aligned(confusions_table(report), left=2)]
    if labels.calibration_error is not None:
        yield from ["", *aligned(task_calibration_table(report))]
        yield f"  expected calibration error {labels.calibration_error:.1%}"
    if report.mistakes:
        yield from ["", "  surest mistakes", *aligned(mistakes_table(report), left=5)]
