"""The loss of targets, symbol by symbol, each given the right symbols before it.

Shapes: n pairs, N read together, Tt steps of the longest target, its end included.
"""

from collections.abc import Sequence

import numpy as np

from charrnn.arrays import Array
from charrnn.data import PairExamples, padded_pairs
from charrnn.generation import read_sources, source_batches
from charrnn.models import TranslateModel


def target_losses(models: Sequence[TranslateModel], examples: Sequence[PairExamples]) -> tuple[Array, Array]:
    """The losses of one model or of several that vote.

    Arguments:
        models: with the same symbols of targets.
        examples: the pairs, for each model in its own symbols.

    Returns:
        For each pair the sum of -ln p over the symbols of its target that the model knows, and over its end, (n,); and
        how many those are, (n,). A pair with an empty source has none.
    """
    losses, counts = np.zeros(len(examples[0])), np.zeros(len(examples[0]), np.int64)
    for rows in source_batches(models, examples, beam=1):
        voters = read_sources(models, examples, rows)
        batch = padded_pairs(examples[0], rows, models[0].target.last_id)
        for ids, right in zip(batch.y_in, batch.y_out, strict=True):
            logs = voters.step(ids)
            known = np.flatnonzero(right >= 0)
            losses[rows[known]] -= logs[known, right[known]]
        counts[rows] = (batch.y_out >= 0).sum(axis=0)
    return losses, counts
