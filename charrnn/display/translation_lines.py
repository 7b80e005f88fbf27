"""What `charrnn eval` prints about a translator: results as lines of plain, aligned text.

Text of a user's goes through visible(). Nothing is computed here.
"""

from collections.abc import Iterator

from charrnn.display.formats import plural
from charrnn.display.lines import aligned, escaped
from charrnn.display.tables import Cells
from charrnn.display.task_tables import figure, interval_text, label_name, measures_table, rows_table, shortened
from charrnn.evaluation import Measure, TranslationAssessment

MAX_REPLACEMENTS = 10  # shown
NOTHING = "-"  # where a symbol is one too many, or missing


def translation_lines(report: TranslationAssessment) -> Iterator[str]:
    """The report of `charrnn eval` on a translator."""
    yield f"{escaped(report.text)}: {size_text(report)}"
    yield from aligned(measures_table(report), left=3)
    yield from (f"  {remark}" for remark in remarks(report))
    if len(report.rows) > 1:
        yield from ["", *aligned(rows_table(report))]
    yield from ["", *aligned(groups_table(report))]
    if report.replacements:
        yield from ["", *aligned(replacements_table(report), left=2)]
    if report.mistakes:
        yield from ["", "  surest mistakes", *aligned(translation_mistakes_table(report), left=5)]


def size_text(report: TranslationAssessment) -> str:
    """How much was scored, and how it was written."""
    count = plural(report.examples, "example")
    different = f" of {report.sources:,} different sources" if report.sources != report.examples else ""
    unknown = f", {report.unknown:,} unknown to the model" if report.unknown else ""
    search = "greedy" if report.beam == 1 else f"beam of {report.beam}"
    return f"{count}{different}, {report.symbols:,} symbols{unknown}; {search}"


def remarks(report: TranslationAssessment) -> Iterator[str]:
    """What else is to be known of the answers."""
    if report.unwritable:
        yield f"{plural(report.unwritable, 'target')} with a symbol that the model cannot write"
    if report.cut:
        yield f"{plural(report.cut, 'answer')} reached the bound on length"


def groups_table(report: TranslationAssessment) -> Cells:
    """What is right by the length of the source, and among sources seen in training and others."""
    rows = [["source", "count", "exact", "95 % interval", "symbol errors", "95 % interval"]]
    for own in report.groups:
        exact = Measure("exact", own.exact, own.exact_interval, share=True)
        error = Measure("symbol_error", own.symbol_error, own.symbol_error_interval, share=True)
        rows.append([own.name, f"{own.count:,}", *_cells(exact), *_cells(error)])
    return rows


def _cells(measure: Measure) -> list[str]:
    return [figure(measure.value, measure.share), interval_text(measure)]


def replacements_table(report: TranslationAssessment) -> Cells:
    """The most frequent wrong symbols."""
    rows = [["truth", "written", "count"]]
    for own in report.replacements[:MAX_REPLACEMENTS]:
        names = [label_name(name) if name else NOTHING for name in (own.truth, own.predicted)]
        rows.append([*names, f"{own.count:,}"])
    return rows


def translation_mistakes_table(report: TranslationAssessment) -> Cells:
    """The wrong answers with the highest probabilities."""
    rows = [["probability", "truth", "written", "source", "place"]]
    for own in report.mistakes:
        texts = [shortened(text) for text in (own.truth, own.predicted, own.text)]
        rows.append([f"{own.probability:.1%}", *texts, own.place])
    return rows
