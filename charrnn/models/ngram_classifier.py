"""NGramClassifier: an n-gram model of the texts of each label, and how frequent the label is, by Bayes' rule.

    p(label | text) ~ p(text | label) p(label)

It is counted, not trained. Every text ends with END, which no text holds, so that its length counts too.

Shapes: n examples, len symbols of all of them, M symbols and ends, C labels; a batch is padded, T steps of N examples.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charrnn.arrays import Array
from charrnn.data import END, ExampleBatch, Examples, Vocab
from charrnn.models.ngram import NGram, Smoothing
from charrnn.models.task_network import Task

ORDER_HELD_OUT = 10  # without validation examples, every tenth training example decides on the order
SYMBOL_BYTES = 256  # that predicting takes for each symbol of a text, about


@dataclass(frozen=True)
class EndedExamples:
    """Examples as an n-gram reads them: each followed by an end.

    `ids` (M,), in a vocabulary with END; `example` (M,), the example of each id.
    """

    ids: Array
    example: Array


class NGramClassifier:
    """A classifier of texts into one of C labels. Its n-grams are counted on first use, not when a file is read.

    Arguments:
        vocab: of the examples, with an unknown character.
        examples: the training examples, with a label each.
        classes: C.
        order: characters of an n-gram, 1 or more.
        smoothing: as for NGram.

    Attributes: the arguments but `vocab`; `task`, what a network for the same examples would read and predict.
    """

    def __init__(
        self, vocab: Vocab, examples: Examples, classes: int, order: int, smoothing: Smoothing = "kneser-ney"
    ) -> None:
        self.task = Task(vocab.size, classes, bidirectional=False)
        self.vocab = Vocab(vocab.symbols + END, has_unknown=True, tokens=vocab.tokens, end=END)
        self.examples = examples
        self.order = order
        self.smoothing = smoothing

    @cached_property
    def models(self) -> list[NGram]:
        """The n-gram of each label, C of them."""
        documents = self._documents(self.examples.ids, self.examples.bounds)
        label = self.examples.targets[documents.example]
        return [
            NGram(self.vocab, documents.ids[label == k], self.order, self.smoothing) for k in range(self.task.outputs)
        ]

    @property
    def size(self) -> int:
        """How many n-grams it holds, of all lengths and labels."""
        return sum(model.size for model in self.models)

    def log_p(self, ids: Array, bounds: Array) -> Array:
        """The log-probability of each label for each of n texts with ids (len,) and bounds (n + 1,): (n, C)."""
        documents, count = self._documents(ids, bounds), len(bounds) - 1
        labels = np.bincount(self.examples.targets, minlength=self.task.outputs)
        joint = np.empty((count, len(labels)))
        for k, model in enumerate(self.models):
            joint[:, k] = np.bincount(documents.example, model.log_probs(documents.ids), count)
        joint += np.log(np.maximum(labels, 1) / labels.sum())
        peak = joint.max(1, keepdims=True)
        log_p: Array = joint - peak - np.log(np.exp(joint - peak).sum(1, keepdims=True))
        return log_p

    def predict(self, batch: ExampleBatch) -> Array:
        """The probabilities of the labels of a batch, (N, C), as TaskNetwork.predict() gives them."""
        inside = np.arange(len(batch.x)) < batch.lengths[:, None]
        return np.exp(self.log_p(batch.x.T[inside], np.concatenate([[0], np.cumsum(batch.lengths)])))

    def _documents(self, ids: Array, bounds: Array) -> EndedExamples:
        end = len(self.vocab.symbols) - 1
        shifted = np.where(ids == end, end + 1, ids)  # the unknown id of a vocabulary without END
        example = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        return EndedExamples(
            np.insert(shifted, bounds[1:], end), np.insert(example, bounds[1:], np.arange(len(bounds) - 1))
        )


@dataclass(frozen=True)
class ChosenOrder:
    """A classifier of the order that was best, and the accuracy by which it was chosen for each order tried."""

    model: NGramClassifier
    accuracies: dict[int, float]


def choose_order(
    vocab: Vocab, train: Examples, valid: Examples, classes: int, highest: int, smoothing: Smoothing = "kneser-ney"
) -> ChosenOrder:
    """Count the classifier whose order classifies the validation examples best.

    Orders are tried from 1 on, until one is no better than the one before. Without validation examples, every tenth
    training example decides, and the others are counted for it.

    Arguments:
        vocab: of the examples, with an unknown character.
        train, valid: the examples, with a label each; `valid` may be empty.
        classes: C.
        highest: the last order that is tried, 1 or more.
        smoothing: as for NGram.
    """
    counted, held_out = train, valid
    if not len(valid):
        tenth = np.arange(len(train)) % ORDER_HELD_OUT == ORDER_HELD_OUT - 1
        counted, held_out = train.chosen(np.flatnonzero(~tenth)), train.chosen(np.flatnonzero(tenth))

    accuracies: dict[int, float] = {}
    best: NGramClassifier | None = None
    for order in range(1, highest + 1):
        model = NGramClassifier(vocab, counted, classes, order, smoothing)
        right = model.log_p(held_out.ids, held_out.bounds).argmax(1) == held_out.targets
        accuracies[order] = float(right.mean()) if len(right) else 0.0
        if best is not None and accuracies[order] <= accuracies[best.order]:
            break
        best = model
    assert best is not None, "the highest order is at least 1"
    if not len(valid):
        best = NGramClassifier(vocab, train, classes, best.order, smoothing)
    return ChosenOrder(best, accuracies)
