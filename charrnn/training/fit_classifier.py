"""Counts the n-grams of labels: what `charrnn train` does for task: classify with model.cell: ngram.

The validation split chooses their order, up to model.order. The checkpoint holds the training examples as ids, with
their labels; the n-grams are counted again when it is used.
"""

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import ExampleCorpus, rules_of
from charrnn.evaluation import validation_figures
from charrnn.models import NGramClassifier, TaskModel, choose_order
from charrnn.training.example_checks import with_format


@dataclass(frozen=True)
class FittedClassifier:
    """Counted n-grams of labels.

    Attributes:
        model: the classifier; its config has the order that was chosen.
        ngrams: its n-grams.
        corpus: its examples.
        accuracies: for each order that was tried, the share of validation examples that it classifies right.
        figures: of the validation split, by the names of train.best; none without that split.
        seconds: the time of counting, for all orders.
    """

    model: TaskModel
    ngrams: NGramClassifier
    corpus: ExampleCorpus
    accuracies: dict[int, float]
    figures: dict[str, float]
    seconds: float

    @property
    def config(self) -> Config:
        """The settings, with the order that was chosen."""
        return self.model.config

    @property
    def best(self) -> float | None:
        """The validation figure of train.best."""
        return self.figures.get(self.config.train.best)

    @property
    def record(self) -> dict[str, Any]:
        """The record of the log, as JSON data."""
        chars = len(self.corpus.train.examples.ids)
        return {
            "step": 1,
            "epoch": 1,
            "chars": chars,
            "valid_loss": None,
            **{f"valid_{name}": value for name, value in self.figures.items()},
            "seconds": round(self.seconds, 3),
            "chars_per_second": round(chars / self.seconds),
        }

    @property
    def arrays(self) -> dict[str, Array]:
        """What the checkpoint holds: the training examples."""
        examples, labels = self.ngrams.examples, self.corpus.labels
        return {
            "text": examples.ids.astype(np.min_scalar_type(self.corpus.vocab.size)),
            "bounds": examples.bounds,
            "targets": examples.targets.astype(np.min_scalar_type(len(labels))),
        }


def count_classifier(config: Config, corpus: ExampleCorpus) -> FittedClassifier:
    """Count the n-grams of each label, and score the validation split if there is one; write nothing."""
    began = perf_counter()
    train, valid, model = corpus.train.examples, corpus.valid.examples, config.model
    chosen = choose_order(corpus.vocab, train, valid, len(corpus.labels), model.order, model.smoothing)
    seconds = perf_counter() - began
    complete = with_format(replace(config, model=replace(model, order=chosen.model.order)))
    classifier = TaskModel(complete, chosen.model, corpus.vocab, corpus.labels, rules_of(complete))
    figures = validation_figures(classifier, corpus.valid)[0] if len(corpus.valid) else {}
    return FittedClassifier(classifier, chosen.model, corpus, chosen.accuracies, figures, seconds)
