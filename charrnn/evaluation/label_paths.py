"""The labels of units, chosen from their probabilities: each by itself, or the likeliest valid sequence of labels.

    plain       every sequence is valid
    bio         labels of spans: I-X, the continuation of a span of type X, follows B-X or I-X
    segments    labels of tokens, likewise; and no token begins or ends with a blank: a blank is O, or it is I and so is
                the unit after it. No other unit is O.

So a blank and the unit after it, which both say whether a token ends there, are decided together. The likeliest valid
sequence is found by the algorithm of Viterbi (1967): best[t, b] = max over a of best[t - 1, a] + ln p(t, b), where a
may stand before b.

Shapes: U units of n examples, C labels, T units of the longest of N examples.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.spans import span_parts

EXAMPLES_AT_ONCE = 256
NUMBERS_AT_ONCE = 1 << 22  # of a padded array of examples; 34 MB
SMALLEST_P = 1e-300  # a probability of 0 has no logarithm

LabelScheme = Literal["plain", "bio", "segments"]


def choose_labels(
    p: Array, example: Array, names: Sequence[str], scheme: LabelScheme, blank: Array | None = None
) -> Array:
    """Choose the labels of units.

    Arguments:
        p: probabilities, (U, C).
        example: the example of each unit, (U,) int, in order.
        names: of the labels, (C,).
        scheme: plain chooses each label by itself; bio and segments the likeliest valid sequence of each example.
        blank: for segments, which units are white space, (U,) bool.

    Returns:
        Labels, (U,) int64.
    """
    if scheme == "plain" or not len(p):
        chosen: Array = p.argmax(1)
        return chosen
    edges = np.flatnonzero(np.diff(example, prepend=-1, append=-1))
    starts, lengths = edges[:-1], np.diff(edges)
    log_p = np.log(np.maximum(p, SMALLEST_P))
    letters = np.array([span_parts(name)[0] for name in names])
    log_p[starts] += never(letters == "I")
    if blank is None or "O" not in names:  # a model that has read no blank has no label for one
        blank = np.zeros(len(p), bool)
    else:
        log_p += np.where(blank[:, None], never(letters == "B"), never(letters == "O"))
        ends = edges[1:] - 1
        log_p[ends[blank[ends]]] += never(letters == "I")
    labels = np.empty(len(p), np.int64)
    order = np.argsort(-lengths, kind="stable")
    begin = 0
    while begin < len(order):
        padded = int(lengths[order[begin]]) * len(names)  # numbers of an example; a long one is read by itself
        rows = order[begin : begin + max(min(EXAMPLES_AT_ONCE, NUMBERS_AT_ONCE // padded), 1)]
        begin += len(rows)
        steps = np.arange(lengths[rows[0]])[:, None]
        inside = steps < lengths[rows]
        positions = np.where(inside, starts[rows] + steps, 0)
        own = np.where(inside[:, :, None], log_p[positions], 0)
        paths = _best_paths(own, lengths[rows], valid_transitions(names), blank[positions])
        labels[positions[inside]] = paths[inside]
    return labels


def never(excluded: Array) -> Array:
    """What is added to log-probabilities so that some are never chosen: -inf for those, else 0."""
    penalty: Array = np.where(excluded, -np.inf, 0.0)
    return penalty


def valid_transitions(names: Sequence[str]) -> Array:
    """Which labels may follow each other: (2, C, C), 0 where one may, -inf where it may not.

    The first is [before, after] where the unit before is no blank, the second where it is one and a token that holds it
    goes on.
    """
    parts = [span_parts(name) for name in names]
    broken = [[after == "I" and (before == "O" or own != other) for after, own in parts] for before, other in parts]
    ended = [[before == "I" and after != "I" for after, _ in parts] for before, _ in parts]
    return never(np.array([broken, np.logical_or(broken, ended)]))


def _best_paths(log_p: Array, lengths: Array, between: Array, blank: Array) -> Array:
    """The likeliest valid labels (T, N) of examples (T, N, C), the longest of which comes first.

    Arguments: `between`, as valid_transitions() gives it; `blank`, (T, N) bool.
    """
    steps, count, _ = log_p.shape
    before = np.zeros(log_p.shape, np.int64)  # the best label one step earlier
    best = log_p[0]
    last = np.where(lengths[:, None] == 1, best, -np.inf)
    for t in range(1, steps):
        scores = best[:, :, None] + between[blank[t - 1].astype(int)]  # (N, before, after)
        before[t] = scores.argmax(1)
        best = scores.max(1) + log_p[t]
        last = np.where(lengths[:, None] == t + 1, best, last)
    labels = np.zeros((steps, count), np.int64)
    own = last.argmax(1)
    for t in range(steps - 1, -1, -1):
        running = t < lengths
        labels[t] = np.where(running, own, 0)
        own = np.where(running & (t > 0), before[t, np.arange(count), own], own)
    return labels
