"""N-grams of labels: Bayes' rule spelled out with the n-gram's own predictions, and the order that is chosen."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.data import END, Examples, Vocab, padded
from charrnn.models import NGram, NGramClassifier, choose_order

VOCAB = Vocab("abc", has_unknown=True)
words = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=8)


def encoded(texts: list[str]) -> tuple[Array, Array]:
    """The ids and bounds of texts; what is not in VOCAB is unknown."""
    ids = np.array(["abc".find(symbol) % 4 for text in texts for symbol in text], np.int32)
    return ids, np.cumsum([0, *map(len, texts)])


def labelled(texts: list[str], labels: Array) -> Examples:
    return Examples(*encoded(texts), labels)


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
    model = NGramClassifier(VOCAB, labelled([text for text, _ in train], labels), 3, order)
    log_p = model.log_p(*encoded(test))
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1)
    for text, row in zip(test, log_p, strict=True):
        joint = []
        for label in range(3):
            own = [known for known, other in train if other == label]
            ngram = NGram(model.vocab, model.vocab.encode("".join(known + END for known in own)), order)
            joint.append(spelled_out(ngram, text) + np.log(max(len(own), 1) / len(train)))
        np.testing.assert_allclose(row - row[0], np.array(joint) - joint[0], atol=1e-9)


def pairs_of_letters(count: int, seed: int) -> Examples:
    """Texts of the letters a, b and c whose label is whether a stands before b."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    return labelled(["".join(rng.permutation(["ab", "c"] if label else ["ba", "c"])) * 2 for label in labels], labels)


def test_the_validation_examples_choose_the_order() -> None:
    train, valid = pairs_of_letters(400, 0), pairs_of_letters(50, 1)
    chosen = choose_order(VOCAB, train, valid, 2, 8)
    assert chosen.model.order == 2  # the order of two letters decides
    assert [*chosen.accuracies] == [1, 2, 3]
    assert chosen.accuracies[1] < chosen.accuracies[2] == 1
    assert chosen.model.examples is train
    assert [*choose_order(VOCAB, train, valid, 2, 1).accuracies] == [1]
    wrong = replace(valid, targets=1 - valid.targets)
    assert choose_order(VOCAB, train, wrong, 2, 8).model.order == 1


def test_without_validation_examples_a_tenth_of_the_training_examples_chooses() -> None:
    train = pairs_of_letters(400, 0)
    model = choose_order(VOCAB, train, train.chosen(np.zeros(0, np.int64)), 2, 8).model
    assert (model.order, model.examples) == (2, train)
    assert (model.log_p(train.ids, train.bounds).argmax(1) == train.targets).all()
    same = labelled(["abc"] * 30, np.zeros(30, int))
    assert choose_order(VOCAB, same, same.chosen(np.zeros(0, np.int64)), 2, 8).model.order == 1


def test_a_batch_has_the_probabilities_of_its_texts() -> None:
    train = pairs_of_letters(40, 0)
    model = NGramClassifier(VOCAB, train, 2, 3)
    texts = labelled(["a", "bcab", "cz", "ab"], np.zeros(4, int))
    p = model.predict(padded(texts, np.array([1, 3, 0, 2])))
    np.testing.assert_allclose(p, np.exp(model.log_p(texts.ids, texts.bounds))[[1, 3, 0, 2]])


@given(texts=st.lists(st.text("abc", max_size=4), min_size=1, max_size=6), data=st.data())
def test_chosen_examples_keep_their_symbols_and_labels(texts: list[str], data: st.DataObject) -> None:
    positions = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=6))
    chosen = labelled(texts, np.arange(len(texts))).chosen(np.array(positions, np.int64))
    assert [VOCAB.decode(chosen.ids[a:b]) for a, b in pairwise(chosen.bounds)] == [texts[k] for k in positions]
    assert chosen.targets.tolist() == positions
