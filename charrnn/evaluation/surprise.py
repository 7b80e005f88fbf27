"""The beginning of a text, each character with its loss and the characters that the model held most likely there.

Shapes: K characters, V vocabulary, B guesses for each character.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.characters import character_names
from charrnn.evaluation.scoring import predictions
from charrnn.models import LanguageModel

EXCERPT_CHARS = 2000  # at most
GUESSES = 5  # for each character


@dataclass(frozen=True)
class Surprise:
    """How surprised a model was by each character of an excerpt.

    Fields: `names`, a printable name for each id of the vocabulary, (V,); `ids` and `nats` of the excerpt, (K,);
    `guesses`, the ids of the most likely characters, most likely first, and `probabilities`, theirs, both (K, B);
    `text_chars`, the length of the text from which the excerpt is taken; `documents`, whether it is made of documents.
    """

    names: list[str]
    ids: Array
    nats: Array
    guesses: Array
    probabilities: Array
    text_chars: int
    documents: bool = False


def surprise(model: LanguageModel, ids: Array) -> Surprise:
    """Read the beginning of ids (len,), one or more, in one pass, starting from the state before any character."""
    excerpt = ids[:EXCERPT_CHARS]
    shown = min(GUESSES, model.vocab.size)
    nats = np.zeros(len(excerpt))
    guesses, probabilities = np.zeros((len(excerpt), shown), np.int64), np.zeros((len(excerpt), shown))
    for positions, log_probs in predictions(model, excerpt, streams=1):
        order = np.argsort(-log_probs, axis=1, kind="stable")[:, :GUESSES]
        nats[positions] = -log_probs[np.arange(len(log_probs)), excerpt[positions]]
        guesses[positions] = order
        probabilities[positions] = np.exp(np.take_along_axis(log_probs, order, 1))
    return Surprise(
        names=character_names(model.vocab),
        ids=excerpt,
        nats=nats,
        guesses=guesses,
        probabilities=probabilities,
        text_chars=len(ids),
        documents=bool(model.vocab.end),
    )
