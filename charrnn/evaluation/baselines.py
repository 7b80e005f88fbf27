"""What a score is worth: models that need no training, fitted on the same training text and scored on the same text.

uniform knows the vocabulary alone, unigram how often each character occurs, Kneser-Ney the characters before it, and xz
and bzip2 are what compressors make of it: by how much the text lengthens the compressed training text.
"""

import bz2
import lzma
from collections.abc import Iterator
from math import inf, log

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.evaluation.scoring import Scores, score_each
from charrnn.models import NGram, order_losses

HELD_BACK = 0.1  # of the training text: on it the order of the Kneser-Ney model is chosen, so never on the text scored
HIGHEST = 20


def baselines(vocab: Vocab, train: Array, ids: Array) -> Iterator[tuple[str, Scores | float]]:
    """(name, scores) of each baseline, for ids (len,); of a compressor, which has no scores, the nats in all."""
    yield "uniform", Scores(np.full(len(ids), log(vocab.size)))
    yield "unigram", score_each(NGram(vocab, train, 1, "additive"), ids)
    order = best_order(train, vocab.size)
    yield f"{order}-gram, Kneser-Ney", score_each(NGram(vocab, train, order), ids)
    for name, size in (("xz -9e", xz_size), ("bzip2 -9", lambda data: len(bz2.compress(data)))):
        known, text = (vocab.to_bytes(vocab.decode(part)) for part in (train, ids))
        yield name, (size(known + text) - size(known)) * 8 * log(2)


def best_order(train: Array, size: int) -> int:
    """The order of the Kneser-Ney model that predicts the last tenth of a training text best from the rest of it."""
    cut = int(len(train) * (1 - HELD_BACK))
    order, best = 1, inf
    if 0 < cut < len(train):
        for n, loss in enumerate(order_losses(train[:cut], train[cut:], size, min(HIGHEST, cut)), 1):
            if loss >= best:
                break
            order, best = n, loss
    return order


def xz_size(data: bytes) -> int:
    """Bytes that xz -9e makes of data, with a window that reaches over all of it."""
    window = max(len(data), 1 << 16)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": window}]
    return len(lzma.compress(data, filters=filters))
