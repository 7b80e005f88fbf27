"""A config's text, made ready: read, split, given a vocabulary, and checked before the first step.

The vocabulary is that of the training split alone, so that a score on held-out text is honest; characters that only
occur elsewhere are left out there, and counted. It reads files through text.py and writes none but the cache's.
"""

import errno
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from charrnn.arrays import Array
from charrnn.config import Config, DataConfig
from charrnn.data.batches import Batches
from charrnn.data.files import file_pieces, find_files
from charrnn.data.reading import Raw, read_raw
from charrnn.data.splits import Split, make_split, split_contiguous, split_streams
from charrnn.data.vocab import Vocab, build_vocab
from charrnn.errors import CharrnnError, TextError
from charrnn.storage import Spool, cache, spool

VERSION = 1  # of what the cache holds; a change in how text is encoded must change it


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

    A large text is encoded once and kept in the cache (see spool.py). Raises TextError for text that cannot be read,
    CharrnnError where there is no room for it, neither in the cache nor in a temporary file.
    """
    data = config.data
    paths = {"path": data.path, "valid_path": data.valid_path, "test_path": data.test_path}
    files = {name: find_files(path, f"data.{name}") for name, path in paths.items() if path}
    every = [file for found in files.values() for file in found]
    with suppress(OSError):  # no room for a cache, or no right to it
        if sum(file.stat().st_size for file in every) <= spool.LARGE:
            return encode(config, files, vocab)
        digests = _digests(files)
        said: list[Any] = [VERSION, digests, {name: len(found) for name, found in files.items()}]
        said += [value for name, value in asdict(data).items() if name not in paths]
        said += [config.train.batch_size, config.train.seq_length] if data.split == "streams" else []
        for known in (None, vocab):  # a model's own vocabulary is mostly the one that its text gives
            key = sha256(json.dumps([*said, known and asdict(known)]).encode()).hexdigest()
            kept = cache.recall(key)
            if kept and (vocab is None or Vocab(**kept[0]["vocab"]) == vocab):
                return _unpack(*kept)
        return _unpack(*cache.store(key, lambda new: _pack(encode(config, files, vocab, new, digests), files)))
    try:
        return encode(config, files, vocab)
    except OSError as error:
        if error.errno == errno.ENOMEM or not tempfile.tempdir:
            raise
        raise CharrnnError(
            f"{tempfile.tempdir}: {error.strerror}; a large text is encoded into temporary files: make room for up to "
            f"four bytes a character, or let TMPDIR name another folder"
        ) from None


def encode(
    config: Config,
    files: dict[str, list[Path]],
    vocab: Vocab | None,
    new_spool: Callable[[str], Spool] | None = None,
    known: Mapping[str, str] | None = None,
) -> Corpus:
    """The work of load_corpus(): `files` of each key of the data section; `new_spool` for each split's name; `known`,
    the SHA-256 of each key's files, where it need not be computed again.
    """
    data, known = config.data, known or {}
    raw = read_text(data, files["path"], "data.path", known.get("path"))
    fingerprint: dict[str, Any] = {"path": raw.sha256}
    if len(files) > 1:
        parts = (raw.ids, raw.ids[:0], raw.ids[:0])
    elif data.split == "streams":
        parts = split_streams(raw.ids, data.fractions, config.train.batch_size, config.train.seq_length)
    else:
        parts = split_contiguous(raw.ids, data.fractions)
    if vocab is None:
        vocab = build_vocab(parts[0], raw.symbols, data.tokens, data.min_count)
    splits = {}
    for name, part in zip(("train", "valid", "test"), parts, strict=True):
        source, symbols = part, raw.symbols
        if f"{name}_path" in files:
            other = read_text(data, files[f"{name}_path"], f"data.{name}_path", known.get(f"{name}_path"))
            fingerprint[f"{name}_path"] = other.sha256
            source, symbols = other.ids, other.symbols
        splits[name] = make_split(name, source, symbols, vocab, new_spool and new_spool(name))
    left_out = len(raw) - sum(part.size for part in parts)
    return Corpus(vocab, **splits, size=len(raw), left_out=left_out, fingerprint=fingerprint)


def _pack(corpus: Corpus, files: dict[str, list[Path]]) -> cache.Kept:
    """A corpus as what the cache can keep. Raises TextError where its files are no longer what was to be read."""
    if _digests(files) != corpus.fingerprint:
        raise TextError(f"data.path: {', '.join(map(str, files['path'][:3]))}: changed while it was read; try again")
    splits = (corpus.train, corpus.valid, corpus.test)
    about = {name: getattr(corpus, name) for name in ("size", "left_out", "fingerprint")}
    about |= {"vocab": asdict(corpus.vocab), "unknown": {split.name: split.unknown for split in splits}}
    return about, {split.name: split.ids for split in splits}


def _unpack(about: dict[str, Any], arrays: dict[str, Array]) -> Corpus:
    train, valid, test = (Split(name, arrays[name], about["unknown"][name]) for name in ("train", "valid", "test"))
    return Corpus(Vocab(**about["vocab"]), train, valid, test, about["size"], about["left_out"], about["fingerprint"])


def _digests(files: dict[str, list[Path]]) -> dict[str, str]:
    """SHA-256 of each key's files; read again only where they have changed since the last time."""

    def content(found: list[Path]) -> Iterator[bytes]:
        return (piece for _, piece, _ in file_pieces(found))

    return {name: cache.digest_of_files(found, content) for name, found in files.items()}


def read_text(data: DataConfig, files: list[Path], name: str, known: str | None = None) -> Raw:
    """Read files as the data section says. `name`: the key to blame. Raises TextError; so for no text."""
    raw = read_pieces(data, file_pieces(files), known)
    if not len(raw):
        raise TextError(f"{name}: {', '.join(map(str, files[:3]))}: there is no text in it")
    return raw


def read_pieces(data: DataConfig, pieces: Iterable[tuple[str, bytes, bool]], known: str | None = None) -> Raw:
    """Read pieces of files as the data section says. Raises TextError."""
    return read_raw(pieces, data.tokens, data.encoding, data.normalize, data.lowercase, known)


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
    if all((piece == corpus.train.ids[0]).all() for piece in spool.chunks(corpus.train.ids)):
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


def choose_split(corpus: Corpus, name: str | None) -> Split:
    """A split of a run's own text; without a name test, else validation. Raises TextError where it is empty."""
    if name is None:
        name = "test" if len(corpus.test) else "valid"
    split: Split = getattr(corpus, name)
    if not len(split):
        raise TextError(f"the {name} split of this run is empty; name a FILE to score, or another --split")
    return split
