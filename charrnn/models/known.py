"""Known documents: what a checkpoint keeps of its training text, so that new documents can be told from copies.

Each distinct document is kept as the lower half of its digest: four bytes. A known document is always recognised; a new
one is mistaken for a known one with probability K / 2^32, for K distinct documents.
"""

from pathlib import Path

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab, digests_of_ids
from charrnn.errors import CheckpointError

NAME = "documents"  # of the array in a checkpoint
LOWER = (1 << 32) - 1


def known_documents(ids: Array, vocab: Vocab) -> Array:
    """The documents of a text of ids, (len,): the lower halves of their digests, (K,) uint32, each once and sorted."""
    assert vocab.end_id is not None, "the text is one stream"
    return np.unique((digests_of_ids(ids, vocab.symbols, vocab.end_id) & np.uint64(LOWER)).astype(np.uint32))


def is_known(known: Array, digest: int) -> bool:
    """Whether a document of this digest is among known ones, (K,)."""
    lower = np.uint32(digest & LOWER)
    position = int(np.searchsorted(known, lower))
    return position < len(known) and bool(known[position] == lower)


def check_known(path: Path, vocab: Vocab, arrays: dict[str, Array]) -> None:
    """Check the known documents of a checkpoint, if it holds them. Raises CheckpointError."""
    known = arrays.get(NAME)
    if known is None:
        return
    valid = vocab.end_id is not None and known.dtype == np.uint32 and known.ndim == 1 and len(known) > 0
    if not (valid and (known[1:] > known[:-1]).all()):
        raise CheckpointError(f"{path}: damaged (the array {NAME} is no sorted list of digests of documents)")
