"""The likeliest documents of a model, by beam search."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Unknown
from charrnn.generation.sampling import PRIME_CHARS, first_ids
from charrnn.generation.search import Bounds, Decoder, best_sequences
from charrnn.models import LanguageModel

SEARCH_BYTES = 256 << 20  # that the search may take
STATE_COPIES = 20  # what a beginning takes while it is extended, in states: the most of all cells, a GRU's, is measured
LOGIT_BYTES = 48  # what it takes for each symbol of the vocabulary, measured likewise


@dataclass(frozen=True)
class Likeliest:
    """The likeliest documents.

    Attributes:
        documents: text and ln p of each, the likeliest first; of the whole document, its prime and its end included,
            though the text does not show the end.
        proven: whether they are exactly the likeliest; if not, the search had to drop a beginning that is likelier than
            the last of them.
    """

    documents: list[tuple[str, float]]
    proven: bool


def likeliest_documents(
    model: LanguageModel,
    num: int,
    prime: str | bytes = "",
    length: int = 10_000,
    unknown: Unknown = "error",
    memory: int = SEARCH_BYTES,
) -> Likeliest:
    """Find the likeliest documents of a model of documents.

    Arguments:
        model: the model.
        num: how many documents.
        prime: what each of them begins with.
        length: characters that follow the prime, at most; 0 for no bound.
        unknown: what to do with characters of the prime that the model does not know, as for Vocab.encode().
        memory: bytes that the search may take. More memory proves more.

    Returns:
        The documents, fewer than `num` if the model has no more within the bounds. None is empty.

    Raises:
        TextError: the model cannot read the prime, or it holds the end of a document.
    """
    vocab, end_id = model.vocab, model.vocab.end_id
    assert end_id is not None, "the text is one stream"
    ids = first_ids(vocab, prime, unknown)

    def advance(ids: Array, state: Any) -> Array:
        return _log_p(model.stepper(state)(ids), vocab.has_unknown)

    state = model.start(1)
    first, read = _read(model, ids, state)
    if not len(ids):
        first[end_id] = -np.inf
    each = STATE_COPIES * _bytes(state) + LOGIT_BYTES * vocab.size
    decoder = Decoder(state, first, advance, model.select, end_id)
    best = best_sequences(decoder, Bounds(num, length, memory, each))
    prefix = vocab.decode(ids)
    documents = [(prefix + vocab.decode(np.array(found, np.int64)), read + log_p) for found, log_p in best.found]
    return Likeliest(documents, best.proven)


def _read(model: LanguageModel, ids: Array, state: Any) -> tuple[Array, float]:
    """Read a prime (len,) and move the state of one stream on; ln p (V,) of the next character, and ln p of the prime.

    An unknown character in the prime is read as such.
    """
    logs, total = _log_p(model.predict(state), False), 0.0
    for begin in range(0, len(ids), PRIME_CHARS):
        piece = ids[begin : begin + PRIME_CHARS]
        after = _log_p(model.feed(piece[:, None], state)[:, 0], False)
        total += float(np.concatenate([logs[-1:], after[:-1]])[np.arange(len(piece)), piece].sum())
        logs = after
    last = logs[-1]
    if model.vocab.has_unknown:
        last[-1] = -np.inf
    return last, total


def _bytes(state: Any) -> int:
    """The bytes of a state, which for several models in one is a list of theirs."""
    return sum(map(_bytes, state)) if isinstance(state, list) else np.asarray(state).nbytes


def _log_p(logits: Array, hide_unknown: bool) -> Array:
    """ln p (N, V) in float64, of a new array; with `hide_unknown`, -inf for the last character."""
    logs: Array = logits.astype(np.float64)
    logs -= logs.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    if hide_unknown:
        logs[:, -1] = -np.inf
    return logs
