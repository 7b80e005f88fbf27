"""Tables as rows of cells, the first row being the head. Terminal and pages show the same rows.

Cells hold raw text, which may come from a user: whoever prints them escapes it. Nothing is computed here.
"""

from collections.abc import Mapping, Sequence

from charrnn.display.formats import duration, plural
from charrnn.evaluation import Assessment, Comparison, Novelty, PositionLoss, Row, RunSummary
from charrnn.inspection import VANISHED, ModelFlow

Cells = list[list[str]]
MAX_VALUE_CHARS = 40  # of a value of the config; the rest is cut off
STEPS_BACK = (10, 100)  # distances at which the table of gradient flow names the gradient


def number(value: float | None, form: str = ".4f") -> str:
    """A number, or - where there is none."""
    return "-" if value is None else format(value, form)


def span(interval: Sequence[float] | None, form: str = ".4f") -> str:
    """An interval, or - where there is none."""
    return "-" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def figures_table(report: Assessment) -> Cells:
    """The figures of the first model with their intervals: name, value with its unit, interval. It has no head."""
    found, intervals = report.analysis.figures, report.analysis.intervals
    rows = [
        ("cross-entropy", found.nats_per_char, intervals.nats_per_char, ".4f", " nats/char"),
        ("", found.bits_per_char, intervals.bits_per_char, ".4f", " bits/char"),
        ("", found.bits_per_byte, intervals.bits_per_byte, ".4f", " bits/byte"),
        ("", found.nats_per_document, intervals.nats_per_document, ".3f", " nats/document"),
        ("perplexity", found.perplexity, intervals.perplexity, ".3f", ""),
        ("word perplexity", found.word_perplexity, intervals.word_perplexity, ",.0f", ""),
        ("top-1 accuracy", found.top1, intervals.top1, ".1%", ""),
        ("top-5 accuracy", found.top5, intervals.top5, ".1%", ""),
    ]
    return [
        [name, number(value, form) + unit, f"95 %: {span(interval, form)}"]
        for name, value, interval, form, unit in rows
        if value is not None
    ]


def models_table(report: Assessment) -> Cells:
    """Models, mixture and baselines side by side."""
    if report.apart:
        return apart_table(report)
    head = ["model", "nats/char", "95 % interval", "bits/char", "perplexity", "top-1 accuracy"]
    rows = [head, *map(model_cells, report.rows)]
    if report.analysis.documents is None:
        return rows
    totals = ["nats/document", *(number(row.figures.nats_per_document, ".3f") for row in report.rows)]
    return [[*row, total] for row, total in zip(rows, totals, strict=True)]


def apart_table(report: Assessment) -> Cells:
    """Models that read the text with vocabularies of their own, by the figure that they have in common."""
    if any(row.charged_bits_per_byte is not None for row in report.rows):
        cells = [[row.name, number(row.charged_bits_per_byte, ".3f")] for row in report.rows]
        return [["model, unknown characters charged", "bits/byte"], *cells]
    cells = [[row.name, number(row.charged)] for row in report.rows]
    return [["model, unknown characters charged", "nats/char"], *cells]


def size_text(report: Assessment) -> str:
    """How much was scored, in words: characters, documents, and the unknown characters, with what these would cost."""
    analysis = report.analysis
    chars = f"{analysis.chars:,} characters"
    if analysis.documents is not None:
        chars = f"{plural(analysis.documents, 'document')}, {chars} with their ends"
    if report.window is not None:
        chars += f", in windows of {report.window:,}, each from a fresh state"
    if not analysis.unknown_chars:
        return chars
    charged = f"; charged for, they make it {number(analysis.charged)} nats/char" if analysis.charged else ""
    return f"{chars}, {analysis.unknown_chars:,} unknown to the model{charged}"


def model_cells(row: Row) -> list[str]:
    """A row of models_table()."""
    figures = row.figures
    return [
        row.name,
        number(figures.nats_per_char),
        span(row.interval, ".3f"),
        number(figures.bits_per_char, ".3f"),
        number(figures.perplexity, ".3f"),
        number(figures.top1, ".1%"),
    ]


def kinds_table(report: Assessment) -> Cells:
    """The loss by kind of character."""
    head = ["kind", "chars", "nats/char", "share of loss"]
    kinds = report.analysis.kinds
    return [head, *([k.kind, f"{k.chars:,}", number(k.nats_per_char), f"{k.share:.1%}"] for k in kinds)]


def positions_table(report: Assessment) -> Cells:
    """The loss by the number of characters read since a fresh state, as a wide table of two rows."""
    positions = report.positions
    return [
        ["characters read", *map(position_name, positions)],
        ["nats/char", *(number(each.nats_per_char, ".3f") for each in positions)],
    ]


