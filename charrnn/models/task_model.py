"""TaskModel: a trained classifier or tagger with all that it needs to read a text. It predicts; it trains nothing.

Shapes: n examples, C labels or columns, len symbols of a text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import ExampleRules, Examples, Labels, Vocab, encode_texts, padded
from charrnn.models.ngram_classifier import SYMBOL_BYTES, NGramClassifier
from charrnn.models.task_network import Task, TaskNetwork
from charrnn.processes import Map

BATCH_SIZE = 128  # with more, the memory of a batch of short texts no longer fits into the cache
LONG_TEXT = 1000  # symbols, of which the memory of a text is extrapolated
MAX_BATCH_SYMBOLS = 1 << 16  # of a batch, padding included: long texts are predicted in smaller batches


def task_of(
    config: Config,
    vocab: Vocab,
    labels: Labels,
    class_weights: tuple[float, ...] | None = None,
    label_smoothing: float = 0.0,
) -> Task:
    """What the network of a config reads and predicts; the last two arguments matter for training only."""
    model = config.model
    tag = config.task == "tag"
    return Task(
        vocab_size=vocab.size,
        outputs=len(labels),
        tag=tag,
        output=model.output,
        bidirectional=model.bidirectional is not False,
        pooling=model.pooling,
        input_dropout=model.input_dropout,
        unknown_id=vocab.size - 1,  # the vocabulary of a task always has an unknown symbol
        class_weights=class_weights,
        label_smoothing=label_smoothing,
    )


@dataclass
class TaskModel:
    """A classifier or a tagger.

    Attributes:
        config: the settings of its run.
        network: the trained network, or the counted n-grams.
        vocab: the symbols that it reads.
        labels: what it predicts.
        rules: how its examples are read.
        thresholds: for each yes/no label the probability from which it is predicted; empty if they were not fitted.
    """

    config: Config
    network: TaskNetwork | NGramClassifier
    vocab: Vocab
    labels: Labels
    rules: ExampleRules
    thresholds: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """The number of parameters, or of n-grams."""
        return self.network.size if isinstance(self.network, NGramClassifier) else self.network.params.size

    @property
    def symbol_bytes(self) -> float:
        """The memory that predicting takes for each symbol of a long text, in bytes, about."""
        if isinstance(self.network, NGramClassifier):
            return SYMBOL_BYTES
        return self.network.tape_bytes(LONG_TEXT, 1, training=False) / LONG_TEXT

    def predict(self, sources: Sequence[str], batch_size: int = BATCH_SIZE) -> Array | list[Array]:
        """Predict the targets of texts, which are folded and spelled as the training text was.

        Arguments:
            sources: texts, n of them; a symbol that the model does not know is read as unknown.
            batch_size: examples that are read at once.

        Returns:
            To classify: (n, C) probabilities, or numbers in their own unit; NaN for an empty text. To tag: for each
            text its symbols' probabilities, (len, C).
        """
        texts = [self.rules.text.spell(self.rules.text.fold(source)) for source in sources]
        ids, bounds = encode_texts(texts, self.vocab)
        return self.predict_examples(Examples(ids, bounds, self._no_targets(len(texts), len(ids))), batch_size)

    def predict_examples(
        self, examples: Examples, batch_size: int = BATCH_SIZE, spread: Map = map
    ) -> Array | list[Array]:
        """Predict the targets of examples in the vocabulary of the model; those that they have are not used.

        Arguments:
            examples: n of them.
            batch_size: examples that are read at once.
            spread: calls a function for each batch, as map() does.

        Returns:
            As predict() does, in the order of the examples.
        """
        bounds = examples.bounds
        if self.network.task.tag:
            flat = self.predict_symbols(examples, batch_size, spread)
            return [flat[start:stop] for start, stop in pairwise(bounds.tolist())]
        predicted = np.full((len(examples), len(self.labels)), np.nan)
        for rows, own in self._batches(examples, batch_size, spread):
            predicted[rows] = own
        return self.labels.restore(predicted) if self.network.task.output == "linear" else predicted

    def predict_symbols(self, examples: Examples, batch_size: int = BATCH_SIZE, spread: Map = map) -> Array:
        """The probabilities of the labels of all symbols side by side, (len, C); of a tagger."""
        predicted = np.empty((len(examples.ids), len(self.labels)))
        for rows, own in self._batches(examples, batch_size, spread):
            for k, (row, length) in enumerate(zip(rows.tolist(), examples.lengths[rows].tolist(), strict=True)):
                start = int(examples.bounds[row])
                predicted[start : start + length] = own[:length, k]
        return predicted

    def _no_targets(self, count: int, symbols: int) -> Array:
        return np.full(symbols if self.network.task.tag else count, -1)

    def _batches(self, examples: Examples, batch_size: int, spread: Map) -> Iterator[tuple[Array, Array]]:
        """Predict batch by batch, the longest examples first; an empty example is in none.

        Yields the positions (N,) of a batch's examples, and their predictions as TaskNetwork.predict() gives them.
        """
        lengths = examples.lengths
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        batches = []
        while len(order):
            size = min(batch_size, max(MAX_BATCH_SYMBOLS // int(lengths[order[0]]), 1))
            batches.append(order[:size])
            order = order[size:]
        yield from zip(batches, spread(partial(self._predict_batch, examples), batches), strict=True)

    def _predict_batch(self, examples: Examples, rows: Array) -> Array:
        return self.network.predict(padded(examples, rows))
