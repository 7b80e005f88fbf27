"""Dropout between layers."""

import numpy as np

from charrnn.arrays import Array


class Dropout:
    """Inverted dropout (Srivastava et al. 2014) on connections between layers, never on those through time
    (Zaremba et al. 2014): each value is zeroed with probability `rate`, the others are divided by 1 - rate.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def forward(self, x: Array, mask: Array, out: Array, rng: np.random.Generator) -> Array:
        """Draw a fresh mask (overwritten) and return `out` = x * mask; all of one shape."""
        if out.dtype == np.float32:
            draw = rng.random(out.shape, dtype=np.float32, out=out)
        else:  # the same mask when checking in float64
            draw = rng.random(out.shape, dtype=np.float32)
        np.greater_equal(draw, self.rate, out=mask, casting="unsafe")
        mask /= 1 - self.rate
        return np.multiply(x, mask, out=out)

    def backward(self, dout: Array, mask: Array) -> None:
        """Turn the gradient of the output into that of the input, in place."""
        dout *= mask
