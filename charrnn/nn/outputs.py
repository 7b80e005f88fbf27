"""The ends of a network that classifies or tags: scores, what they predict, and their loss.

Shapes: M rows (examples, or steps x examples), D inputs, C outputs (classes, labels or numbers). A target that is
missing, NaN or a label of -1, has a loss of zero and a gradient of zero.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.nn.ops import log_softmax_, sigmoid_
from charrnn.nn.products import tall_product


class OutputLayer:
    """A linear layer: scores (M, C) of rows (M, D). It holds sizes only."""

    weight, bias = "output_weight", "output_bias"

    def __init__(self, size_in: int, size_out: int) -> None:
        self.size_in = size_in
        self.size_out = size_out

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        return {self.weight: (self.size_in, self.size_out), self.bias: (self.size_out,)}

    def forward(self, value: Mapping[str, Array], rows: Array, out: Array) -> Array:
        """The scores of `rows`; `out` (M, C) is overwritten and returned."""
        tall_product(rows, value[self.weight], out=out)
        out += value[self.bias]
        return out

    def precise(self, value: Mapping[str, Array], rows: Array) -> Array:
        """The scores of `rows` in float64, a new array, so that they add hardly any rounding error to that of `rows`.

        How a product in float32 is rounded depends on its number of rows.
        """
        dtype = np.result_type(rows, np.float64)
        scores: Array = rows.astype(dtype) @ value[self.weight].astype(dtype)
        scores += value[self.bias]
        return scores

    def backward(
        self, value: Mapping[str, Array], grad: Mapping[str, Array], rows: Array, dscores: Array, drows: Array
    ) -> None:
        """Write the gradients of the parameters and of `rows`, given that of the scores (M, C)."""
        np.matmul(rows.T, dscores, out=grad[self.weight])
        np.add.reduce(dscores, axis=0, out=grad[self.bias])
        tall_product(dscores, value[self.weight].T, out=drows)


class Output(Protocol):
    """What scores mean."""

    def predict_(self, scores: Array) -> Array:
        """Turn scores (M, C) into probabilities or numbers, in place."""

    def loss_(self, scores: Array, targets: Array) -> Array:
        """The loss of each row, (M,). The scores become the gradient of its sum with respect to them."""


class Softmax:
    """One of C classes; targets are labels (M,), the loss is in nats.

    Arguments:
        classes: C.
        weights: (C,), of the classes; None for 1.
        smoothing: the share s of every target that is spread evenly over all classes (Szegedy et al. 2016).

    The loss of a row is -sum_c w_c q_c ln p_c, with q_c = s / C, and 1 - s more for the target.
    """

    def __init__(self, classes: int, weights: Array | None = None, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing
        self._weights = np.ones(classes) if weights is None else np.asarray(weights, np.float64)

    def predict_(self, scores: Array) -> Array:
        """Turn scores (M, C) into probabilities, in place."""
        return np.exp(log_softmax_(scores), out=scores)

    def loss_(self, scores: Array, targets: Array) -> Array:
        """The loss of each row, (M,). The scores become the gradient of its sum with respect to them."""
        weights: Array = self._weights.astype(scores.real.dtype)
        present = (targets >= 0).astype(weights.dtype)
        rows, labels = np.arange(len(targets)), np.maximum(targets, 0)
        own = (1 - self.smoothing) * weights[labels] * present  # w_c q_c of the target, without the share of all
        spread = self.smoothing / len(weights) * weights  # w_c q_c of every class
        log_p = log_softmax_(scores)
        losses: Array = -own * log_p[rows, labels]
        if self.smoothing:
            losses -= (log_p @ spread) * present
        np.exp(scores, out=scores)  # dscores = p * sum of all w_c q_c, minus w q
        scores *= (own + spread.sum() * present)[:, None]
        scores[rows, labels] -= own
        if self.smoothing:
            scores -= spread * present[:, None]
        return losses


class Sigmoid:
    """C independent yes/no labels; targets are floats (M, C), 0 or 1 or NaN, the loss is in nats."""

    def predict_(self, scores: Array) -> Array:
        """Turn scores (M, C) into probabilities, in place."""
        return sigmoid_(scores)

    def loss_(self, scores: Array, targets: Array) -> Array:
        """The loss of each row, (M,). The scores become the gradient of its sum with respect to them.

        -ln p = max(z, 0) - z y + ln(1 + exp(-|z|)) of a score z with target y cannot overflow.
        """
        present = ~np.isnan(targets)
        y = np.where(present, targets, 0).astype(scores.real.dtype)
        positive = scores.real > 0
        losses = scores * positive - scores * y + np.log1p(np.exp(np.where(positive, -scores, scores)))
        sigmoid_(scores)
        scores -= y
        scores *= present
        total: Array = (losses * present).sum(axis=1)
        return total


class Linear:
    """C numbers; targets are floats (M, C), NaN where one is missing; the loss is the squared error."""

    def predict_(self, scores: Array) -> Array:
        """The scores themselves."""
        return scores

    def loss_(self, scores: Array, targets: Array) -> Array:
        """The loss of each row, (M,). The scores become the gradient of its sum with respect to them."""
        present = ~np.isnan(targets)
        scores -= np.where(present, targets, 0).astype(scores.real.dtype)
        scores *= present
        total: Array = (scores * scores).sum(axis=1)
        scores *= 2
        return total
