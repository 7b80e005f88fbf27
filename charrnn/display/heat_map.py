"""A table of counts as coloured squares, in SVG: rows are true labels, columns predicted ones.

A square names its labels and its count when the pointer rests on it. Its number and its place say what its colour says.
"""

from collections.abc import Iterator, Sequence

from charrnn.display.formats import plural
from charrnn.display.svg import safe
from charrnn.display.task_tables import label_name
from charrnn.evaluation import ConfusionMap

CELL, SMALL_CELL = 42, 24  # the side of a square; small ones from MANY labels on
MANY = 16
LETTER = 7  # the width of a letter
LONGEST_LABEL = 18  # letters of a label that are shown
AXES, AXES_WIDTH = "true ↓ predicted →", 132
FULL = 0.6  # the opacity of a square that holds all examples of its row


def heat_map(found: ConfusionMap) -> str:
    """An <svg> element of its own size, in a box that scrolls where that is too wide; empty without a label."""
    labels = [label_name(name) for name in found.names]
    if found.others:
        labels.append(plural(found.others, "other"))
    if not labels:
        return ""
    side = SMALL_CELL if len(labels) >= MANY else CELL
    names = [own if len(own) <= LONGEST_LABEL else f"{own[: LONGEST_LABEL - 1]}…" for own in labels]
    longest = max(map(len, names))
    left, top = 12 + max(LETTER * longest, AXES_WIDTH), 12 + LETTER * max(longest, 2)
    width, height = left + side * len(labels) + 4, top + side * len(labels) + 4
    parts = [*axis_names(names, left, top, side), *squares(found.counts.tolist(), labels, left, top, side)]
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Confusions" {box}>{"".join(parts)}</svg>'
    return f'<div class="wide">{svg}</div>'


def axis_names(names: Sequence[str], left: int, top: int, side: int) -> Iterator[str]:
    """The labels of the rows, and those of the columns, which are written upwards; and what they stand for."""
    yield f'<text x="{left - 6}" y="{top - 8}" text-anchor="end">{AXES}</text>'
    for k, name in enumerate(names):
        middle = side * k + side / 2 + 4
        yield f'<text x="{left - 6}" y="{top + middle:.1f}" text-anchor="end">{safe(name)}</text>'
        yield f'<text transform="translate({left + middle:.1f} {top - 6}) rotate(-90)">{safe(name)}</text>'


def squares(counts: Sequence[Sequence[int]], labels: Sequence[str], left: int, top: int, side: int) -> Iterator[str]:
    """The squares: cold on the diagonal, warm beside it, the stronger the larger the share of the row's examples."""
    for k, row in enumerate(counts):
        total = max(sum(row), 1)
        for j, count in enumerate(row):
            x, y = left + side * j, top + side * k
            colour = "cold" if j == k else "hot"
            opacity = FULL * (count / total) ** 0.5
            title = f"{labels[k]} predicted as {labels[j]}: {count:,}"
            yield (
                f'<g><title>{safe(title)}</title><rect x="{x}" y="{y}" width="{side}" height="{side}" '
                f'style="fill:rgba(var(--{colour}),{opacity:.3f});stroke:var(--rule)"/>'
            )
            if count:
                middle = f'x="{x + side / 2:.1f}" y="{y + side / 2 + 4:.1f}" text-anchor="middle"'
                number = f"{count:,}" if side == CELL and count < 100_000 else short(count)
                yield f'<text {middle} class="{"n" if side == CELL else "n s"}">{number}</text>'
            yield "</g>"


def short(count: int) -> str:
    """A count in three or four letters."""
    return str(count) if count < 1000 else f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.0f}M"
