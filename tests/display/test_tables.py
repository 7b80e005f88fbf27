"""Tables and lines: every cell is escaped, columns line up, and a comparison is put into the right words."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from charrnn.display.html import table
from charrnn.display.lines import aligned, evaluation_lines, flow_lines, verdict
from charrnn.display.page_evaluation import evaluation_sections
from charrnn.display.page_inside import gates_section
from charrnn.display.svg import TITLE_HEIGHT, Plot
from charrnn.display.tables import flows_table, models_table
from charrnn.evaluation.results import (
    Analysis,
    Assessment,
    Figures,
    KindLoss,
    MixtureWeight,
    PositionLoss,
    Row,
    WorstPassage,
)
from charrnn.inspection.gradient_flow import GateWeights, GradientFlow, ModelFlow
from charrnn.inspection.neurons import Activity, GateSaturation
from tests.support.processes import commands_to_a_terminal

HOSTILE = "runs/<img src=x onerror=alert(1)>\"'&amp;\x1b[31m\u202e\n"
FIGURES = Figures(1.0, 1.44, 1.44, 2.72, 9.0, 0.5, 0.9)


def report(*names: str) -> Assessment:
    """A report on models of these names; the first of them ranked no characters."""
    intervals = Figures(*[(0.0, 1.0)] * 7)
    passage = WorstPassage(7, 3.0, "before ", "worst", " after")
    analysis = Analysis(10, 0, FIGURES, intervals, [KindLoss("letters", 10, 1.0, 1.0)], [passage], [])
    weights = [MixtureWeight(name, 0.5) for name in names]
    rows = [Row(name, FIGURES, (0.0, 1.0)) for name in names]
    return Assessment(names[0], analysis, [PositionLoss(1, 1, 2.0), PositionLoss(2, 4, 1.0)], rows, weights)


class Tags(HTMLParser):
    """The tags of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def test_every_cell_of_a_table_is_escaped_in_html() -> None:
    html = table([[HOSTILE, "b"], [HOSTILE, HOSTILE]])
    assert Tags(html).tags == {"div", "table", "tr", "th", "td"}
    assert html.count("&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;amp;") == 3
    assert not {"\x1b", "\u202e"} & set(html)


def test_models_with_hostile_names_are_harmless_on_a_page() -> None:
    """Where there are several models, their names hold paths."""
    html = "".join(evaluation_sections(report(HOSTILE, HOSTILE + "2")))
    assert "img" not in Tags(html).tags
    assert html.count("&lt;img src=x") == 5  # the name of the text, two rows and two weights


def test_models_with_hostile_names_are_harmless_in_a_terminal() -> None:
    hostile = report(HOSTILE, HOSTILE + "2")
    model = ModelFlow(HOSTILE, None, GradientFlow([[1.0, 0.5]], [None], [GateWeights(0, "h", 1.0, [1.0])]))
    for lines in (list(evaluation_lines(hostile)), flow_lines([model])):
        assert any("img" in line for line in lines)
        assert not commands_to_a_terminal("\n".join(lines))
    assert all("\n" not in line for line in flow_lines([model]))


def test_terminal_and_page_show_the_same_rows() -> None:
    found = report("lstm", "gru")
    html = "".join(evaluation_sections(found))
    cells = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    lines = list(evaluation_lines(found))
    for row in models_table(found):
        assert row in cells
        assert "  " + "  ".join(row) in [re.sub(r" {2,}", "  ", line) for line in lines]


def test_the_cells_of_a_row_stand_under_their_heads() -> None:
    head, row = models_table(report("lstm"))
    assert dict(zip(head, row, strict=True)) == {
        "model": "lstm",
        "nats/char": "1.0000",
        "95 % interval": "0.000 to 1.000",
        "bits/char": "1.440",
        "perplexity": "2.720",
        "top-1 accuracy": "50.0%",
    }
    norms = [1.0] * 9 + [0.5] * 90 + [0.005]
    weights = [GateWeights(0, "i", 0.7, [0.9, 0.1]), GateWeights(0, "f", 0.8, [1.5, 0.2])]
    head, row = flows_table([ModelFlow("lstm", 0.25, GradientFlow([norms], [100], weights))])
    assert dict(zip(head, row, strict=True)) == {
        "model": "lstm",
        "layer": "1",
        "at 10 steps": "0.5",
        "at 100 steps": "0.005",
        "decays below 1 % at": "100 steps",
        "spectral radius": "0.8",
        "largest singular value": "1.5",
        "steps clipped": "25.0%",
    }


def test_a_dot_of_the_gates_lies_across_for_open_and_up_for_closed() -> None:
    gate = GateSaturation("f", "forget gate", low=np.array([[0.1]]), high=np.array([[0.8]]))
    svg = gates_section(Activity(np.zeros((1, 1)), np.zeros((1, 1, 1, 1)), [gate]))
    (dot,) = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    plot = Plot((0, 1), (0, 1), TITLE_HEIGHT)
    assert dot == (f"{plot.across(0.8):.1f}", f"{plot.up(0.1):.1f}")


def test_columns_line_up_after_escapes() -> None:
    lines = aligned([["a", "b"], ["\x1b", "long"], ["", "c"]], "")
    assert lines == ["a        b", "\\x1b  long", "         c"]
    assert aligned([["a", "b", "c"], ["aa", "bb", "cc"]], left=3) == ["  a   b   c", "  aa  bb  cc"]


def test_figures_that_are_not_defined_are_left_out_or_a_dash() -> None:
    found = report("mixture")
    figures = Figures(1.0, 1.44, 1.44, 2.72, 9.0)
    found = Assessment(
        found.text,
        Analysis(10, 0, figures, Figures(*[(0.0, 1.0)] * 5), found.analysis.kinds, found.analysis.worst, []),
        found.positions,
        [Row("a", figures), Row("b", Figures(1.0, 1.44))],
        [],
    )
    lines = list(evaluation_lines(found))
    assert not any(line.strip().startswith("top-") for line in lines)
    assert not any("confidence" in line or "calibration" in line for line in lines)
    assert [line.split()[-3:] for line in lines if line.split()[:1] == ["b"]] == [["1.440", "-", "-"]]


@pytest.mark.parametrize(
    ("difference", "beyond_noise", "expected"),
    [
        (0.1, True, "a is better than b by more than noise."),
        (-0.1, True, "a is worse than b by more than noise."),
        (0.1, False, "a and b do not differ by more than noise."),
    ],
)
def test_a_difference_in_words(difference: float, beyond_noise: bool, expected: str) -> None:
    assert verdict("a", "b", difference, beyond_noise) == expected
