"""The evaluation part of a page, and the page of `charrnn eval --html`."""

from collections.abc import Iterator
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.display.html import LEVELS, charts, page, section, table
from charrnn.display.svg import Series, chart, safe
from charrnn.display.tables import copying, number, span
from charrnn.evaluation import guesses, shown
from charrnn.models import SavedModel

PASSAGE = 2000  # characters of the held-out text that are shown in colour


def evaluation_page(loaded: SavedModel, report: dict[str, Any], ids: Array) -> bytes:
    """What `charrnn eval --html` writes: a report of assess() on a text, and its beginning in colour."""
    return page(f"{loaded.name}: {report['text']}", [*evaluation(report), surprise(loaded, ids)])


def evaluation(report: dict[str, Any]) -> Iterator[str]:
    """A report of assess() as sections."""
    rows: list[list[object]] = [["model", "nats/char", "95 %", "bits/char", "perplexity", "first guess"]]
    for r in report["rows"]:
        right = r.get("top1")
        guess = "-" if right is None else f"{right:.1%}"
        figures = number(r["nats_per_char"]), span(r.get("interval"), ".3f"), number(r["bits_per_char"], ".3f")
        rows.append([r["name"], *figures, number(r.get("perplexity"), ".3f"), guess])
    unknown = f" {report['unknown_chars']:,} unknown to the model are left out." if report["unknown_chars"] else ""
    said = (
        f"{report['text']}: {report['chars']:,} characters.{unknown} {report['bits_per_byte']:.4f} bits per byte; "
        f"perplexity of words {report['word_perplexity']:,.0f}; among the first five guesses {report['top5']:.1%}."
    )
    weights = ", ".join(f"{each['weight']:.3f} {each['name']}" for each in report.get("weights", []))
    mixed = f'<p class="s">Weights of the mixture: {safe(weights)}.</p>' if weights else ""
    yield section("Evaluation", table(rows), mixed, note=said)
    kinds = [["by kind", "chars", "nats/char", "of all nats"]]
    kinds += [[k["kind"], f"{k['chars']:,}", number(k["nats_per_char"]), f"{k['share']:.1%}"] for k in report["kinds"]]
    read = [(float(p["last"]), p["nats_per_char"]) for p in report["positions"]]
    sure = [(b["sure"], b["right"]) for b in report["calibration"]]
    even = Series("as sure as right", [(0.0, 0.0), (1.0, 1.0)])
    drawn = charts(
        chart("Loss as it reads on", [Series("", read)], "characters since a fresh state", "nats/char", log="x"),
        chart("Calibration", [Series("first guess", sure), even], "how sure it was", "how often right"),
    )
    yield section("Where the losses fall", table(kinds), drawn)
    passages = [
        f"<h3>{w['nats_per_char']:.2f} nats/char, at character {w['at']:,}</h3>"
        f'<div class="text">{safe(w["before"])}<mark>{safe(w["text"])}</mark>{safe(w["after"])}</div>'
        for w in report["worst"]
    ]
    yield section("Worst passages", *passages)
    if "novelty" in report:
        lines = "\n".join(line.strip() for line in copying(report["novelty"], report["chars"]))
        yield section("What it shares with the training text", f"<pre>{safe(lines)}</pre>")


def names_of(vocab: Vocab) -> list[str]:
    """What to call each id in a list of guesses."""
    names = {" ": "␣", "\n": "⏎", "\t": "⇥"}
    ids = (np.array([k]) for k in range(vocab.size))
    return [names.get(name := vocab.decode(k)) or shown(vocab, k, escape=name != "\\") for k in ids]


def shown_as(names: list[str]) -> list[str]:
    """What stands for each id where a text is coloured."""
    return ["⏎\n" if name == "⏎" else " " if name == "␣" else name for name in names]


def surprise(loaded: SavedModel, ids: Array) -> str:
    """The beginning of a text, each character coloured by its bits, with the likeliest guesses to hover over or tap."""
    vocab, part = loaded.model.vocab, ids[:PASSAGE]
    names = names_of(vocab)
    letters = shown_as(names)
    spans = []
    for k, nats, best, chance in zip(part.tolist(), *guesses(loaded.model, part), strict=True):
        bits = float(nats) / log(2)
        listed = "   ".join(
            f"{names[b]}\N{NO-BREAK SPACE}{p:.1%}" for b, p in zip(best.tolist(), chance.tolist(), strict=True)
        )
        told = f"{names[k]} {bits:.2f} bits\n{listed}"
        spans.append(
            f'<i class="h{min(round(bits), LEVELS)}" tabindex="-1" data-g="{safe(told)}">{safe(letters[k])}</i>'
        )
    scale = "".join(f'<i class="h{k}"> {k}{"+" * (k == LEVELS)} </i>' for k in range(LEVELS + 1))
    note = (
        f"The first {len(part):,} characters of {len(ids):,}, coloured by what each cost: its bits, given all before "
        f"it. Hover over a character, or tap it, for the likeliest guesses in its place."
    )
    return section(
        "Surprise", f'<div class="text">bits {scale}</div><div class="text">{"".join(spans)}</div>', note=note
    )
