"""Occlusion: which symbols of a text decided what a classifier predicts (Zeiler and Fergus 2014).

Each symbol in turn is replaced by the unknown one. What the score of the prediction loses is what the symbol gave it.

Shapes: n examples, C labels or columns, len symbols of a text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Examples, ExampleSplit
from charrnn.models import TaskModel

EXAMPLES = 12
MAX_SYMBOLS = 300  # of an example: it is read as often as it has symbols
SMALLEST_P = 1e-300  # a probability of 0 has no logarithm


@dataclass(frozen=True)
class Occlusion:
    """An example with what each of its symbols contributes.

    Attributes:
        place: file and line.
        truth: what is right: a label, yes or no, or a number; empty if that is missing or the model does not know it.
        predicted: the label, or the name of the column.
        score: the probability of the label, or the predicted number.
        ids: (len,), the symbols.
        contributions: (len,), how much the score falls when a symbol is replaced: ln p of the label, or the number.
    """

    place: str
    truth: str
    predicted: str
    score: float
    ids: Array
    contributions: Array


def contributions(model: TaskModel, ids: Array, label: int) -> Array:
    """What each symbol of a text (len,) contributes to the score of a label or column, (len,)."""
    length = len(ids)
    copies = np.tile(ids, (length + 1, 1))
    copies[np.arange(length), np.arange(length)] = model.vocab.size - 1  # the unknown symbol; the last copy is whole
    bounds = np.arange(length + 2) * length
    predicted = model.predict_examples(Examples(copies.reshape(-1), bounds, np.full(length + 1, -1)))
    assert isinstance(predicted, np.ndarray), "a classifier predicts one array"
    own = predicted[:, label]
    scores = own if model.network.task.output == "linear" else np.log(np.maximum(own, SMALLEST_P))
    changes: Array = scores[-1] - scores[:-1]
    return changes


def occlusions(model: TaskModel, split: ExampleSplit, scores: Array) -> list[Occlusion]:
    """A dozen examples of a split with what their symbols contribute; `scores` (n, C) are what was predicted for it.

    Examples of more than MAX_SYMBOLS symbols are left out.
    """
    lengths = split.examples.lengths
    short = np.flatnonzero((lengths > 0) & (lengths <= MAX_SYMBOLS))
    bounds = split.examples.bounds
    found = []
    for row, label in _chosen(model, split.examples.targets, scores, short):
        ids = split.examples.ids[bounds[row] : bounds[row + 1]]
        found.append(
            Occlusion(
                place=split.rows[row].place,
                truth=_truth(model, split.examples.targets, row, label),
                predicted=model.labels.names[label],
                score=float(scores[row, label]),
                ids=ids,
                contributions=contributions(model, ids, label),
            )
        )
    return found


def _chosen(model: TaskModel, targets: Array, scores: Array, rows: Array) -> list[tuple[int, int]]:
    """Up to EXAMPLES of some rows, each with the label or column to explain."""
    output = model.network.task.output
    if output == "linear":
        order = rows[np.argsort(scores[rows, 0], kind="stable")]
        evenly = order[np.linspace(0, len(order) - 1, min(len(order), EXAMPLES)).astype(np.int64)]
        return [(row, 0) for row in evenly.tolist()]
    labels = scores.argmax(1)
    confident = rows[np.argsort(-scores[rows, labels[rows]], kind="stable")]
    if output == "sigmoid":
        chosen = list(_in_turn(confident, labels))[:EXAMPLES]
    else:
        right = targets[confident] == labels[confident]
        wrong_rows = list(_in_turn(confident[~right], labels))
        right_rows = list(_in_turn(confident[right], labels))
        count = max(EXAMPLES // 2, EXAMPLES - len(right_rows))
        chosen = wrong_rows[:count]
        chosen += right_rows[: EXAMPLES - len(chosen)]
    return [(row, int(labels[row])) for row in chosen]


def _in_turn(rows: Array, labels: Array) -> Iterator[int]:
    """Rows so that labels take turns; the rows of one label keep their order."""
    queues: dict[int, list[int]] = {}
    for row in rows.tolist():
        queues.setdefault(int(labels[row]), []).append(row)
    turns: Sequence[tuple[int | None, ...]] = list(zip_longest(*queues.values()))
    for turn in turns:
        yield from (row for row in turn if row is not None)


def _truth(model: TaskModel, targets: Array, row: int, label: int) -> str:
    output = model.network.task.output
    if output == "softmax":
        own = int(targets[row])
        return model.labels.names[own] if own >= 0 else ""
    value = (model.labels.restore(targets) if output == "linear" else targets)[row, label]
    if np.isnan(value):
        return ""
    return f"{value:.4g}" if output == "linear" else "yes" if value else "no"
