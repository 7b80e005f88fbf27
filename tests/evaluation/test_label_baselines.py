"""Baselines of tasks: Bayes' rule spelled out with the n-gram's own predictions, and most frequent labels."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.data import END, Vocab
from charrnn.evaluation.label_baselines import (
    MostFrequent,
    NGramClassifier,
    TaggedWords,
    choose_examples,
    fit_ngram_classifier,
    majority,
    most_frequent_by_unit,
    most_frequent_by_word,
)
from charrnn.models import NGram

VOCAB = Vocab("abc", has_unknown=True)
words = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=8)


def encoded(texts: list[str]) -> tuple[Array, Array]:
    """The ids and bounds of texts; what is not in VOCAB is unknown."""
    ids = np.array(["abc".find(symbol) % 4 for text in texts for symbol in text], np.int32)
    return ids, np.cumsum([0, *map(len, texts)])


def spelled_out(model: NGram, text: str) -> float:
    """ln p of a text and its end, a character at a time."""
    state, total = model.start(1), 0.0
    for symbol in text + END:
        (symbol_id,) = model.vocab.encode(symbol)
        total += float(model.predict(state)[0, symbol_id])
        model.feed(np.array([[symbol_id]]), state)
    return total


@given(train=words, test=words, order=st.integers(1, 6))
def test_log_probabilities_are_those_that_the_model_predicts(train: list[str], test: list[str], order: int) -> None:
    vocab = Vocab("abc" + END, end=END)
    model = NGram(vocab, vocab.encode("".join(text + END for text in train)), order)
    each = model.log_probs(vocab.encode("".join(text + END for text in test)))
    bounds = np.cumsum([0, *(len(text) + 1 for text in test)])
    found = [each[a:b].sum() for a, b in pairwise(bounds)]
    assert found == pytest.approx([spelled_out(model, text) for text in test])


@given(
    train=st.lists(st.tuples(st.text("abc", min_size=1, max_size=5), st.integers(0, 2)), min_size=1, max_size=12),
    test=st.lists(st.text("abcz", min_size=1, max_size=5), min_size=1, max_size=8),
    order=st.integers(1, 4),
)
def test_labels_have_the_probabilities_of_bayes_rule(train: list[tuple[str, int]], test: list[str], order: int) -> None:
    labels = np.array([label for _, label in train])
    model = NGramClassifier(VOCAB, *encoded([text for text, _ in train]), labels, 3, order)
    log_p = model.log_p(*encoded(test))
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1)
    for text, row in zip(test, log_p, strict=True):
        joint = []
        for label in range(3):
            own = [known for known, other in train if other == label]
            ngram = NGram(model.vocab, model.vocab.encode("".join(known + END for known in own)), order)
            joint.append(spelled_out(ngram, text) + np.log(max(len(own), 1) / len(train)))
        np.testing.assert_allclose(row - row[0], np.array(joint) - joint[0], atol=1e-9)


def test_the_order_is_that_of_the_best_share_of_held_out_examples() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    texts = ["".join(rng.permutation(["ab", "c"] if label else ["ba", "c"])) * 2 for label in labels]
    model = fit_ngram_classifier(VOCAB, *encoded(texts), labels, 2)
    assert model.order == 2  # the order of two letters decides
    assert (model.log_p(*encoded(texts)).argmax(1) == labels).all()
    same = fit_ngram_classifier(VOCAB, *encoded(["abc"] * 30), np.zeros(30, int), 2)
    assert same.order == 1


@given(texts=st.lists(st.text("abc", max_size=4), min_size=1, max_size=6), data=st.data())
def test_chosen_examples_keep_their_symbols(texts: list[str], data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=6))
    ids, bounds = choose_examples(*encoded(texts), np.array(positions, np.int64))
    assert [VOCAB.decode(ids[a:b]) for a, b in pairwise(bounds)] == [texts[k] for k in positions]


def test_the_majority_is_the_most_frequent_label() -> None:
    assert majority(np.array([2, 1, 2, -1, -1, -1, 1, 2]), 4) == 2
    assert majority(np.array([1, 0]), 2) == 0


def test_of_equally_frequent_targets_the_smallest_counts() -> None:
    table = MostFrequent([*"aaabb"], [(1,), (0,), (1,), (3,), (2,)])
    assert [table[key] for key in "abc"] == [(1,), (2,), None]


def test_words_have_their_most_frequent_labels_and_unseen_ones_those_of_their_units() -> None:
    train = TaggedWords(["ab", "ab", "ab", "b"], ["ab", "ab", "ab", "b"], [(0, 1), (2, 3), (0, 1), (3,)])
    test = TaggedWords(["ab", "ba", "c"], ["ab", "ba", "c"], [(0, 0), (0, 0), (0,)])
    assert most_frequent_by_word(train, test, 4) == [(0, 1), (1, 0), (0,)]
    assert most_frequent_by_unit(train, test, 4) == [(0, 1), (1, 0), (0,)]
    train = TaggedWords(["ab", "ab", "a"], ["ab", "ab", "a"], [(0, 1), (0, 1), (2,)])
    assert most_frequent_by_unit(TaggedWords(["aa"], ["aa"], [(2, 2)]), test, 4) == [(2, 2), (2, 2), (2,)]
    assert most_frequent_by_word(train, test, 4) == [(0, 1), (1, 0), (0,)]
