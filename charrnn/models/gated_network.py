"""GatedNetwork: a network and an n-gram of its training text, mixed by the network's gate. It is a LanguageModel.

p(y) = g p_network(y) + (1 - g) p_ngram(y), where the network computes g anew for each character; see nn/gated.py.

Shapes: T steps, N streams, V vocabulary.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.models.language_model import ReadCharacter
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from charrnn.nn import log_softmax_


@dataclass(frozen=True)
class GatedNetwork:
    """A network with a gate, and the n-gram that it was trained to be mixed with; its state is the list of theirs."""

    network: Network
    ngram: NGram

    @property
    def vocab(self) -> Vocab:
        """The characters and their ids."""
        return self.network.vocab

    @property
    def size(self) -> int:
        """The number of parameters of the network."""
        return self.network.size

    def start(self, streams: int = 1) -> list[Any]:
        """The state of N streams before any character."""
        return [self.network.start(streams), self.ngram.start(streams)]

    def select(self, state: list[Any], streams: Array) -> list[Any]:
        """The state of the streams at positions (K,) of `state`; a copy."""
        return [self.network.select(state[0], streams), self.ngram.select(state[1], streams)]

    def predict(self, state: list[Any]) -> Array:
        """ln p (N, V) of the next character in each stream."""
        return mixed(self.network.predict_scores(state[0]), self.ngram.predict(state[1]))

    def feed(self, ids: Array, state: list[Any]) -> Array:
        """Read ids (T, N) and move the state on; ln p (T, N, V) of the character after each."""
        return mixed(self.network.feed_scores(ids, state[0]), self.ngram.feed(ids, state[1]))

    def stepper(self, state: list[Any]) -> ReadCharacter:
        """A function that reads one id of each stream, moves `state` on, and returns ln p (N, V) of the next."""
        read, count = self.network.step_scores(state[0]), self.ngram.stepper(state[1])
        return lambda ids: mixed(read(ids), count(ids))


def without_gate(network: Network) -> Network:
    """A network with a gate as one without: the same logits, in memory of its own."""
    alone = Network(replace(network.config, ngram=0), network.vocab, network.dtype)
    for name, value in alone.params.value.items():
        value[...] = network.params.value[name][..., : value.shape[-1]]  # the gate is the last column of the output's
    return alone


def mixed(scores: Array, counted: Array) -> Array:
    """ln p of the mixture, in float64.

    Arguments:
        scores: of the head, (..., V + 1): logits, and the gate before its sigmoid.
        counted: ln p of the n-gram, (..., V).
    """
    scores = scores.astype(np.float64)
    gate = scores[..., -1:]
    own, other = -np.logaddexp(0, -gate), -np.logaddexp(0, gate)  # ln g and ln(1 - g)
    logs: Array = np.logaddexp(own + log_softmax_(scores[..., :-1]), other + counted)
    return logs
