"""Targets: the labels or numbers that whole examples have, as arrays, and back.

    softmax   (n,) int: each example has one label
    sigmoid   (n, K) float: 1 where a label holds, 0 where it does not, NaN where that is missing
    linear    (n, K) float: numbers standardised on the training split, NaN where one is missing

Shapes: n examples, K labels or columns.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data.rows import Faults, Row, shown
from charrnn.errors import TextError

Output = Literal["softmax", "sigmoid", "linear"]

YES_OR_NO = {"1": 1.0, "1.0": 1.0, "yes": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "no": 0.0, "false": 0.0}
MAX_LABELS_NAMED = 8  # in one message
MORE_EXAMPLES = "add examples, or use data.split: stratified"


@dataclass(frozen=True)
class Labels:
    """What the targets of a model stand for.

    Attributes:
        names: the labels, sorted; or the names of the columns, in the order of the config.
        means, deviations: of the numbers in the training split, for each column of a linear output; else empty.
    """

    names: tuple[str, ...]
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def standardise(self, numbers: Array) -> Array:
        """Numbers (n, K) as a model is trained on them: with mean 0 and deviation 1 in the training split."""
        standardised: Array = (numbers - np.array(self.means)) / np.array(self.deviations)
        return standardised

    def restore(self, standardised: Array) -> Array:
        """Undo standardise()."""
        numbers: Array = standardised * np.array(self.deviations) + np.array(self.means)
        return numbers

    def ids(self, names: Sequence[str]) -> Array:
        """The position of each name, (n,) int64; -1 for one that is no label."""
        position = {name: k for k, name in enumerate(self.names)}
        return np.array([position.get(name, -1) for name in names], np.int64)


@dataclass(frozen=True)
class ReadTargets:
    """The target cells of rows before labels have ids: either names or values.

    Attributes:
        names: the labels of each row, n tuples: for softmax a single one.
        values: (n, K), of yes/no or number columns.
    """

    names: list[tuple[str, ...]] | None = None
    values: Array | None = None

    def chosen(self, positions: Array) -> "ReadTargets":
        """The targets of the rows at these positions, (K,)."""
        if self.names is not None:
            return ReadTargets([self.names[k] for k in positions.tolist()])
        assert self.values is not None
        return ReadTargets(values=self.values[positions])

    def keys(self) -> list[object]:
        """Something for each row that is equal for equal targets."""
        if self.names is not None:
            return [tuple(sorted(own)) for own in self.names]
        assert self.values is not None
        return [own.tobytes() for own in self.values]


def read_targets(rows: Sequence[Row], output: Output, separator: str | None, faults: Faults) -> ReadTargets:
    """Read the target cells of rows.

    Arguments:
        rows: their cells; all rows have as many. For softmax none is empty.
        output: what the targets are for.
        separator: for sigmoid, what separates the labels in a single cell; None if there is a yes/no column for each.
        faults: collects what is wrong with a cell.

    Raises:
        TextError: there is no target column, or there are several where one is needed.
    """
    columns = len(rows[0].targets) if rows else 1
    if columns == 0:
        raise TextError("data.target: these examples have no targets; set data.format to one that has some")
    one_cell = output == "softmax" or (output == "sigmoid" and separator is not None)
    if one_cell and columns > 1:
        raise TextError(f"data.target: {columns} columns, but labels are read from one; name one, or use sigmoid")
    names: list[tuple[str, ...]]
    if output == "softmax":
        names = [(row.targets[0],) for row in rows]
    elif one_cell:
        names = [_label_set(row.targets[0], separator or "") for row in rows]
    elif output == "sigmoid":
        advice = "is neither yes nor no; write 1 or 0, yes or no, or leave it empty if it is missing"
        return ReadTargets(values=_values(rows, _yes_or_no, advice, faults))
    else:
        advice = "is not a finite number; write one such as -3.5, or leave it empty if it is missing"
        return ReadTargets(values=_values(rows, _number, advice, faults))
    return ReadTargets(names)


def _label_set(cell: str, separator: str) -> tuple[str, ...]:
    """The labels in a cell, each once, without blanks around them; an empty cell holds none."""
    return tuple(dict.fromkeys(name.strip() for name in cell.split(separator) if name.strip()))


def note_single_labels(rows: Sequence[Row], targets: ReadTargets, faults: Faults) -> None:
    """Note each label that only one row has: it cannot be both learnt and tested, and is often a slip."""
    counts = Counter(name for own in targets.names or () for name in own)
    for row, own in zip(rows, targets.names or (), strict=False):
        for name in own:
            if name and counts[name] == 1:
                faults.add(row.place, f"the label {shown(name)} has no other example; add some, or remove the row")


def _yes_or_no(cell: str) -> float | None:
    return YES_OR_NO.get(cell.lower())


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if isfinite(number) and "_" not in cell else None


def _values(rows: Sequence[Row], read: Callable[[str], float | None], advice: str, faults: Faults) -> Array:
    """The target cells as numbers, (n, K), NaN for empty ones."""
    values = np.full((len(rows), len(rows[0].targets) if rows else 1), nan)
    for row, own in zip(rows, values, strict=True):
        for k, cell in enumerate(row.targets):
            value = read(cell.strip()) if cell.strip() else nan
            if value is None:
                faults.add(row.place, f"{shown(cell)} {advice}")
            else:
                own[k] = value
    return values


def fit_labels(
    rows: Sequence[Row], targets: ReadTargets, train: Array, columns: Sequence[str], output: Output, faults: Faults
) -> Labels:
    """The labels of the training split.

    Arguments:
        rows: all rows, for messages.
        targets: of all rows.
        train: (n,) bool, the rows of the training split.
        columns: the names of the target columns.
        output: what the targets are for.
        faults: collects labels and columns without an example in the training split.
    """
    if targets.names is not None:
        names = {name for own, used in zip(targets.names, train, strict=True) if used for name in own}
        noted: set[str] = set()
        for row, own in zip(rows, targets.names, strict=True):
            for name in set(own) - names - noted:
                faults.add(row.place, f"the label {shown(name)} has no example in the training split; {MORE_EXAMPLES}")
                noted.add(name)
        return Labels(tuple(sorted(names)))
    assert targets.values is not None
    values = targets.values[train]
    given = ~np.isnan(values)
    if output == "sigmoid":
        for k, column in enumerate(columns):
            for answer, word in ((1, "yes"), (0, "no")):
                if not (values[:, k] == answer).any():
                    faults.add("data.target", f"no row of the training split says {word} in column {shown(column)}")
        return Labels(tuple(columns))
    means, deviations = [], []
    for k, column in enumerate(columns):
        numbers = values[given[:, k], k]
        if not len(numbers) or numbers.min() == numbers.max():
            state = "all equal" if len(numbers) else "missing"
            faults.add("data.target", f"the numbers of column {shown(column)} are {state} in the training split")
            numbers = np.array([-1.0, 1.0])
        means.append(float(numbers.mean()))
        deviations.append(float(numbers.std()))
    return Labels(tuple(columns), tuple(means), tuple(deviations))


def target_array(targets: ReadTargets, labels: Labels, output: Output) -> Array:
    """The targets of examples, of the shapes at the head of this file.

    A label that is not among `labels` is -1 for softmax and left out for sigmoid. fit_labels() and check_labels() note
    such labels.
    """
    if targets.names is None:
        assert targets.values is not None
        return labels.standardise(targets.values) if output == "linear" else targets.values
    if output == "softmax":
        return labels.ids([name for (name,) in targets.names])
    array = np.zeros((len(targets.names), len(labels)))
    for own, names in zip(array, targets.names, strict=True):
        ids = labels.ids(names)
        own[ids[ids >= 0]] = 1
    return array


def check_labels(rows: Sequence[Row], targets: ReadTargets, labels: Labels, faults: Faults) -> None:
    """Note each label of held-out rows that a model does not know."""
    known = set(labels.names)
    listed = ", ".join(map(shown, labels.names[:MAX_LABELS_NAMED])) + ", …" * (len(labels) > MAX_LABELS_NAMED)
    for row, own in zip(rows, targets.names or [()] * len(rows), strict=True):
        for name in own:
            if name not in known:
                faults.add(row.place, f"the model does not know the label {shown(name)}; its labels are {listed}")
