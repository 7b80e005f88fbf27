"""The sections of a page that show single examples of a classifier or tagger: what decided, and what is wrong."""

from collections.abc import Sequence
from math import isclose

from charrnn.display.html import COLOUR_LEVELS, letters_of, section
from charrnn.display.svg import safe
from charrnn.display.task_tables import label_name
from charrnn.evaluation import TaggedSentence, TaggedUnit
from charrnn.inspection import Occlusion

WEAK, MIDDLE, STRONG = 1, COLOUR_LEVELS // 2, COLOUR_LEVELS  # levels in the legend


def decided_section(occlusions: Sequence[Occlusion], names: Sequence[str], output: str) -> str:
    """Examples whose characters are coloured by what they contribute to the prediction."""
    letters = letters_of(names)
    linear = output == "linear"
    parts = []
    for own in occlusions:
        score = f"{own.score:.4g}" if linear else f"{own.score:.1%}"
        truth = label_name(own.truth)
        verdict = f"true is {truth}" if linear or own.truth != own.predicted else "right"
        heading = f"{score} {label_name(own.predicted)}, {verdict} ({own.place})"
        text = "".join(
            letter(names[k], letters[k], value, level, "" if linear else " nats")
            for k, value, level in zip(own.ids.tolist(), own.contributions.tolist(), levels(own), strict=True)
        )
        parts.append(f'<h3>{safe(heading)}</h3><div class="text d">{text}</div>')
    if not parts:
        return ""
    what = "the predicted number" if linear else "the log-probability of the predicted label"
    note = (
        f"Each character is replaced by an unknown one in turn, and coloured by how much {what} falls (warm, solid "
        f"line) or rises (cold, dotted line), as a share of the largest change in its example; weak influences have no "
        f"line. Hover over a character, or tap it, to see the number. A model that was trained without "
        f"model.input_dropout has seldom or never read an unknown character, and its answer to one means less."
    )
    return section("Which characters decided", legend(linear), *parts, note=note)


def levels(own: Occlusion) -> list[int]:
    """The shade of each character: positive for warm, negative for cold."""
    values = own.contributions.tolist()
    largest = max(map(abs, values))
    if isclose(largest, 0, abs_tol=1e-9):
        return [0] * len(values)
    return [round(COLOUR_LEVELS * value / largest) for value in values]


def letter(name: str, shown: str, value: float, level: int, unit: str) -> str:
    """A character in its shade, with its contribution to hover over or tap."""
    return f'<i class="{shade(level)}" tabindex="-1" data-g="{safe(f"{name} {value:+.3f}{unit}")}">{safe(shown)}</i>'


def shade(level: int) -> str:
    """The class of a level."""
    return f"{'c' if level < 0 else 'h'}{abs(level)}"


def legend(linear: bool) -> str:
    """What colours and lines mean."""
    raises, lowers = ("raises the number", "lowers it") if linear else ("speaks for the label", "speaks against it")
    scale = [
        f'<i class="{shade(STRONG)}"> {raises} strongly </i>',
        f'<i class="{shade(MIDDLE)}"> {raises} </i>',
        f'<i class="{shade(WEAK)}"> weak </i>',
        f'<i class="{shade(-MIDDLE)}"> {lowers} </i>',
        f'<i class="{shade(-STRONG)}"> {lowers} strongly </i>',
    ]
    return f'<div class="text d k">{" ".join(scale)}</div>'


def sentences_section(sentences: Sequence[TaggedSentence]) -> str:
    """Examples of a tagger with the wrong units marked."""
    parts = []
    for own in sentences:
        wrong = sum(not unit.right for unit in own.units)
        text = own.blank.join(map(marked, own.units))
        rest = f" … ({own.left_out:,} more)" if own.left_out else ""
        heading = f"{wrong:,} of {len(own.units):,} wrong ({own.place})"
        parts.append(f'<h3>{safe(heading)}</h3><div class="text">{text}{rest}</div>')
    note = (
        "The examples with the most confident mistakes. Each unit with a wrong label is marked, and followed by its "
        "true label, an arrow and the predicted label."
    )
    return section("Examples with mistakes", *parts, note=note)


def marked(unit: TaggedUnit) -> str:
    """A unit, with its labels if the predicted one is wrong."""
    if unit.right:
        return safe(unit.text)
    labels = f"{label_name(unit.truth)}→{label_name(unit.predicted)}"
    return f"<mark>{safe(unit.text)}</mark><sub>{safe(labels)}</sub>"
