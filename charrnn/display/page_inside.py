"""The part of a page that looks inside a network: units, gates, gradients."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.display.html import LEVELS, charts, section, table
from charrnn.display.page_evaluation import names_of, shown_as
from charrnn.display.svg import Series, chart, safe
from charrnn.inspection import FADED, GATES, followers, watch
from charrnn.models import Network

SHOWN_UNITS, LEAST = 5, 0.1  # of the units found, shown along the text, and the share that each explains at least


EXPLODED = 1e4  # a norm beyond is not drawn


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
