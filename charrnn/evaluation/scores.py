"""The scores of single characters. Shapes: len characters of a text, K positions at a time, V vocabulary."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array


@dataclass(frozen=True)
class Scores:
    """The scores of each character of a text, all (len,), about 15 bytes a character.

    Fields: `nats`, -ln p; `rank`, how many characters the model held more likely, 0 for its most likely one (of equals
    the lower id comes first); `confidence`, the probability of its most likely character. A mixture has only the nats.
    """

    nats: Array
    rank: Array | None = None
    confidence: Array | None = None


def collect(predictions: Iterable[tuple[Array, Array]], ids: Array, size: int) -> Scores:
    """The scores of ids (len,), given the distribution of every character.

    Arguments: `predictions`, positions (K,) and ln p (K, V); what comes later replaces what came before; `size`, V.
    """
    nats = np.zeros(len(ids))
    confidence = np.zeros(len(ids), np.float32)
    rank = np.zeros(len(ids), np.min_scalar_type(size))
    for positions, rows in predictions:
        target = ids[positions].astype(np.int64)
        logs = rows[np.arange(len(rows)), target]
        nats[positions] = -logs
        confidence[positions] = np.exp(rows.max(axis=1))
        rank[positions] = (rows > logs[:, None]).sum(axis=1)
        tied = (rows == logs[:, None]) & (np.arange(size) < target[:, None])
        rank[positions] += tied.sum(axis=1).astype(rank.dtype)
    return Scores(nats, rank, confidence)