def position_name(position: PositionLoss) -> str:
    """A range of positions: 5-8, or 1 where it is a single one."""
    return str(position.last) if position.first == position.last else f"{position.first}-{position.last}"


def calibration_table(report: Assessment) -> Cells:
    """How confident the model was of its most likely character, and how often that was right, in two rows."""
    bins = report.analysis.calibration
    return [
        ["confidence", *(f"{each.confidence:.0%}" for each in bins)],
        ["accuracy", *(f"{each.accuracy:.0%}" for each in bins)],
    ]


def new_passages_table(novelty: Novelty) -> Cells:
    """The share of passages that do not occur in the training text, by their length, in two rows."""
    return [
        ["passage length", *(str(each.length) for each in novelty.new)],
        ["not in training text", *(f"{each.share:.1%}" for each in novelty.new)],
    ]


def weights_text(report: Assessment) -> str:
    """The weights of the mixture in words; empty where there is none."""
    return ", ".join(f"{each.weight:.3f} {each.name}" for each in report.weights)


def overlap_texts(report: Assessment, novelty: Novelty) -> list[str]:
    """The longest passage that a text shares with the training text, and where it is, in one sentence or two."""
    sentences = []
    if novelty.documents is not None:
        count, seen, duplicates = novelty.documents.count, novelty.documents.in_training, novelty.documents.duplicates
        sentences.append(
            f"documents that also stand in the training text: {seen:,} of {count:,} ({seen / count:.1%}); "
            f"{duplicates:,} repeat{'s' * (duplicates == 1)} an earlier one"
        )
    sentences += [
        f"longest passage that also occurs in the training text: {novelty.longest:,} of "
        f"{report.analysis.chars:,} characters"
    ]
    if novelty.longest:
        sentences.append(
            f"at character {novelty.start:,} of this text and {novelty.source_start:,} of the training text: "
            f"{novelty.passage[:80]}"
        )
    return sentences


def runs_table(comparison: Comparison) -> Cells:
    """The runs of a comparison."""
    head = ["run", "valid loss", "nats/char", "text", "difference", "95 % interval", "char/s", "time"]
    return [head, *map(run_cells, comparison.runs)]


def run_cells(run: RunSummary) -> list[str]:
    """A row of runs_table()."""
    difference = run.difference
    return [
        run.run,
        number(run.valid_loss),
        number(run.nats_per_char),
        run.text or "-",
        number(difference.mean, "+.4f") if difference else "-",
        span(difference.interval, "+.4f") if difference else "-",
        number(run.chars_per_second, ",.0f"),
        "-" if run.seconds is None else duration(run.seconds),
    ]


def differing_table(differing: Mapping[str, Sequence[object]], runs: int) -> Cells:
    """The config keys in which runs differ, with the value of each run."""
    head = ["config", *(f"run {k + 1}" for k in range(runs))]
    return [head, *([name, *map(value_text, values)] for name, values in differing.items())]


def value_text(value: object) -> str:
    """A value of the config, as YAML writes it, cut to MAX_VALUE_CHARS."""
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) < MAX_VALUE_CHARS else text[: MAX_VALUE_CHARS - 1] + "…"


def flows_table(models: Sequence[ModelFlow]) -> Cells:
    """How far gradients reach in each layer of several models, as shares of the gradient one step back."""
    head = [
        "model", "layer", *(f"at {steps} steps" for steps in STEPS_BACK), f"decays below {100 * VANISHED:.0f} % at",
        "spectral radius", "largest singular value", "steps clipped",
    ]  # fmt: skip
    return [head, *(flow_cells(model, layer) for model in models for layer in range(len(model.flow.norms)))]


def flow_cells(model: ModelFlow, layer: int) -> list[str]:
    """A row of flows_table(): a layer, counted from 0. The model is named in the row of its first layer."""
    norms = model.flow.norms[layer]
    shares = [f"{norms[k - 1] / norms[0]:.2g}" if k <= len(norms) and norms[0] else "-" for k in STEPS_BACK]
    weights = [each for each in model.flow.weights if each.layer == layer]
    return [
        "" if layer else model.name,
        str(layer + 1),
        *shares,
        reach_text(model.flow.reach[layer], len(norms)),
        f"{max(each.radius for each in weights):.3g}",
        f"{max(each.singular[0] for each in weights):.3g}",
        number(model.clipped, ".1%"),
    ]


def reach_text(reach: int | None, looked: int) -> str:
    """The distance at which a gradient has vanished, where `looked` steps back were looked at."""
    if reach is None:
        return f"beyond {looked}"
    return f"{reach} steps"
