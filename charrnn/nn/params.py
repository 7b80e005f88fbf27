"""All parameters of a model in one flat vector, all gradients in another; every named array is a view.

So gradient norm, clipping, optimizer step, the sum over workers, the finite check and a checksum are one vector
operation each, and the table of shapes is written once. This module knows no layer and no optimizer.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros


class Params:
    """Named views into one flat vector of values and one of gradients.

    Arguments:
        shapes: name -> shape, in the order in which they lie in memory.
        dtype: of values and gradients.
        values, grads: flat memory (size,) to use instead of new zeros.

    Attributes: `values` and `grads`, flat, (size,); `value` and `grad`, name -> view of that shape.
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        dtype: npt.DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
    ) -> None:
        self.shapes = dict(shapes)
        self.size = sum(prod(shape) for shape in self.shapes.values())
        self.values: Array = zeros(self.size, dtype) if values is None else values
        self.grads: Array = zeros(self.size, dtype) if grads is None else grads
        self.value = self.views(self.values)
        self.grad = self.views(self.grads)

    def views(self, flat: Array) -> dict[str, Array]:
        """Cut a flat (size,) vector into named views; writing into one writes into the vector."""
        views: dict[str, Array] = {}
        start = 0
        for name, shape in self.shapes.items():
            stop = start + prod(shape)
            views[name] = flat[start:stop].reshape(shape)
            start = stop
        return views
