"""95 % intervals by the block bootstrap (Carlstein 1986). The blocks of documents hold whole ones.

Shapes: len characters, D documents, K blocks, R resamples.
"""

from functools import lru_cache

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.results import Difference, Interval

BLOCK_CHARS = 1000  # characters of a block, well beyond the autocorrelation of per-character losses
MIN_BLOCKS = 50  # a shorter text is cut into this many shorter blocks
RESAMPLES = 1000


def sum_blocks(rows: list[Array], begins: Array | None = None) -> Array:
    """The sums of rows (len,) over the blocks of the bootstrap, (rows, K).

    Arguments: `begins`, where each document begins, (D,); None for a text that is one stream.
    """
    length = len(rows[0])
    count = min(length, max(length // BLOCK_CHARS, MIN_BLOCKS))
    starts = np.arange(count) * length // count
    if begins is not None:
        starts = np.unique(begins[np.searchsorted(begins, starts, "right") - 1])
    return np.array([np.add.reduceat(row, starts, dtype=np.float64) for row in rows])


@lru_cache(1)
def draws(blocks: int) -> Array:
    """How often each block is drawn in each resample, (K, R); the same for every call."""
    rng = np.random.default_rng(1)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES).T.astype(np.float64)


def interval(resampled: Array) -> Interval:
    """The 95 % interval of a figure from its values in all resamples, (R,)."""
    low, high = np.percentile(resampled, [2.5, 97.5]).tolist()
    return low, high


def difference(nats: Array, other: Array, begins: Array | None = None, sizes: Array | None = None) -> Difference:
    """The mean of nats - other, both (len,) of the same characters, with the interval of a paired block bootstrap.

    Arguments: `begins`, where each document begins, (D,), None for a text that is one stream; `sizes`, what each
    character counts in the mean, (len,), None for 1.
    """
    sizes = np.ones(len(nats)) if sizes is None else sizes
    sums = sum_blocks([nats - other, sizes], begins)
    totals, counts = sums @ draws(sums.shape[1])
    return Difference(float((nats - other).sum() / sizes.sum()), interval(totals / counts))
