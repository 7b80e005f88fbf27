"""Examples: sequences of symbols with their targets, side by side in flat arrays.

The vocabulary always has an unknown character, so no held-out example loses a character. Nothing here makes batches.

Shapes: n examples, len symbols of all of them, K labels or columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from charrnn.arrays import Array
from charrnn.data.decoding import code_points
from charrnn.data.example_rows import ExampleRows
from charrnn.data.rows import Row
from charrnn.data.sentences import Sentence
from charrnn.data.tagging import Units, tag_arrays
from charrnn.data.targets import Labels, Output, ReadTargets, target_array
from charrnn.data.vocab import Tokens, Vocab, build_vocab


@dataclass(frozen=True)
class Examples:
    """Sequences with their targets.

    Attributes:
        ids: (len,) int32, the symbols of all examples.
        bounds: (n + 1,) int64; example k is ids[bounds[k]:bounds[k + 1]].
        targets: classify softmax (n,) int labels; sigmoid (n, K) float 0/1, NaN missing; linear (n, K) float, NaN
            missing; tag (len,) int labels, -1 where no label counts.
    """

    ids: Array
    bounds: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Array:
        """The symbols of each example, (n,)."""
        lengths: Array = np.diff(self.bounds)
        return lengths

    def chosen(self, positions: Array) -> "Examples":
        """The examples at positions (K,), of a classifier."""
        lengths = self.lengths[positions]
        after = np.cumsum(lengths)
        where = np.arange(int(lengths.sum())) + np.repeat(self.bounds[positions] - after + lengths, lengths)
        bounds = np.concatenate([[0], after]).astype(np.int64)
        return Examples(self.ids[where], bounds, self.targets[positions])


@dataclass(frozen=True)
class ExampleSplit:
    """The examples of one split.

    Attributes:
        name: train, valid or test, or what else a report calls the examples.
        examples: the sequences and their targets.
        rows: where each example comes from.
        unknown: how many of the symbols the vocabulary lacks.
        units: for tag, the symbols or tokens that have a label.
        empty: of files that a model is asked about, how many examples were left out, for they lack something.
    """

    name: str
    examples: Examples
    rows: Sequence[Row | Sentence]
    unknown: int = 0
    units: Units | None = None
    empty: int = 0

    def __len__(self) -> int:
        return len(self.examples)


def encode_texts(texts: Sequence[str], vocab: Vocab) -> tuple[Array, Array]:
    """The ids (len,) of texts side by side, and their bounds (n + 1,).

    The texts hold symbols of the vocabulary; for bytes the characters of their numbers. An unknown symbol gets the
    unknown id.
    """
    bounds = np.cumsum([0, *map(len, texts)])
    distinct, positions = np.unique(code_points("".join(texts)), return_inverse=True)
    ids: Array = vocab.table("".join(map(chr, distinct)))[positions.reshape(-1)]
    return ids, bounds


def vocabulary_of(texts: Sequence[str], tokens: Tokens, min_count: int) -> Vocab:
    """The vocabulary of the training texts, with an unknown character; `min_count` as in build_vocab()."""
    distinct, positions = np.unique(code_points("".join(texts)), return_inverse=True)
    symbols = "".join(map(chr, distinct))
    return replace(build_vocab([positions.reshape(-1)], symbols, tokens, min_count), has_unknown=True)


def classified_split(
    name: str, rows: ExampleRows, targets: ReadTargets, vocab: Vocab, labels: Labels, output: Output
) -> ExampleSplit:
    """The examples of rows that have one target each, or one in each of several columns."""
    ids, bounds = encode_texts(rows.texts, vocab)
    unknown = int((ids == len(vocab.symbols)).sum())
    examples = Examples(ids, bounds, target_array(targets, labels, output))
    return ExampleSplit(name, examples, rows.rows, unknown)


def tagged_split(name: str, rows: ExampleRows, vocab: Vocab, labels: Labels) -> ExampleSplit:
    """The examples of rows or sentences whose units have a label each."""
    ids, bounds = encode_texts(rows.texts, vocab)
    unknown = int((ids == len(vocab.symbols)).sum())
    targets, units = tag_arrays(rows.tagged, labels)
    return ExampleSplit(name, Examples(ids, bounds, targets), rows.rows, unknown, units)
