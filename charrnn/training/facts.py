"""Facts of a run that do not change while it trains; its diagnosis is judged against them."""

from dataclasses import dataclass

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
        unigram_entropy: the loss in nats per character of knowing only how frequent each character is.
    """

    config: Config
    chars: int
    parameters: int
    vocab_size: int
    unigram_entropy: float

    @classmethod
    def of(cls, config: Config, ids: Array, parameters: int, vocab_size: int) -> "RunFacts":
        """Return the facts of a run on the training text `ids`, (len,)."""
        return cls(config, len(ids), parameters, vocab_size, unigram_entropy(ids[:UNIGRAM_CHARS]))


def unigram_entropy(ids: Array) -> float:
    """Return the entropy in nats of the distribution of single characters in `ids`, (len,) (Shannon 1948)."""
    shares = np.bincount(ids) / len(ids)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
