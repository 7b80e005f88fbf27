"""Figures of answers to a source, beside the targets: how many are exactly right, and how many symbols are wrong.

Edits are those that turn an answer into its target (Levenshtein 1966); the share of wrong symbols is the sum of all
edits divided by the sum of the symbols of all targets, so it may exceed 1. Intervals are those of the bootstrap.

Shapes: n examples, r resamples.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.alignment import edit_distances, replacements
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.results import Interval
from charrnn.evaluation.task_results import Measure

LENGTH_GROUPS = 5
MAX_REPLACEMENTS = 20

Symbols = Sequence[str]


@dataclass(frozen=True)
class Group:
    """What is right among some examples; NaN, without intervals, if there are none."""

    name: str
    count: int
    exact: float
    exact_interval: Interval | None
    symbol_error: float
    symbol_error_interval: Interval | None


@dataclass(frozen=True)
class Replacement:
    """How often `predicted` was written instead of `truth`; one of them is empty where a symbol is one too many."""

    truth: str
    predicted: str
    count: int


@dataclass(frozen=True)
class Edits:
    """Answers beside their targets.

    Attributes:
        edits: (n,), how many turn each answer into its target.
        sizes: (n,), the symbols of each target.
    """

    edits: Array
    sizes: Array

    @classmethod
    def of(cls, truth: Sequence[Symbols], answers: Sequence[Symbols]) -> "Edits":
        """Compare answers with targets."""
        return cls(edit_distances(truth, answers), np.array([len(own) for own in truth], np.int64))

    @property
    def right(self) -> Array:
        """Whether each answer is its target, (n,)."""
        is_right: Array = self.edits == 0
        return is_right

    @property
    def exact(self) -> float:
        """The share of answers that are their targets."""
        return float(self.right.mean()) if len(self.edits) else np.nan

    @property
    def symbol_error(self) -> float:
        """The edits of all answers for each symbol of the targets; NaN if those have none."""
        return float(self.edits.sum() / self.sizes.sum()) if self.sizes.any() else np.nan

    def exact_interval(self) -> Interval:
        """The interval of `exact`."""
        return share_interval(self.right)

    def symbol_error_interval(self) -> Interval:
        """The interval of `symbol_error`."""
        sums = np.stack([self.edits, self.sizes], axis=1).astype(np.float64)

        def error(weights: Array) -> Array:
            edits, sizes = (weights @ sums).T
            values: Array = np.where(sizes > 0, edits / np.maximum(sizes, 1), np.nan)
            return values

        return interval_of(error, len(sums))

    def chosen(self, rows: Array) -> "Edits":
        """The examples at these positions, or where a mask is true."""
        return Edits(self.edits[rows], self.sizes[rows])


def share_interval(holds: Array) -> Interval:
    """The interval of the share of examples (n,) for which something holds."""
    numbers = holds.astype(np.float64)
    return interval_of(lambda weights: weights @ numbers / weights.sum(1), len(numbers))


def edit_measures(edits: Edits) -> tuple[Measure, ...]:
    """The shares of exact answers, of others, and of wrong symbols, with intervals."""
    low, high = edits.exact_interval()
    return (
        Measure("exact", edits.exact, (low, high), share=True),
        Measure("word_error", 1 - edits.exact, (1 - high, 1 - low), share=True),
        Measure("symbol_error", edits.symbol_error, edits.symbol_error_interval(), share=True),
    )


def any_target_measure(sources: Sequence[Hashable], targets: Sequence[Symbols], edits: Edits) -> tuple[Measure, ...]:
    """The share of different sources whose answer is one of their targets; nothing if none has several targets.

    Arguments:
        sources: of each example; those of one source have the same answer.
        targets: the right ones.
        edits: of the answers.
    """
    right: dict[Hashable, bool] = {}
    for source, own in zip(sources, edits.right.tolist(), strict=True):
        right[source] = right.get(source, False) or own
    if len({(source, tuple(own)) for source, own in zip(sources, targets, strict=True)}) == len(right):
        return ()
    holds = np.array([*right.values()])
    return (Measure("any_target", float(holds.mean()), share_interval(holds), share=True),)


def group_of(name: str, edits: Edits) -> Group:
    """The figures of a group of examples."""
    if not len(edits.edits):
        return Group(name, 0, np.nan, None, np.nan, None)
    return Group(
        name,
        len(edits.edits),
        edits.exact,
        edits.exact_interval(),
        edits.symbol_error,
        edits.symbol_error_interval(),
    )


def length_groups(lengths: Array, edits: Edits) -> list[Group]:
    """The examples by the length (n,) of their source, in groups of about the same size."""
    edges = np.unique(np.quantile(lengths, np.arange(1, LENGTH_GROUPS) / LENGTH_GROUPS, method="lower"))
    numbers = np.searchsorted(edges, lengths)
    groups = []
    for k in np.unique(numbers).tolist():
        rows = np.flatnonzero(numbers == k)
        low, high = int(lengths[rows].min()), int(lengths[rows].max())
        name = f"{low}" if low == high else f"{low} to {high}"
        groups.append(group_of(f"{name} symbol{'s' * (high != 1)}", edits.chosen(rows)))
    return groups


def most_frequent_replacements(truth: Sequence[Symbols], answers: Sequence[Symbols]) -> list[Replacement]:
    """What the wrong answers have instead of the right symbols, the most frequent first."""
    wrong = [k for k, (own, other) in enumerate(zip(truth, answers, strict=True)) if [*own] != [*other]]
    counts = replacements([truth[k] for k in wrong], [answers[k] for k in wrong])
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Replacement(own, other, count) for (own, other), count in ordered[:MAX_REPLACEMENTS]]
