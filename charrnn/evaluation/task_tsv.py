"""A tab-separated table for other programs with a row for each example that a classifier or tagger was scored on."""

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleSplit, Row, Sentence
from charrnn.errors import visible
from charrnn.evaluation.units import unit_labels
from charrnn.models import TaskModel


def per_example(model: TaskModel, split: ExampleSplit, scores: Array) -> Iterator[str]:
    """The table, in pieces; all text is escaped.

    Its columns are place and text, then what is right, what was predicted, and the probability of that. For yes/no
    labels and numbers there are two columns for each label or target column: what is right, and the probability or
    number. For a tagger: the labels of the units with blanks between them, and how many units are right.

    Arguments: `scores`, as assess_task() returns them.
    """
    names = [_escaped(name) for name in model.labels.names]
    if split.units is not None:
        yield from _tagged(names, split, unit_labels(scores, split, model.labels.names, model.rules))
    elif model.network.task.output == "softmax":
        yield "place\ttext\ttruth\tpredicted\tprobability\n"
        truth, predicted = split.examples.targets.tolist(), scores.argmax(1).tolist()
        for row, true, own, p in zip(split.rows, truth, predicted, scores.max(1).tolist(), strict=True):
            yield f"{_head(row)}\t{names[true] if true >= 0 else ''}\t{names[own]}\t{p:.6f}\n"
    else:
        linear = model.network.task.output == "linear"
        truth = model.labels.restore(split.examples.targets) if linear else split.examples.targets
        yield "\t".join(["place", "text", *(f"{name}\tpredicted {name}" for name in names)]) + "\n"
        for row, answers, numbers in zip(split.rows, truth.tolist(), scores.tolist(), strict=True):
            cells = [f"{_number(true)}\t{own:.6g}" for true, own in zip(answers, numbers, strict=True)]
            yield "\t".join([_head(row), *cells]) + "\n"


def _tagged(names: list[str], split: ExampleSplit, predicted: Array) -> Iterator[str]:
    yield "place\ttext\ttruth\tpredicted\tunits\tright\n"
    assert split.units is not None
    truth = split.units.targets
    edges = np.searchsorted(split.units.example, np.arange(len(split) + 1)).tolist()
    for row, first, stop in zip(split.rows, edges[:-1], edges[1:], strict=True):
        own = [names[k] if k >= 0 else "?" for k in truth[first:stop].tolist()]
        found = [names[k] for k in predicted[first:stop].tolist()]
        right = int((truth[first:stop] == predicted[first:stop]).sum())
        yield f"{_head(row)}\t{' '.join(own)}\t{' '.join(found)}\t{stop - first}\t{right}\n"


def _head(row: Row | Sentence) -> str:
    """The place and the text of an example."""
    text = row.source if isinstance(row, Row) else " ".join(row.tokens)
    return f"{_escaped(row.place)}\t{_escaped(text)}"


def _escaped(text: str) -> str:
    return visible(text.replace("\\", "\\\\"), keep="")


def _number(value: float) -> str:
    """A number, or nothing where it is missing."""
    return "" if np.isnan(value) else f"{value:.6g}"
