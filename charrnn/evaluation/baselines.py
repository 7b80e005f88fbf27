"""Baselines for a score: models that need no gradient, fitted on the same training text and scored on the same text.

uniform knows only the vocabulary, unigram how often each character occurs, and Kneser-Ney the characters before it. The
score of a compressor (xz, bzip2) is the number of bits by which appending the text lengthens the compressed training
text.
"""

import bz2
import lzma
from collections.abc import Iterator
from math import inf, log

import numpy as np

from charrnn.arrays import Array
from charrnn.data import END, Vocab, ends_of
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import score_each
from charrnn.models import NGram, order_losses

ORDER_HELD_OUT = 0.1  # share of the training text on which the order is chosen, so never on the text that is scored
MAX_ORDER = 20
MIN_XZ_WINDOW = 1 << 16  # bytes


def baselines(vocab: Vocab, train: Array, ids: Array) -> Iterator[tuple[str, Scores | float]]:
    """The name and the scores of each baseline for ids (len,).

    A compressor scores no single character, so it has the nats of the whole text instead.
    """
    yield "uniform", Scores(np.full(len(ids), log(vocab.size)))
    yield "unigram", score_each(NGram(vocab, train, 1, "additive"), ids)
    order = best_order(train, vocab.size, vocab.end_id)
    yield f"{order}-gram, Kneser-Ney", score_each(NGram(vocab, train, order), ids)
    train_bytes, text_bytes = as_file(vocab, train), as_file(vocab, ids)
    for name, compressed_size in (("xz -9e", xz_size), ("bzip2 -9", bzip2_size)):
        yield name, (compressed_size(train_bytes + text_bytes) - compressed_size(train_bytes)) * 8 * log(2)


def as_file(vocab: Vocab, ids: Array) -> bytes:
    """What a compressor reads of ids (len,). END, which no file holds, is a byte of zero."""
    text = vocab.decode(ids)
    return vocab.to_bytes(text.replace(END, "\0") if vocab.end == END else text)


def best_order(train: Array, size: int, end: int | None = None) -> int:
    """The order at which a Kneser-Ney model of the first nine tenths of a training text predicts the last tenth best.

    Arguments: `train`, ids (len,); `size`, that of the vocabulary; `end`, the id that ends each document, if one does.
    The tenth begins with a document. A text of a single one is cut like a stream.
    """
    cut = int(len(train) * (1 - ORDER_HELD_OUT))
    if end is not None:
        stops = ends_of(train, end)
        if len(stops) > 1:
            cut = int(stops[max(int(np.searchsorted(stops, cut, "right")) - 1, 0)])
        else:
            end = None
    order, best = 1, inf
    if 0 < cut < len(train):
        for n, loss in enumerate(order_losses(train[:cut], train[cut:], size, min(MAX_ORDER, cut), end), 1):
            if loss >= best:
                break
            order, best = n, loss
    return order


def xz_size(data: bytes) -> int:
    """The bytes to which xz -9e compresses data, with a window as large as the data."""
    window = max(len(data), MIN_XZ_WINDOW)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": window}]
    return len(lzma.compress(data, filters=filters))


def bzip2_size(data: bytes) -> int:
    """The bytes to which bzip2 -9 compresses data."""
    return len(bz2.compress(data))
