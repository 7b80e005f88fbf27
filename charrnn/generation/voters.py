"""Several models that write together: each step has the mean of their probabilities.

Shapes: n sources, B beginnings of each, U symbols.
"""

from collections.abc import Sequence
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.models import Encoded, TranslateNetwork


class Voters:
    """One model or several that have read the same sources; a Writer of beams.py.

    Arguments:
        networks: with the same symbols of targets.
        encoded: what each of them has read, in the state from which it writes.
    """

    def __init__(self, networks: Sequence[TranslateNetwork], encoded: Sequence[Encoded]) -> None:
        self.networks = networks
        self.encoded = [*encoded]

    def step(self, ids: Array) -> Array:
        """Read the latest symbols (n * B,) of the beginnings; ln p of the next ones, (n * B, U) in float64."""
        logs = [network.step(ids, own) for network, own in zip(self.networks, self.encoded, strict=True)]
        if len(logs) == 1:
            return logs[0]
        mean: Array = np.logaddexp.reduce(logs) - log(len(logs))
        return mean

    def select(self, sources: Array | None, rows: Array) -> None:
        """Go on with the states at these rows, and with these of the n sources, or with all of them."""
        for k, own in enumerate(self.encoded):
            state = own.state[:, :, rows]
            if sources is not None:
                own = self.encoded[k] = own.select(sources)
            own.state = state
