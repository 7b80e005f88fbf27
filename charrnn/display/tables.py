"""What `charrnn eval`, `compare` and `flow` print for people: plain aligned text, from the dicts that `--json` prints.

Text of the user's goes through visible(). No figure is computed here.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from charrnn.errors import visible


def aligned(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows of cells as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append((indent + "  ".join([row[0].ljust(widths[0]), *cells])).rstrip())
    return lines


def number(value: float | None, form: str = ".4f") -> str:
    """A number as the tables print it, - where there is none."""
    return "-" if value is None else format(value, form)


def span(values: Sequence[float] | None, form: str = ".4f") -> str:
    """An interval."""
    return "-" if values is None else f"{values[0]:{form}} to {values[1]:{form}}"


def evaluation(report: dict[str, Any]) -> Iterator[str]:
    """A report of assess() in lines."""
    unknown = f", {report['unknown_chars']:,} unknown to the model left out" if report["unknown_chars"] else ""
    yield f"{visible(report['text'])}: {report['chars']:,} characters{unknown}"
    names = (
        ("cross-entropy", "nats_per_char", ".4f", " nats/char"),
        ("", "bits_per_char", ".4f", " bits/char"),
        ("", "bits_per_byte", ".4f", " bits/byte"),
        ("perplexity", "perplexity", ".3f", ""),
        ("  of words", "word_perplexity", ",.0f", ""),
        ("first guess", "top1", ".1%", " right"),
        ("first five", "top5", ".1%", " hold it"),
    )
    rows = [
        [label, f"{report[key]:{form}}{unit}", f"95 %: {span(report['intervals'][key], form)}"]
        for label, key, form, unit in names
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    yield from (f"  {a:{widths[0]}}  {b:{widths[1]}}  {c}".rstrip() for a, b, c in rows)
    yield from table(report)
    kinds = [["by kind", "chars", "nats/char", "of all nats"]]
    kinds += [[k["kind"], f"{k['chars']:,}", number(k["nats_per_char"]), f"{k['share']:.1%}"] for k in report["kinds"]]
    yield from ["", *aligned(kinds)]
    read = [["characters read", *(position(p) for p in report["positions"])]]
    read.append(["nats/char", *(number(p["nats_per_char"], ".3f") for p in report["positions"])])
    yield from ["", *aligned(read)]
    sure = [["how sure it was", *(f"{b['sure']:.0%}" for b in report["calibration"])]]
    sure.append(["how often right", *(f"{b['right']:.0%}" for b in report["calibration"])])
    yield from ["", *aligned(sure), f"  {report['calibration_error']:.1%} apart in the mean"]
    yield from ["", "  worst passages (nats/char, at character)"]
    for w in report["worst"]:
        before, text, after = (visible(w[part].replace("\n", "⏎"), keep="") for part in ("before", "text", "after"))
        yield f"  {w['nats_per_char']:.2f}  {w['at']:>9,}  {before}[{text}]{after}"
    if "novelty" in report:
        yield from ["", *copying(report["novelty"], report["chars"])]


def position(p: dict[str, Any]) -> str:
    """The head of a column of the loss by characters read."""
    return str(p["last"]) if p["first"] == p["last"] else f"{p['first']}-{p['last']}"


def table(report: dict[str, Any]) -> Iterator[str]:
    """The models and baselines side by side, where there is more than one row."""
    if len(report["rows"]) < 2:
        return
    rows = [["model", "nats/char", "95 %", "bits/char", "perplexity", "first guess"]]
    for r in report["rows"]:
        figures = [number(r["nats_per_char"]), span(r.get("interval"), ".3f"), number(r["bits_per_char"], ".3f")]
        right = r.get("top1")
        guess = "-" if right is None else f"{right:.1%}"
        rows.append([visible(r["name"], keep=""), *figures, number(r.get("perplexity"), ".3f"), guess])
    yield from ["", *aligned(rows)]
    if "weights" in report:
        weights = ", ".join(f"{each['weight']:.3f} {visible(each['name'], keep='')}" for each in report["weights"])
        yield f"  weights of the mixture: {weights}"


def copying(found: dict[str, Any], chars: int) -> Iterator[str]:
    """Novelty in lines."""
    yield f"  longest passage that stands in the training text too: {found['longest']:,} of {chars:,} characters"
    if found["longest"]:
        start = visible(found["passage"][:80], keep="")
        yield f"    from character {found['at']:,} here and {found['source']:,} there: {start}"
    rows = [["passages of", *(str(share["length"]) for share in found["new"])]]
    rows.append(["are new", *(f"{share['new']:.1%}" for share in found["new"])])
    yield from aligned(rows)


def comparison(found: dict[str, Any], duration: Any) -> Iterator[str]:
    """A table of compare() in lines; `duration` puts seconds into words."""
    rows = [["run", "valid", "scored", "text", "worse by", "95 %", "char/s", "time"]]
    for r in found["runs"]:
        took = duration(r["seconds"]) if "seconds" in r else "-"
        rows.append([
            visible(r["run"], keep=""), number(r["valid_loss"]), number(r.get("nats_per_char")), r.get("text", "-"),
            number(r.get("difference"), "+.4f"), span(r.get("interval"), "+.4f"),
            number(r.get("chars_per_second"), ",.0f"), took,
        ])  # fmt: skip
    yield from aligned(rows, "")
    if found["differing"]:
        heads = ["config", *(f"run {k + 1}" for k in range(len(found["runs"])))]
        yield ""
        yield from aligned([heads, *([name, *map(value, of)] for name, of in found["differing"].items())], "")
    yield ""
    best = visible(found["runs"][0]["run"], keep="")
    for r in found["runs"][1:]:
        if "difference" in r:
            word = "better" if r["difference"] > 0 else "worse"
            noise = f"{word} by more than noise" if r["beyond_noise"] else "no better or worse than noise explains"
            yield f"Against {visible(r['run'], keep='')}, {best} is {noise}."
    for r in found["runs"]:
        if "note" in r:
            yield f"{visible(r['run'], keep='')}: {visible(r['note'], keep='')}"


def flows(found: list[dict[str, Any]]) -> Iterator[str]:
    """Gradient flow of several models as a table: of each layer, gradients as shares of the one a step back."""
    rows = [["model", "layer", "10 back", "100 back", "below 1 %", "spectral radius", "singular value", "clipped"]]
    for model in found:
        for k, (norms, reach) in enumerate(zip(model["norms"], model["reach"], strict=True)):
            shares = [f"{norms[n - 1] / norms[0]:.2g}" if n <= len(norms) and norms[0] else "-" for n in (10, 100)]
            weights = [w for w in model["weights"] if w["layer"] == k]
            radius, largest = max(w["radius"] for w in weights), max(w["singular"][0] for w in weights)
            far = f"{reach} back" if reach else f"not in {len(norms)}"
            clipped = "-" if model["clipped"] is None else f"{model['clipped']:.1%}"
            name = visible(model["name"], keep="") if not k else ""
            rows.append([name, str(k + 1), *shares, far, f"{radius:.3g}", f"{largest:.3g}", clipped])
    yield from aligned(rows, "")


def value(of: Any) -> str:
    """A value of the config as a cell."""
    text = "null" if of is None else str(of).lower() if isinstance(of, bool) else str(of)
    return visible(text if len(text) < 40 else text[:39] + "…", keep="")
