"""Sentences: the tokens of CoNLL and CoNLL-U files, a token a line, columns between tabs, an empty line in between.

Comments, multiword tokens and empty nodes of CoNLL-U are kept as lines for output, but are not tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from charrnn.data.rows import Column, Faults, FileText, Layout, shown

CONLLU_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
TOKEN_ID = re.compile(r"\d+")
OTHER_ID = re.compile(r"\d+(-|\.)\d+")  # of a multiword token, or of an empty node
NO_SPACE = "SpaceAfter=No"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with a label for each token.

    Attributes:
        file, line: where it begins; lines count from 1.
        tokens, labels: as many of each.
        spaces: whether a blank follows each token.
        lines: all lines of the sentence as the file has them, without line ends.
        token_lines: the position of each token in `lines`.
    """

    file: str
    line: int
    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    spaces: tuple[bool, ...]
    lines: tuple[str, ...]
    token_lines: tuple[int, ...]

    @property
    def place(self) -> str:
        """Where it begins, as messages name it."""
        return f"{self.file}:{self.line}"


def read_sentences(
    files: Sequence[FileText], layout: Layout, faults: Faults, with_labels: bool = True, by_token: bool = False
) -> list[Sentence]:
    """Read the sentences of conll or conllu files.

    Arguments:
        files: as read_files() returns them.
        layout: the format; the column of the tokens; and one target column.
        faults: collects what is wrong.
        with_labels: whether the target column is read; without it all labels are empty.
        by_token: whether each token is an example, so that one that lacks something is left out without its sentence.

    Returns:
        The sentences without faults, in order.
    """
    columns = [column_position(column, layout, faults) for column in (layout.source, *layout.targets[:with_labels])]
    if with_labels and len(layout.targets) != 1:
        faults.add("data.target", f"{layout.format} needs one column of labels, not {len(layout.targets)}; name one")
        return []
    if None in columns:
        return []
    positions = [column for column in columns if column is not None]
    sentences: list[Sentence] = []
    for file in files:
        before, known = faults.count, len(sentences)
        lines: list[str] = []
        number = 0
        for number, line in file.lines():
            if line.strip(" \t"):
                lines.append(line)
            elif lines:
                sentences += _sentence(file.name, number - len(lines), lines, layout, positions, faults, by_token)
                lines = []
        if lines:
            sentences += _sentence(file.name, number + 1 - len(lines), lines, layout, positions, faults, by_token)
        if len(sentences) == known and file.first == 1:
            faults.sum_up(before, file.name, layout.format)
    return sentences


def column_position(
    column: Column, layout: Layout, faults: Faults, keys: str = "data.source, data.target"
) -> int | None:
    """Where a column is in a line, from 0; without it a fault names the keys."""
    if isinstance(column, int):
        return column - 1
    if layout.format == "conllu" and column.lower() in CONLLU_COLUMNS:
        return CONLLU_COLUMNS.index(column.lower())
    known = f"; CoNLL-U calls them {', '.join(CONLLU_COLUMNS)}" if layout.format == "conllu" else ""
    faults.add(keys, f"{layout.format} has no column {shown(column)}{known}; give its number")
    return None


def target_position(layout: Layout) -> int:
    """Where the column of the labels is in a line of a conll or conllu file, from 0.

    Raises:
        TextError: there is no such column.
    """
    faults = Faults()
    position = column_position(layout.targets[0], layout, faults)
    faults.check()
    assert position is not None
    return position


def _sentence(
    name: str,
    first: int,
    lines: Sequence[str],
    layout: Layout,
    positions: Sequence[int],
    faults: Faults,
    by_token: bool,
) -> list[Sentence]:
    """The sentence of these lines; none if they hold a fault or no token, or if it is left out."""
    before, own_place = faults.count, f"{name}:{first}"
    missing: list[tuple[str, str]] = []
    tokens: list[str] = []
    labels: list[str] = []
    spaces: list[bool] = []
    token_lines: list[int] = []
    for k, line in enumerate(lines):
        cells = line.split("\t")
        place = f"{name}:{first + k}"
        if layout.format == "conllu" and not _is_token(line, cells, place, faults):
            continue
        if lack := _lack(cells, positions):
            missing.append((place, lack))
            continue
        chosen = [cells[position] for position in positions]
        tokens.append(chosen[0])
        labels.append(chosen[1] if len(chosen) > 1 else "")
        spaces.append(layout.format == "conll" or NO_SPACE not in cells[-1].split("|"))
        token_lines.append(k)
    if faults.count == before and not tokens and not missing:
        missing.append((own_place, "a sentence without a token; remove it"))
    for place, reason in missing:
        faults.add_empty(place, reason, place if by_token else own_place)
    if faults.count > before or not tokens or (missing and not by_token):
        return []
    parts = (tuple(tokens), tuple(labels), tuple(spaces), tuple(lines), tuple(token_lines))
    return [Sentence(name, first, *parts)]


def _lack(cells: Sequence[str], positions: Sequence[int]) -> str:
    """What a line lacks of the cells at these positions, as a message says it; nothing if it has them all."""
    if len(cells) <= max(positions):
        count = f"{len(cells)} column{'s' * (len(cells) > 1)} separated by tabs"
        blanks = len(cells) == 1 and len(cells[0].split()) > max(positions)
        remedy = "put tabs where it has blanks" if blanks else "complete the line"
        return f"{count}, but column {max(positions) + 1} is needed; {remedy}"
    if not all(cells[position] for position in positions):
        return "the token or its label is empty; fill it in, or remove the line"
    return ""


def _is_token(line: str, cells: Sequence[str], place: str, faults: Faults) -> bool:
    """Whether a line of CoNLL-U holds a token."""
    if line.startswith("#"):
        return False
    if len(cells) != len(CONLLU_COLUMNS):
        faults.add(place, f"{len(cells)} columns separated by tabs, but CoNLL-U has {len(CONLLU_COLUMNS)}; repair it")
        return False
    if TOKEN_ID.fullmatch(cells[0]):
        return True
    if not OTHER_ID.fullmatch(cells[0]):
        faults.add(place, f"{shown(cells[0])} is no id of CoNLL-U; number the tokens of a sentence from 1")
    return False
