"""Charts as SVG, written by hand: lines or dots between two axes, with a legend; colours from CSS, for light and dark.

A chart is WIDTH units wide, so that its text is legible on a phone and two charts fit beside each other. All text is
escaped. A chart knows nothing of networks. It draws only numbers that are finite (and, on a log scale, positive).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from charrnn.errors import visible

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, BELOW = 48, 12, 40  # margins around the plot
TITLE_HEIGHT, LEGEND_ROW = 34, 18
MAX_DECADES = 12  # on a log scale; what lies further down is not drawn
LONGEST_NAME = 50  # characters of a name in a legend
COLOURS = 6
STYLE = """\
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--soft:#596375;--rule:#dde2e9;--hot:217,83,25;--cold:36,99,201;
--c0:#2463c9;--c1:#c8570b;--c2:#0f8060;--c3:#8d3cc4;--c4:#a57a00;--c5:#c42f5c}
@media(prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e5e9f0;--soft:#9aa5b5;--rule:#2c3440;--hot:255,128,60;
--cold:90,150,255;--c0:#74a9ff;--c1:#ff9a52;--c2:#4ccfa4;--c3:#c99bff;--c4:#e2bd4c;--c5:#ff86aa}}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .t{font-weight:600;font-size:14px;fill:var(--ink)}
svg .n{fill:var(--ink)}svg .n.s{font-size:10px}
svg path{fill:none;stroke-width:1.75;stroke-linejoin:round}svg .g{stroke:var(--rule);stroke-width:1}
svg .m{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}
"""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """What one colour shows: `points` joined by a line or, with `dots`, each by itself."""

    name: str
    points: Points
    dots: bool = False


@dataclass(frozen=True)
class Axes:
    """The axes of a chart.

    `x`, `y`: their labels; `log`: those of "xy" that have a log scale; `include`: points that lie within the axes even
    if no series has them.
    """

    x: str
    y: str
    log: str = ""
    include: Points = ()


@dataclass(frozen=True)
class Plot:
    """The plotting area: where a value lies on the page. Values on a log scale are decimal logarithms."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    top: int

    @property
    def bottom(self) -> int:
        """The y of the horizontal axis on the page."""
        return HEIGHT - BELOW

    def across(self, value: float) -> float:
        """The x on the page of a value on the x axis."""
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        """The y on the page of a value on the y axis."""
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


def safe(text: object) -> str:
    """Text as HTML and SVG show it: markup is escaped, and so are control characters."""
    return escape(visible(str(text)))


def chart(title: str, series: Sequence[Series], axes: Axes, marks: Sequence[tuple[float, str]] = ()) -> str:
    """An <svg> element; empty where there is nothing to draw.

    `marks`: the x and the label of vertical lines.
    """
    drawn = [Series(s.name, scaled(s.points, axes.log), s.dots) for s in series]
    drawn = [s for s in drawn if s.points]
    if not drawn:
        return ""
    legend_text, legend_rows = legend(drawn) if len(drawn) > 1 else ("", 0)
    plot = plot_of(drawn, axes, TITLE_HEIGHT + LEGEND_ROW * legend_rows)
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts = [
        f'<text class="t" x="8" y="18">{safe(title)}</text>',
        legend_text,
        *grid(plot, axes.log),
        *mark_lines(plot, axes.log, marks),
        *(path for k, s in enumerate(drawn) for path in series_path(plot, k, s)),
        f'<text x="{middle:.0f}" y="{HEIGHT - 6}" text-anchor="middle">{safe(axes.x)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="18" text-anchor="end">{safe(axes.y)}</text>',
    ]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{safe(title)}" {size}>{"".join(parts)}</svg>'
    )


def plot_of(series: Sequence[Series], axes: Axes, top: int) -> Plot:
    """The plotting area, below `top`, that holds all points of scaled series."""
    points = [*scaled(axes.include, axes.log), *(point for s in series for point in s.points)]
    xs, ys = zip(*points, strict=True)
    if "y" in axes.log:
        ys = tuple(y for y in ys if y >= max(ys) - MAX_DECADES)
    return Plot(widened(xs), widened(ys), top)


