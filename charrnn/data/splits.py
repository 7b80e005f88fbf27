"""Splits: a text cut into what trains, what validates and what tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.storage import Spool, chunks


def split_contiguous(ids: Array, fractions: Sequence[float]) -> tuple[Array, Array, Array]:
    """Cut once, in the order train, valid, test; `fractions` sum to 1."""
    first = int(len(ids) * fractions[0] + 1e-9)
    second = int(len(ids) * (fractions[0] + fractions[1]) + 1e-9)
    if not fractions[2]:
        second = len(ids)
    return ids[:first], ids[first:second], ids[second:]


def split_streams(ids: Array, fractions: Sequence[float], streams: int, length: int) -> tuple[Array, Array, Array]:
    """The split of char-rnn and of Karpathy, Johnson and Fei-Fei (2015), so that every split sees the whole book.

    The text, cut to a multiple of `streams` x `length`, is laid out as that many parallel streams; of their blocks of
    `length` columns the first share trains, the next validates, the rest tests. Each split is returned as its pieces,
    (streams, len): one text, in order. Raises TextError where the text gives fewer than one block for training.
    """
    blocks = len(ids) // (streams * length)
    train, valid = int(blocks * fractions[0] + 1e-9), int(blocks * fractions[1] + 1e-9)
    if not fractions[2]:
        valid = blocks - train
    if not train:
        raise TextError(
            f"data.split: streams cuts the text into blocks of {streams} x {length} = {streams * length:,} characters; "
            f"{len(ids):,} give none to train on: lower train.batch_size or train.seq_length, or use contiguous"
        )
    rows = ids[: blocks * streams * length].reshape(streams, blocks * length)
    first, second = train * length, (train + valid) * length
    return rows[:, :first], rows[:, first:second], rows[:, second:]


@dataclass(frozen=True)
class Split:
    """One part of a corpus: `ids` (len,), and how many characters outside the vocabulary were left out of it."""

    name: str
    ids: Array
    unknown: int = 0

    def __len__(self) -> int:
        return len(self.ids)


def make_split(name: str, raw_ids: Array, symbols: str, vocab: Vocab, spool: Spool | None = None) -> Split:
    """Map raw ids, (len,) or the pieces (rows, len), to a vocabulary; what it cannot express is left out and counted.

    `spool` takes the result, one that keeps a large one in a temporary file if none is given.
    """
    spool = spool or Spool()
    table = vocab.table(symbols)
    ids = table.astype(np.min_scalar_type(max(vocab.size - 1, 0)))
    foreign = table == len(vocab.symbols) if vocab.has_unknown else table < 0
    unknown = 0
    for piece in chunks(raw_ids):
        if foreign.any():
            strange = foreign[piece]
            unknown += int(strange.sum())
            piece = piece if vocab.has_unknown else piece[~strange]
        spool.append(ids.take(piece, mode="clip"))
    return Split(name, spool.finish(), unknown)
