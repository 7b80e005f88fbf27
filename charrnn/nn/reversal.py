"""Reading backwards: each example of a padded batch reversed within its own length.

Shapes: T steps, N examples. What lies beyond an example's end keeps its place, so that reversing twice changes nothing.
"""

import numpy as np

from charrnn.arrays import Array


class Reversal:
    """The reversal of a batch.

    Arguments: `lengths` (N,), of the examples; `length`, T.

    Attributes: `rows` (T * N,), the row of a batch (T * N, ...) that each row of the reversed batch is.
    """

    def __init__(self, lengths: Array, length: int) -> None:
        steps = np.arange(length)[:, None]
        source = np.where(steps < lengths, lengths - 1 - steps, steps)
        self.rows: Array = (source * len(lengths) + np.arange(len(lengths))).reshape(-1)
        self._second_halves = 2 * self.rows + 1

    def ids(self, ids: Array) -> Array:
        """The reversed ids (T, N); a copy."""
        reversed_ids: Array = ids.reshape(-1)[self.rows].reshape(ids.shape)
        return reversed_ids

    def vectors(self, x: Array, out: Array) -> Array:
        """The reversed vectors (T, N, D), written into `out` and returned; both contiguous."""
        width = x.shape[2]
        np.take(x.reshape(-1, width), self.rows, axis=0, out=out.reshape(-1, width), mode="clip")
        return out

    def second_half(self, both: Array, out: Array) -> Array:
        """The second half of vectors (T, N, 2H), reversed, written into `out` (T, N, H) and returned; contiguous."""
        width = out.shape[2]
        halves, rows = both.reshape(-1, width), out.reshape(-1, width)
        np.take(halves, self._second_halves, axis=0, out=rows, mode="clip")
        return out

    def into_second_half(self, h: Array, both: Array) -> None:
        """Write vectors (T, N, H), reversed, into the second half of `both` (T, N, 2H)."""
        width = h.shape[2]
        both.reshape(-1, width)[self._second_halves] = h.reshape(-1, width)
