"""What an n-gram expects of its own training text, without having seen what it predicts.

The text is cut into ten contiguous folds, and each is scored by the n-gram of the other nine: an n-gram of the whole
text would have counted every character that it predicts. Documents are kept whole.
"""

from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab, ends_of
from charrnn.errors import TextError
from charrnn.models.ngram import NGram

FOLDS = 10


def fold_log_probs(vocab: Vocab, ids: Array, order: int) -> Array:
    """ln p of each character of a text, (len,) in float32, by the Kneser-Ney n-gram of the folds that lack it.

    Arguments:
        vocab: the characters.
        ids: the training text, (len,).
        order: characters of an n-gram.

    Raises:
        TextError: the folds beside one of them are shorter than an n-gram; see have_folds().
    """
    edges = fold_edges(vocab, ids)
    logs = np.empty(len(ids), np.float32)
    for begin, stop in pairwise(edges):
        others = np.concatenate([ids[:begin], ids[stop:]])
        if len(others) < order:
            raise TextError(
                f"data.path: the training split of {len(ids):,} characters is too short for model.ngram {order}: one "
                f"part of it is scored by an n-gram of the other {len(others):,}; set model.ngram to 0"
            )
        before = min(order - 1, begin)  # characters, whose own probabilities are not used
        logs[begin:stop] = NGram(vocab, others, order).log_probs(ids[begin - before : stop])[before:]
    return logs


def have_folds(vocab: Vocab, ids: Array, order: int) -> bool:
    """Whether fold_log_probs() can score a text: the folds beside the largest are as long as an n-gram.

    They are not where a text is one document, or nearly so.
    """
    return bool(len(ids) - np.diff(fold_edges(vocab, ids)).max() >= order)


def fold_edges(vocab: Vocab, ids: Array) -> list[int]:
    """Where folds begin, and the end of the last; fewer than ten for a text with fewer documents."""
    edges = [len(ids) * k // FOLDS for k in range(FOLDS + 1)]
    if vocab.end_id is not None:
        stops = np.concatenate([[0], ends_of(ids, vocab.end_id)])
        edges = stops[np.searchsorted(stops, edges, "right") - 1].tolist()
    return sorted({*edges, 0, len(ids)})
