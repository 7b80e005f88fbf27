"""Pairs: sources with their targets, both sequences of symbols, side by side in flat arrays.

Shapes: n pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.rows import Row


@dataclass(frozen=True)
class PairExamples:
    """Sources with their targets.

    Attributes:
        ids: int32, the symbols of all sources.
        bounds: (n + 1,) int64; source k is ids[bounds[k]:bounds[k + 1]].
        target_ids: int32, the symbols of all targets, none of which has its end here; -1 for one that is unknown.
        target_bounds: (n + 1,) int64, likewise.
    """

    ids: Array
    bounds: Array
    target_ids: Array
    target_bounds: Array

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Array:
        """The symbols of each source, (n,)."""
        lengths: Array = np.diff(self.bounds)
        return lengths

    @property
    def target_lengths(self) -> Array:
        """The symbols of each target without its end, (n,)."""
        lengths: Array = np.diff(self.target_bounds)
        return lengths


@dataclass(frozen=True)
class PairSplit:
    """The pairs of one split.

    Attributes:
        name: train, valid or test, or what else a report calls the pairs.
        examples: the pairs in ids.
        rows: where each pair comes from.
        sources: the symbols of each source, its tags at the end.
        targets: the symbols of each target, with those that the model does not know.
        unknown: how many source symbols the model does not know.
        unwritable: how many targets have a symbol that the model does not know: none of them can be predicted.
        empty: of files that a model is asked about, how many pairs were left out, for they lack something.
    """

    name: str
    examples: PairExamples
    rows: Sequence[Row]
    sources: Sequence[tuple[str, ...]]
    targets: Sequence[tuple[str, ...]]
    unknown: int = 0
    unwritable: int = 0
    empty: int = 0

    def __len__(self) -> int:
        return len(self.examples)
