"""Facts of a run that do not change while it trains; its diagnosis is judged against them."""

from dataclasses import dataclass
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config

# Characters from which the unigram entropy is estimated.
UNIGRAM_CHARS = 1_000_000


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run.

    Attributes:
        config: the settings.
        chars: characters of the training text.
        parameters: scalars of the model.
        vocab_size: characters that the model knows.
        unigram_entropy: the loss in nats per character of knowing only how frequent each character is; for examples,
            how frequent each label is, or the mean of each number; for pairs, each symbol of their targets.
        example_guessing: for examples, the loss of a model that knows nothing; None for a text.
    """

    config: Config
    chars: int
    parameters: int
    vocab_size: int
    unigram_entropy: float
    example_guessing: float | None = None

    @classmethod
    def of(cls, config: Config, ids: Array, parameters: int, vocab_size: int) -> "RunFacts":
        """Return the facts of a run on the training text `ids`, (len,)."""
        return cls(config, len(ids), parameters, vocab_size, unigram_entropy(ids[:UNIGRAM_CHARS]))

    @property
    def guessing(self) -> float:
        """The loss of a model that knows nothing."""
        return log(self.vocab_size) if self.example_guessing is None else self.example_guessing

    @property
    def simplest(self) -> str:
        """What a model knows whose loss is the unigram entropy, for messages."""
        if self.config.task == "classify" and self.config.model.output == "linear":
            return "the mean of each number"
        predicted = {"language": "character", "translate": "symbol"}.get(self.config.task, "label")
        return f"how frequent each {predicted} is"

    @property
    def read(self) -> str:
        """What a model is trained on, for messages."""
        return "text" if self.example_guessing is None else "examples"


def unigram_entropy(ids: Array) -> float:
    """Return the entropy in nats of the distribution of single characters in `ids`, (len,) (Shannon 1948)."""
    shares = np.bincount(ids) / len(ids)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def target_entropy(targets: Array, output: str) -> float:
    """Return the loss of knowing only how frequent each label is, or the mean of each column of numbers.

    Arguments:
        targets: those of examples, see Examples.
        output: softmax, sigmoid or linear.
    """
    if output == "softmax":
        present = targets[targets >= 0]
        return unigram_entropy(present) if len(present) else 0.0
    if output == "linear":
        return 1.0  # they are standardised
    there = ~np.isnan(targets)
    counts = there.sum(0)
    yes = np.where(there, targets, 0).sum(0) / np.maximum(counts, 1)
    answers = np.stack([yes, 1 - yes])
    entropies = -(answers * np.log(np.maximum(answers, np.finfo(float).tiny))).sum(0)
    return float((entropies * counts).sum() / max(counts.sum(), 1))
