"""Charts: every point where it belongs, round ticks, nothing drawn that is no number, no text that is alive."""

import re
import xml.etree.ElementTree as ET
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.display.svg import MAX_DECADES, Axes, Series, chart, standalone, ticks

NAME = "{http://www.w3.org/2000/svg}"


def lines_of(svg: str) -> list[np.ndarray]:
    """The points of each line that stands for a series."""
    paths = [path for path in ET.fromstring(svg).iter(f"{NAME}path") if "stroke:" in path.get("style", "")]
    drawn = [path.get("d", "") for path in paths if "stroke-width" not in path.get("style", "")]
    return [np.array(re.findall(r"[-\d.]+ [-\d.]+", d), dtype=str) for d in drawn]


def places(svg: str) -> np.ndarray:
    return np.array([[float(v) for v in pair.split()] for pair in lines_of(svg)[0]])


def test_points_stand_in_proportion() -> None:
    at = places(chart("t", [Series("", [(0, 1), (1, 2), (4, 1.5)])], Axes("x", "y")))
    assert (at[1] - at[0])[0] / (at[2] - at[0])[0] == pytest.approx(1 / 4, abs=1e-3)
    assert (at[1] - at[0])[1] / (at[2] - at[0])[1] == pytest.approx(2, abs=1e-2)
    assert at[1][1] < at[0][1]  # more is higher up


def test_on_a_log_scale_equal_ratios_are_equal_distances() -> None:
    at = places(
        chart("t", [Series("", [(1, 1), (10, 1e-3), (100, 1e-6), (1000, 0), (0, 1)])], Axes("x", "y", log="xy"))
    )
    np.testing.assert_allclose(at[1] - at[0], at[2] - at[1], atol=0.11)
    assert len(at) == 3  # nothing has a logarithm of zero


def test_what_lies_too_many_decades_down_is_left_out() -> None:
    points = [(k, 10.0**-k) for k in range(MAX_DECADES + 5)]
    assert len(places(chart("t", [Series("", points)], Axes("x", "y", log="y")))) == MAX_DECADES + 1


def test_what_is_no_number_is_not_drawn() -> None:
    assert len(places(chart("t", [Series("", [(0, 1), (1, nan), (2, inf), (3, 2)])], Axes("x", "y")))) == 2
    assert chart("t", [Series("", [(0, nan)])], Axes("x", "y")) == chart("t", [], Axes("x", "y")) == ""


def test_the_axes_reach_points_that_they_must_include() -> None:
    points = [Series("", [(0.4, 0.4), (0.5, 0.5)])]
    near = places(chart("t", points, Axes("x", "y")))
    far = places(chart("t", points, Axes("x", "y", include=[(0, 0), (1, 1)])))
    np.testing.assert_allclose((far[1] - far[0]) / (near[1] - near[0]), 0.1, rtol=1e-2)


def test_a_mark_outside_the_axes_is_left_out() -> None:
    svg = chart("t", [Series("", [(1, 1), (2, 2)])], Axes("x", "y"), marks=[(1.5, "inside"), (2.5, "outside")])
    assert "inside" in svg
    assert "outside" not in svg


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_in_order_and_within(low: float, length: float) -> None:
    found = ticks(low, low + length, log=False)
    slack = 1e-6 * max(abs(low), length)
    assert len(found) <= 8
    assert found == sorted(found)
    assert all(low - slack <= v <= low + length + slack for v in found)
    if length > 1e-9 * abs(low):
        assert len(found) >= 2


@given(st.floats(-1e9, 1e9))
def test_one_value_alone_can_be_drawn(value: float) -> None:
    ET.fromstring(chart("t", [Series("", [(value, value)] * 3)], Axes("x", "y"), marks=[(value, "here")]))


def test_every_text_is_escaped_and_the_file_is_whole() -> None:
    bad = "</text><script>alert(1)</script>\x00\u202e\"'&"
    drawn = chart(bad, [Series(bad, [(0, 1), (1, 2)]), Series("b", [(0, 1)])], Axes(bad, bad), marks=[(0.5, bad)])
    tree = ET.fromstring(standalone([drawn, drawn, drawn]))
    tags = {element.tag.removeprefix(NAME) for element in tree.iter()}
    assert tags == {"svg", "style", "rect", "g", "path", "text", "circle"}
    assert sum("alert(1)" in (element.text or "") for element in tree.iter(f"{NAME}text")) == 3 * 5
