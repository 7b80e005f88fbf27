"""The sections of a page about the inside of a network: units, gates, gradients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.display.html import COLOUR_LEVELS, charts, letters_of, section, table
from charrnn.display.svg import Axes, Series, chart, safe
from charrnn.display.tables import reach_text
from charrnn.inspection import VANISHED, Activity, Follower, GradientFlow, ModelFlow, UnitTrace

MAX_NORM = 1e4  # a larger gradient is not drawn


@dataclass(frozen=True)
class Inside:
    """What was found inside a network.

    Fields: `names`, a printable name for each id of the vocabulary; `traces`, the units to show along the text.
    """

    names: list[str]
    activity: Activity
    followers: list[Follower]
    traces: list[UnitTrace]
    flow: GradientFlow


def inside_sections(found: Inside) -> Iterator[str]:
    """Everything about the inside of a network as sections."""
    yield neurons_section(found)
    yield gates_section(found.activity)
    yield gradients_section(found.flow)


def neurons_section(found: Inside) -> str:
    """The units that follow a feature of the text, as a table, and units along the text."""
    letters = letters_of(found.names)
    rows = [["feature", "layer", "unit", "correlation", "variance explained"]]
    for f in found.followers:
        rows.append([f.feature, str(f.layer + 1), str(f.unit + 1), f"{f.correlation:+.2f}", f"{f.explained:.0%}"])
    parts = [table(rows)] if found.followers else []
    for trace in found.traces:
        follower = trace.follower
        feature = f": {follower.feature}, {follower.explained:.0%}" if follower else ""
        text = coloured([letters[k] for k in trace.ids.tolist()], trace.values)
        heading = f"Unit {trace.unit + 1} of layer {trace.layer + 1}{feature}"
        parts.append(f'<h3>{safe(heading)}</h3><div class="text">{text}</div>')
    note = (
        f"For each feature of the text, the unit that follows it best. Units are chosen on one half of "
        f"{found.activity.positions.size:,} characters and judged on the other, by the share of their variance that a "
        f"straight line explains. Each unit is shown along the text where it varies most: warm colours mean positive "
        f"activity, cold colours negative activity."
    )
    return section("Neurons", *parts, note=note)


def coloured(letters: list[str], values: Array) -> str:
    """A text coloured by a unit's activity (len,), as a share of the largest; equal neighbours share an element."""
    levels = np.rint(COLOUR_LEVELS * values / max(float(np.abs(values).max()), 1e-6)).astype(int).tolist()
    edges = [0, *(k for k in range(1, len(levels)) if levels[k] != levels[k - 1]), len(levels)]
    parts = []
    for begin, end in pairwise(edges):
        level = levels[begin]
        text = safe("".join(letters[begin:end]))
        colour = "c" if level < 0 else "h"
        parts.append(f'<i class="{colour}{abs(level)}">{text}</i>' if level else text)
    return "".join(parts)


def gates_section(activity: Activity) -> str:
    """How often the gates of each unit are saturated, a chart for each kind of gate."""
    drawn = []
    axes = Axes("share of steps above 0.9", "share of steps below 0.1", include=[(0, 0), (1, 1)])
    for gate in activity.saturation:
        layers = []
        for k, (low, high) in enumerate(zip(gate.low.tolist(), gate.high.tolist(), strict=True), 1):
            layers.append(Series(f"layer {k}", list(zip(high, low, strict=True)), dots=True))
        drawn.append(chart(gate.name.capitalize(), layers, axes))
    note = (
        "Each dot is a unit: how often its gate is open (above 0.9) and closed (below 0.1). The two shares add up to "
        "at most 1, so no dot lies beyond the diagonal."
    )
    return section("Saturated gates", charts(*drawn), note=note)


def gradients_section(flow: GradientFlow) -> str:
    """How far gradients reach, and the recurrent weights."""
    rows = [["weights", "spectral radius", "largest singular value", "median", "smallest"]]
    for w in flow.weights:
        singular = (w.singular[0], w.singular[len(w.singular) // 2], w.singular[-1])
        rows.append([f"layer {w.layer + 1}, {w.gate}", f"{w.radius:.3g}", *(f"{value:.3g}" for value in singular)])
    drawn = list(gradient_charts([ModelFlow("", None, flow)]))
    axes = Axes("from the largest to the smallest", "singular values", log="y")
    for layer in sorted({w.layer for w in flow.weights}):
        gates = [Series(w.gate, list(enumerate(w.singular, 1))) for w in flow.weights if w.layer == layer]
        drawn.append(chart(f"Recurrent weights, layer {layer + 1}", gates, axes))
    reaches = "; ".join(
        f"layer {k}: {reach_text(reach, len(norms))}"
        for k, (reach, norms) in enumerate(zip(flow.reach, flow.norms, strict=True), 1)
    )
    note = (
        f"How strongly the loss at one step depends on the state k steps before it. Where the curve falls, so does "
        f"what can be learned over that distance; where it rises, gradients explode. The gradient decays below "
        f"{100 * VANISHED:.0f} % of its size one step back at: {reaches}."
    )
    return section("Gradient flow", charts(*drawn), table(rows), note=note)


def gradient_charts(models: Sequence[ModelFlow]) -> Iterator[str]:
    """The norms of gradients by distance: of one model all layers in one chart, of several a chart for each layer.

    All charts have the same scale. A gradient beyond MAX_NORM leaves its chart at the top.
    """
    curves = [[drawable(norms) for norms in model.flow.norms] for model in models]
    axes = Axes("k steps back", "norm", log="y")
    if len(models) == 1:
        layers = [Series(f"layer {k}", points) for k, points in enumerate(curves[0], 1)]
        yield chart("Gradient for the state k steps back", layers, axes)
        return
    everything = [point for layers in curves for points in layers for point in points]
    axes = Axes("k steps back", "norm", log="y", include=everything)
    for k in range(max(map(len, curves))):
        series = [
            Series(model.name, layers[k]) for model, layers in zip(models, curves, strict=True) if k < len(layers)
        ]
        yield chart(f"Gradient for the state of layer {k + 1}", series, axes)


def drawable(norms: list[float]) -> list[tuple[float, float]]:
    """The norms of a layer as points (steps back, norm), without those beyond MAX_NORM."""
    return [(float(steps), norm) for steps, norm in enumerate(norms, 1) if norm < MAX_NORM]
