"""The longest match with the training words: by hand, against a regular expression, and where it is chosen."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data.example_corpus import build_examples
from charrnn.data.example_rows import ExampleRules
from charrnn.data.rows import FileText, Layout
from charrnn.evaluation.longest_match import longest_match, longest_match_labels, pieces, training_words
from charrnn.evaluation.task_baselines import tag_baselines


def cut(text: str, words: set[str], whole_runs: bool) -> list[str]:
    return [text[start:stop] for start, stop in longest_match(text, words, whole_runs)]


def test_the_longest_word_wins_and_what_is_unknown_is_one_piece() -> None:
    words = {"a", "b", "a b", "a b c", "b c d"}
    assert cut("a b c d", words, True) == ["a b c", "d"]
    assert cut("a bc b", words, True) == ["a", "bc", "b"], "no word divides a run of letters"
    assert cut("a bc b", words, False) == ["a b", "c", "b"]
    assert cut("a bcd ef.", {"ef", "a"}, True) == ["a", "bcd", "ef", "."]
    assert cut("中文字典", {"中文", "字", "文字典"}, False) == ["中文", "字", "典"]
    assert cut("  ", {"a"}, True) == cut("", {"a"}, True) == []
    assert cut("ab", set(), True) == ["ab"]


def test_a_run_holds_letters_marks_and_digits() -> None:
    assert [*map(len, cut("e\u0301a1, x-y", set(), True))] == [4, 1, 1, 1, 1]
    assert pieces("ab  c", False) == [(0, 1), (1, 2), (4, 5)]
    assert pieces("ab  c", True) == [(0, 2), (4, 5)]


@given(text=st.text("ab c.", max_size=12), words=st.sets(st.text("ab c", min_size=1, max_size=4), max_size=6))
def test_it_is_what_a_regular_expression_finds_from_left_to_right(text: str, words: set[str]) -> None:
    words = {word.strip() for word in words} - {""}
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    anywhere = re.compile("|".join([*longest_first, r"\S"]))
    assert cut(text, words, False) == anywhere.findall(text)
    edges = "|".join([*(rf"(?<!\w){word}(?!\w)" for word in longest_first), r"\w+", r"\S"])
    assert cut(text, words, True) == re.findall(edges, text)


def corpus_of(*sentences: list[str], joined: bool = False) -> tuple[Any, ExampleRules]:
    """Training, validation and test, each of one sentence."""
    space = "SpaceAfter=No" if joined else "_"
    names = ("path", "valid_path", "test_path")
    texts = {
        name: [
            FileText(name, "".join(f"{k}\t{form}{chr(9)}" + "_\t" * 7 + f"{space}\n" for k, form in enumerate(own, 1)))
        ]
        for name, own in zip(names, sentences, strict=True)
    }
    rules = ExampleRules("tag", Layout("conllu", "form", ()), scheme="segments")
    return build_examples(texts, rules), rules


@pytest.mark.parametrize(
    ("sentences", "joined", "f1"),
    [
        ([["a b", "a", "b", "c"], ["bc", "a b"], ["ac", "a b", "x"]], False, 1.0),
        ([["ab", "a", "b", "c"], ["ab", "c"], ["c", "ab"]], True, 1.0),
        ([["ab", "a", "b", "c"], ["ab", "c"], ["c", "ba"]], True, 0.4),  # c, b, a instead
    ],
)
def test_the_validation_split_says_whether_words_end_within_runs(
    sentences: list[list[str]], joined: bool, f1: float
) -> None:
    corpus, rules = corpus_of(*sentences, joined=joined)
    assert training_words(corpus, rules) == {*sentences[0]}
    labels = longest_match_labels(corpus.test, corpus, rules)
    assert np.array_equal(labels, corpus.test.units.targets) == (f1 == 1)
    *_, row = tag_baselines(corpus.test, corpus, rules)
    assert row.name == "longest match with the training words"
    assert {own.name: own.value for own in row.measures}["span_f1"] == pytest.approx(f1)
