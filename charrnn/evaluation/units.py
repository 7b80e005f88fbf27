"""The units of a tagger in texts as a user gives them: how they are spelled for the model, and where they are.

A unit is a symbol or a token that gets a label; see data/tagging.py.

Shapes: U units.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleRules, ExampleSplit, Sentence, TextRules, tag_segments, tag_sentences
from charrnn.evaluation.label_paths import choose_labels

TOKEN = re.compile(r"\S+")

Range = tuple[int, int]  # the first position, and the one after the last


@dataclass(frozen=True)
class SpelledUnits:
    """A text as a tagger reads it.

    Attributes:
        text: the symbols of all units, and the blanks between tokens.
        bounds: of each unit in `text`, U of them.
        places: of each unit in the text as it was given.
    """

    text: str
    bounds: tuple[Range, ...]
    places: tuple[Range, ...]


def has_tokens(rules: ExampleRules) -> bool:
    """Whether the units of a tagger are tokens, which blanks separate."""
    return rules.layout.format in ("conll", "conllu") and rules.scheme != "segments"


def spell_units(source: str, rules: ExampleRules) -> SpelledUnits:
    """The units of a text: tokens between blanks, symbols between separators, or else each folded character."""
    if not source:
        return SpelledUnits("", (), ())
    if has_tokens(rules):
        places = [match.span() for match in TOKEN.finditer(source)]
        return _joined([rules.text.fold(source[first:stop]) for first, stop in places], places, rules.text, " ")
    if rules.separator is not None:
        places, first = [], 0
        for symbol in source.split(rules.separator):
            places.append((first, first + len(symbol)))
            first += len(symbol) + len(rules.separator)
        places = [own for own in places if own[0] < own[1]]
        return _joined([rules.text.fold(source[first:stop]) for first, stop in places], places, rules.text)
    symbols = rules.text.fold(source)
    return _joined([*symbols], _places(source, symbols, rules.text), rules.text)


def spell_sentence(sentence: Sentence, rules: ExampleRules) -> SpelledUnits:
    """The tokens of a sentence of a CoNLL or CoNLL-U file, without places: the file does not hold its text."""
    tagged = tag_sentences([sentence], rules.text)[0]
    return SpelledUnits(tagged.text, tuple(zip(tagged.starts, tagged.stops, strict=True)), ())


def _joined(units: Sequence[str], places: Sequence[Range], rules: TextRules, blank: str = "") -> SpelledUnits:
    spelled = [rules.spell(unit) for unit in units]
    bounds, first = [], 0
    for unit in spelled:
        bounds.append((first, first + len(unit)))
        first += len(unit) + len(blank)
    return SpelledUnits(blank.join(spelled), tuple(bounds), tuple(places))


def _places(source: str, folded: str, rules: TextRules) -> list[Range]:
    """Where each character of a folded text comes from in its source.

    A normal form may join or split a character and the marks that follow it; each result then has the place of all of
    them.
    """
    if folded == source:
        return [(k, k + 1) for k in range(len(source))]
    starts = [k for k, symbol in enumerate(source) if k == 0 or not unicodedata.combining(symbol)]
    places: list[Range] = []
    pieces = []
    for first, stop in zip(starts, [*starts[1:], len(source)], strict=True):
        piece = rules.fold(source[first:stop])
        pieces.append(piece)
        by_character = [rules.fold(symbol) for symbol in source[first:stop]]
        if "".join(by_character) == piece:
            places += [(k, k + 1) for k, own in enumerate(by_character, first) for _ in own]
        else:
            places += [(first, stop)] * len(piece)
    return places if "".join(pieces) == folded else [(0, len(source))] * len(folded)


def unit_spellings(split: ExampleSplit, rules: ExampleRules) -> list[str]:
    """The folded symbols of the units of a split, (U,)."""
    assert split.units is not None
    counts = [0] * len(split)
    for example in split.units.example.tolist():
        counts[example] += 1
    spellings: list[str] = []
    for row, count in zip(split.rows, counts, strict=True):
        if isinstance(row, Sentence) and has_tokens(rules):
            own = [rules.text.fold(token) for token in row.tokens]
        elif isinstance(row, Sentence):
            own = [*tag_segments([row], TextRules("char", rules.text.normalize, rules.text.lowercase))[0].text]
        elif rules.separator is None:
            own = [*rules.text.fold(row.source)]
        else:
            own = [rules.text.fold(symbol) for symbol in row.source.split(rules.separator)]
        spellings += own[:count]  # an example that is too long lost its last units
    return spellings


def unit_labels(p: Array, split: ExampleSplit, names: Sequence[str], rules: ExampleRules) -> Array:
    """The labels of the units of a split, (U,) int64, chosen from their probabilities, (U, C)."""
    assert split.units is not None
    blank = is_blank(unit_spellings(split, rules)) if rules.scheme == "segments" else None
    return choose_labels(p, split.units.example, names, rules.scheme, blank)


def is_blank(units: Sequence[str]) -> Array:
    """Which units are white space, (U,) bool."""
    return np.array([unit.isspace() for unit in units], bool)
