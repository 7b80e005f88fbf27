"""The sections of a page about a translator: what it writes, where it looks, and where it errs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charrnn.display.attention_map import attention_map
from charrnn.display.html import section, table
from charrnn.display.svg import safe
from charrnn.display.task_tables import rows_table
from charrnn.display.translation_lines import (
    groups_table,
    remarks,
    replacements_table,
    size_text,
    translation_mistakes_table,
)
from charrnn.evaluation import TranslationAssessment
from charrnn.inspection import AttentionMap

MAPS_NOTE = (
    "A row for each symbol that was written, from the top down, and for the end; its squares are the symbols of the "
    "source, the darker the more they counted, and the numbers are percent."
)


@dataclass(frozen=True)
class HeldOutPairs:
    """What was measured on held-out pairs; `maps` is empty of a model without attention."""

    report: TranslationAssessment
    maps: Sequence[AttentionMap]


def pair_sections(held_out: HeldOutPairs) -> Iterator[str]:
    """A report as sections."""
    report = held_out.report
    note = "; ".join([f"{report.text}: {size_text(report)}", *remarks(report)]) + "."
    yield section("Evaluation", table(rows_table(report)), table(groups_table(report)), note=note)
    yield section("Where it looks", _maps(held_out.maps), note=MAPS_NOTE)
    if report.replacements:
        note = "What stands in the targets, what was written instead, and how often; - where nothing stands."
        yield section("Confused symbols", table(replacements_table(report)), note=note)
    if report.mistakes:
        yield section("Surest mistakes", table(translation_mistakes_table(report)))


def _maps(maps: Sequence[AttentionMap]) -> str:
    """The maps, as many in a row as fit, each under what was read and written."""
    drawn = [
        f"<figure><figcaption>{safe(found.source_text)} → {safe(found.written_text)}</figcaption>"
        f"{attention_map(found)}</figure>"
        for found in maps
    ]
    return f'<div class="maps">{"".join(drawn)}</div>' if drawn else ""
