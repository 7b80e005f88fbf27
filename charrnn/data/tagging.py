"""Tagging: texts with a label for each unit, which is a symbol of a row or a token of a sentence.

Units are spelled out one after another as characters. Every character of a unit has its label; the blanks between
tokens have none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.rows import Faults, Row, shown
from charrnn.data.sentences import Sentence
from charrnn.data.targets import Labels
from charrnn.data.text_rules import TextRules
from charrnn.errors import TextError

NO_LABEL = -1  # the target of a symbol whose label does not count
OUTSIDE = "O"  # the label of what is in no span
UNKNOWN_LABEL = -1  # the label of a unit that a model does not know; its symbols have no target


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text with a label for each of its units.

    Attributes:
        text: all units, and the blanks between tokens.
        starts, stops: where each unit begins in `text`, and the position after its end.
        labels: of each unit.
    """

    text: str
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    labels: tuple[str, ...]

    def cut(self, length: int) -> "Tagged":
        """The first characters, without a unit that does not fit; a text without units is cut anywhere."""
        if not self.labels:
            return Tagged(self.text[:length], (), (), ())
        kept = sum(stop <= length for stop in self.stops)
        stop = self.stops[kept - 1] if kept else 0
        return Tagged(self.text[:stop], self.starts[:kept], self.stops[:kept], self.labels[:kept])


@dataclass(frozen=True)
class Units:
    """Where the units of examples are, and their labels.

    Attributes:
        bounds: (U, 2) int64, the position of each unit's first symbol in `ids`, and the one after its last.
        targets: (U,) int64, labels; UNKNOWN_LABEL for one that a model does not know, so no prediction equals it.
        example: (U,) int64, the example of each unit.
    """

    bounds: Array
    targets: Array
    example: Array

    def __len__(self) -> int:
        return len(self.targets)


def tag_rows(rows: Sequence[Row], separator: str | None, rules: TextRules, faults: Faults) -> list[Tagged]:
    """Pair the symbols of each source with those of its target.

    Arguments:
        rows: with one target cell each.
        separator: what separates symbols; None if each character is one.
        rules: how a source becomes symbols of a vocabulary.
        faults: collects rows whose source and target differ in length, or hold an empty symbol.

    Returns:
        The rows without faults, in order.

    Raises:
        TextError: there is not one target column.
    """
    if rows and len(rows[0].targets) != 1:
        raise TextError(f"data.target: {len(rows[0].targets)} columns, but labels are read from one; name one")
    tagged = []
    for row in rows:
        if separator is None:
            symbols, labels = list(rules.fold(row.source)), list(row.targets[0])
        else:
            symbols, labels = [*map(rules.fold, row.source.split(separator))], row.targets[0].split(separator)
        if len(symbols) != len(labels):
            faults.add(
                row.place,
                f"the source {shown(row.source)} has {len(symbols)} symbols, but {shown(row.targets[0])} has "
                f"{len(labels)} labels; give one label for each symbol",
            )
        elif not all(symbols) or not all(labels):
            faults.add(row.place, f"a symbol or label is empty in {shown(row.source)}; two separators must not touch")
        else:
            tagged.append(_spelled([*map(rules.spell, symbols)], labels, [False] * len(symbols)))
    return tagged


def tag_sentences(sentences: Sequence[Sentence], rules: TextRules) -> list[Tagged]:
    """Spell out the tokens of sentences, with a blank where one follows a token."""
    return [
        _spelled([rules.spell(rules.fold(token)) for token in own.tokens], own.labels, own.spaces) for own in sentences
    ]


def tag_segments(sentences: Sequence[Sentence], rules: TextRules) -> list[Tagged]:
    """Label the characters of sentences: B begins a token, I continues it, O is a blank between two."""
    tagged = []
    for own in sentences:
        units: list[str] = []
        labels: list[str] = []
        for token, space in zip(own.tokens, own.spaces, strict=True):
            symbols = rules.fold(token)
            units += symbols
            labels += ["B"] + ["I"] * (len(symbols) - 1)
            if space:
                units.append(" ")
                labels.append(OUTSIDE)
        if labels[-1] == OUTSIDE:
            del units[-1], labels[-1]
        tagged.append(_spelled([*map(rules.spell, units)], labels, [False] * len(units)))
    return tagged


def has_span_labels(names: Sequence[str]) -> bool:
    """Whether labels are those of spans: B and I, alone or with a type, and O."""
    letters = [name.split("-")[0] for name in names]
    return set(letters) <= {"B", "I", OUTSIDE} and "B" in letters


def _spelled(units: Sequence[str], labels: Sequence[str], spaces: Sequence[bool]) -> Tagged:
    """Units side by side, with a blank after some of them, but not after the last."""
    text, starts, stops = [], [], []
    position = 0
    for k, unit in enumerate(units):
        starts.append(position)
        position += len(unit)
        stops.append(position)
        text.append(unit)
        if spaces[k] and k + 1 < len(units):
            text.append(" ")
            position += 1
    return Tagged("".join(text), tuple(starts), tuple(stops), tuple(labels))


def tag_labels(tagged: Iterable[Tagged]) -> Labels:
    """The labels of all texts, sorted, whether or not the training split has them."""
    return Labels(tuple(sorted({label for own in tagged for label in own.labels})))


def tag_arrays(tagged: Sequence[Tagged], labels: Labels) -> tuple[Array, Units]:
    """The labels of all symbols of texts side by side, and the units.

    The labels, (len,) int64, are NO_LABEL for blanks between tokens and where a label is unknown.
    """
    counts = [len(own.labels) for own in tagged]
    offsets = np.cumsum([0, *(len(own.text) for own in tagged)])
    shift = np.repeat(offsets[:-1], counts)
    starts = np.array([start for own in tagged for start in own.starts], np.int64) + shift
    stops = np.array([stop for own in tagged for stop in own.stops], np.int64) + shift
    ids = labels.ids([label for own in tagged for label in own.labels])
    sizes = stops - starts
    after = np.cumsum(sizes)
    targets = np.full(int(offsets[-1]), NO_LABEL)
    targets[np.arange(int(sizes.sum())) + np.repeat(starts - after + sizes, sizes)] = np.repeat(ids, sizes)
    return targets, Units(np.stack([starts, stops], axis=1), ids, np.repeat(np.arange(len(tagged)), counts))
