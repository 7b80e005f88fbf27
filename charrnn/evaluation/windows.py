"""Scoring in cold windows: the text is cut into windows of W characters, and each is read from a fresh state.

This is how models of a fixed context are often scored, such as nanoGPT's. Every character but the first is predicted
from the characters of its window alone: from 1 to W of them, the first of which is the last character of the window
before. Figures of this kind are comparable with one another, and not with those of a state that is carried through the
whole text, which are lower.

Shapes: len characters, N windows side by side, T steps at a time, K positions at a time, V vocabulary.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.scores import Scores, collect
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_
from charrnn.processes import run_in_processes

SIDE_BY_SIDE = 64
CHUNK_STEPS = 64  # steps at a time: bounds memory and does not affect the result
MIN_CHARS_PER_PROCESS = 200_000


def score_in_windows(model: LanguageModel, ids: Array, window: int, processes: int = 1) -> Scores:
    """Score ids (len,), one or more, in windows of `window` characters; the first character from no context.

    A long text is shared out over up to `processes` processes, which does not affect the result.
    """
    windows = -(-(len(ids) - 1) // window)
    pieces = max(1, min(processes, len(ids) // MIN_CHARS_PER_PROCESS, windows))
    edges = [min(windows * k // pieces * window, len(ids) - 1) for k in range(pieces + 1)]
    jobs = [(model, ids[first : stop + 1], window, first == 0) for first, stop in pairwise(edges)]
    parts = run_in_processes(_piece, jobs)
    return Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("nats", "rank", "confidence")))


def _piece(model: LanguageModel, ids: Array, window: int, first: bool) -> Scores:
    """The scores of ids that begin with the context of a window; of the first character too if it is that of a text."""
    scores = collect(window_predictions(model, ids, window), ids, model.vocab.size)
    assert scores.rank is not None
    assert scores.confidence is not None
    skip = 0 if first else 1
    return Scores(scores.nats[skip:], scores.rank[skip:], scores.confidence[skip:])


def window_predictions(model: LanguageModel, ids: Array, window: int) -> Iterator[tuple[Array, Array]]:
    """The distribution of every character of ids (len,), given the part of its window before it.

    Yields: positions (K,) and ln p (K, V), each once.
    """
    yield np.zeros(1, np.int64), log_softmax_(np.array(model.predict(model.start(1))[:1]))
    starts = np.arange(0, len(ids) - 1, window)
    for begin in range(0, len(starts), SIDE_BY_SIDE):
        own = starts[begin : begin + SIDE_BY_SIDE]
        state = model.start(len(own))
        for step in range(0, min(window, len(ids) - 1), CHUNK_STEPS):
            steps = np.arange(step, min(step + CHUNK_STEPS, window))[:, None]
            read = own + steps  # positions (T, N); those beyond the end of the text are read as its last character
            logits = model.feed(ids[np.minimum(read, len(ids) - 1)], state)
            inside = read + 1 < len(ids)
            yield (read + 1)[inside], log_softmax_(logits[inside])
