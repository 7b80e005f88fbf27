"""The keys of the section `data`: the text, and how it is read. See keys.py."""

from dataclasses import MISSING, dataclass, replace
from typing import Literal

from charrnn.config.table import Condition, key

LANGUAGE = Condition("task", ("language",))
EXAMPLES = Condition("task", ("classify", "tag", "translate"))
LABELLED = Condition("task", ("classify", "tag"))
PAIRS = Condition("task", ("translate",))


@dataclass(frozen=True)
class DocumentsConfig:
    """Whether the text is a set of documents, and how they are told apart."""

    kind: Literal["none", "line", "paragraph", "file"] = key(
        "none",
        "none: the text is one stream, and a model reads across lines. line: each line is a document. paragraph: "
        "documents stand between empty lines. file: each file of data.path is one.",
    )
    separator: str | None = key(
        None, "A text that stands between two documents; it may span lines. It goes with kind: none only."
    )

    def __bool__(self) -> bool:
        """Whether the text is a set of documents."""
        return self.kind != "none" or self.separator is not None


@dataclass(frozen=True)
class DataConfig:
    """The text and how it is read."""

    path: str | tuple[str, ...] = key(
        MISSING,
        "The text: a file, a directory (every file below it), a glob, or a list of these, joined in that order. "
        "Files that end in .gz, .bz2, .xz (and .zst with the extra zstd) are decompressed. Relative to the working "
        "directory; shipped:tales.txt is the text that comes with charrnn.",
    )
    format: Literal["auto", "tsv", "csv", "jsonl", "files", "folders", "conll", "conllu"] = key(
        "auto",
        "How examples are laid out. tsv: cells between tabs, no quoting. csv: RFC 4180. jsonl: an object a line. "
        "files: an example a line; the class is the name of the file. folders: an example a file; the class is the "
        "name of its folder. conll, conllu: a token a line, columns between tabs, an empty line between sentences. "
        "auto: by the ending of the file.",
        only=EXAMPLES,
    )
    source: int | str | None = key(
        None,
        "The column of the input: its name, or its number from 1. If any column has a name, the first line of a tsv or "
        "csv file is its header. null: column 1; of jsonl text (translate: source), of conllu form.",
        low=1,
        only=EXAMPLES,
    )
    target: int | str | tuple[int | str, ...] | None = key(
        None,
        "The column of the label, likewise, or a list of columns of yes/no or numbers; an empty cell is then missing. "
        "null: column 2; of jsonl label (translate: target), of conllu upos (translate: lemma).",
        low=1,
        only=EXAMPLES,
    )
    source_symbols: Literal["char", "space"] = key(
        "char", "What a source is spelled with. char: characters. space: what stands between blanks.", only=PAIRS
    )
    target_symbols: Literal["char", "space"] = key("char", "The same for a target.", only=PAIRS)
    features: int | str | tuple[int | str, ...] | None = key(
        None,
        "A column of tags, or a list of columns, that say what is wanted of a source, such as the case and the number "
        "of an inflected word. Tags stand between blanks or semicolons; each is read as a symbol after the source.",
        low=1,
        only=PAIRS,
    )
    label_separator: str | None = key(
        None,
        "classify: what separates the labels in a cell, with model.output: sigmoid. tag: what separates the symbols "
        "of an input, and their labels; null: each character has a label of one character.",
        only=LABELLED,
    )
    max_length: int | None = key(
        None,
        "The greatest length of an example in characters (or bytes); to translate, of a source with its tags and of a "
        "target, in symbols. null: any.",
        low=1,
        only=EXAMPLES,
    )
    too_long: Literal["error", "cut", "skip"] = key(
        "error", "What is done with an example that is longer than max_length.", only=EXAMPLES
    )
    empty: Literal["error", "skip"] = key(
        "error",
        "What is done with an example that lacks its source or its target: the cell is empty, the row ends before it, "
        "or the key is not there. skip: it is left out. Numbers and yes/no labels may be missing as they are.",
        only=EXAMPLES,
    )
    tokens: Literal["char", "byte"] = key("char", "What the model reads: characters, or raw bytes.")
    encoding: str = key("utf-8", "Encoding of the text; invalid text is an error. Not used with tokens: byte.")
    normalize: Literal["none", "nfc", "nfd", "nfkc", "nfkd"] = key(
        "none", "Unicode normal form; none leaves the text unchanged."
    )
    lowercase: bool = key(False, "Convert the text to lower case.")
    min_count: int = key(
        1,
        "Characters that occur fewer times than this in the training text are replaced by one unknown character; to "
        "translate, those of a source.",
        low=1,
    )
    documents: DocumentsConfig = key(
        DocumentsConfig(),
        "Read the text as a set of documents, such as names, molecules or poems: each is drawn, scored and split "
        "whole, and nothing of the one before is remembered. A word alone is the kind.",
        only=LANGUAGE,
    )
    split: Literal["auto", "contiguous", "streams", "random", "stratified", "column"] = key(
        "auto",
        "contiguous: cut the text into train, valid and test, in that order. streams: lay the text out as "
        "train.batch_size parallel streams and cut each of them into train, valid and test, so that every split covers "
        "all parts of the text. The cuts fall on blocks of train.seq_length; an incomplete last block is left out. "
        "random: draw whole documents or examples; equal ones go into one split. stratified: draw examples so that "
        "each class has its share of every split. column: data.split_column says it. auto: random with "
        "data.documents, else contiguous; for examples stratified if each has one label, else random.",
    )
    split_column: int | str | None = key(
        None,
        "The column of a tsv, csv or jsonl file that says train, valid or test for each row.",
        low=1,
        only=EXAMPLES,
    )
    split_seed: int = key(
        1,
        "Seed of split random and stratified. It is apart from seed, so that models with other seeds hold out the same "
        "documents or examples.",
        low=0,
        high=2**63 - 1,
    )
    fractions: tuple[float, float, float] = key(
        (0.9, 0.05, 0.05),
        "Fractions of the text, or of its documents or examples, for train, valid and test; they sum to 1.",
        low=0,
        high=1,
    )
    valid_path: str | tuple[str, ...] | None = key(
        None, "A separate text for validation; all of data.path is then for training."
    )
    test_path: str | tuple[str, ...] | None = key(
        None, "A separate text for testing; all of data.path is then for training."
    )

    def resolved(self) -> "DataConfig":
        """The same with split auto replaced by what it stands for."""
        if self.split != "auto":
            return self
        return replace(self, split="random" if self.documents else "contiguous")
