"""Dropout between layers. Shapes: T steps, N streams, H hidden units; all arrays are (T, N, H)."""

import numpy as np

from charrnn.arrays import Array


class Dropout:
    """Inverted dropout (Srivastava et al. 2014): zeroes each value with probability `rate`, divides others by 1 - rate.

    It acts on connections between layers, never on those through time (Zaremba et al. 2014).
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def forward(self, x: Array, mask: Array, out: Array, rng: np.random.Generator) -> Array:
        """Draw a new mask and return `out` = x * mask; `mask` and `out` are overwritten."""
        if out.dtype == np.float32:
            draw = rng.random(out.shape, dtype=np.float32, out=out)
        else:  # other precisions draw the same mask
            draw = rng.random(out.shape, dtype=np.float32)
        np.greater_equal(draw, self.rate, out=mask, casting="unsafe")
        mask /= 1 - self.rate
        return np.multiply(x, mask, out=out)

    def backward(self, dout: Array, mask: Array) -> None:
        """Turn the gradient of the output into that of the input, in place."""
        dout *= mask
