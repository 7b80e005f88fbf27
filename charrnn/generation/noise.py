"""Gumbel's noise, with which the largest of a set of logits is a draw from their softmax.

Shapes: N streams, V vocabulary.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array

MAX_NOISE_NUMBERS = 1 << 18  # random numbers drawn at a time; drawing them for each character would be slow
MAX_NOISE_CHARS = 256  # characters for which noise is drawn at a time


class Noise:
    """What to add to the logits of a character so that the largest sum of a stream is a draw: (N, V), without end.

    If E has an exponential distribution, -ln E has Gumbel's. Each stream has a generator, seeded with the seed and the
    number of the stream.

    Arguments:
        numbers: of the streams, N.
        size: V.
        seed: of all generators.
        temp: the temperature; 0 gives no noise: the likeliest character each time.
        dtype: of the logits.
        unknown: whether the last character is the unknown character, which gets -inf.
    """

    def __init__(
        self, numbers: Sequence[int], size: int, seed: int, temp: float, dtype: npt.DTypeLike, unknown: bool
    ) -> None:
        self._generators = [np.random.default_rng([seed, number]) for number in numbers] if temp else []
        self._size, self._temp, self._dtype, self._unknown = size, temp, dtype, unknown
        self._drawn: Array = np.zeros((0, len(numbers), size), dtype)  # noise of the next characters
        self._next = 0
        if not temp:
            self._drawn = np.zeros((1, len(numbers), size), dtype)
            self._drawn[..., size - unknown :] = -np.inf

    def __iter__(self) -> Iterator[Array]:
        return self

    def __next__(self) -> Array:
        if self._next == len(self._drawn):
            self._drawn, self._next = self._draw(), 0
        noise: Array = self._drawn[self._next]
        self._next += self._temp > 0  # without noise there is only the first
        return noise

    def _draw(self) -> Array:
        chars = max(1, min(MAX_NOISE_CHARS, MAX_NOISE_NUMBERS // (len(self._generators) * self._size)))
        shape = (chars, self._size)
        drawn = np.stack([generator.standard_exponential(shape) for generator in self._generators], axis=1)
        with np.errstate(divide="ignore"):
            noise: Array = (-self._temp * np.log(drawn)).astype(self._dtype)
        noise[..., self._size - self._unknown :] = -np.inf
        return noise

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the streams only, named by their positions."""
        self._generators = [self._generators[row] for row in rows] if self._temp else []
        self._drawn = self._drawn[:, rows]
