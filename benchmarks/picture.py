"""The training table as a picture: SVG, readable on light and dark pages, without a plotting library."""

from collections.abc import Mapping, Sequence
from typing import Any

NAMES = {"charrnn": "charrnn", "torch": "PyTorch", "jax": "JAX"}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 11px; fill: #59636e } .charrnn { fill: #0969da } .torch { fill: #8c959f } .jax { fill: #c3c9d0 }
.line { stroke: #8c959f; stroke-dasharray: 2 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 }
  .charrnn { fill: #4493f8 } .torch { fill: #6e7681 } .jax { fill: #484f58 }
}
"""
LEFT, WIDTH, BAR, GAP = 96, 470, 13, 12


def draw(results: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    """Bars of char/s as multiples of PyTorch's, for each cell and size; without PyTorch, of charrnn's own."""
    rows: list[tuple[str, dict[str, float]]] = []
    for row in results:
        speed = {"charrnn": row["charrnn"]["chars_per_second"]}
        torch = [row[name]["chars_per_second"] for name in row if name.startswith("torch") and "bfloat16" not in name]
        speed |= {"torch": max(torch)} if torch else {}
        speed |= {"jax": row["jax"]["chars_per_second"]} if "jax" in row else {}
        rows.append((f"{row['cell'].upper()} {row['size'].replace('x', ' × ')}", speed))
    unit = [speed.get("torch", speed["charrnn"]) for _, speed in rows]
    longest = max(value / one for (_, speed), one in zip(rows, unit, strict=True) for value in speed.values())
    scale = WIDTH / longest
    shapes, y = [], 34
    for (label, speed), one in zip(rows, unit, strict=True):
        shapes.append(f'<text x="{LEFT - 8}" y="{y + BAR * len(speed) / 2 + 4:.0f}" text-anchor="end">{label}</text>')
        for name, value in speed.items():
            wide = value / one * scale
            shapes.append(f'<rect class="{name}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR - 2}" rx="2"/>')
            note = f"{value:,.0f}" + (f" ({value / one:.2f}×)" if name == "charrnn" else "")
            shapes.append(f'<text class="small" x="{LEFT + wide + 5:.1f}" y="{y + BAR - 4}">{note}</text>')
            y += BAR
        y += GAP
    legend, x = [], LEFT
    for name in rows[0][1]:
        version = about.get(name, "")
        legend.append(f'<rect class="{name}" x="{x}" y="8" width="11" height="11" rx="2"/>')
        legend.append(f'<text x="{x + 16}" y="18">{NAMES[name]} {version}</text>')
        x += 150
    line = f'<line class="line" x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="28" y2="{y - GAP}"/>'
    foot = f'<text class="small" x="{LEFT}" y="{y + 8}">training, characters per second; dashed: PyTorch</text>'
    body = "\n".join([*legend, line, *shapes, foot])
    size = f'width="{LEFT + WIDTH + 130}" height="{y + 20}" viewBox="0 0 {LEFT + WIDTH + 130} {y + 20}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
