"""Loading examples and pairs: the files that a config names, read, checked, split and made into ids.

A config says how they are read by the keys of its data section; what it leaves out follows from the format.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Literal

from charrnn.config import Config, DataConfig
from charrnn.data.corpus import find_sources
from charrnn.data.example_corpus import ExampleCorpus, build_examples
from charrnn.data.example_rows import ExampleRules
from charrnn.data.files import names
from charrnn.data.pair_corpus import PairCorpus, build_pairs
from charrnn.data.pair_rows import PairRules
from charrnn.data.rows import Column, FileText, Format, Layout, format_of, plain_name, read_files
from charrnn.data.text_rules import TextRules
from charrnn.errors import TextError


def load_examples(config: Config) -> ExampleCorpus:
    """Read and split the examples that a config names.

    Arguments:
        config: its task is classify or tag. A path `-` is standard input, which can be read only once.

    Raises:
        TextError: what is wrong, a line for each fault with its place; or there is too little to split.
    """
    config = config.resolved()
    rules = rules_of(config)
    texts, fingerprint = {}, {}
    for key, sources in find_sources(config.data).items():
        texts[key], digest = read_files(sources, config.data.encoding)
        fingerprint[key] = digest_with_classes(texts[key], digest, rules.layout.format)
    return replace(build_examples(texts, rules), fingerprint=fingerprint)


def load_pairs(config: Config) -> PairCorpus:
    """Read and split the pairs that a config names; arguments and errors are those of load_examples()."""
    config = config.resolved()
    rules = pair_rules_of(config)
    texts, fingerprint = {}, {}
    for key, sources in find_sources(config.data).items():
        texts[key], fingerprint[key] = read_files(sources, config.data.encoding)
    return replace(build_pairs(texts, rules), fingerprint=fingerprint)


def digest_with_classes(files: Sequence[FileText], digest: str, format: Format) -> str:
    """The digest of the content of files, which includes their names where those give the classes."""
    if format not in ("files", "folders"):
        return digest
    paths = [plain_name(file.name) for file in files]
    classes = [path.stem if format == "files" else path.parent.name for path in paths]
    lengths = [str(len(file.text)) for file in files]
    return sha256("\0".join([digest, *classes, *lengths]).encode()).hexdigest()


def resolved_format(data: DataConfig) -> Format:
    """The format of a config's examples: for auto, the one that the endings of its files stand for.

    Raises:
        TextError: a file does not exist, the ending of one stands for no format, or two stand for different ones.
    """
    if data.format != "auto":
        return data.format
    files = [names([source]) for sources in find_sources(data).values() for source in sources]
    formats = {format_of(name): name for name in files}
    if len(formats) > 1:
        listed = ", ".join(f"{name} ({format})" for format, name in formats.items())
        raise TextError(f"data.path: files of several formats: {listed}; name files of one format, or set data.format")
    return next(iter(formats))


def rules_of(config: Config) -> ExampleRules:
    """How the examples of a config are read and split.

    Raises:
        TextError: as resolved_format() does, and if the number of a column is below 1.
    """
    config = config.resolved()
    data = config.data
    assert config.task in ("classify", "tag"), "another task has no labels"
    splits: dict[str, Literal["random", "stratified", "column"]] = {"stratified": "stratified", "column": "column"}
    return ExampleRules(
        task=config.task,
        layout=_layout(data, Layout.usual(resolved_format(data))),
        output=config.model.output,
        separator=data.label_separator,
        text=TextRules(data.tokens, data.normalize, data.lowercase),
        min_count=data.min_count,
        max_length=data.max_length,
        too_long=data.too_long,
        empty=data.empty,
        scheme=config.model.scheme,
        split=splits.get(data.split, "random"),
        fractions=data.fractions,
        split_seed=data.split_seed,
    )


def pair_rules_of(config: Config) -> PairRules:
    """How the pairs of a config are read and split.

    Raises:
        TextError: as resolved_format() does, or the format has no pairs.
    """
    config = config.resolved()
    data = config.data
    format = resolved_format(data)
    if format in ("lines", "files", "folders"):
        raise TextError(f"data.format: {format} has no target for each source; use tsv, csv, jsonl, conll or conllu")
    if data.split_column is not None and format in ("conll", "conllu"):
        raise TextError(f"data.split_column: {format} has no column for it; leave it out")
    usual = {
        "jsonl": Layout(format, "source", ("target",)),
        "conllu": Layout(format, "form", ("lemma",)),
    }.get(format, Layout(format))
    return PairRules(
        layout=replace(_layout(data, usual), features=_as_columns(data.features)),
        source_symbols=data.source_symbols,
        target_symbols=data.target_symbols,
        text=TextRules(data.tokens, data.normalize, data.lowercase),
        min_count=data.min_count,
        max_length=data.max_length,
        too_long="skip" if data.too_long == "skip" else "error",
        empty=data.empty,
        split="column" if data.split == "column" else "random",
        fractions=data.fractions,
        split_seed=data.split_seed,
    )


def _layout(data: DataConfig, usual: Layout) -> Layout:
    """The columns of a config; those that it leaves out are the usual ones of the format."""
    targets = usual.targets if data.target is None else _as_columns(data.target)
    source = usual.source if data.source is None else data.source
    return Layout(usual.format, source, targets, data.split_column)


def _as_columns(columns: Column | tuple[Column, ...] | None) -> tuple[Column, ...]:
    """The columns of a key that names one, several or none."""
    if columns is None:
        return ()
    return columns if isinstance(columns, tuple) else (columns,)
