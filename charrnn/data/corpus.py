"""A config's text, ready to train on: read, split, given a vocabulary, and checked before the first step.

The vocabulary is that of the training split alone, so that scores on held-out text are honest. Characters that occur
only in held-out text are counted and left out. Nothing here is cached or written; loading.py decides about that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config, DataConfig
from charrnn.data.batches import Batches
from charrnn.data.documents import DocumentFacts, facts_of, tell_apart
from charrnn.data.files import Piece, Source, check_standard_input, file_pieces, find_files, names
from charrnn.data.reading import Raw, read_raw
from charrnn.data.splits import (
    Split,
    make_split,
    split_at_random,
    split_contiguous,
    split_in_order,
    split_streams,
)
from charrnn.data.vocab import Vocab, build_vocab
from charrnn.errors import TextError
from charrnn.storage import Spool, chunks

SPLIT_OF_KEY = {"path": "train", "valid_path": "valid", "test_path": "test"}  # key of the data section: split
MIN_VALID_CHARS = 2000  # below this the validation loss is uncertain by 0.05 nats per character or more
MAX_PARAMETERS_PER_CHARACTER = 50  # beyond this a model is likely to memorise the text


@dataclass(frozen=True)
class Corpus:
    """A text that is ready to train on.

    Attributes:
        vocab: the characters of the training split.
        train, valid, test: the splits.
        size: characters read from data.path.
        left_out: characters at the end that split `streams` does not use.
        fingerprint: the SHA-256 of the bytes of each path of the data section, by key.
        documents: facts about the documents; None if the text is one stream.
    """

    vocab: Vocab
    train: Split
    valid: Split
    test: Split
    size: int
    left_out: int
    fingerprint: dict[str, Any]
    documents: DocumentFacts | None = None


def find_sources(data: DataConfig) -> dict[str, list[Source]]:
    """The files of each path of the data section, by key.

    Raises:
        TextError: a path names no file, or standard input is named twice.
    """
    sources: dict[str, list[Source]] = {}
    for key in SPLIT_OF_KEY:
        path = getattr(data, key)
        if path:
            sources[key] = find_files(path, f"data.{key}")
            check_standard_input(f"data.{key}", [source for group in sources.values() for source in group])
    return sources


def reads_standard_input(data: DataConfig) -> bool:
    """Whether a path of the data section is `-`, so that its text cannot be read a second time."""
    paths = [path for path in (data.path, data.valid_path, data.test_path) if path]
    return any("-" in ([path] if isinstance(path, str) else path) for path in paths)


def read_corpus(
    config: Config,
    sources: Mapping[str, Sequence[Source]],
    vocab: Vocab | None = None,
    new_spool: Callable[[str], Spool] | None = None,
    digests: Mapping[str, str] | None = None,
) -> Corpus:
    """Read and split a text.

    Arguments:
        config: the data section, and for split `streams` batch_size and seq_length.
        sources: the files of each key, as find_sources() lists them.
        vocab: the vocabulary; None: that of the training split.
        new_spool: returns the Spool that collects the ids of the split of this name.
        digests: the SHA-256 of the files of each key, if they are known already.

    Raises:
        TextError: the text cannot be read, decoded or split.
        OSError: there is no space for the temporary file of a large text.
    """
    digests = digests or {}
    texts = {key: read_text(config.data, sources[key], f"data.{key}", digests.get(key)) for key in sources}
    parts = _documents(config.data, texts) if config.data.documents else _streams(config, texts)
    if vocab is None:
        train = parts.train
        vocab = build_vocab(train.codes(), train.symbols, config.data.tokens, config.data.min_count, parts.end)
    splits = {
        name: make_split(name, part.codes(), part.symbols, vocab, new_spool(name) if new_spool else None)
        for name, part in (("train", parts.train), ("valid", parts.valid), ("test", parts.test))
    }
    fingerprint = {key: raw.sha256 for key, raw in texts.items()}
    return Corpus(
        vocab, **splits, size=parts.size, left_out=parts.left_out, fingerprint=fingerprint, documents=parts.facts
    )


@dataclass(frozen=True)
class _Part:
    """The text of one split. `codes()` gives it in pieces, as often as it is called."""

    codes: Callable[[], Iterable[Array]]
    symbols: str


@dataclass(frozen=True)
class _Parts:
    """The texts of all splits, and what is known of them; for documents the symbol that ends them, and facts."""

    train: _Part
    valid: _Part
    test: _Part
    size: int
    left_out: int = 0
    end: str = ""
    facts: DocumentFacts | None = None


def _streams(config: Config, texts: Mapping[str, Raw]) -> _Parts:
    """A text as one stream, cut into splits by place. Raises TextError if the text is too short for that."""
    data, raw = config.data, texts["path"]
    parts: Sequence[Array]
    if len(texts) > 1:
        parts = (raw.codes, raw.codes[:0], raw.codes[:0])
    elif data.split == "streams":
        parts = split_streams(raw.codes, data.fractions, config.train.batch_size, config.train.seq_length)
    else:
        parts = split_contiguous(raw.codes, data.fractions)
    left_out = len(raw) - sum(part.size for part in parts)
    own = {"path": parts[0], "valid_path": parts[1], "test_path": parts[2]}
    own |= {key: text.codes for key, text in texts.items() if key != "path"}
    train, valid, test = (_Part(partial(chunks, codes), texts.get(key, raw).symbols) for key, codes in own.items())
    return _Parts(train, valid, test, len(raw), left_out)


def _documents(data: DataConfig, texts: Mapping[str, Raw]) -> _Parts:
    """A text as documents, split whole. Raises TextError if there are too few of them."""
    sets = {key: tell_apart(raw, data, f"data.{key}") for key, raw in texts.items()}
    digests = {key: documents.digests() for key, documents in sets.items()}
    main, none = sets["path"], np.zeros(0, np.int64)
    chosen: tuple[Array, Array, Array] = (np.arange(len(main)), none, none)
    if len(sets) == 1 and data.resolved().split == "random":
        chosen = split_at_random(digests["path"], data.fractions, data.split_seed)
    elif len(sets) == 1:
        chosen = split_in_order(len(main), data.fractions)
    parts, splits = [], {}
    for (key, name), own in zip(SPLIT_OF_KEY.items(), chosen, strict=True):
        documents = sets.get(key, main)
        own = np.arange(len(documents)) if key in sets and key != "path" else own
        parts.append(_Part(partial(documents.joined, own), documents.symbols))
        splits[name] = digests.get(key, digests["path"])[own]
    train, valid, test = parts
    size = len(main.codes) - (len(main) + main.empty if data.documents.kind == "file" else 0)  # without END
    return _Parts(train, valid, test, size, end=main.end, facts=facts_of(list(sets.values()), splits))


def read_text(data: DataConfig, sources: Sequence[Source], key: str, sha256: str | None = None) -> Raw:
    """Read files as one text, as the data section says. `key` is named in messages.

    Raises:
        TextError: the text cannot be read, or is empty.
    """
    raw = read_pieces(data, file_pieces(sources), sha256)
    if not len(raw):
        raise TextError(f"{key}: {names(sources)}: there is no text in it")
    return raw


def read_pieces(data: DataConfig, pieces: Iterable[Piece], sha256: str | None = None) -> Raw:
    """Read pieces of files as the data section says. Raises TextError."""
    end_files = data.documents.kind == "file"
    return read_raw(pieces, data.tokens, data.encoding, data.normalize, data.lowercase, sha256, end_files)


def split_of_files(data: DataConfig, sources: Sequence[Source], vocab: Vocab, name: str) -> Split:
    """Read files as one text, or as documents, in the vocabulary of a model; `name` is what reports call it.

    Raises:
        TextError: they cannot be read, or hold no document.
    """
    raw = read_pieces(data, file_pieces(sources))
    if not data.documents:
        return make_split(name, chunks(raw.codes), raw.symbols, vocab)
    documents = tell_apart(raw, data, name)
    return make_split(name, documents.joined(np.arange(len(documents))), documents.symbols, vocab)


def check_sizes(config: Config, corpus: Corpus) -> None:
    """Refuse, before the first step, a text that cannot be trained on. Raises TextError with the numbers."""
    size, length = len(corpus.train), config.train.seq_length
    count = f"the training split has {size:,} of {corpus.size:,} characters"
    if corpus.documents:
        number = corpus.documents.splits["train"]
        count = f"the training split has {number:,} document{'s' * (number > 1)}, with the ends {size:,} characters"
    if size < 2:
        raise TextError(f"data.path: {count}; at least 2 are needed, and many thousands to learn from")
    if size <= length:
        raise TextError(
            f"data.path: {count}, which is shorter than one window of train.seq_length {length}; "
            f"set train.seq_length to {size - 1} or less, or give it more text"
        )
    first = corpus.train.ids[0]
    if all((chunk == first).all() for chunk in chunks(corpus.train.ids)):
        symbol = corpus.vocab.symbols[int(first) :][:1]
        shown = ascii(symbol) if symbol else f"rarer than data.min_count {config.data.min_count:,}"
        raise TextError(f"data.path: {count}, all of them {shown}: there is nothing to learn")
    if config.train.batch_size > size - 1:
        raise TextError(f"data.path: {count}, too few for train.batch_size {config.train.batch_size}; lower it")


def remarks(config: Config, corpus: Corpus, parameters: int) -> list[str]:
    """What a user should know about text and settings before the first step, one sentence each.

    `parameters` are those of a network whose size the user has chosen; 0 where it follows the text.
    """
    sentences = []
    train = config.train
    stream_length = Batches(corpus.train.ids, train.batch_size, train.seq_length).stream_length
    if stream_length < train.seq_length:  # documents are laid out in streams too
        sentences.append(
            f"each of {train.batch_size} streams gets {stream_length} characters, less than one window of "
            f"{train.seq_length}: a smaller train.batch_size would use the text better"
        )
    if not len(corpus.valid):
        sentences.append(
            "there is no validation split: no early stopping, and no best.npz; watch the training loss with care"
        )
    elif len(corpus.valid) < MIN_VALID_CHARS:
        sentences.append(
            f"the validation split has only {len(corpus.valid):,} characters, so its loss is a rough guide; name more "
            f"text in data.valid_path, or hold out more with data.fractions, e.g. [0.8, 0.2, 0]"
        )
    for split in (corpus.valid, corpus.test):
        if split.unknown:
            lack = "are too rare or missing in" if corpus.vocab.has_unknown else "do not occur in"
            sentences.append(f"characters of the {split.name} split that {lack} the training text: {split.unknown:,}")
    if corpus.left_out:
        sentences.append(
            f"the last {corpus.left_out:,} characters do not fill a block of the streams split and are left out"
        )
    if parameters > MAX_PARAMETERS_PER_CHARACTER * len(corpus.train):
        sentences.append(
            f"{parameters:,} parameters for {len(corpus.train):,} training characters: it will learn the text by "
            f"heart; a smaller model.hidden_size is likely as good"
        )
    return sentences


def choose_split(corpus: Corpus, name: str | None) -> Split:
    """The split of this name; for None the test split, or the validation split if there is no test split.

    Raises:
        TextError: the split is empty.
    """
    if name is None:
        name = "test" if len(corpus.test) else "valid"
    split: Split = getattr(corpus, name)
    if not len(split):
        raise TextError(
            f"the {name} split of this run is empty; score another split or another text", hint="--split, or FILE"
        )
    return split
