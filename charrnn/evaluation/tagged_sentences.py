"""Examples of a tagger in which units have a wrong label, with all of their units.

Shapes: U units, C labels.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleRules, ExampleSplit, Labels
from charrnn.evaluation.units import has_tokens, unit_spellings

MAX_SENTENCES = 12
MAX_UNITS = 300  # of an example


@dataclass(frozen=True)
class TaggedUnit:
    """A unit with its label and the predicted one. `truth` is empty for a label that the model does not know."""

    text: str
    truth: str
    predicted: str

    @property
    def right(self) -> bool:
        """Whether the predicted label is the true one."""
        return self.truth == self.predicted


@dataclass(frozen=True)
class TaggedSentence:
    """An example: its place, its units, what stands between two of them, and the units that are not shown."""

    place: str
    units: tuple[TaggedUnit, ...]
    blank: str
    left_out: int


def wrong_sentences(split: ExampleSplit, p: Array, labels: Labels, rules: ExampleRules) -> list[TaggedSentence]:
    """The examples with the most confident mistakes, the most confident first.

    Arguments: `p`, the probabilities of labels (U, C). Units beyond the first MAX_UNITS of an example are left out.
    """
    units = split.units
    assert units is not None
    predicted = p.argmax(1)
    spelled = unit_spellings(split, rules)
    edges = np.searchsorted(units.example, np.arange(len(split) + 1)).tolist()
    within = np.arange(len(units)) - np.array(edges)[units.example]
    wrong = np.flatnonzero((predicted != units.targets) & (within < MAX_UNITS))
    most_confident = wrong[np.argsort(-p.max(1)[wrong], kind="stable")]
    examples = dict.fromkeys(units.example[most_confident].tolist())
    sentences = []
    for example in list(examples)[:MAX_SENTENCES]:
        first, stop = edges[example], edges[example + 1]
        last = min(stop, first + MAX_UNITS)
        shown = tuple(
            TaggedUnit(
                spelled[k],
                labels.names[units.targets[k]] if units.targets[k] >= 0 else "",
                labels.names[predicted[k]],
            )
            for k in range(first, last)
        )
        blank = " " if has_tokens(rules) else ""
        sentences.append(TaggedSentence(split.rows[example].place, shown, blank, stop - last))
    return sentences
