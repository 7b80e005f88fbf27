"""Heads turn a hidden sequence into scores, and scores into a loss.

Shapes: M = T * N rows, H hidden units, V classes. A head holds sizes only; parameters are passed in by name. The
unit of every loss is the nat.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from charrnn.arrays import Array, Shape, zeros
from charrnn.nn.ops import softmax_cross_entropy_, softmax_cross_entropy_back_
from charrnn.nn.products import best_tiling, pack, prepare_product, tall_product


class Head(Protocol):
    """What a network needs of a head. Shapes are those of this module; V is the width of the scores."""

    @property
    def width(self) -> int:
        """The columns of the scores."""

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""

    def scores(self, value: Mapping[str, Array], h: Array, out: Array | None = None) -> Array:
        """Scores (M, V) of hidden rows h (M, H)."""

    def prepare_scores(self, value: Mapping[str, Array], h: Array) -> Callable[[], Array]:
        """Return a function that computes the scores (N, V) of h (1, N, H) each time it is called.

        Parameters are copied, so later changes of them do not count.
        """

    def loss_(self, scores: Array, targets: Array) -> Array:
        """The loss of each row, (M,), in nats. Overwrites the scores with what backward() needs."""

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        h: Array,
        used_scores: Array,
        targets: Array,
        weight: Array | float,
        dh: Array,
    ) -> None:
        """Write the gradients of sum(weight * loss): of the parameters into `grad`, of h into `dh` (M, H).

        `used_scores` (M, V) are the scores as loss_() left them.
        """


class NextCharacter:
    """A linear layer and a softmax over the vocabulary at every step."""

    weight, bias = "output_weight", "output_bias"

    def __init__(self, hidden_size: int, vocab_size: int) -> None:
        self.hidden_size = hidden_size
        self.vocab_size = vocab_size

    @property
    def width(self) -> int:
        """The columns of the scores, V."""
        return self.vocab_size

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        return {self.weight: (self.hidden_size, self.vocab_size), self.bias: (self.vocab_size,)}

    def scores(self, value: Mapping[str, Array], h: Array, out: Array | None = None) -> Array:
        """Logits (M, V) of hidden rows h (M, H), written into `out` if it is given (faster for many rows)."""
        if out is None:
            logits: Array = h @ value[self.weight]
        else:
            tall_product(h, value[self.weight], out=out)
            logits = out
        logits += value[self.bias]
        return logits

    def prepare_scores(self, value: Mapping[str, Array], h: Array) -> Callable[[], Array]:
        """Return a function that computes the logits (N, V) of h (1, N, H) each time it is called; copies parameters.

        It overwrites the logits that it returned before.
        """
        streams = h.shape[1]
        logits, bias = zeros((streams, self.vocab_size), h.dtype), np.tile(value[self.bias], (streams, 1))
        tiling = best_tiling(streams, self.hidden_size, self.vocab_size)
        packed = zeros(tiling.shape(1, self.hidden_size, self.vocab_size), h.dtype)
        pack([value[self.weight]], packed)
        scratch = zeros(tiling.partial_sums((1, *logits.shape)), h.dtype)
        multiply = prepare_product(tiling, h, packed, logits[None, None], scratch)

        def scores() -> Array:
            multiply()
            np.add(logits, bias, logits)
            return logits

        return scores

    def loss_(self, scores: Array, targets: Array) -> Array:
        """-ln p(target) of each row, (M,), in nats; the logits become probabilities.

        Targets are ids (M,) or distributions (M, V): see softmax_cross_entropy_().
        """
        return softmax_cross_entropy_(scores, targets)

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        h: Array,
        used_scores: Array,
        targets: Array,
        weight: Array | float,
        dh: Array,
    ) -> None:
        """Write the gradients of sum(weight * nats).

        Arguments:
            value: parameters by name.
            grad: gradients by name, overwritten.
            h: hidden rows (M, H), as for scores().
            used_scores: (M, V), the probabilities that loss_() left; overwritten.
            targets: as for loss_().
            weight: a number, or one for each row, (M,).
            dh: gradient of h (M, H), overwritten.
        """
        self.backward_scores(value, grad, h, softmax_cross_entropy_back_(used_scores, targets, weight), dh)

    def backward_scores(
        self, value: Mapping[str, Array], grad: Mapping[str, Array], h: Array, dlogits: Array, dh: Array
    ) -> None:
        """Write the gradients of the linear layer, given that of its logits, (M, V); else as backward()."""
        np.matmul(h.T, dlogits, out=grad[self.weight])
        np.add.reduce(dlogits, axis=0, out=grad[self.bias])
        tall_product(dlogits, value[self.weight].T, out=dh)
