"""Intervals by the block bootstrap. Shapes: len characters, K blocks, R draws."""

from functools import lru_cache
from typing import Any

import numpy as np

from charrnn.arrays import Array

BLOCK = 1000  # characters of a block of the bootstrap: far more than the distance over which their losses hang together


FEWEST = 50  # blocks at least, in a shorter text of fewer characters each


DRAWS = 1000


def sum_blocks(rows: list[Array]) -> Array:
    """The sums of rows (len,) over the blocks of the bootstrap, (rows, K)."""
    length = len(rows[0])
    count = min(length, max(length // BLOCK, FEWEST))
    starts = np.arange(count) * length // count
    return np.array([np.add.reduceat(row, starts, dtype=np.float64) for row in rows])


@lru_cache(1)
def draws(blocks: int) -> Array:
    """How often each block is drawn, (K, R), in each of the R resamples of a block bootstrap; always the same."""
    rng = np.random.default_rng(1)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), DRAWS).T.astype(np.float64)


def difference(nats: Array, other: Array) -> dict[str, Any]:
    """The mean of nats - other, both (len,) of the same characters, and its 95 % interval: a paired block bootstrap."""
    sums = sum_blocks([nats - other, np.ones(len(nats))])
    drawn = sums @ draws(sums.shape[1])
    low, high = np.percentile(drawn[0] / drawn[1], [2.5, 97.5]).tolist()
    return {"difference": float((nats - other).mean()), "interval": [low, high], "beyond_noise": low > 0 or high < 0}
