"""Loading: the text that a config names, from the cache or read anew.

A text of more than LARGE bytes is encoded once, and its ids are kept in the cache under a hash of its content and of
the settings that decide about ids and splits. Standard input is never cached.
"""

import errno
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from charrnn.config import Config
from charrnn.data.corpus import SPLIT_OF_KEY, Corpus, find_sources, read_corpus
from charrnn.data.documents import DocumentFacts
from charrnn.data.files import Source, file_pieces, names
from charrnn.data.splits import Split
from charrnn.data.vocab import Vocab
from charrnn.errors import CharrnnError, TextError
from charrnn.storage import Spool, cache, spool

ENCODING_VERSION = 2  # increase it when the same text and settings give other ids: it makes old entries useless

Files = dict[str, list[Path]]  # by key of the data section


def load_corpus(config: Config, vocab: Vocab | None = None) -> Corpus:
    """Read and split the text that a config names.

    Arguments:
        config: data names the text and how to read it. A path `-` is standard input, which can be read only once.
        vocab: the vocabulary; None: that of the training split.

    Raises:
        TextError: the text cannot be read, decoded or split.
        CharrnnError: there is no space for a large text, neither in the cache nor in a temporary file.
    """
    config = config.resolved()
    sources = find_sources(config.data)
    files = _large_files(sources)
    corpus = _load_cached(config, files, vocab) if files else None
    if corpus:
        return corpus
    try:
        return read_corpus(config, sources, vocab)
    except OSError as error:
        if error.errno == errno.ENOMEM or not tempfile.tempdir:
            raise
        raise CharrnnError(
            f"{tempfile.tempdir}: {error.strerror}; a large text is encoded into temporary files: make space for up to "
            f"four bytes a character, or let TMPDIR name another folder"
        ) from None


def _large_files(sources: Mapping[str, list[Source]]) -> Files | None:
    """The sources, if all are files and together they are large enough for the cache."""
    files = {key: [source for source in group if isinstance(source, Path)] for key, group in sources.items()}
    if files != sources:
        return None
    try:
        size = sum(path.stat().st_size for group in files.values() for path in group)
    except OSError:  # a file has gone meanwhile; reading it explains that
        return None
    return files if size > spool.LARGE else None


def _load_cached(config: Config, files: Files, vocab: Vocab | None) -> Corpus | None:
    """The corpus from the cache, or stored there now. None if there is no space for a cache, or no right to write."""

    def build(new_spool: Callable[[str], Spool]) -> cache.Content:
        corpus = read_corpus(config, files, vocab, new_spool, digests)
        if _digests(files) != corpus.fingerprint:
            raise TextError(f"data.path: {names(files['path'])}: changed while it was read; try again")
        return _content(corpus)

    try:
        digests = _digests(files)
        for vocab_in_key in (None, vocab):  # the vocabulary of a model is mostly that of its text, so try without first
            key = _key(config, files, digests, vocab_in_key)
            entry = cache.recall(key)
            if entry and (vocab is None or Vocab(**entry.about["vocab"]) == vocab):
                return _corpus(entry)
        return _corpus(cache.store(key, build))
    except OSError:
        return None


def _key(config: Config, files: Files, digests: dict[str, str], vocab: Vocab | None) -> str:
    """The cache key: a hash of all that ids and splits depend on."""
    data, train = config.data, config.train
    parts: list[Any] = [ENCODING_VERSION, digests, {key: len(group) for key, group in files.items()}]
    parts += [value for name, value in asdict(data).items() if name not in SPLIT_OF_KEY]
    parts += [train.batch_size, train.seq_length] if data.split == "streams" else []
    return sha256(json.dumps([*parts, vocab and asdict(vocab)]).encode()).hexdigest()


def _digests(files: Files) -> dict[str, str]:
    """The SHA-256 of the files of each key; files that have not changed since the last time are not read again."""

    def content(paths: list[Path]) -> Iterator[bytes]:
        return (piece.data for piece in file_pieces(paths))

    return {key: cache.digest_of_files(paths, content) for key, paths in files.items()}


def _content(corpus: Corpus) -> cache.Content:
    splits = (corpus.train, corpus.valid, corpus.test)
    about = {
        "size": corpus.size,
        "left_out": corpus.left_out,
        "fingerprint": corpus.fingerprint,
        "documents": corpus.documents and asdict(corpus.documents),
        "vocab": asdict(corpus.vocab),
        "unknown": {split.name: split.unknown for split in splits},
    }
    return cache.Content(about, {split.name: split.ids for split in splits})


def _corpus(entry: cache.Entry) -> Corpus:
    about = entry.about
    splits = {
        name: Split(name, ids, about["unknown"][name], entry.folder / name if len(ids) else None)
        for name, ids in entry.arrays.items()
    }
    documents = DocumentFacts(**about["documents"]) if about["documents"] else None
    size, left_out, fingerprint = about["size"], about["left_out"], about["fingerprint"]
    return Corpus(
        Vocab(**about["vocab"]), **splits, size=size, left_out=left_out, fingerprint=fingerprint, documents=documents
    )