def grid(plot: Plot, log: str) -> Iterator[str]:
    """The horizontal lines and the numbers of both axes."""
    for value in ticks(*plot.y_range, "y" in log):
        y = plot.up(value)
        yield f'<path class="g" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label(value, "y" in log)}</text>'
    for value in ticks(*plot.x_range, "x" in log):
        x = plot.across(value)
        yield f'<text x="{x:.1f}" y="{plot.bottom + 16}" text-anchor="middle">{label(value, "x" in log)}</text>'


def mark_lines(plot: Plot, log: str, marks: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Vertical lines with a label on the side that has more space; marks outside the axes are left out."""
    low, high = plot.x_range
    for mark, name in marks:
        for value, _ in scaled([(mark, 1.0)], log):
            if low <= value <= high:
                x = plot.across(value)
                anchor, shift = ("end", -4) if x > WIDTH / 2 else ("start", 4)
                yield f'<path class="m" d="M{x:.1f} {plot.top}V{plot.bottom}"/>'
                yield f'<text x="{x + shift:.1f}" y="{plot.top + 11}" text-anchor="{anchor}">{safe(name)}</text>'


def series_path(plot: Plot, number: int, series: Series) -> Iterator[str]:
    """A scaled series as a line or as dots, in the colour of its number; a single point is a dot."""
    low, _ = plot.y_range
    points = [(f"{plot.across(x):.1f}", f"{plot.up(y):.1f}") for x, y in series.points if y >= low]
    colour = f"var(--c{number % COLOURS})"
    if series.dots or len(points) == 1:
        circles = (f'<circle cx="{x}" cy="{y}" r="2.5"/>' for x, y in points)
        yield f'<g style="fill:{colour}" fill-opacity=".6">{"".join(circles)}</g>'
    elif points:
        yield f'<path style="stroke:{colour}" d="M{"L".join(f"{x} {y}" for x, y in points)}"/>'


def ticks(low: float, high: float, log: bool) -> list[float]:
    """About five round numbers from low to high; on a log scale the exponents of powers of ten."""
    if log:
        step: float = ceil((ceil(high) - floor(low) + 1) / 6)
        return [float(k) for k in range(floor(low), ceil(high) + 1) if k % step == 0 and low - 1e-9 <= k <= high + 1e-9]
    raw = (high - low) / 5
    unit = 10.0 ** floor(log10(raw))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= raw * 0.999)
    return [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def label(value: float, log: bool) -> str:
    """A short form of a tick's number."""
    if log and not -3 <= value <= 4:
        return f"1e{value:.0f}"
    number = 10**value if log else value
    return f"{number / 1000:g}k" if abs(number) >= 10_000 else f"{number:.4g}"


def scaled(points: Points, log: str) -> list[tuple[float, float]]:
    """The points that can be drawn, with their decimal logarithms on axes with a log scale."""
    kept = []
    for x, y in points:
        if isfinite(x) and isfinite(y) and not ("x" in log and x <= 0) and not ("y" in log and y <= 0):
            kept.append((log10(x) if "x" in log else x, log10(y) if "y" in log else y))
    return kept


def widened(values: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest value, moved apart where they are equal."""
    low, high = min(values), max(values)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    margin = max(abs(low) * 0.05, 0.5)
    return low - margin, high + margin


def legend(series: Sequence[Series]) -> tuple[str, int]:
    """The names of the series in their colours, and how many rows they take."""
    parts = []
    x, row = LEFT, 0
    for k, s in enumerate(series):
        name = s.name if len(s.name) < LONGEST_NAME else f"…{s.name[1 - LONGEST_NAME :]}"
        width = 30 + 7 * len(name)
        if x > LEFT and x + width > WIDTH:
            x, row = LEFT, row + 1
        y = TITLE_HEIGHT + 4 + LEGEND_ROW * row
        parts.append(f'<path style="stroke:var(--c{k % COLOURS});stroke-width:3" d="M{x} {y - 4}h14"/>')
        parts.append(f'<text x="{x + 19}" y="{y}">{safe(name)}</text>')
        x += width
    return "".join(parts), row + 1


def standalone(charts: Sequence[str]) -> str:
    """Charts side by side, two in a row, as one SVG file."""
    width = WIDTH * min(len(charts), 2)
    height = HEIGHT * -(-len(charts) // 2)
    placed = "".join(
        f'<g transform="translate({WIDTH * (k % 2)},{HEIGHT * (k // 2)})">{drawn}</g>' for k, drawn in enumerate(charts)
    )
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    paper = '<rect width="100%" height="100%" style="fill:var(--paper)"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{paper}{placed}</svg>\n'
