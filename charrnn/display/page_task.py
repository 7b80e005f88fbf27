"""The sections of a page about the evaluation of a classifier or tagger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charrnn.display.formats import plural
from charrnn.display.heat_map import heat_map
from charrnn.display.html import charts, page, section, table
from charrnn.display.page_examples import decided_section, sentences_section
from charrnn.display.svg import COLOURS, Axes, Series, chart, safe
from charrnn.display.task_tables import (
    answers_table,
    label_name,
    labels_table,
    numbers_table,
    rows_table,
    spans_table,
    tags_table,
    task_calibration_table,
)
from charrnn.evaluation import Residuals, TaskAssessment, TaskDetails
from charrnn.inspection import Occlusion

MAX_CURVES = 24  # labels whose precision and recall are drawn
MAX_COLUMNS = 6  # columns of numbers that are drawn


@dataclass(frozen=True)
class HeldOutExamples:
    """What was measured on held-out examples.

    Fields: `names`, a printable name for each id of the vocabulary; `occlusions`, of a classifier.
    """

    report: TaskAssessment
    details: TaskDetails
    occlusions: list[Occlusion]
    names: list[str]


def examples_page(name: str, found: HeldOutExamples) -> bytes:
    """What `charrnn eval --html` writes about a classifier or tagger."""
    return page(f"{name}: {found.report.text}", example_sections(found))


def example_sections(found: HeldOutExamples) -> Iterator[str]:
    """Everything that was measured on examples as sections; those that do not go with the model are empty."""
    report, details = found.report, found.details
    yield figures_section(report)
    yield from label_sections(found)
    yield answers_section(found)
    yield numbers_section(report, details.residuals)
    if report.spans is not None:
        yield section("Spans", table(spans_table(report)), note="A span is right if its bounds and its type are.")
    yield mistakes_section(report)
    yield sentences_section(details.sentences)
    yield decided_section(found.occlusions, found.names, report.output)


def figures_section(report: TaskAssessment) -> str:
    """The most important figures with their intervals, baselines beside the model."""
    unknown = f", {report.unknown:,} of them unknown to the model" if report.unknown else ""
    count = plural(report.examples, "example")
    note = f"{report.text}: {count}, {report.symbols:,} symbols{unknown}. Intervals: bootstrap over examples."
    parts = [table(rows_table(report))]
    if report.tags is not None:
        parts.append(table(tags_table(report)))
    return section("Evaluation", *parts, note=note)


def label_sections(found: HeldOutExamples) -> Iterator[str]:
    """Figures by label, the confusions and the calibration."""
    report, confusions = found.report, found.details.confusions
    labels = report.labels
    if labels is None or confusions is None:
        return
    what = "units" if report.task == "tag" else "examples"
    note = (
        f"Numbers are {what}. Blue squares on the diagonal are right, orange ones beside it are confusions; the "
        f"stronger, the larger their share of the row."
    )
    if confusions.others:
        note += (
            f" The last row and column sum up the labels with the fewest {what}; where they meet, right and wrong are "
            "counted together."
        )
    yield section("Confusions", heat_map(confusions), note=note)
    yield section("Labels", table(labels_table(report)))
    if labels.calibration_error is None:
        return
    bins = [(each.confidence, each.accuracy) for each in labels.calibration]
    perfect = Series("perfect calibration", [(0.0, 0.0), (1.0, 1.0)])
    counts = [(each.confidence, float(each.chars)) for each in labels.calibration]
    drawn = [
        chart("Reliability", [Series("model", bins), perfect], Axes("confidence", "accuracy")),
        chart("Confidence", [Series("", counts)], Axes("confidence", what, include=[(0, 0), (1, 0)])),
    ]
    note = (
        f"How often the predicted label was right, by the probability that it had. Expected calibration error "
        f"{labels.calibration_error:.1%} (Guo et al. 2017)."
    )
    yield section("Calibration", charts(*drawn), table(task_calibration_table(report)), note=note)


def answers_section(found: HeldOutExamples) -> str:
    """The figures of yes/no labels, and their precision and recall at every threshold."""
    report = found.report
    if report.answers is None:
        return ""
    curves = [Series(own.name, own.points) for own in found.details.curves if own.points][:MAX_CURVES]
    axes = Axes("recall", "precision", include=[(0, 0), (1, 1)])
    drawn = [
        chart("Precision and recall", curves[first : first + COLOURS], axes) for first in range(0, len(curves), COLOURS)
    ]
    note = (
        "AUC: how often an example that has the label gets a higher probability than one that lacks it. Precision, "
        "recall and F1 hold at the threshold; the curves show them at every threshold."
    )
    if len(found.details.curves) > MAX_CURVES:
        note += f" The first {MAX_CURVES} labels are drawn."
    return section("Labels", table(answers_table(report)), charts(*drawn), note=note)


def numbers_section(report: TaskAssessment, columns: Sequence[Residuals]) -> str:
    """Predicted numbers against true ones, and how far they lie apart."""
    if report.numbers is None:
        return ""
    drawn: list[str] = []
    for own in columns[:MAX_COLUMNS]:
        values = [value for point in own.points for value in point]
        equal = [(min(values), min(values)), (max(values), max(values))]
        points = Series("examples", own.points, dots=True)
        drawn.append(chart(own.name, [points, Series("predicted = true", equal)], Axes("true", "predicted")))
        drawn.append(chart(f"{own.name}: errors", [Series("", staircase(own))], Axes("predicted − true", "examples")))
    note = "Each dot is an example." + f" The first {MAX_COLUMNS} columns are drawn." * (len(columns) > MAX_COLUMNS)
    figures = table(numbers_table(report)) if len(report.numbers) > 1 else ""
    return section("Numbers", figures, charts(*drawn), note=note)


def staircase(own: Residuals) -> list[tuple[float, float]]:
    """The outline of a histogram."""
    edges, counts = own.edges.tolist(), own.counts.tolist()
    points = [(edges[0], 0.0)]
    for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True):
        points += [(left, count), (right, count)]
    return [*points, (edges[-1], 0.0)]


def mistakes_section(report: TaskAssessment) -> str:
    """The mistakes with the highest probabilities, in their context."""
    parts = [
        f"<h3>{own.probability:.1%} {safe(label_name(own.predicted))}, true is {safe(label_name(own.truth))}"
        f' ({safe(own.place)})</h3><div class="text">{safe(own.text)}</div>'
        for own in report.mistakes
    ]
    note = "The wrong labels that had the highest probabilities."
    if report.task == "tag":
        note += " Brackets mark the unit."
    return section("Most confident mistakes", *parts, note=note)
