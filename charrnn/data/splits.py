"""Splits: a text cut into one part to train on, one to validate on and one to test on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charrnn.arrays import Array
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.storage import Spool

ROUNDING = 1e-9  # added before rounding down, so that 0.7 of 30 is 21


def split_contiguous(codes: Array, fractions: Sequence[float]) -> tuple[Array, Array, Array]:
    """Cut a text, (len,), into three consecutive parts: train, valid, test. The fractions sum to 1."""
    first = int(len(codes) * fractions[0] + ROUNDING)
    second = int(len(codes) * (fractions[0] + fractions[1]) + ROUNDING)
    if not fractions[2]:
        second = len(codes)
    return codes[:first], codes[first:second], codes[second:]


def split_streams(codes: Array, fractions: Sequence[float], streams: int, length: int) -> tuple[Array, Array, Array]:
    """Split a text, (len,), so that each split sees all parts of it (Karpathy, Johnson and Fei-Fei 2015).

    The text is cut to a multiple of `streams` x `length` and laid out as that many parallel streams. These are cut into
    blocks of `length` columns: the first blocks train, the next validate, the rest test.

    Returns:
        The three splits, each (streams, columns). Read row after row, each is one text.

    Raises:
        TextError: the text is too short for one block to train on.
    """
    blocks = len(codes) // (streams * length)
    train_blocks = int(blocks * fractions[0] + ROUNDING)
    valid_blocks = int(blocks * fractions[1] + ROUNDING) if fractions[2] else blocks - train_blocks
    if not train_blocks:
        raise TextError(
            f"data.split: streams cuts the text into blocks of {streams} x {length} = {streams * length:,} characters; "
            f"{len(codes):,} give none to train on: lower train.batch_size or train.seq_length, or use contiguous"
        )
    rows = codes[: blocks * streams * length].reshape(streams, blocks * length)
    first = train_blocks * length
    second = first + valid_blocks * length
    return rows[:, :first], rows[:, first:second], rows[:, second:]


def document_counts(count: int, fractions: Sequence[float], noun: str = "document") -> tuple[int, int, int]:
    """How many of `count` documents train, validate and test: at least one where the fraction is not zero.

    Arguments: `noun`, what messages call a document.

    Raises:
        TextError: there are too few.
    """
    valid, test = (max(1, int(count * fraction + ROUNDING)) if fraction else 0 for fraction in fractions[1:])
    if count - valid - test < 1:
        raise TextError(
            f"data.path: {count:,} {noun}{'s' * (count > 1)} cannot be divided into splits that all hold some; give "
            f"more, name other files in data.valid_path, or set data.fractions to [1, 0, 0]"
        )
    return count - valid - test, valid, test


def split_in_order(count: int, fractions: Sequence[float]) -> tuple[Array, Array, Array]:
    """The positions of the documents that train, validate and test, in that order. Raises as document_counts()."""
    train, valid, _ = document_counts(count, fractions)
    positions = np.arange(count)
    return positions[:train], positions[train : train + valid], positions[train + valid :]


def split_at_random(
    digests: Array, fractions: Sequence[float], seed: int, noun: str = "document"
) -> tuple[Array, Array, Array]:
    """Draw the documents that validate and test; the rest trains.

    Equal documents stay together. Groups of them are drawn in a random order, and each goes where it still fits. Where
    none fits, the smallest group goes.

    Arguments:
        digests: (D,), equal for equal documents.
        fractions: shares of the documents: train, valid, test.
        seed: the same seed gives the same splits.
        noun: what messages call a document.

    Returns:
        Positions of documents, each in their order in the text.

    Raises:
        TextError: there are too few different documents.
    """
    _, valid, test = document_counts(len(digests), fractions, noun)
    _, first, groups, sizes = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)[np.random.default_rng(seed).permutation(len(first))]  # not by digest, but by place
    split_of_group = np.zeros(len(first), np.int8)
    for split, wanted in ((2, test), (1, valid)):
        free = order[split_of_group[order] == 0]
        split_of_group[fitting(free, sizes, wanted)] = split
    split_of = split_of_group[groups.reshape(-1)]
    return check_parts(split_of, fractions, len(first), noun)


def check_parts(split_of: Array, fractions: Sequence[float], different: int, noun: str) -> tuple[Array, Array, Array]:
    """The positions of the documents of each split.

    Arguments:
        split_of: (D,), 0 for train, 1 for valid, 2 for test.
        fractions: shares of the documents: train, valid, test.
        different: how many different documents there are.
        noun: what messages call a document.

    Raises:
        TextError: a split whose fraction is not zero has no document.
    """
    parts = tuple(np.flatnonzero(split_of == split) for split in range(3))
    if any(fraction and not len(part) for fraction, part in zip(fractions, parts, strict=True)):
        raise TextError(
            f"data.path: {different:,} different {noun}{'s' * (different > 1)} among {len(split_of):,} cannot be "
            f"divided into splits that share none; give more, name other files in data.valid_path, or set "
            f"data.fractions to [1, 0, 0]"
        )
    return parts[0], parts[1], parts[2]


def fitting(groups: Array, sizes: Array, wanted: int, at_least_one: bool = True) -> list[int]:
    """Those of groups, in a random order, that hold `wanted` documents together, or nearly; `sizes` are of all.

    If none fits, the smallest group is chosen, or none without `at_least_one`.
    """
    chosen, room = [], wanted
    for group in groups.tolist():
        if not room:
            break
        if sizes[group] <= room:
            chosen.append(group)
            room -= int(sizes[group])
    if at_least_one and wanted and not chosen and len(groups):
        chosen = [int(groups[sizes[groups].argmin()])]
    return chosen


@dataclass(frozen=True)
class Split:
    """One part of a corpus.

    Attributes:
        name: train, valid or test, or what else a report calls the text.
        ids: (len,).
        unknown: how many characters of the text the vocabulary lacks. They are left out of `ids`, unless the
            vocabulary has an unknown character.
        file: the file that `ids` is mapped from, if it holds these ids and nothing else.
        left_out: for each character that was left out, how many ids stand before it, (unknown,); None if not known.
    """

    name: str
    ids: Array
    unknown: int = 0
    file: Path | None = None
    left_out: Array | None = None

    def __len__(self) -> int:
        return len(self.ids)


def make_split(name: str, codes: Iterable[Array], symbols: str, vocab: Vocab, spool: Spool | None = None) -> Split:
    """Map the codes of a text to the ids of a vocabulary.

    Arguments:
        name: what to call the split.
        codes: the text in pieces of any length, (len,), positions in `symbols`.
        symbols: the characters that the codes stand for.
        vocab: the vocabulary; characters that it lacks are left out, or become its unknown character, and are counted.
        spool: collects the ids; by default one that keeps many of them in a temporary file.
    """
    spool = spool or Spool()
    table = vocab.table(symbols)
    id_of = table.astype(np.min_scalar_type(max(vocab.size - 1, 0)))
    is_unknown = table == len(vocab.symbols) if vocab.has_unknown else table < 0
    unknown = size = 0
    left_out = [np.zeros(0, np.int64)]
    for chunk in codes:
        if is_unknown.any():
            mask = is_unknown[chunk]
            unknown += int(mask.sum())
            if not vocab.has_unknown:
                left_out.append(size + np.cumsum(~mask)[mask])
                chunk = chunk[~mask]
        size += len(chunk)
        spool.append(id_of.take(chunk, mode="clip"))
    return Split(name, spool.finish(), unknown, left_out=np.concatenate(left_out))
