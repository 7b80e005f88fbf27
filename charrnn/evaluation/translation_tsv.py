"""A tab-separated table for other programs with a row for each pair that a translator was scored on."""

from collections.abc import Iterator, Sequence

from charrnn.data import PairSplit
from charrnn.errors import visible
from charrnn.evaluation.translation_metrics import Edits
from charrnn.generation import Answers
from charrnn.models import TranslateModel


def per_pair(model: TranslateModel, split: PairSplit, answers: Sequence[Answers]) -> Iterator[str]:
    """The table, in pieces; all text is escaped.

    Its columns are place, text and features (each column of them), then the right target, what was written, the
    probability of that, how many edits turn one into the other, and the symbols of the right target.
    """
    features = [_escaped(str(column)) for column in model.rules.layout.features]
    yield "\t".join(["place", "text", *features, "truth", "predicted", "probability", "edits", "symbols"]) + "\n"
    edits = Edits.of(split.targets, [own.symbols for own in answers])
    for row, target, own, count, size in zip(
        split.rows, split.targets, answers, edits.edits.tolist(), edits.sizes.tolist(), strict=True
    ):
        probability = f"{own.probability:.6f}" if own.hypotheses else ""
        texts = [row.place, row.source, *row.features, model.spell(target), own.text]
        yield "\t".join([*map(_escaped, texts), probability, str(count), str(size)]) + "\n"


def _escaped(text: str) -> str:
    return visible(text.replace("\\", "\\\\"), keep="")
