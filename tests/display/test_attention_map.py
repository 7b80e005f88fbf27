"""The map of where a translator looked: its squares say what they stand for, and text of a user's stays text."""

import re
from xml.etree import ElementTree

from charrnn.display.attention_map import attention_map
from charrnn.inspection.attention import AttentionMap


def test_a_map_has_a_square_for_each_symbol_written_and_read() -> None:
    found = AttentionMap("ab", "X", ("a", "b"), ("X",), ((0.75, 0.25), (0.125, 0.875)))
    drawn = attention_map(found)
    svg = ElementTree.fromstring(drawn.removeprefix('<div class="wide">').removesuffix("</div>"))
    titles = [own.text for own in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["X looks at a: 75%", "X looks at b: 25%", "end looks at a: 12%", "end looks at b: 88%"]
    numbers = re.findall(r'style="fill:var\(--ink\)">(\d+)<', drawn)
    assert numbers == ["75", "25", "88"]  # a small share has none
    opacities = [float(own) for own in re.findall(r"--cold\),([\d.]+)\)", drawn)]
    assert sorted(opacities) == [opacities[k] for k in (2, 1, 0, 3)]


def test_symbols_are_escaped_and_long_ones_are_cut_and_turned() -> None:
    drawn = attention_map(AttentionMap("", "", ("<V;PST;LONG>",), ("\x1b<b>",), ((1.0,), (1.0,))))
    assert "<b>" not in drawn
    assert "\x1b" not in drawn
    assert "&lt;V;PST;…" in drawn
    assert "rotate(-90)" in drawn
