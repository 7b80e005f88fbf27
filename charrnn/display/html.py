"""Pages of `charrnn report` and `charrnn eval --html`: one HTML file, which needs no network, script or other file.

Built from the dicts of assess(), a run's log and samples, and a text's ids; no figure is computed here. Every text of
the user's goes through safe(), and the page forbids scripts and all loading by a Content-Security-Policy of its own.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import isfinite, log
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.data.reading import Vocab
from charrnn.display.svg import STYLE, Series, chart, safe
from charrnn.display.tables import copying, number, span
from charrnn.errors import TextError
from charrnn.evaluation.assessment import Wanted, assess, choose_split, own_corpus
from charrnn.evaluation.figures import guesses, shown
from charrnn.inspection.gradient_flow import FADED, flow
from charrnn.inspection.neurons import GATES, followers, watch
from charrnn.models.network import Loaded, Network, describe_model
from charrnn.nn.params import Array
from charrnn.training.loop import LOG, SAMPLES

LARGE = 20_000_000  # characters of training text beyond which baselines take too long for a page
PASSAGE = 2000  # characters of the held-out text that are shown in colour
SHOWN_SAMPLES, SAMPLE = 5, 600  # texts of a run, and bytes of each
SHOWN_UNITS, LEAST = 5, 0.1  # of the units found, shown along the text, and the share that each explains at least
LEVELS = 8  # of colour, beside none
EXPLODED = 1e4  # a norm beyond is not drawn
PAGE = """\
*{box-sizing:border-box}body{margin:0 auto;max-width:940px;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}h1{font-size:1.5rem;margin:.5rem 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .4rem;border-top:1px solid var(--rule);padding-top:1rem}
h3{font-size:1rem;margin:1.2rem 0 .2rem}p{margin:.3rem 0 .8rem;max-width:46rem}.s{color:var(--soft);font-size:.9rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:.5rem}
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
mark{background:rgba(var(--hot),.35);color:inherit}
@media(max-width:600px){table{font-size:.8rem}th,td{padding-right:.45rem}}
"""
COLOURS = "".join(
    f".{kind}{k}{{background:rgba(var(--{name}),{0.6 * k / LEVELS:.3f})}}"
    for kind, name in (("h", "hot"), ("c", "cold"))
    for k in range(1, LEVELS + 1)
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
    """A part of the page under a heading; empty where there is nothing in it."""
    said = f'<p class="s">{safe(note)}</p>' if note else ""
    return f"<h2>{safe(title)}</h2>{said}{''.join(parts)}" if any(parts) else ""


def charts(*drawn: str) -> str:
    """Charts, as many in a row as there is room for."""
    return f'<div class="charts">{"".join(drawn)}</div>' if any(drawn) else ""


def table(rows: Sequence[Sequence[object]]) -> str:
    """A table: the first row heads it."""
    head, *others = rows
    lines = [f"<tr>{''.join(f'<th>{safe(cell)}</th>' for cell in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{safe(cell)}</td>' for cell in row)}</tr>" for row in others]
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


# -- the pages ----------------------------------------------------------------------------------------------------


def evaluation_page(loaded: Loaded, report: dict[str, Any], ids: Array) -> bytes:
    """What `charrnn eval --html` writes: a report of assess() on a text, and its beginning in colour."""
    return page(f"{loaded.name}: {report['text']}", [*evaluation(report), surprise(loaded, ids)])


def run_page(loaded: Loaded, units: Sequence[tuple[int, int]] = ()) -> tuple[bytes, list[float], str]:
    """What `charrnn report` writes of a run, or of a checkpoint alone, as much as there is; its validation losses, or
    those of training where there is no such split; and what is wrong with its text, of which then nothing is shown.

    `units`: layers and units, both from 0, to show beside those that are found.
    """
    fault = ""
    folder, model = loaded.path.parent, loaded.model
    records = read_log(folder / LOG)
    kind = "n-grams" if loaded.config.model.cell == "ngram" else "parameters"
    about = f"{describe_model(loaded.config.model)}, {model.size:,} {kind}, vocabulary of {model.vocab.size}"
    if loaded.step and isinstance(model, Network):
        about += f", after {loaded.step:,} steps"
    sections = [f"<p>{safe(about)}. {safe(loaded.note)}</p>", *curves(loaded, records)]
    try:
        corpus = own_corpus(loaded)
        split = choose_split(corpus, None)
        report, _ = assess([loaded], split, corpus, Wanted(baselines=len(corpus.train) <= LARGE))
        sections += [*evaluation(report), surprise(loaded, split.ids)]
        if isinstance(model, Network) and len(split) > 1:
            sections += [*neurons(model, split.ids, units), gradients([(loaded.name, flow(model, split.ids))])]
    except TextError as error:
        fault = str(error)
        sections.append(section("Evaluation", f"<p>{safe(fault)}</p>"))
    sections += [samples(folder / SAMPLES), configuration(loaded)]
    losses = [loss for _, loss in column(records, "valid_loss") or column(records, "loss")]
    return page(loaded.name, sections), losses, fault


# -- training -----------------------------------------------------------------------------------------------------


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a log that can be read; those of a rollback have no loss."""
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def column(records: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """(step, value) of the records that hold a number under a name."""
    found = []
    for record in records:
        try:
            point = float(record["step"]), float(record[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if all(map(isfinite, point)):
            found.append(point)
    return found


def clipped(records: list[dict[str, Any]]) -> float | None:
    """The share of all steps that were clipped; None where the log tells none."""
    found, steps, last = 0.0, 0.0, 0.0
    for step, share in column(records, "clipped"):
        length = max(step - last, 0.0)
        found, steps, last = found + share * length, steps + length, step
    return found / steps if steps else None


def curves(loaded: Loaded, records: list[dict[str, Any]]) -> Iterator[str]:
    """Learning curves, and what the optimizer did."""
    train, valid = column(records, "loss"), column(records, "valid_loss")
    if not train:
        return
    marks = [(step, "rollback") for step, _ in column([r | {"at": 0} for r in records if "rollback" in r], "at")]
    best = min(valid, key=lambda point: point[1], default=None)
    said = "There is no validation split."
    if best:
        marks.append((best[0], f"best {best[1]:.4f}"))
        said = f"Best validation loss {best[1]:.4f} nats per character, at step {best[0]:,.0f}."
    drawn = [
        chart("Loss", [Series("training", train), Series("validation", valid)], "step", "nats/char", marks=marks),
        chart("Learning rate", [Series("", column(records, "learning_rate"))], "step", ""),
        chart("Gradient norm", [Series("", column(records, "grad_norm"))], "step", "mean of an interval"),
        chart(
            "Steps clipped",
            [Series("", column(records, "clipped"))],
            "step",
            "share",
            frame=[(train[0][0], 0), (train[0][0], 1)],
        ),
    ]
    last = train[-1][0]
    share = clipped(records)
    cut = "" if share is None else f" {share:.1%} of the steps were clipped."
    yield section("Training", charts(*drawn), note=f"{last:,.0f} steps. {said}{cut}")


def samples(folder: Path) -> str:
    """Texts written along the way, from the first to the last."""
    try:
        files = sorted(folder.glob("*.txt"))
    except OSError:
        return ""
    count = min(SHOWN_SAMPLES, len(files))
    chosen = [files[k * (len(files) - 1) // max(count - 1, 1)] for k in range(count)]
    parts = []
    for path in chosen:
        try:
            with open(path, "rb") as file:
                text = file.read(SAMPLE).decode("utf-8", "replace")
        except OSError:
            continue
        step = f"step {int(path.stem):,}" if path.stem.isdecimal() else path.stem
        parts.append(f"<h3>{safe(step)}</h3><pre>{safe(text)}</pre>")
    return section("Samples over time", *parts, note="Written by the model at temperature 0.8 while it learned.")


def configuration(loaded: Loaded) -> str:
    """The complete config."""
    text = f"<details><summary>All keys</summary><pre>{safe(loaded.config.to_yaml())}</pre></details>"
    return section("Configuration", text)


# -- evaluation ---------------------------------------------------------------------------------------------------


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


def surprise(loaded: Loaded, ids: Array) -> str:
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


# -- inside the network -------------------------------------------------------------------------------------------


def neurons(network: Network, ids: Array, units: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Units along the text, those asked for and those found, and how gates saturate."""
    activity = watch(network, ids)
    letters = shown_as(names_of(network.vocab))
    found = followers(activity, network.vocab, ids)
    rows: list[list[object]] = [["follows", "layer", "unit", "correlation", "explained"]]
    rows += [[f["feature"], f["layer"] + 1, f["unit"] + 1, f"{f['r']:+.2f}", f"{f['explained']:.0%}"] for f in found]
    chosen = [(layer, unit, "") for layer, unit in units]
    good = [f for f in found[:SHOWN_UNITS] if f["explained"] >= LEAST]
    chosen += [(f["layer"], f["unit"], f"{f['feature']}, {f['explained']:.0%}") for f in good]
    parts = [table(rows)] if found else []
    for layer, unit, follows in chosen:
        values = activity.values[:, :, layer, unit]
        best = int(values.var(axis=0).argmax())  # the piece of the text in which it does most
        text = coloured([letters[k] for k in ids[activity.at[:, best]].tolist()], values[:, best])
        told = f": {follows}" if follows else ""
        parts.append(f'<h3>Unit {unit + 1} of layer {layer + 1}{safe(told)}</h3><div class="text">{text}</div>')
    note = (
        f"For each property of the text the unit that follows it best, chosen on one half of {activity.at.size:,} "
        f"characters and scored on the other: the share of its variance that a straight line explains. Warm colours "
        f"are positive activity, cold ones negative. Of each unit the stretch of text is shown in which it varies most."
    )
    yield section("Neurons", *parts, note=note)
    drawn = []
    for gate, (low, high) in activity.saturated.items():
        layers = [Series(f"layer {k + 1}", list(zip(high[k].tolist(), low[k].tolist(), strict=True)), dots=True)
                  for k in range(len(low))]  # fmt: skip
        name = GATES[network.config.cell][gate].capitalize()
        drawn.append(chart(name, layers, "share of time above 0.9", "share below 0.1", frame=[(0, 0), (1, 1)]))
    said = "Each dot is a unit: how often its gate is wide open and how often shut. None can lie beyond the diagonal."
    yield section("Saturated gates", charts(*drawn), note=said)


def coloured(letters: list[str], values: Array) -> str:
    """A text coloured by a unit's activity (len,), as a share of the largest; equal neighbours share an element."""
    levels = np.rint(LEVELS * values / max(float(np.abs(values).max()), 1e-6)).astype(int).tolist()
    cuts = [0, *(k for k in range(1, len(levels)) if levels[k] != levels[k - 1]), len(levels)]
    parts = []
    for begin, end in pairwise(cuts):
        level, text = levels[begin], safe("".join(letters[begin:end]))
        parts.append(f'<i class="{"hc"[level < 0]}{abs(level)}">{text}</i>' if level else text)
    return "".join(parts)


def gradients(flows: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """How far gradients reach, and the recurrent weights, of one model or several beside one another."""
    rows: list[list[object]] = [["weights", "spectral radius", "singular values: largest", "median", "smallest"]]
    drawn = list(gradient_charts(flows))
    for name, found in flows:
        which = f"{name}, " if len(flows) > 1 else ""
        for w in found["weights"]:
            singular = w["singular"]
            of = (singular[0], singular[len(singular) // 2], singular[-1])
            weights = f"{which}layer {w['layer'] + 1}, {w['gate']}"
            rows.append([weights, f"{w['radius']:.3g}", *(f"{value:.3g}" for value in of)])
        for layer in sorted({w["layer"] for w in found["weights"]}) if len(flows) == 1 else []:
            own = [w for w in found["weights"] if w["layer"] == layer]
            values = [Series(w["gate"], list(enumerate(w["singular"], 1))) for w in own]
            title = f"Recurrent weights, layer {layer + 1}"
            drawn.append(chart(title, values, "from the largest to the smallest", "singular values", log="y"))
    note = (
        "How strongly the loss at one step depends on the state k steps before it: where the curve falls, so does what "
        "can be learned over that distance; where it rises, gradients explode. " + reaches(flows)
    )
    return section("Gradient flow", charts(*drawn), table(rows), note=note)


def reaches(flows: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """In words, at what distance gradients have faded."""
    said = []
    for name, found in flows:
        which = f"{name}, " if len(flows) > 1 else ""
        for layer, steps in enumerate(found["reach"], 1):
            far = f"{steps} steps" if steps else f"more than {len(found['norms'][0])}"
            said.append(f"{which}layer {layer}: {far}")
    return f"Down to {FADED:.0%} of the gradient one step back: {'; '.join(said)}."


def gradient_charts(flows: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """The norms by distance: of one model all layers on one chart, of several a chart for each layer, to one scale.

    A gradient that has grown beyond EXPLODED leaves its chart at the top.
    """
    norms = [
        (name, [[point for point in enumerate(layer, 1) if point[1] < EXPLODED] for layer in found["norms"]])
        for name, found in flows
    ]
    if len(norms) == 1:
        series = [Series(f"layer {k + 1}", points) for k, points in enumerate(norms[0][1])]
        yield chart("Gradient for the state k steps back", series, "k steps back", "norm", log="y")
        return
    frame = [point for _, layers in norms for points in layers for point in points]
    for k in range(max(len(layers) for _, layers in norms)):
        series = [Series(name, layers[k]) for name, layers in norms if k < len(layers)]
        yield chart(f"Gradient for the state of layer {k + 1}", series, "k steps back", "norm", log="y", frame=frame)
