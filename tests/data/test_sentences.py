"""CoNLL and CoNLL-U: tokens and labels are read, all other lines are kept, and every fault has its place."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data.rows import Faults, FileText, Layout
from charrnn.data.sentences import Sentence, read_sentences
from tests.support.texts import faults

CONLLU = """\
# sent_id = 1
# text = vámonos al mar.
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
3\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\tSpaceAfter=No|Gloss=sea
3.1\tmar\tmar\tNOUN\t_\t_\t_\t_\t1:obl\t_
4\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\tSpaceAfter=No

"""
word = st.text("ab#é-", min_size=1, max_size=4)


def read(text: str, layout: Layout, **options: bool) -> list[Sentence]:
    """The sentences of a file of this text."""
    found = Faults()
    sentences = read_sentences([FileText("my.txt", text)], layout, found, **options)
    found.check()
    return sentences


@given(
    sentences=st.lists(st.lists(st.tuples(word, word), min_size=1, max_size=4), max_size=4),
    between=st.sampled_from(["\n", "\n\n\n", " \n", "\t\n"]),
    ending=st.sampled_from(["\n", "\r\n"]),
    finished=st.booleans(),
)
def test_conll_sentences_are_read_back(sentences, between, ending, finished) -> None:  # type: ignore[no-untyped-def]
    text = between.join("".join(f"{token}\t{label}\n" for token, label in own) for own in sentences)
    text += "\n" * finished
    rows = read(text.replace("\n", ending), Layout.usual("conll"))
    assert [[*zip(own.tokens, own.labels, strict=True)] for own in rows] == sentences
    for own in rows:
        assert own.lines == tuple(f"{token}\t{label}" for token, label in zip(own.tokens, own.labels, strict=True))
        assert text.split("\n")[own.line - 1] == own.lines[0]
    assert all(one.line + len(one.lines) < other.line for one, other in pairwise(rows))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_conllu_keeps_lines_that_hold_no_token(ending: str) -> None:
    one, other = read((CONLLU * 2).replace("\n", ending), Layout.usual("conllu"))
    assert one.tokens == ("vamos", "nos", "mar", ".")
    assert one.labels == ("VERB", "PRON", "NOUN", "PUNCT")
    assert one.spaces == (True, True, False, False)
    assert one.token_lines == (3, 4, 5, 7)
    assert "\n".join(one.lines) + "\n\n" == CONLLU
    assert (one.line, other.line) == (1, 10)
    assert other.place == "my.txt:10"


@pytest.mark.parametrize("format", ["conll", "conllu"])
def test_a_file_of_another_kind_has_two_lines_and_not_one_for_each_of_its_own(format: str) -> None:
    first, last = faults(read, "a novel\nof three\n\nlines\n" * 20, Layout.usual(format))  # type: ignore[arg-type]
    assert first.startswith("my.txt:1: 1 column")
    assert last == f"my.txt: nothing in it can be read as {format}; name another file"


def test_a_sentence_that_is_right_keeps_the_faults_of_all_others() -> None:
    lines = faults(read, CONLLU + "a novel\nof three\n\nlines\n" * 2, Layout.usual("conllu"))
    assert [line.split(": ")[0] for line in lines] == [f"my.txt:{number}" for number in (10, 11, 13, 14, 15, 17)]


def test_any_column_of_conllu_may_be_the_label() -> None:
    (sentence,) = read(CONLLU, Layout("conllu", "LEMMA", ("DepRel",)))
    assert sentence.tokens == ("ir", "nosotros", "mar", ".")
    assert sentence.labels == ("root", "obj", "obl", "punct")
    assert read(CONLLU, Layout("conllu", 3, (8,))) == [sentence]


def test_labels_need_not_be_there_for_predictions() -> None:
    (sentence,) = read("one\ntwo\n", Layout.usual("conll"), with_labels=False)
    assert (sentence.tokens, sentence.labels) == (("one", "two"), ("", ""))


FAULTY = {
    "too few columns": ("conll", "a\tA\nb\n", "my.txt:2: 1 column separated by tabs, but column 2 is needed"),
    "blanks for tabs": ("conll", "a A\n", "my.txt:1: 1 column separated by tabs, but column 2 is needed; put tabs"),
    "an empty token": ("conll", "a\tA\n\tB\n", "my.txt:2: the token or its label is empty; fill it in"),
    "an empty label": ("conll", "a\tA\nb\t\n", "my.txt:2: the token or its label is empty; fill it in"),
    "nine columns": ("conllu", "1" + "\t_" * 8 + "\n", "my.txt:1: 9 columns separated by tabs, but CoNLL-U has 10"),
    "no id": ("conllu", "x" + "\t_" * 9 + "\n", "my.txt:1: 'x' is no id of CoNLL-U"),
    "no token": ("conllu", CONLLU + "# only a comment\n", "my.txt:10: a sentence without a token; remove it"),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_a_fault_has_its_place_and_reason(kind: str) -> None:
    format, text, message = FAULTY[kind]
    (line,) = faults(read, text, Layout.usual(format))  # type: ignore[arg-type]
    assert line.startswith(message)


def test_columns_that_do_not_exist_are_refused() -> None:
    (line,) = faults(read, CONLLU, Layout("conllu", 2, ("pos",)))
    assert "conllu has no column 'pos'; CoNLL-U calls them id, form" in line
    (line,) = faults(read, "a\tA\n", Layout("conll", "token", (2,)))
    assert "conll has no column 'token'; give its number" in line
    (line,) = faults(read, "a\tA\n", Layout("conll", 1, (2, 3)))
    assert "conll needs one column of labels, not 2" in line


def test_all_faulty_lines_of_a_sentence_are_named() -> None:
    lines = faults(read, "a\nb\tB\nc\n\nd\n", Layout.usual("conll"))
    assert [line.split(": ")[0] for line in lines] == ["my.txt:1", "my.txt:3", "my.txt:5"]
