"""Charts as SVG, written by hand: lines or dots between two axes, with a legend; colours from CSS, for light and dark.

A chart is WIDTH units wide, so that its letters can be read on a phone and two stand side by side. All text is
escaped. It knows nothing of networks, and draws only numbers that are finite (and, on a log scale, positive).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from charrnn.errors import visible

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, BELOW = 48, 12, 40  # margins of the field
DECADES = 12  # at most on a log scale: what lies further down is not drawn
STYLE = """\
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--soft:#596375;--rule:#dde2e9;--hot:217,83,25;--cold:36,99,201;
--c0:#2463c9;--c1:#c8570b;--c2:#0f8060;--c3:#8d3cc4;--c4:#a57a00;--c5:#c42f5c}
@media(prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e5e9f0;--soft:#9aa5b5;--rule:#2c3440;--hot:255,128,60;
--cold:90,150,255;--c0:#74a9ff;--c1:#ff9a52;--c2:#4ccfa4;--c3:#c99bff;--c4:#e2bd4c;--c5:#ff86aa}}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .t{font-weight:600;font-size:14px;fill:var(--ink)}
svg path{fill:none;stroke-width:1.75;stroke-linejoin:round}svg .g{stroke:var(--rule);stroke-width:1}
svg .m{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}
"""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """What one colour shows: `points` joined by a line, or with `dots` each by itself."""

    name: str
    points: Points
    dots: bool = False


def safe(text: object) -> str:
    """Text as HTML and SVG show it, with nothing in it that means something there, nor a control character."""
    return escape(visible(str(text)))


def ticks(low: float, high: float, log: bool) -> list[float]:
    """About five round numbers from low to high; on a log scale powers of ten."""
    if log:
        step: float = ceil((ceil(high) - floor(low) + 1) / 6)
        return [float(k) for k in range(floor(low), ceil(high) + 1) if k % step == 0 and low - 1e-9 <= k <= high + 1e-9]
    raw = (high - low) / 5
    unit = 10.0 ** floor(log10(raw))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= raw * 0.999)
    return [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def label(value: float, log: bool) -> str:
    """A tick's number, short."""
    if log and not -3 <= value <= 4:
        return f"1e{value:.0f}"
    number = 10**value if log else value
    return f"{number / 1000:g}k" if abs(number) >= 10_000 else f"{number:.4g}"


def chart(
    title: str,
    series: Sequence[Series],
    x: str,
    y: str,
    log: str = "",
    marks: Sequence[tuple[float, str]] = (),
    frame: Points = (),
) -> str:
    """An <svg> element. `x`, `y`: labels of the axes; `log`: the axes, of "xy", on a log scale; `marks`: (x, label) of
    upright lines; `frame`: points that the axes must reach. Empty where there is nothing to draw."""
    shown = [Series(s.name, scaled(s.points, log), s.dots) for s in series]
    shown = [s for s in shown if s.points]
    if not shown:
        return ""
    xs, ys = zip(*scaled(frame, log), *(point for s in shown for point in s.points), strict=True)
    if "y" in log:
        ys = tuple(v for v in ys if v >= max(ys) - DECADES)
    (x_low, x_high), (y_low, y_high) = widened(xs), widened(ys)
    head, rows = legend(shown) if len(shown) > 1 else ("", 0)
    top, bottom = 34 + 18 * rows, HEIGHT - BELOW

    def across(v: float) -> float:
        return LEFT + (v - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def up(v: float) -> float:
        return bottom - (v - y_low) / (y_high - y_low) * (bottom - top)

    parts = [f'<text class="t" x="8" y="18">{safe(title)}</text>', head]
    for v in ticks(y_low, y_high, "y" in log):
        parts.append(f'<path class="g" d="M{LEFT} {up(v):.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{up(v) + 4:.1f}" text-anchor="end">{label(v, "y" in log)}</text>')
    for v in ticks(x_low, x_high, "x" in log):
        parts.append(f'<text x="{across(v):.1f}" y="{bottom + 16}" text-anchor="middle">{label(v, "x" in log)}</text>')
    for value, name in marks:
        for at, _ in scaled([(value, 1.0)], log):
            if x_low <= at <= x_high:
                side = "end" if across(at) > WIDTH / 2 else "start"
                parts.append(f'<path class="m" d="M{across(at):.1f} {top}V{bottom}"/>')
                shift = -4 if side == "end" else 4
                where = f'x="{across(at) + shift:.1f}" y="{top + 11}" text-anchor="{side}"'
                parts.append(f"<text {where}>{safe(name)}</text>")
    for k, s in enumerate(shown):
        points = [(f"{across(a):.1f}", f"{up(b):.1f}") for a, b in s.points if b >= y_low]
        if s.dots or len(points) == 1:
            circles = (f'<circle cx="{a}" cy="{b}" r="2.5"/>' for a, b in points)
            parts.append(f'<g style="fill:var(--c{k % 6})" fill-opacity=".6">{"".join(circles)}</g>')
        elif points:
            path = "L".join(f"{a} {b}" for a, b in points)
            parts.append(f'<path style="stroke:var(--c{k % 6})" d="M{path}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{safe(x)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="18" text-anchor="end">{safe(y)}</text>')
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{safe(title)}" {size}>{"".join(parts)}</svg>'
    )


def scaled(points: Points, log: str) -> Points:
    """The points that can be drawn, with their decimal logarithms where an axis calls for it."""
    found = []
    for a, b in points:
        if isfinite(a) and isfinite(b) and not ("x" in log and a <= 0) and not ("y" in log and b <= 0):
            found.append((log10(a) if "x" in log else a, log10(b) if "y" in log else b))
    return found


def widened(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest value, a little apart where they are one."""
    low, high = min(values), max(values)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    room = max(abs(low) * 0.05, 0.5)
    return low - room, high + room


def legend(series: Sequence[Series]) -> tuple[str, int]:
    """The names of the series in their colours, in as many rows as they need."""
    parts, at, row = [], LEFT, 0
    for k, s in enumerate(series):
        name = s.name if len(s.name) < 50 else f"…{s.name[-49:]}"
        need = 30 + 7 * len(name)
        if at > LEFT and at + need > WIDTH:
            at, row = LEFT, row + 1
        y = 38 + 18 * row
        parts.append(f'<path style="stroke:var(--c{k % 6});stroke-width:3" d="M{at} {y - 4}h14"/>')
        parts.append(f'<text x="{at + 19}" y="{y}">{safe(name)}</text>')
        at += need
    return "".join(parts), row + 1


def standalone(charts: Sequence[str]) -> str:
    """Charts side by side, two in a row, as one SVG file."""
    across = min(len(charts), 2)
    width, height = WIDTH * across, HEIGHT * -(-len(charts) // 2)
    placed = "".join(f'<g transform="translate({WIDTH * (k % 2)},{HEIGHT * (k // 2)})">{c}</g>'
                     for k, c in enumerate(charts))  # fmt: skip
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    paper = '<rect width="100%" height="100%" style="fill:var(--paper)"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{paper}{placed}</svg>\n'
