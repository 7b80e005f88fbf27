"""Baselines for classify and tag: models that need no gradient, fitted on the same training examples.

    majority         the most frequent label, whatever the input
    n-gram, Bayes    an n-gram model of the inputs of each label: p(label | text) ~ p(text | label) p(label)
    most frequent    the most frequent label of each symbol or word
    mean             of the training numbers, which the labels of a linear output hold already

Shapes: n examples, len symbols of all of them, C labels, U units.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data import END, Vocab
from charrnn.models import NGram

MAX_ORDER = 8
ORDER_HELD_OUT = 10  # the order is chosen on every tenth training example, so never on the examples that are scored


@dataclass(frozen=True)
class EndedExamples:
    """Examples as an n-gram reads them: each followed by an end.

    `ids` (M,), in a vocabulary with END; `example` (M,), the example of each id.
    """

    ids: Array
    example: Array


class NGramClassifier:
    """An n-gram model for each label, and how frequent the label is (Bayes' rule).

    Arguments:
        vocab: of the examples, with an unknown character.
        ids, bounds: the training examples, (len,) and (n + 1,).
        labels: (n,) int.
        classes: C.
        order: characters of an n-gram, 1 to MAX_ORDER.
    """

    def __init__(self, vocab: Vocab, ids: Array, bounds: Array, labels: Array, classes: int, order: int) -> None:
        self.vocab = Vocab(vocab.symbols + END, has_unknown=True, tokens=vocab.tokens, end=END)
        self.order = order
        counts = np.bincount(labels, minlength=classes)
        self.log_prior = np.log(np.maximum(counts, 1) / counts.sum())
        documents = self._documents(ids, bounds)
        self.models = [
            NGram(self.vocab, documents.ids[labels[documents.example] == label], order) for label in range(classes)
        ]

    def log_p(self, ids: Array, bounds: Array) -> Array:
        """The log-probability of each label for each example, (n, C)."""
        documents, count = self._documents(ids, bounds), len(bounds) - 1
        joint = np.empty((count, len(self.models)))
        for k, model in enumerate(self.models):
            joint[:, k] = np.bincount(documents.example, model.log_probs(documents.ids), count)
        joint += self.log_prior
        peak = joint.max(1, keepdims=True)
        log_p: Array = joint - peak - np.log(np.exp(joint - peak).sum(1, keepdims=True))
        return log_p

    def _documents(self, ids: Array, bounds: Array) -> EndedExamples:
        end = len(self.vocab.symbols) - 1
        shifted = np.where(ids == end, end + 1, ids)  # the unknown id of a vocabulary without END
        example = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        return EndedExamples(
            np.insert(shifted, bounds[1:], end), np.insert(example, bounds[1:], np.arange(len(bounds) - 1))
        )


def fit_ngram_classifier(vocab: Vocab, ids: Array, bounds: Array, labels: Array, classes: int) -> NGramClassifier:
    """A classifier of the order that classifies every tenth training example best when fitted on the others.

    Orders are tried from 1 on, until one is no better. Arguments: as for NGramClassifier.
    """
    count = len(bounds) - 1
    held_out = np.arange(count) % ORDER_HELD_OUT == ORDER_HELD_OUT - 1
    kept = np.flatnonzero(~held_out)
    order, best = 1, -1
    train = choose_examples(ids, bounds, kept)
    test = choose_examples(ids, bounds, np.flatnonzero(held_out))
    for n in range(1, MAX_ORDER + 1):
        model = NGramClassifier(vocab, *train, labels[kept], classes, n)
        right = int((model.log_p(*test).argmax(1) == labels[held_out]).sum())
        if right <= best:
            break
        order, best = n, right
    return NGramClassifier(vocab, ids, bounds, labels, classes, order)


def choose_examples(ids: Array, bounds: Array, positions: Array) -> tuple[Array, Array]:
    """The ids and bounds of the examples at positions (K,)."""
    lengths = np.diff(bounds)[positions]
    after = np.cumsum(lengths)
    where = np.arange(int(lengths.sum())) + np.repeat(bounds[positions] - after + lengths, lengths)
    return ids[where], np.concatenate([[0], after]).astype(np.int64)


def majority(labels: Array, classes: int) -> int:
    """The most frequent label of (n,); the first of equally frequent ones. -1 is no label."""
    return int(np.bincount(labels[labels >= 0], minlength=classes).argmax())


class MostFrequent:
    """The most frequent target of each key, such as the label of a symbol or the labels of a word.

    Arguments: `keys` and `targets`, of the training split, as many of each. Of equally frequent targets the smallest
    counts.
    """

    def __init__(self, keys: Sequence[Hashable], targets: Sequence[tuple[int, ...]]) -> None:
        counts: dict[Hashable, Counter[tuple[int, ...]]] = defaultdict(Counter)
        for key, target in zip(keys, targets, strict=True):
            counts[key][target] += 1
        self._target_of = {key: min(own, key=lambda target: (-own[target], target)) for key, own in counts.items()}

    def __getitem__(self, key: Hashable) -> tuple[int, ...] | None:
        return self._target_of.get(key)


@dataclass(frozen=True)
class TaggedWords:
    """Words, the units of each, and the labels of these.

    `words`: spellings. `units`, `labels`: for each word those of its units, as many of each.
    """

    words: Sequence[str]
    units: Sequence[Sequence[str]]
    labels: Sequence[tuple[int, ...]]


def most_frequent_by_unit(train: TaggedWords, test: TaggedWords, classes: int) -> list[tuple[int, ...]]:
    """The labels of the units of test words: the most frequent of each unit, or of all for one that is unseen."""
    units = [unit for own in train.units for unit in own]
    labels = [(label,) for own in train.labels for label in own]
    table = MostFrequent(units, labels)
    other = (majority(np.array(labels, np.int64).reshape(-1), classes),)
    return [tuple((table[unit] or other)[0] for unit in own) for own in test.units]


def most_frequent_by_word(train: TaggedWords, test: TaggedWords, classes: int) -> list[tuple[int, ...]]:
    """The labels of the units of test words: the most frequent of each word, or by unit for one that is unseen."""
    table = MostFrequent(train.words, train.labels)
    by_unit = most_frequent_by_unit(train, test, classes)
    return [table[word] or other for word, other in zip(test.words, by_unit, strict=True)]
