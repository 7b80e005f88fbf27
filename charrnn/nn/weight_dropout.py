"""Dropout of recurrent weights: a random part of every recurrent matrix is zero while a batch is read and run back.

Dropped weights act at every step of the batch alike, so that the state is never disturbed by noise that changes from
step to step (DropConnect, Wan et al. 2013; in recurrent networks Merity et al. 2018). The parameters themselves are
not touched.
"""

from collections.abc import Mapping
from math import prod

import numpy as np

from charrnn.arrays import Array, Shape

RECURRENT = "weight_hh"  # in the name of every recurrent matrix


class WeightDropout:
    """The recurrent matrices of a network with some weights dropped; memory of one forward and backward pass.

    Arguments: `rate`, the share of weights that is set to zero; the others are divided by 1 - rate. `values`, the
    parameters by name.

    Attributes: `value`, the parameters by name, with the recurrent matrices as the latest draw() left them.
    """

    def __init__(self, rate: float, values: Mapping[str, Array]) -> None:
        self.rate = rate
        self._whole = {name: value for name, value in values.items() if RECURRENT in name}
        self._masks = {name: np.zeros_like(value) for name, value in self._whole.items()}
        self._masked = {name: np.zeros_like(value) for name, value in self._whole.items()}
        self.value = {**values, **self._masked}

    def draw(self, rng: np.random.Generator) -> Mapping[str, Array]:
        """Draw new masks; the parameters by name, with dropped weights."""
        for name, mask in self._masks.items():
            draw = rng.random(mask.shape, dtype=np.float32)  # all precisions draw the same mask
            np.greater_equal(draw, self.rate, out=mask, casting="unsafe")
            mask /= 1 - self.rate
            np.multiply(self._whole[name], mask, out=self._masked[name])
        return self.value

    def backward(self, grad: Mapping[str, Array]) -> None:
        """Turn the gradients of the dropped matrices into those of the whole ones, in place."""
        for name, mask in self._masks.items():
            grad[name][...] *= mask


def weight_dropout_scalars(shapes: Mapping[str, Shape]) -> int:
    """The number of numbers that a WeightDropout holds beside the parameters of these shapes."""
    return 2 * sum(prod(shape) for name, shape in shapes.items() if RECURRENT in name)
