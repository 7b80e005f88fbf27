"""A config's text, made ready: read, split, given a vocabulary, and checked before the first step.

The vocabulary is that of the training split alone, so that a score on held-out text is honest; characters that only
occur elsewhere are left out there, and counted. It reads files through text.py and writes none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.config import Config, DataConfig
from charrnn.errors import TextError
from charrnn.text import (
    Batches,
    Raw,
    Split,
    Vocab,
    build_vocab,
    file_pieces,
    find_files,
    make_split,
    read_raw,
    split_contiguous,
    split_streams,
)


@dataclass(frozen=True)
class Corpus:
    """A text ready to train on: vocabulary, the three splits, and a fingerprint of what was read."""

    vocab: Vocab
    train: Split
    valid: Split
    test: Split
    size: int  # characters read from data.path
    left_out: int  # characters at the end that the streams split does not use
    fingerprint: dict[str, Any]


def load_corpus(config: Config, vocab: Vocab | None = None) -> Corpus:
    """Read and split the text that a config names. The vocabulary is that of the training split, unless one is given.

    Raises TextError for text that cannot be read.
    """
    data = config.data
    raw = read_text(data, data.path, "data.path")
    others = {name: getattr(data, f"{name}_path") for name in ("valid", "test")}
    fingerprint: dict[str, Any] = {"path": raw.sha256}
    if any(others.values()):
        parts = (raw.ids, raw.ids[:0], raw.ids[:0])
    elif data.split == "streams":
        parts = split_streams(raw.ids, data.fractions, config.train.batch_size, config.train.seq_length)
    else:
        parts = split_contiguous(raw.ids, data.fractions)
    if vocab is None:
        vocab = build_vocab(parts[0], raw.symbols, data.tokens, data.min_count)
    splits = {
        name: make_split(name, part, raw.symbols, vocab)
        for name, part in zip(("train", "valid", "test"), parts, strict=True)
    }
    for name, path in others.items():
        if path:
            other = read_text(data, path, f"data.{name}_path")
            fingerprint[f"{name}_path"] = other.sha256
            splits[name] = make_split(name, other.ids, other.symbols, vocab)
    left_out = len(raw) - sum(len(part) for part in parts)
    return Corpus(vocab, **splits, size=len(raw), left_out=left_out, fingerprint=fingerprint)


def read_text(data: DataConfig, path: str | tuple[str, ...], name: str) -> Raw:
    """Read the files of a path as the data section says. `name`: the key to blame. Raises TextError; so for no text."""
    files = find_files(path if isinstance(path, str) else list(path), name)
    raw = read_pieces(data, file_pieces(files))
    if not len(raw):
        raise TextError(f"{name}: {', '.join(map(str, files[:3]))}: there is no text in it")
    return raw


def read_pieces(data: DataConfig, pieces: Iterable[tuple[str, bytes, bool]]) -> Raw:
    """Read pieces of files as the data section says. Raises TextError."""
    return read_raw(pieces, data.tokens, data.encoding, data.normalize, data.lowercase)


def check_sizes(config: Config, corpus: Corpus) -> None:
    """Refuse a text that cannot be trained on, before the first step, naming the numbers. Raises TextError."""
    size, length = len(corpus.train), config.train.seq_length
    whole = f"the training split has {size:,} of {corpus.size:,} characters"
    if size < 2:
        raise TextError(f"data.path: {whole}; at least 2 are needed, and many thousands to learn from")
    if size <= length:
        raise TextError(
            f"data.path: {whole}, which is shorter than one window of train.seq_length {length}; "
            f"set train.seq_length to {size - 1} or less, or give it more text"
        )
    if len(np.unique(corpus.train.ids)) < 2:
        first = corpus.vocab.symbols[int(corpus.train.ids[0]) :][:1]
        shown = ascii(first) if first else f"rarer than data.min_count {config.data.min_count:,}"
        raise TextError(f"data.path: {whole}, all of them {shown}: there is nothing to learn")
    if config.train.batch_size > size - 1:
        raise TextError(f"data.path: {whole}, too few for train.batch_size {config.train.batch_size}; lower it")


def remarks(config: Config, corpus: Corpus, parameters: int) -> list[str]:
    """What the user should know of text and settings before the first step, one sentence each."""
    found = []
    run = Batches(corpus.train.ids, config.train.batch_size, config.train.seq_length).run
    if run < config.train.seq_length:
        found.append(
            f"each of {config.train.batch_size} streams gets {run} characters, less than one window of "
            f"{config.train.seq_length}: a smaller train.batch_size would use the text better"
        )
    if not len(corpus.valid):
        found.append(
            "there is no validation split: no early stopping, and no best.npz; watch the training loss with care"
        )
    for split in (corpus.valid, corpus.test):
        if split.unknown:
            lack = "are too rare or missing in" if corpus.vocab.has_unknown else "do not occur in"
            found.append(f"characters of the {split.name} split that {lack} the training text: {split.unknown:,}")
    if corpus.left_out:
        found.append(
            f"the last {corpus.left_out:,} characters do not fill a block of the streams split and are left out"
        )
    if parameters > 10 * len(corpus.train):
        found.append(
            f"{parameters:,} parameters for {len(corpus.train):,} training characters: it will learn the text by "
            f"heart; a smaller model.hidden_size is likely as good"
        )
    return found
