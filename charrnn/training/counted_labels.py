"""At the end of training a classifier: would n-grams that are counted in a moment find more labels?

On names and sentences they often do, and sometimes a vote of both does. Only one label for each text can be counted.
Nothing is written or printed here.
"""

from dataclasses import dataclass, replace

import numpy as np

from charrnn.data import ExampleCorpus
from charrnn.models import load_checkpoint
from charrnn.training.counted import countable, counting_commands
from charrnn.training.fit_classifier import count_classifier
from charrnn.training.loop import Run

MAX_CHARS = 1 << 20  # of the training texts: counting and predicting then take a few seconds at most
WORTH_TELLING = 0.01  # of the validation examples, that must be right beyond those of the network


@dataclass(frozen=True)
class CountedLabels:
    """The n-grams of each label beside a network: shares of the same validation examples that are right.

    Attributes:
        order: of the n-grams, chosen on the validation split.
        ngrams, network: each alone; the network is the best of its run.
        vote: both, by mean probability.
    """

    order: int
    ngrams: float
    network: float
    vote: float


def count_labels_beside(run: Run) -> CountedLabels | None:
    """Count the n-grams of each label, and predict the validation split by them, by the network, and by both.

    Returns None for a run whose examples do not have one label each, for a run without a validation split or a best
    checkpoint, for more than MAX_CHARS, and for examples from standard input, which could not be read again.
    """
    corpus, config = run.corpus, run.config
    if not isinstance(corpus, ExampleCorpus) or config.task != "classify" or config.model.output != "softmax":
        return None
    directory = countable(run, len(corpus.train.examples.ids), MAX_CHARS)
    if directory is None or not len(corpus.valid):
        return None
    counted = count_classifier(replace(config, model=replace(config.model, cell="ngram")), corpus)
    models = (counted.model, load_checkpoint(directory.best).task_model)
    valid = corpus.valid.examples
    ngrams, network = (np.asarray(model.predict_examples(valid)) for model in models)
    shares = [float((p.argmax(1) == valid.targets).mean()) for p in (ngrams, network, ngrams + network)]
    return CountedLabels(counted.config.model.order, *shares)


def counted_labels_lines(run: Run) -> list[str]:
    """What to tell about n-grams at the end of a run: nothing if they would not help."""
    found = count_labels_beside(run)
    if found is None or max(found.ngrams, found.vote) < found.network + WORTH_TELLING or run.directory is None:
        return []
    if found.ngrams > found.network:
        voting = f"; a vote of both {found.vote:.1%}" if found.vote > found.ngrams else ""
        line = (
            f"N-grams of up to {found.order} characters, counted in a moment, have {found.ngrams:.1%} of this "
            f"validation split right{voting}; this network has {found.network:.1%}."
        )
    else:
        line = (
            f"A vote with n-grams of up to {found.order} characters, which are counted in a moment, has "
            f"{found.vote:.1%} of this validation split right; this network has {found.network:.1%}."
        )
    return [line, *counting_commands(run.directory, "--set model.cell=ngram")]
