"""The labels of units, chosen from their probabilities: each by itself, or the likeliest valid sequence of labels.

Labels of spans are valid if I-X, the continuation of a span of type X, follows B-X or I-X. The likeliest sequence is
found by the algorithm of Viterbi (1967): best[t, b] = max over a of best[t - 1, a] + ln p(t, b), where a may stand
before b.

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


def choose_labels(p: Array, example: Array, names: Sequence[str], scheme: LabelScheme) -> Array:
    """Choose the labels of units.

    Arguments:
        p: probabilities, (U, C).
        example: the example of each unit, (U,) int, in order.
        names: of the labels, (C,).
        scheme: plain chooses each label by itself; bio and segments the likeliest valid sequence of each example.

    Returns:
        Labels, (U,) int64.
    """
    if scheme == "plain" or not len(p):
        chosen: Array = p.argmax(1)
        return chosen
    log_p = np.log(np.maximum(p, SMALLEST_P))
    first, between = valid_transitions(names)
    edges = np.flatnonzero(np.diff(example, prepend=-1, append=-1))
    starts, lengths = edges[:-1], np.diff(edges)
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
        paths = _best_paths(np.where(inside[:, :, None], log_p[positions], 0), lengths[rows], first, between)
        labels[positions[inside]] = paths[inside]
    return labels


def valid_transitions(names: Sequence[str]) -> tuple[Array, Array]:
    """Which labels may stand first, and which may follow each other.

    Returns:
        (C,) and (C, C), 0 where a label may stand, after another in [before, after], and -inf where it may not.
    """
    parts = [span_parts(name) for name in names]
    first = np.array([-np.inf if letter == "I" else 0.0 for letter, _ in parts])
    continued = [[after != "I" or (before in "BI" and own == other) for after, own in parts] for before, other in parts]
    return first, np.where(continued, 0.0, -np.inf)


def _best_paths(log_p: Array, lengths: Array, first: Array, between: Array) -> Array:
    """The likeliest valid labels (T, N) of examples (T, N, C), the longest of which comes first."""
    steps, count, _ = log_p.shape
    before = np.zeros(log_p.shape, np.int64)  # the best label one step earlier
    best = log_p[0] + first
    last = np.where(lengths[:, None] == 1, best, -np.inf)
    for t in range(1, steps):
        scores = best[:, :, None] + between  # (N, before, after)
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
