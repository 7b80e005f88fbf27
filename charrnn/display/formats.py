"""Numbers as people read them: durations, sizes, counts, and a curve of block characters."""

from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"


def duration(seconds: float) -> str:
    """Seconds in their two largest units: 45s, 12m 30s, 3h 05m, 2d 4h."""
    s = round(seconds)
    if s < 60:
        return f"{s}s"
    if s < 3600:
        return f"{s // 60}m {s % 60:02d}s"
    if s < 86400:
        return f"{s // 3600}h {s % 3600 // 60:02d}m"
    return f"{s // 86400}d {s % 86400 // 3600}h"


def size(count: float) -> str:
    """Bytes as kB, MB or GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 epoch, 2 epochs."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def curve(values: list[float], width: int) -> str:
    """Values as a line of block characters, one for each value, or for the mean of neighbours if there are many."""
    if not values:
        return ""
    if len(values) > width:
        edges = [len(values) * k // width for k in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(BARS[min(int((v - low) / span * len(BARS)), len(BARS) - 1)] for v in values)
