"""Heads turn a hidden sequence into scores and scores into a loss.

One head so far: the next character at every step. Shapes: M = T * N rows, H hidden units, V classes.
A head holds sizes only; parameters are passed in by name. The unit of every loss is the nat.
"""

from collections.abc import Mapping

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.nn.ops import softmax_cross_entropy_, softmax_cross_entropy_back_
from charrnn.nn.products import tall_product


class NextCharacter:
    """A linear layer and a softmax over the vocabulary at every step."""

    weight, bias = "output_weight", "output_bias"

    def __init__(self, hidden_size: int, vocab_size: int) -> None:
        self.hidden_size, self.vocab_size = hidden_size, vocab_size

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        return {self.weight: (self.hidden_size, self.vocab_size), self.bias: (self.vocab_size,)}

    def logits(self, value: Mapping[str, Array], h: Array, out: Array | None = None) -> Array:
        """Scores (M, V) of hidden rows h (M, H); softmax makes them chances."""
        if out is None:
            scores: Array = h @ value[self.weight]
        else:
            tall_product(h, value[self.weight], out=out)
            scores = out
        scores += value[self.bias]
        return scores

    def loss_(self, logits: Array, targets: Array) -> Array:
        """-ln p(target) of each row, (M,), in nats; the logits become probabilities."""
        return softmax_cross_entropy_(logits, targets)

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        h: Array,
        probs: Array,
        targets: Array,
        weight: Array | float,
        dh: Array,
    ) -> None:
        """Gradients of sum(weight * nats): of the parameters into `grad`, of h into `dh` (M, H).

        `probs` (M, V) as loss_() left them; used up. `weight`: a number, or one for each row (M,).
        """
        dlogits = softmax_cross_entropy_back_(probs, targets, weight)
        np.matmul(h.T, dlogits, out=grad[self.weight])
        np.add.reduce(dlogits, axis=0, out=grad[self.bias])
        tall_product(dlogits, value[self.weight].T, out=dh)
