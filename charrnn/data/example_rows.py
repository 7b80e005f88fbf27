"""The rows of examples as a vocabulary will read them: folded, spelled out, and of no more than the greatest length."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from charrnn.arrays import Array
from charrnn.data.rows import Empty, Faults, FileText, Layout, Row
from charrnn.data.sentences import Sentence, read_sentences
from charrnn.data.tables import read_table
from charrnn.data.tagging import Tagged, tag_rows, tag_segments, tag_sentences
from charrnn.data.targets import Output
from charrnn.data.text_rules import TextRules
from charrnn.errors import TextError


@dataclass(frozen=True)
class ExampleRules:
    """How examples are read and split, as the keys of a config of the same names say.

    Attributes:
        task: whether a whole example has a target, or each of its units.
        layout: the format of the files, and the columns.
        output: for classify, what the targets are.
        separator: for classify what separates labels in one cell, for tag what separates symbols and their labels.
        text: normal form, case, characters or bytes.
        min_count: training symbols that occur less often become the unknown one.
        max_length: the greatest length of an example in symbols; None: any.
        too_long: what is done with a longer one.
        empty: what is done with an example that lacks its source or its target.
        scheme: for tag, what labels stand for; with segments they follow from the tokens of sentences.
        split, fractions, split_seed: how the examples of one path are split.
    """

    task: Literal["classify", "tag"]
    layout: Layout
    output: Output = "softmax"
    separator: str | None = None
    text: TextRules = field(default_factory=TextRules)
    min_count: int = 1
    max_length: int | None = None
    too_long: Literal["error", "cut", "skip"] = "error"
    empty: Empty = "error"
    scheme: Literal["plain", "bio", "segments"] = "plain"
    split: Literal["random", "stratified", "column"] = "random"
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05)
    split_seed: int = 1


@dataclass
class ExampleRows:
    """Rows, and what a vocabulary reads of each.

    Attributes:
        rows: rows or sentences of the files.
        texts: the symbols of each.
        tagged: for tag, the units of each; else empty.
        cut, skipped: how many were too long.
    """

    rows: list[Row | Sentence] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tagged: list[Tagged] = field(default_factory=list)
    cut: int = 0
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def table_rows(self) -> list[Row]:
        """The rows that are no sentences: all of them, for classify."""
        return [row for row in self.rows if isinstance(row, Row)]

    def chosen(self, positions: Array) -> "ExampleRows":
        """The rows at these positions, (K,)."""
        own = positions.tolist()
        tagged = [self.tagged[k] for k in own] if self.tagged else []
        return ExampleRows([self.rows[k] for k in own], [self.texts[k] for k in own], tagged)

    def joined(self, other: "ExampleRows") -> "ExampleRows":
        """These rows, and after them the others."""
        return ExampleRows(
            self.rows + other.rows,
            self.texts + other.texts,
            self.tagged + other.tagged,
            self.cut + other.cut,
            self.skipped + other.skipped,
        )


def read_example_rows(files: Sequence[FileText], rules: ExampleRules, faults: Faults) -> ExampleRows:
    """Read the rows of files. What is returned counts only if no fault was noted.

    Raises:
        TextError: the format does not go with the task, or there is not one column of labels to tag with.
    """
    format = rules.layout.format
    if format in ("conll", "conllu"):
        if rules.task == "classify":
            raise TextError(f"data.format: {format} has a label for each token; set task to tag, or use another format")
        if rules.scheme == "segments":
            sentences = read_sentences(files, rules.layout, faults, with_labels=False)
            return _limited(sentences, tag_segments(sentences, rules.text), rules, faults)
        sentences = read_sentences(files, rules.layout, faults)
        return _limited(sentences, tag_sentences(sentences, rules.text), rules, faults)
    if rules.scheme == "segments":
        raise TextError(f"data.format: {format} has no tokens, as model.scheme: segments needs; use conll or conllu")
    rows = read_table(files, rules.layout, faults, rules.task == "tag" or rules.output == "softmax")
    if rules.task == "classify":
        whole = [Tagged(rules.text.spell(rules.text.fold(row.source)), (), (), ()) for row in rows]
        return _limited(rows, whole, rules, faults)
    if format in ("lines", "files", "folders"):
        raise TextError(f"data.format: {format} has no label for each symbol; use tsv, csv, jsonl, conll or conllu")
    before = faults.count
    tagged = tag_rows(rows, rules.separator, rules.text, faults)
    return _limited(rows, tagged, rules, faults) if faults.count == before else ExampleRows()


def _limited(
    rows: Sequence[Row | Sentence], contents: Sequence[Tagged], rules: ExampleRules, faults: Faults
) -> ExampleRows:
    """Rows with their contents, of which those that are too long are noted, cut or skipped.

    For classify a content has no units, and may be cut anywhere.
    """
    result = ExampleRows()
    for row, content in zip(rows, contents, strict=True):
        if rules.max_length is not None and len(content.text) > rules.max_length:
            if rules.too_long == "error":
                faults.add(
                    row.place,
                    f"{len(content.text):,} symbols, more than data.max_length {rules.max_length:,}; raise it, or set "
                    f"data.too_long to cut or skip",
                )
            content = content.cut(rules.max_length)
            if rules.too_long == "skip" or not content.text:
                result.skipped += 1
                continue
            result.cut += 1
        result.rows.append(row)
        result.texts.append(content.text)
        if rules.task == "tag":
            result.tagged.append(content)
    return result
