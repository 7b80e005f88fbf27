"""What a training step drops besides the values between layers: recurrent weights, and what the output layer reads.

Shapes: rows of width W; the leading axes are those of the network.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.config import ModelConfig
from charrnn.nn import Dropout, WeightDropout, weight_dropout_scalars


class Dropping:
    """Memory of one forward and backward pass; nothing is held for what a config does not drop.

    Arguments:
        config: the model section.
        values: the parameters by name.
        shape: of what the output layer reads, (..., W); a batch may fill less of the first axis.
        dtype: of the masks.
        training: whether anything will be dropped.

    Attributes: `drawn`, whether the latest forward pass dropped values or weights.
    """

    def __init__(
        self, config: ModelConfig, values: Mapping[str, Array], shape: Shape, dtype: npt.DTypeLike, training: bool
    ) -> None:
        self.drawn = False
        self.weights = (
            WeightDropout(config.recurrent_dropout, values) if training and config.recurrent_dropout else None
        )
        self._values = values
        self._dropout = Dropout(config.output_dropout)
        self._mask: Array | None = None
        self._out: Array | None = None
        if training and config.output_dropout:
            self._mask, self._out = zeros(shape, dtype), zeros(shape, dtype)

    def begin(self, rng: np.random.Generator | None) -> Mapping[str, Array]:
        """Begin a forward pass: the parameters by name, with recurrent weights dropped; None drops nothing."""
        self.drawn = rng is not None
        return self.weights.draw(rng) if self.weights and rng is not None else self._values

    def forward(self, rows: Array, rng: np.random.Generator | None) -> Array:
        """What the output layer reads of these rows."""
        if rng is None or self._mask is None or self._out is None:
            return rows
        return self._dropout.forward(rows, self._mask[: len(rows)], self._out[: len(rows)], rng)

    def backward(self, drows: Array) -> None:
        """Turn the gradient of what the output layer read into that of the rows, in place."""
        if self.drawn and self._mask is not None:
            self._dropout.backward(drows, self._mask[: len(drows)])

    @property
    def value(self) -> Mapping[str, Array]:
        """The parameters that begin() returned."""
        return self.weights.value if self.weights and self.drawn else self._values

    def end(self, grad: Mapping[str, Array]) -> None:
        """End a backward pass: turn the gradients of dropped recurrent weights into those of the whole ones."""
        if self.weights and self.drawn:
            self.weights.backward(grad)


def dropping_scalars(config: ModelConfig, shapes: Mapping[str, Shape], rows: int, width: int) -> int:
    """The numbers that a Dropping holds for training, with parameters of these shapes."""
    scalars = weight_dropout_scalars(shapes) if config.recurrent_dropout else 0
    return scalars + (2 * rows * width if config.output_dropout else 0)
