"""What `charrnn predict` adds to each row by a translator: what it writes for the source of the row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from charrnn.cli.messages import note
from charrnn.cli.predicted_columns import DECIMALS, MAX_TEXT_BYTES, Shown

if TYPE_CHECKING:
    from charrnn.data import StreamedRow
    from charrnn.generation import Answer, Answers
    from charrnn.models import TranslateModel


class WrittenColumns:
    """What translators add.

    Arguments:
        voters: models that can vote.
        shown: what is printed of each row.
        beam: beginnings that are kept of each target; 1 is greedy.
    """

    def __init__(self, voters: "Sequence[TranslateModel]", shown: Shown, beam: int) -> None:
        self.voters = voters
        self.shown = shown
        self.beam = max(beam, shown.top or 1)
        steps = 1000
        each = sum(voter.bytes_each(steps, self.beam) for voter in voters) / steps
        self.longest = int(MAX_TEXT_BYTES / each)

    def predict(self, rows: "Sequence[StreamedRow]") -> "Sequence[Answers]":
        """What is written for each row. A note says of which ones the bound on length was reached."""
        from charrnn.generation import translate_texts

        texts, features = [row.source or "" for row in rows], [row.features for row in rows]
        found = translate_texts(self.voters, texts, features, self.beam, self.shown.top or 1)
        cut = [row.place for row, own in zip(rows, found, strict=True) if own.hypotheses and own.hypotheses[0].cut]
        if cut:
            more = len(cut) - 1
            others = f" and {more:,} other row{'s' * (more > 1)}" if more else ""
            note(f"{cut[0]}{others}: what is written reached the bound on length and was cut")
        return found

    def head(self) -> list[str]:
        """The names of the new columns."""
        pair = ["prediction"] if self.shown.only else ["prediction", "probability"]
        if not self.shown.top:
            return pair
        return [f"{name} {k}" for k in range(1, self.shown.top + 1) for name in pair]

    def cells(self, prediction: "Answers") -> list[str]:
        """The new cells of a row; empty ones where fewer targets were found."""
        cells = [cell for own in prediction.hypotheses for cell in self._pair(own)]
        return cells + [""] * (len(self.head()) - len(cells))

    def _pair(self, own: "Answer") -> list[str]:
        return [own.text] if self.shown.only else [own.text, f"{own.probability:.4f}"]

    def fields(self, prediction: "Answers") -> dict[str, Any]:
        """What is written, as JSON data."""
        listed = [_fields(own) for own in prediction.hypotheses]
        first = listed[0] if listed else {"prediction": None, "probability": None}
        return {**first, "hypotheses": listed} if self.shown.top else first


def _fields(own: "Answer") -> dict[str, Any]:
    fields = {"prediction": own.text, "probability": round(own.probability, DECIMALS)}
    return {**fields, "cut": True} if own.cut else fields
