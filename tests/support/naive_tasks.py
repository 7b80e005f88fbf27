"""The reference implementation of networks that classify and tag: one example, one step, one number at a time.

It follows the equations in the docstrings of charrnn/nn and uses no code of the package.
"""

from collections.abc import Mapping, Sequence
from math import exp, log, log1p
from typing import Any

import numpy as np

from tests.support.naive import Array, step


def read(config: Any, value: Mapping[str, Array], ids: Array, bidirectional: bool, masks: Sequence[Array]) -> Array:
    """The top level's output (T, W) for one example, ids (T,).

    Arguments:
        config: a ModelConfig.
        value: parameters by name.
        ids: (T,).
        bidirectional: whether there are backward layers, `..._reverse`.
        masks: dropout's factors (T, W) between each two levels; none without dropout.
    """
    table = value["embedding"] if config.embedding_size else np.eye(value["weight_ih_l0"].shape[1])
    x = [table[symbol] for symbol in ids]
    states = 2 if config.cell == "lstm" else 1
    for k in range(config.num_layers):
        if k and len(masks):
            x = [vector * mask for vector, mask in zip(x, masks[k - 1], strict=True)]
        outputs = []
        for suffix in ("", "_reverse") if bidirectional else ("",):
            state, h = np.zeros((states, config.hidden_size)), []
            for vector in reversed(x) if suffix else x:
                state = np.array(step(config, value, f"{k}{suffix}", vector, state))  # type: ignore[arg-type]
                h.append(state[0])
            outputs.append(h[::-1] if suffix else h)
        x = [np.concatenate(pair) for pair in zip(*outputs, strict=True)]
    return np.array(x)


def pool(h: Array, kind: str, hidden: int) -> Array:
    """One vector (W,) of h (T, W)."""
    if kind == "last":
        return np.concatenate([h[-1, :hidden], h[0, hidden:]])
    pooled: Array = h.max(axis=0) if kind == "max" else h.sum(axis=0) / len(h)
    return pooled


def scores(config: Any, task: Any, value: Mapping[str, Array], ids: Array, masks: Sequence[Array] = ()) -> Array:
    """The scores of one example: (1, C), or (T, C) to tag."""
    h = read(config, value, ids, task.bidirectional, masks)
    rows = h if task.tag else [pool(h, task.pooling, config.hidden_size)]
    return np.array([row @ value["output_weight"] + value["output_bias"] for row in rows])


def predict(task: Any, row: Array) -> list[float]:
    """What one row of scores (C,) predicts."""
    if task.output == "softmax":
        return [exp(score) / sum(exp(other) for other in row) for score in row]
    return [1 / (1 + exp(-score)) for score in row] if task.output == "sigmoid" else [float(score) for score in row]


def losses(task: Any, row: Array, target: Any) -> list[float]:
    """The losses of the targets of one row of scores (C,) that are present."""
    if task.output == "linear":
        return [(score - y) ** 2 for score, y in zip(row, target, strict=True) if y == y]
    if task.output == "sigmoid":
        return [log1p(exp(score if y == 0 else -score)) for score, y in zip(row, target, strict=True) if y == y]
    if target < 0:
        return []
    weights = task.class_weights or [1.0] * len(row)
    total, smoothing = sum(exp(score) for score in row), task.label_smoothing
    loss = 0.0
    for label, score in enumerate(row):
        wanted = smoothing / len(row) + (1 - smoothing) * (label == target)
        loss -= weights[label] * wanted * log(exp(score) / total)
    return [loss]


def loss(config: Any, task: Any, value: Mapping[str, Array], examples: Any, masks: Sequence[Array] = ()) -> float:
    """The mean loss of Examples over all targets that are present; `masks` (T, N, W) between each two levels."""
    found = []
    for k in range(len(examples.bounds) - 1):
        first, stop = examples.bounds[k], examples.bounds[k + 1]
        own_masks = [mask[: stop - first, k] for mask in masks]
        rows = scores(config, task, value, examples.ids[first:stop], own_masks)
        targets = examples.targets[first:stop] if task.tag else examples.targets[k : k + 1]
        for row, target in zip(rows, targets, strict=True):
            found += losses(task, row, target)
    return sum(found) / len(found)
