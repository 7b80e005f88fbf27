"""A stand-in with the signatures only, until the network itself is merged."""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.pairs import PairExamples


@dataclass(frozen=True)
class PairBatch:
    x: Array
    lengths: Array
    y_in: Array
    y_out: Array
    count: int
    rows: Array


def padded_pairs(examples: PairExamples, rows: Array, end_id: int) -> PairBatch:
    """All."""
    lengths = examples.lengths[rows]
    x = np.zeros((lengths.max(), len(rows)), int)
    for k, r in enumerate(rows):
        x[: lengths[k], k] = examples.ids[examples.bounds[r] : examples.bounds[r + 1]]
    tl = examples.target_lengths[rows]
    y_in = np.full((tl.max() + 1, len(rows)), end_id)
    y_out = np.full((tl.max() + 1, len(rows)), -1)
    for k, r in enumerate(rows):
        own = examples.target_ids[examples.target_bounds[r] : examples.target_bounds[r + 1]]
        y_in[1 : tl[k] + 1, k] = np.where(own < 0, end_id, own)
        y_out[: tl[k], k] = own
        y_out[tl[k], k] = end_id
    return PairBatch(x, lengths, y_in, y_out, 1, rows)
