"""Soft targets: each character of a text, mixed with what teachers expected in its place (Hinton et al. 2015).

    t = (1 - a) onehot(y) + a q

Here y is the character, q what the teachers expected given all characters before it, and a their share.

Shapes: len characters, V vocabulary; any leading axes, such as T steps and N streams.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array


@dataclass(frozen=True)
class SoftTargets:
    """What teachers expected of a text, and how much of a target it is.

    Attributes:
        expected: q of every character, (len, V) in float16.
        share: a, above 0 and at most 1.
    """

    expected: Array
    share: float

    def of(self, positions: Array, targets: Array) -> Array:
        """The distributions t (..., V), in float32, at `positions` (...), where `targets` (...) stand.

        They sum to one, as q no longer does once it is rounded to float16.
        """
        soft: Array = self.expected[positions].astype(np.float32)
        soft *= self.share / soft.sum(axis=-1, keepdims=True)
        chosen = targets[..., None].astype(np.intp)
        own = np.take_along_axis(soft, chosen, axis=-1)
        np.put_along_axis(soft, chosen, own + np.float32(1 - self.share), axis=-1)
        return soft
