"""A config's text, ready to train on: read, split, given a vocabulary, and checked before the first step.

The vocabulary is that of the training split alone, so that scores on held-out text are honest. Characters that occur
only in held-out text are counted and left out. Nothing here is cached or written; loading.py decides about that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charrnn.config import Config, DataConfig
from charrnn.data.batches import Batches
from charrnn.data.files import Piece, Source, check_standard_input, file_pieces, find_files, names
from charrnn.data.reading import Raw, read_raw
from charrnn.data.splits import Split, make_split, split_contiguous, split_streams
from charrnn.data.vocab import Vocab, build_vocab
from charrnn.errors import TextError
from charrnn.storage import Spool, chunks

SPLIT_OF_KEY = {"path": "train", "valid_path": "valid", "test_path": "test"}  # key of the data section: split
MAX_PARAMETERS_PER_CHARACTER = 10  # beyond this a model is likely to memorise the text


@dataclass(frozen=True)
class Corpus:
    """A text that is ready to train on.

    Attributes:
        vocab: the characters of the training split.
        train, valid, test: the splits.
        size: characters read from data.path.
        left_out: characters at the end that split `streams` does not use.
        fingerprint: the SHA-256 of the bytes of each path of the data section, by key.
    """

    vocab: Vocab
    train: Split
    valid: Split
    test: Split
    size: int
    left_out: int
    fingerprint: dict[str, Any]


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
    data = config.data
    digests = digests or {}
    raw = read_text(data, sources["path"], "data.path", digests.get("path"))
    fingerprint = {"path": raw.sha256}
    if len(sources) > 1:
        parts = (raw.codes, raw.codes[:0], raw.codes[:0])
    elif data.split == "streams":
        parts = split_streams(raw.codes, data.fractions, config.train.batch_size, config.train.seq_length)
    else:
        parts = split_contiguous(raw.codes, data.fractions)
    if vocab is None:
        vocab = build_vocab(parts[0], raw.symbols, data.tokens, data.min_count)
    splits = {}
    for (key, name), part in zip(SPLIT_OF_KEY.items(), parts, strict=True):
        codes, symbols = part, raw.symbols
        if key != "path" and key in sources:
            own = read_text(data, sources[key], f"data.{key}", digests.get(key))
            fingerprint[key] = own.sha256
            codes, symbols = own.codes, own.symbols
        splits[name] = make_split(name, codes, symbols, vocab, new_spool(name) if new_spool else None)
    left_out = len(raw) - sum(part.size for part in parts)
    return Corpus(vocab, **splits, size=len(raw), left_out=left_out, fingerprint=fingerprint)


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
    return read_raw(pieces, data.tokens, data.encoding, data.normalize, data.lowercase, sha256)


def check_sizes(config: Config, corpus: Corpus) -> None:
    """Refuse, before the first step, a text that cannot be trained on. Raises TextError with the numbers."""
    size, length = len(corpus.train), config.train.seq_length
    count = f"the training split has {size:,} of {corpus.size:,} characters"
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
    """What a user should know about text and settings before the first step, one sentence each."""
    sentences = []
    train = config.train
    stream_length = Batches(corpus.train.ids, train.batch_size, train.seq_length).stream_length
    if stream_length < train.seq_length:
        sentences.append(
            f"each of {train.batch_size} streams gets {stream_length} characters, less than one window of "
            f"{train.seq_length}: a smaller train.batch_size would use the text better"
        )
    if not len(corpus.valid):
        sentences.append(
            "there is no validation split: no early stopping, and no best.npz; watch the training loss with care"
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
