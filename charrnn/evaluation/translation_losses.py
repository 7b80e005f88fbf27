"""The loss of targets, symbol by symbol, each given the right symbols before it.

Shapes: n pairs, N read together, Tt steps of the longest target, its end included.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from charrnn.arrays import Array
from charrnn.data import PairExamples, padded_pairs
from charrnn.generation import read_sources, source_batches
from charrnn.models import TranslateModel
from charrnn.processes import Map


def target_losses(
    models: Sequence[TranslateModel], examples: Sequence[PairExamples], spread: Map = map
) -> tuple[Array, Array]:
    """The losses of one model or of several that vote.

    Arguments:
        models: with the same symbols of targets.
        examples: the pairs, for each model in its own symbols.
        spread: calls a function for each batch, as map() does.

    Returns:
        For each pair the sum of -ln p over the symbols of its target that the model knows, and over its end, (n,); and
        how many those are, (n,). A pair with an empty source has none.
    """
    losses, counts = np.zeros(len(examples[0])), np.zeros(len(examples[0]), np.int64)
    batches = list(source_batches(models, examples, beam=1))
    for rows, (own, known) in zip(batches, spread(partial(_batch_losses, models, examples), batches), strict=True):
        losses[rows], counts[rows] = own, known
    return losses, counts


def _batch_losses(
    models: Sequence[TranslateModel], examples: Sequence[PairExamples], rows: Array
) -> tuple[Array, Array]:
    """The losses of the pairs at some positions, and how many symbols have one, both (N,)."""
    losses = np.zeros(len(rows))
    voters = read_sources(models, examples, rows)
    batch = padded_pairs(examples[0], rows, models[0].target.last_id)
    for ids, right in zip(batch.y_in, batch.y_out, strict=True):
        logs = voters.step(ids)
        known = np.flatnonzero(right >= 0)
        losses[known] -= logs[known, right[known]]
    return losses, (batch.y_out >= 0).sum(axis=0)
