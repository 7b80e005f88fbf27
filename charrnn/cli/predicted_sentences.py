"""Files with a token a line as `charrnn predict` prints them: the same lines, with what is predicted in one column."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from charrnn.cli.streams import LinesOut

if TYPE_CHECKING:
    from charrnn.data import Layout, Sentence
    from charrnn.models import TaskModel, TranslateModel

Labeller = Callable[["Sequence[Sentence]"], Sequence[Sequence[str]]]  # a label for each token of each sentence


def write_sentences(label: Labeller, source: Any, layout: "Layout", encoding: str, out: LinesOut) -> None:
    """Print a CoNLL or CoNLL-U file with the predicted labels in its target column. A missing column is added."""
    from charrnn.data import stream_sentences, target_position

    position = target_position(layout)
    for block in stream_sentences(source, layout, encoding):
        lines = block.lines
        for sentence, labels in zip(block.sentences, label(block.sentences), strict=True):
            for token_line, own in zip(sentence.token_lines, labels, strict=True):
                number = sentence.line - block.first + token_line
                cells = lines[number].split("\t")
                cells += ["_"] * (position + 1 - len(cells))
                cells[position] = own or "_"
                lines[number] = "\t".join(cells)
        out.write(lines)


def unit_labels(voters: "Sequence[TaskModel]") -> Labeller:
    """The labels of taggers that vote."""
    from charrnn.evaluation import predict_units, spell_sentence

    rules = voters[0].rules

    def label(sentences: "Sequence[Sentence]") -> Sequence[Sequence[str]]:
        return [own.labels for own in predict_units(voters, [spell_sentence(own, rules) for own in sentences])]

    return label


def token_targets(voters: "Sequence[TranslateModel]", layout: "Layout", beam: int) -> Labeller:
    """What translators that vote write for each token."""
    from charrnn.data import Faults, token_rows
    from charrnn.generation import translate_texts

    def label(sentences: "Sequence[Sentence]") -> Sequence[Sequence[str]]:
        faults = Faults()
        rows = token_rows(sentences, layout, faults)
        faults.check()
        found = translate_texts(voters, [row.source for row in rows], [row.features for row in rows], beam)
        written = iter(found)
        return [[next(written).text for _ in sentence.tokens] for sentence in sentences]

    return label
