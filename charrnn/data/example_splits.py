"""Splits of examples: drawn at random, class by class, or read from a column. Equal sources are never separated.

Shapes: n examples.
"""

from collections.abc import Hashable, Sequence
from math import ceil

import numpy as np

from charrnn.arrays import Array
from charrnn.data.rows import Faults, Row, shown
from charrnn.data.splits import ROUNDING, check_parts, fitting, split_at_random

SPLIT_NAMES = ("train", "valid", "test")
SPLIT_OF_WORD = {"train": 0, "training": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "test": 2}


def group_equal(sources: Sequence[Hashable]) -> Array:
    """A number for each source, (n,) int64, in the order of first appearance; equal sources have equal ones."""
    number_of: dict[Hashable, int] = {}
    return np.array([number_of.setdefault(source, len(number_of)) for source in sources], np.int64)


def split_examples(groups: Array, fractions: Sequence[float], seed: int) -> tuple[Array, Array, Array]:
    """Draw splits at random; arguments, result and errors are those of split_stratified(), without classes."""
    return split_at_random(groups, fractions, seed, "example")


def split_stratified(
    groups: Array, classes: Array, fractions: Sequence[float], seed: int
) -> tuple[Array, Array, Array]:
    """Draw splits in which each class has its share, up to rounding, and at least one training example.

    Groups of equal sources stay together, and count as examples of the class of their first one. What rounding takes
    from one class, the next classes make good, so that the splits have their sizes.

    Arguments:
        groups: (n,), as group_equal() returns them.
        classes: (n,) int.
        fractions: shares of the examples: train, valid, test.
        seed: the same seed gives the same splits.

    Returns:
        Positions of examples, each in their order in the files: train, valid, test.

    Raises:
        TextError: there are too few different examples.
    """
    _, first, group_of, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(first))
    class_of = classes[first][order]
    split_of_group = np.zeros(len(first), np.int8)
    owed = [0.0, 0.0, 0.0]  # examples that each split lacks so far
    for own_class in np.unique(class_of):
        own = order[class_of == own_class]
        free, total = own[1:], int(sizes[own].sum())  # the first trains
        shares = [total * fraction for fraction in fractions]
        for split in sorted((2, 1), key=lambda k: -(shares[k] + owed[k])):  # the one that lacks more chooses first
            wanted = max(0, min(int(shares[split] + owed[split] + ROUNDING), ceil(shares[split])))
            chosen = fitting(free, sizes, wanted, at_least_one=False)
            split_of_group[chosen] = split
            owed[split] += shares[split] - int(sizes[chosen].sum())
            free = free[split_of_group[free] == 0]
    return check_parts(split_of_group[group_of.reshape(-1)], fractions, len(first), "example")


def read_splits(rows: Sequence[Row], faults: Faults) -> tuple[Array, Array, Array]:
    """The positions of the rows whose split column names each split."""
    split_of = np.full(len(rows), -1)
    for k, row in enumerate(rows):
        split_of[k] = SPLIT_OF_WORD.get(row.split.strip().lower(), -1)
        if split_of[k] < 0:
            faults.add(row.place, f"{shown(row.split)} names no split; write train, valid or test")
    if len(rows) and not (split_of == 0).any():
        faults.add("data.split", "no row is in the split train; name another column")
    train, valid, test = (np.flatnonzero(split_of == split) for split in range(3))
    return train, valid, test
