"""The sections of a page about an evaluation, and the page of `charrnn eval --html`."""

from collections.abc import Iterator
from math import log

from charrnn.display.html import COLOUR_LEVELS, charts, letters_of, page, section, table
from charrnn.display.svg import Axes, Series, chart, safe
from charrnn.display.tables import (
    kinds_table,
    models_table,
    new_passages_table,
    number,
    overlap_texts,
    size_text,
    weights_text,
)
from charrnn.evaluation import Assessment, Surprise


def evaluation_page(name: str, report: Assessment, surprise: Surprise) -> bytes:
    """What `charrnn eval --html` writes: the report on a text, and the beginning of the text in colour."""
    return page(f"{name}: {report.text}", [*evaluation_sections(report), surprise_section(surprise)])


def evaluation_sections(report: Assessment) -> Iterator[str]:
    """A report as sections."""
    yield models_section(report)
    yield section("Loss and calibration", table(kinds_table(report)), loss_charts(report))
    yield worst_section(report)
    if report.novelty is not None:
        text = "\n".join(overlap_texts(report, report.novelty))
        yield section(
            "Overlap with the training text", f"<pre>{safe(text)}</pre>", table(new_passages_table(report.novelty))
        )


def worst_section(report: Assessment) -> str:
    """The passages with the highest loss in their context, or the documents."""
    analysis = report.analysis
    if analysis.documents is not None:
        documents = [
            f"<h3>{each.nats_per_char:.2f} nats/char, document {each.number:,}</h3>"
            f'<div class="text">{safe(each.text)}</div>'
            for each in analysis.worst_documents
        ]
        return section("Worst documents", *documents)
    passages = [
        f"<h3>{passage.nats_per_char:.2f} nats/char, at character {passage.start:,}</h3>"
        f'<div class="text">{safe(passage.before)}<mark>{safe(passage.text)}</mark>{safe(passage.after)}</div>'
        for passage in analysis.worst
    ]
    return section("Worst passages", *passages)


def models_section(report: Assessment) -> str:
    """The table of models, with the figures that it does not hold in a note."""
    analysis = report.analysis
    figures = analysis.figures
    note = (
        f"{report.text}: {size_text(report)}. {number(figures.bits_per_byte)} bits per byte; "
        f"word perplexity {number(figures.word_perplexity, ',.0f')}; top-5 accuracy {number(figures.top5, '.1%')}."
    )
    weights = weights_text(report)
    mixture = f'<p class="s">Weights of the mixture: {safe(weights)}.</p>' if weights else ""
    return section("Evaluation", table(models_table(report)), mixture, note=note)


def loss_charts(report: Assessment) -> str:
    """The loss by position, and the calibration."""
    positions = [(float(each.last), each.nats_per_char) for each in report.positions]
    bins = [(each.confidence, each.accuracy) for each in report.analysis.calibration]
    perfect = Series("perfect calibration", [(0.0, 0.0), (1.0, 1.0)])
    error = report.analysis.calibration_error
    title = "Calibration" if error is None else f"Calibration, expected error {error:.1%}"
    return charts(
        chart("Loss by position", [Series("", positions)], Axes("characters since a fresh state", "nats/char", "x")),
        chart(title, [Series("model", bins), perfect], Axes("confidence", "accuracy")),
    )


def surprise_section(surprise: Surprise) -> str:
    """An excerpt, each character coloured by its bits, with the model's most likely ones to hover over or tap."""
    names = surprise.names
    letters = letters_of(names)
    characters = zip(
        surprise.ids.tolist(),
        surprise.nats.tolist(),
        surprise.guesses.tolist(),
        surprise.probabilities.tolist(),
        strict=True,
    )
    spans = []
    for k, nats, guesses, probabilities in characters:
        bits = nats / log(2)
        listed = [f"{names[b]}\N{NO-BREAK SPACE}{p:.1%}" for b, p in zip(guesses, probabilities, strict=True)]
        level = min(round(bits), COLOUR_LEVELS)
        tip = safe(f"{names[k]} {bits:.2f} bits\n{'   '.join(listed)}")
        spans.append(f'<i class="h{level}" tabindex="-1" data-g="{tip}">{safe(letters[k])}</i>')
    scale = "".join(f'<i class="h{k}"> {k}{"+" * (k == COLOUR_LEVELS)} </i>' for k in range(COLOUR_LEVELS + 1))
    before = "all characters of the document before" if surprise.documents else "all characters before"
    note = (
        f"The first {len(surprise.ids):,} of {surprise.text_chars:,} characters, coloured by their loss in bits, given "
        f"{before}. Hover over a character, or tap it, to see the model's most likely ones in its place."
    )
    return section(
        "Surprise", f'<div class="text">bits {scale}</div><div class="text">{"".join(spans)}</div>', note=note
    )
