"""What does not change during a run, and what its diagnosis is judged against."""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config

UNIGRAM_CHARS = 1_000_000  # characters from which the unigram entropy is estimated


@dataclass(frozen=True)
class RunFacts:
    """Config, characters to train on, parameters, vocabulary size, and the unigram entropy of the text in nats."""

    config: Config
    chars: int
    parameters: int
    vocab_size: int
    unigram_entropy: float

    @classmethod
    def of(cls, config: Config, ids: Array, parameters: int, vocab_size: int) -> "RunFacts":
        """The facts of a run on the training text `ids`, (len,)."""
        return cls(config, len(ids), parameters, vocab_size, unigram_entropy(ids[:UNIGRAM_CHARS]))


def unigram_entropy(ids: Array) -> float:
    """The entropy of the characters of `ids`, (len,), each taken by itself, in nats (Shannon 1948)."""
    shares = np.bincount(ids) / len(ids)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
