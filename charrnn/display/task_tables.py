"""Tables of the report on a classifier or tagger, as rows of cells; see tables.py. Nothing is computed here."""

from math import isnan

from charrnn.display.tables import Cells
from charrnn.evaluation import Measure, TaskAssessment, TranslationAssessment

MAX_CONFUSIONS = 10  # shown
MAX_TEXT = 60  # characters of an example that are shown

MEASURE_NAMES = {
    "loss": "loss",
    "unit_loss": "loss of a unit",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "auc": "AUC",
    "mean_auc": "mean AUC",
    "mean_f1": "mean F1",
    "rmse": "RMSE",
    "mae": "MAE",
    "correlation": "correlation",
    "mean_rmse": "mean RMSE",
    "mean_mae": "mean MAE",
    "mean_correlation": "mean correlation",
    "units": "units right",
    "words": "words right",
    "examples": "examples right",
    "span_f1": "F1 of spans",
    "exact": "exact",
    "word_error": "wrong",
    "symbol_error": "symbol errors",
    "any_target": "one of the targets",
}
LEFT_OUT = ("word_error",)  # where models stand side by side: the complement of another figure


def figure(value: float, share: bool = False) -> str:
    """A figure, or - where it is not defined; a share in percent."""
    if isnan(value):
        return "-"
    return f"{value:.1%}" if share else f"{value:.4g}" if abs(value) >= 1000 else f"{value:.4f}"


def interval_text(measure: Measure) -> str:
    """The interval of a figure, or - without one."""
    if measure.interval is None or isnan(measure.interval[0]):
        return "-"
    low, high = (figure(bound, measure.share) for bound in measure.interval)
    return f"{low} to {high}"


def measures_table(report: TaskAssessment | TranslationAssessment) -> Cells:
    """The figures of the model, or of the vote, with their intervals. It has no head."""
    row = next(row for row in report.rows if row.name == report.scored)
    return [
        [MEASURE_NAMES[own.name], figure(own.value, own.share), f"95 %: {interval_text(own)}" if own.interval else ""]
        for own in row.measures
    ]


def rows_table(report: TaskAssessment | TranslationAssessment) -> Cells:
    """Models, vote and baselines side by side."""
    first = [own for own in report.rows[0].measures if own.name not in LEFT_OUT]
    intervals = [["95 % interval"] if own.interval is not None else [] for own in first]
    head = ["model"]
    for own, interval in zip(first, intervals, strict=True):
        head += [MEASURE_NAMES[own.name], *interval]
    table = [head]
    for row in report.rows:
        measures = {own.name: own for own in row.measures}
        cells = [row.name]
        for own, interval in zip(first, intervals, strict=True):
            found = measures.get(own.name)
            cells.append(figure(found.value, found.share) if found else "-")
            cells += [interval_text(found) if found else "-"] * len(interval)
        table.append(cells)
    return table


def labels_table(report: TaskAssessment) -> Cells:
    """Precision, recall and F1 of each label."""
    head = ["label", "precision", "recall", "F1", "support", "predicted"]
    rows = report.labels.labels if report.labels else []
    return [
        head,
        *(
            [label_name(own.name), f"{own.precision:.1%}", f"{own.recall:.1%}", f"{own.f1:.1%}", f"{own.support:,}",
             f"{own.predicted:,}"]
            for own in rows
        ),
    ]  # fmt: skip


def confusions_table(report: TaskAssessment) -> Cells:
    """The most frequent confusions."""
    found = report.labels.confusions[:MAX_CONFUSIONS] if report.labels else []
    return [
        ["truth", "predicted", "count"],
        *([label_name(own.truth), label_name(own.predicted), f"{own.count:,}"] for own in found),
    ]


def task_calibration_table(report: TaskAssessment) -> Cells:
    """How probable the predicted labels were, how often they were right, and how many there are, in three rows."""
    bins = report.labels.calibration if report.labels else ()
    return [
        ["confidence", *(f"{own.confidence:.0%}" for own in bins)],
        ["accuracy", *(f"{own.accuracy:.0%}" for own in bins)],
        ["count", *(f"{own.chars:,}" for own in bins)],
    ]


def answers_table(report: TaskAssessment) -> Cells:
    """The figures of each yes/no label."""
    head = ["label", "AUC", "95 % interval", "precision", "recall", "F1", "threshold", "yes", "no"]
    rows = [head]
    for own in report.answers.labels if report.answers else []:
        interval = interval_text(Measure("auc", own.auc, own.auc_interval))
        counts = [f"{own.yes:,}", f"{own.no:,}"]
        shares = [f"{own.precision:.1%}", f"{own.recall:.1%}", f"{own.f1:.1%}"]
        rows.append([own.name, figure(own.auc), interval, *shares, f"{own.threshold:.3f}", *counts])
    return rows


def numbers_table(report: TaskAssessment) -> Cells:
    """The figures of each column of numbers."""
    rows = [["column", "count", "RMSE", "95 % interval", "MAE", "95 % interval", "correlation", "95 % interval"]]
    for own in report.numbers or []:
        cells = [own.name, f"{own.count:,}"]
        for key in ("rmse", "mae", "correlation"):
            measure = Measure(key, getattr(own, key), getattr(own, f"{key}_interval"))
            cells += [figure(measure.value), interval_text(measure)]
        rows.append(cells)
    return rows


def tags_table(report: TaskAssessment) -> Cells:
    """Seen, unseen and ambiguous ones: how many there are, and how many are right."""
    if report.tags is None:
        return []
    tags = report.tags
    kinds = {
        "units": tags.units,
        "units with several labels in training": tags.ambiguous,
        "words": tags.words,
        "words seen in training": tags.seen,
        "words not seen in training": tags.unseen,
        "examples": tags.examples,
    }
    rows = [["", "count", "right", "95 % interval"]]
    if tags.words.count == tags.units.count:
        del kinds["words"]  # units are words themselves
    for name, own in kinds.items():
        measure = Measure(name, own.right, own.interval, share=True)
        rows.append([name, f"{own.count:,}", figure(own.right, share=True), interval_text(measure)])
    return rows


def spans_table(report: TaskAssessment) -> Cells:
    """Precision, recall and F1 of spans, of all of them and by type."""
    rows = [["spans", "precision", "recall", "F1", "support", "predicted", "right"]]
    types = [own for own in report.spans.types if own.name] if report.spans else []
    for own in [report.spans.all, *types] if report.spans else []:
        shares = [f"{own.precision:.1%}", f"{own.recall:.1%}", f"{own.f1:.1%}"]
        counts = [f"{own.support:,}", f"{own.predicted:,}", f"{own.right:,}"]
        rows.append([own.name or "all", *shares, *counts])
    return rows


def mistakes_table(report: TaskAssessment) -> Cells:
    """The mistakes with the highest probabilities."""
    return [
        ["probability", "truth", "predicted", "text", "place"],
        *(
            [f"{own.probability:.1%}", label_name(own.truth), label_name(own.predicted), shortened(own.text), own.place]
            for own in report.mistakes
        ),
    ]


def label_name(name: str) -> str:
    """A label as a table shows it: a mark for one that the model does not know, and for a blank."""
    return "?" if not name else "␣" * len(name) if name.isspace() else name


def shortened(text: str) -> str:
    """A text cut to MAX_TEXT characters."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
