"""Longest match with the training words: a baseline that finds the tokens of a text from left to right.

The next token is the longest training word that begins where the last token ended (forward maximum matching). Where no
word begins, it is one piece of the text. Pieces are single characters, or runs of letters and digits, which no token
divides; the validation split chooses. Blanks are in no piece, but a word may hold some.

Shapes: U units of n examples, each a character.
"""

import unicodedata
from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleCorpus, ExampleRules, ExampleSplit
from charrnn.evaluation.spans import find_spans, span_f1
from charrnn.evaluation.units import Range, unit_spellings


def longest_match_labels(split: ExampleSplit, corpus: ExampleCorpus, rules: ExampleRules) -> Array:
    """The labels B, I and O of the units of a split, (U,) int64, by the words of the training split."""
    words = training_words(corpus, rules)

    def labels(own: ExampleSplit, whole_runs: bool) -> Array:
        return _labels(own, words, whole_runs, corpus.labels.names, rules)

    def f1(whole_runs: bool) -> float:
        units = corpus.valid.units
        if units is None or not len(units):
            return 0.0
        return span_f1(units.targets, labels(corpus.valid, whole_runs), units.example, corpus.labels.names)

    return labels(split, max((True, False), key=f1))


def training_words(corpus: ExampleCorpus, rules: ExampleRules) -> set[str]:
    """The spellings of the tokens of the training split."""
    units, spelled = corpus.train.units, unit_spellings(corpus.train, rules)
    assert units is not None
    spans = find_spans(units.targets, units.example, corpus.labels.names, "bio")
    return {"".join(spelled[start:stop]) for start, stop in zip(spans.starts, spans.stops, strict=True)}


def _labels(
    split: ExampleSplit, words: Collection[str], whole_runs: bool, names: Sequence[str], rules: ExampleRules
) -> Array:
    assert split.units is not None
    spelled = unit_spellings(split, rules)
    begins = names.index("B")
    continues, outside = (names.index(name) if name in names else begins for name in "IO")
    labels = np.full(len(spelled), outside)
    edges = np.searchsorted(split.units.example, np.arange(len(split) + 1)).tolist()
    for first, stop in pairwise(edges):
        for start, end in longest_match("".join(spelled[first:stop]), words, whole_runs):
            labels[first + start : first + end] = continues
            labels[first + start] = begins
    return labels


def longest_match(text: str, words: Collection[str], whole_runs: bool) -> list[Range]:
    """The tokens of a text, from left to right."""
    parts = pieces(text, whole_runs)
    longest = max(map(len, words), default=0)
    tokens, k = [], 0
    while k < len(parts):
        start, stop = parts[k]
        last = k
        for j in range(k, len(parts)):
            if parts[j][1] - start > longest:
                break
            if text[start : parts[j][1]] in words:
                last, stop = j, parts[j][1]
        tokens.append((start, stop))
        k = last + 1
    return tokens


def pieces(text: str, whole_runs: bool) -> list[Range]:
    """The characters of a text but blanks; or its runs of letters and digits, and the other characters but blanks."""
    found: list[Range] = []
    in_run = False
    for k, symbol in enumerate(text):
        goes_on, in_run = in_run, whole_runs and unicodedata.category(symbol)[0] in "LMN"  # letter, mark, number
        if goes_on and in_run:
            found[-1] = (found[-1][0], k + 1)
        elif not symbol.isspace():
            found.append((k, k + 1))
    return found
