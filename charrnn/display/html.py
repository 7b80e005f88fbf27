"""HTML: one page in one file, which needs no network, script or other file.

All text goes through safe(), and the page forbids scripts and all loading by a Content-Security-Policy of its own.
"""

from collections.abc import Iterable, Sequence

from charrnn.display.svg import STYLE, safe

COLOUR_LEVELS = 8  # shades of either colour, besides none
MAX_OPACITY = 0.6
PAGE = """\
*{box-sizing:border-box}body{margin:0 auto;max-width:940px;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}h1{font-size:1.5rem;margin:.5rem 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .4rem;border-top:1px solid var(--rule);padding-top:1rem}
h3{font-size:1rem;margin:1.2rem 0 .2rem;overflow-wrap:anywhere}
p{margin:.3rem 0 .8rem;max-width:46rem}.s{color:var(--soft);font-size:.9rem}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:.5rem}
.charts svg{width:100%;height:auto}.wide{overflow-x:auto;margin:.5rem 0 1rem}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .8rem .2rem 0;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--soft);font-weight:500}th:first-child,td:first-child{text-align:left}
pre,.text{font:14px/1.55 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
pre,.text{border:1px solid var(--rule);border-radius:6px;padding:.6rem .8rem;margin:.4rem 0}summary{cursor:pointer}
.text i{font-style:normal}.text i[data-g]:is(:hover,:focus){outline:2px solid var(--ink)}
.text i[data-g]:is(:hover,:focus)::after{content:attr(data-g);position:fixed;left:0;right:0;bottom:0;z-index:1;
padding:.7rem 1rem;background:var(--ink);color:var(--paper);white-space:pre-wrap;pointer-events:none}
.text i[data-g]:hover::after{z-index:2}
.d :is(.h3,.h4,.h5){border-bottom:1px solid}.d :is(.h6,.h7,.h8){border-bottom:3px solid}
.d :is(.c3,.c4,.c5){border-bottom:1px dotted}.d :is(.c6,.c7,.c8){border-bottom:3px dotted}
.d{line-height:1.9}.k i{white-space:nowrap}
sub{color:var(--soft);font-size:.75em}
.maps{display:flex;flex-wrap:wrap;gap:.5rem 2rem;align-items:flex-start}figure{margin:0;max-width:100%}
figcaption{font-weight:600;overflow-wrap:anywhere}mark{background:rgba(var(--hot),.35);color:inherit}
@media(max-width:600px){table{font-size:.8rem}th,td{padding-right:.45rem}}
"""
COLOURS = "".join(
    f".{kind}{k}{{background:rgba(var(--{name}),{MAX_OPACITY * k / COLOUR_LEVELS:.3f})}}"
    for kind, name in (("h", "hot"), ("c", "cold"))
    for k in range(1, COLOUR_LEVELS + 1)
)


def page(title: str, sections: Iterable[str]) -> bytes:
    """A whole HTML file."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{safe(title)}</title>'
        f"<style>{STYLE}{PAGE}{COLOURS}</style>"
    )
    body = "\n".join([f"<h1>{safe(title)}</h1>", *sections])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'.encode()


def section(title: str, *parts: str, note: str = "") -> str:
    """HTML parts under a heading, with a note in plain text; empty where all parts are."""
    paragraph = f'<p class="s">{safe(note)}</p>' if note else ""
    return f"<h2>{safe(title)}</h2>{paragraph}{''.join(parts)}" if any(parts) else ""


def charts(*drawn: str) -> str:
    """Charts, as many in a row as fit."""
    return f'<div class="charts">{"".join(drawn)}</div>' if any(drawn) else ""


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table of cells in plain text; the first row is its head."""
    head, *others = rows
    lines = [f"<tr>{''.join(f'<th>{safe(cell)}</th>' for cell in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{safe(cell)}</td>' for cell in row)}</tr>" for row in others]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def letters_of(names: Sequence[str]) -> list[str]:
    """How each id appears in a coloured text, given its printable name: a line break is shown and also made.

    The end of a document begins a line too.
    """
    return [f"{name}\n" if name in ("⏎", "␃") else " " if name == "␣" else name for name in names]
