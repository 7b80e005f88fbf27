"""The rows of pairs as symbols: folded, spelled, with the tags after the source, and none too long."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from charrnn.arrays import Array
from charrnn.data.rows import Empty, Faults, FileText, Layout, Row
from charrnn.data.sentences import Sentence, column_position, read_sentences
from charrnn.data.symbols import Spelling, spell
from charrnn.data.tables import read_table
from charrnn.data.text_rules import TextRules

BETWEEN_TAGS = re.compile(r"[\s;]+")


@dataclass(frozen=True)
class PairRules:
    """How pairs are read and split, as the keys of a config of the same names say.

    Attributes:
        layout: the format of the files, and the columns.
        source_symbols, target_symbols: what each side is spelled with.
        text: normal form and case of both sides; tags are left as they are.
        min_count: source symbols that occur less often in training become the unknown one.
        max_length: the greatest length of a source with its tags, and of a target, in symbols; None: any.
        too_long: what is done with a longer one.
        empty: what is done with a row that lacks its source or its target.
        split, fractions, split_seed: how the pairs of one path are split.
    """

    layout: Layout
    source_symbols: Spelling = "char"
    target_symbols: Spelling = "char"
    text: TextRules = field(default_factory=TextRules)
    min_count: int = 1
    max_length: int | None = None
    too_long: Literal["error", "skip"] = "error"
    empty: Empty = "error"
    split: Literal["random", "column"] = "random"
    fractions: tuple[float, float, float] = (0.9, 0.05, 0.05)
    split_seed: int = 1

    def source_of(self, text: str, features: Sequence[str] = ()) -> tuple[str, ...]:
        """The symbols that a model reads.

        Arguments:
            text: a source as a file has it.
            features: its cells of tags. A tag V becomes the symbol <V>, which no character can be mistaken for.
        """
        tags = [f"<{tag}>" for cell in features for tag in BETWEEN_TAGS.split(cell) if tag]
        return (*spell(self.text.fold(text), self.source_symbols), *tags)

    def target_of(self, text: str) -> tuple[str, ...]:
        """The symbols that a model writes for a target as a file has it."""
        return tuple(spell(self.text.fold(text), self.target_symbols))


@dataclass
class PairRows:
    """Rows with the symbols of both sides.

    Attributes:
        rows: those of the files.
        sources, targets: the symbols of each.
        skipped: how many were too long.
    """

    rows: list[Row] = field(default_factory=list)
    sources: list[tuple[str, ...]] = field(default_factory=list)
    targets: list[tuple[str, ...]] = field(default_factory=list)
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def chosen(self, positions: Array) -> "PairRows":
        """The rows at these positions, (K,)."""
        own = positions.tolist()
        return PairRows([self.rows[k] for k in own], [self.sources[k] for k in own], [self.targets[k] for k in own])

    def joined(self, other: "PairRows") -> "PairRows":
        """These rows, and after them the others."""
        return PairRows(
            self.rows + other.rows,
            self.sources + other.sources,
            self.targets + other.targets,
            self.skipped + other.skipped,
        )


def read_pair_rows(files: Sequence[FileText], rules: PairRules, faults: Faults) -> PairRows:
    """Read the rows of files. What is returned counts only if no fault was noted."""
    result = PairRows()
    for row in _rows(files, rules.layout, faults):
        source = rules.source_of(row.source, row.features)
        target = rules.target_of(row.targets[0])
        length = max(len(source), len(target))
        if not rules.source_of(row.source):
            faults.add_empty(row.place, "the source is blank; remove the row")
        elif not target:
            faults.add_empty(row.place, "the target is empty; fill it in, or remove the row")
        elif rules.max_length is not None and length > rules.max_length:
            result.skipped += 1
            if rules.too_long == "error":
                faults.add(
                    row.place,
                    f"{length:,} symbols, more than data.max_length {rules.max_length:,}; raise it, or set "
                    f"data.too_long to skip",
                )
        else:
            result.rows.append(row)
            result.sources.append(source)
            result.targets.append(target)
    return result


def _rows(files: Sequence[FileText], layout: Layout, faults: Faults) -> list[Row]:
    """The rows of tables; of files with a token a line, a row for each token."""
    if layout.format not in ("conll", "conllu"):
        return read_table(files, layout, faults)
    return token_rows(read_sentences(files, layout, faults, by_token=True), layout, faults)


def token_rows(sentences: Sequence[Sentence], layout: Layout, faults: Faults) -> list[Row]:
    """A row for each token of sentences, with its label, if they were read with labels, as the target."""
    found = [column_position(column, layout, faults, "data.features") for column in layout.features]
    positions = [position for position in found if position is not None]
    rows = []
    for sentence in sentences:
        targets = sentence.labels or ("",) * len(sentence.tokens)
        for source, target, k in zip(sentence.tokens, targets, sentence.token_lines, strict=True):
            cells, line = sentence.lines[k].split("\t"), sentence.line + k
            if positions and len(cells) <= max(positions):
                reason = f"no column {max(positions) + 1}, which data.features names; complete the line"
                faults.add_empty(f"{sentence.file}:{line}", reason)
            else:
                rows.append(Row(sentence.file, line, source, (target,), features=tuple(cells[p] for p in positions)))
    return rows
