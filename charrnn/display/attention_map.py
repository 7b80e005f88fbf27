"""Where a translator looked, as a table of coloured squares in SVG.

It has a row for each symbol that was written, and one for the end, and a column for each symbol that was read. A square
names its symbols and its share when the pointer rests on it. A share of at least SHOWN is written into its square, so
that more than a colour tells it.
"""

from collections.abc import Iterator

from charrnn.display.svg import safe
from charrnn.display.task_tables import label_name
from charrnn.inspection import AttentionMap

SIDE, LETTER = 26, 8  # of a square; the width of a letter
LONGEST_NAME = 8  # letters of a symbol that are shown
SHOWN = 0.2
DARKEST = 0.6  # the opacity of a share of 1
END = "end"


def attention_map(found: AttentionMap) -> str:
    """An <svg> element of its own size, in a box that scrolls where that is too wide."""
    above = [_name(own) for own in found.source]
    beside = [*(_name(own) for own in found.written), END]
    left, top = 10 + LETTER * max(map(len, beside)), 10 + LETTER * max(map(len, above))
    width, height = left + SIDE * len(above) + 2, top + SIDE * len(beside) + 2
    parts = [*_names(above, beside, left, top), *_squares(found, above, beside, left, top)]
    label = safe(f"{' '.join(above)} written as {' '.join(beside)}")
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" {size}>{"".join(parts)}</svg>'
    return f'<div class="wide">{svg}</div>'


def _name(symbol: str) -> str:
    """A symbol as the map shows it."""
    name = label_name(symbol)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _names(above: list[str], beside: list[str], left: int, top: int) -> Iterator[str]:
    """The symbols read, written upwards if one is long, and the symbols written."""
    turned = any(len(name) > 2 for name in above)
    for k, name in enumerate(above):
        x = left + SIDE * k + SIDE / 2
        place = f'transform="translate({x + 4:.0f} {top - 5}) rotate(-90)"' if turned else _middle(x, top - 6)
        yield f"<text {place}>{safe(name)}</text>"
    for k, name in enumerate(beside):
        yield f'<text x="{left - 6}" y="{top + SIDE * k + SIDE / 2 + 4:.0f}" text-anchor="end">{safe(name)}</text>'


def _squares(found: AttentionMap, above: list[str], beside: list[str], left: int, top: int) -> Iterator[str]:
    for j, (written, weights) in enumerate(zip(beside, found.weights, strict=True)):
        for k, (read, weight) in enumerate(zip(above, weights, strict=True)):
            x, y = left + SIDE * k, top + SIDE * j
            fill = f"fill:rgba(var(--cold),{DARKEST * weight:.3f});stroke:var(--rule)"
            yield f"<g><title>{safe(f'{written} looks at {read}: {weight:.0%}')}</title>"
            yield f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" style="{fill}"/>'
            if weight >= SHOWN:
                middle = _middle(x + SIDE / 2, y + SIDE // 2 + 4)
                yield f'<text {middle} style="fill:var(--ink)">{100 * weight:.0f}</text>'
            yield "</g>"


def _middle(x: float, y: int) -> str:
    return f'x="{x:.0f}" y="{y}" text-anchor="middle"'
