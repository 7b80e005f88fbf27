"""The keys of the section `data`: the text, and how it is read. See keys.py."""

from dataclasses import MISSING, dataclass, replace
from typing import Literal

from charrnn.config.table import key


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
    tokens: Literal["char", "byte"] = key("char", "What the model reads: characters, or raw bytes.")
    encoding: str = key("utf-8", "Encoding of the text; invalid text is an error. Not used with tokens: byte.")
    normalize: Literal["none", "nfc"] = key("none", "Unicode normalisation; none leaves the text unchanged.")
    lowercase: bool = key(False, "Convert the text to lower case.")
    min_count: int = key(
        1,
        "Characters that occur fewer times than this in the training text are replaced by one unknown character.",
        low=1,
    )
    documents: DocumentsConfig = key(
        DocumentsConfig(),
        "Read the text as a set of documents, such as names, molecules or poems: each is drawn, scored and split "
        "whole, and nothing of the one before is remembered. A word alone is the kind.",
    )
    split: Literal["auto", "contiguous", "streams", "random"] = key(
        "auto",
        "contiguous: cut the text into train, valid and test, in that order. streams: lay the text out as "
        "train.batch_size parallel streams and cut each of them into train, valid and test, so that every split covers "
        "all parts of the text. The cuts fall on blocks of train.seq_length; an incomplete last block is left out. "
        "random: draw whole documents; equal documents go into one split. auto: random with data.documents, else "
        "contiguous.",
    )
    split_seed: int = key(
        1,
        "Seed of split random. It is apart from seed, so that models with other seeds hold out the same documents.",
        low=0,
        high=2**63 - 1,
    )
    fractions: tuple[float, float, float] = key(
        (0.9, 0.05, 0.05),
        "Fractions of the text, or of its documents, for train, valid and test; they sum to 1.",
        low=0,
        high=1,
    )
    valid_path: str | tuple[str, ...] | None = key(
        None, "A separate text for validation; all of data.path is then training text."
    )
    test_path: str | tuple[str, ...] | None = key(
        None, "A separate text for testing; all of data.path is then training text."
    )

    def resolved(self) -> "DataConfig":
        """The same with split auto replaced by what it stands for."""
        if self.split != "auto":
            return self
        return replace(self, split="random" if self.documents else "contiguous")
