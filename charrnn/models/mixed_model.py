"""MixedModel: several language models that read the same text, as one. Their probabilities are averaged with weights.

p(y) = sum of w_k p_k(y), so that the probabilities of the mixture sum to one (Jelinek and Mercer 1980).

Shapes: T steps, N streams, V vocabulary, K models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.models.language_model import LanguageModel, ReadCharacter
from charrnn.nn import log_softmax_


@dataclass(frozen=True)
class MixedModel:
    """A mixture of language models. It is a LanguageModel itself; its state is the list of their states.

    Attributes:
        models: of one vocabulary.
        weights: of the models, above 0; they sum to 1.
    """

    models: Sequence[LanguageModel]
    weights: Sequence[float]

    @property
    def vocab(self) -> Vocab:
        """The characters and their ids."""
        return self.models[0].vocab

    def start(self, streams: int) -> Any:
        """The state of N streams before any character."""
        return [model.start(streams) for model in self.models]

    def select(self, state: Any, streams: Array) -> Any:
        """The state of the streams at positions (K,) of `state`; a copy."""
        return [model.select(own, streams) for model, own in zip(self.models, state, strict=True)]

    def predict(self, state: Any) -> Array:
        """ln p (N, V) of the next character in each stream."""
        return self._mixed([model.predict(own) for model, own in zip(self.models, state, strict=True)])

    def feed(self, ids: Array, state: Any) -> Array:
        """Read ids (T, N) and move the state on; ln p (T, N, V) of the character after each."""
        return self._mixed([model.feed(ids, own) for model, own in zip(self.models, state, strict=True)])

    def stepper(self, state: Any) -> ReadCharacter:
        """A function that reads one id of each stream, moves `state` on, and returns ln p (N, V) of the next."""
        readers = [model.stepper(own) for model, own in zip(self.models, state, strict=True)]
        return lambda ids: self._mixed([read(ids) for read in readers])

    def _mixed(self, logits: Sequence[Array]) -> Array:
        """ln p of the mixture, of the logits that each model gives; any leading axes, then V."""
        p = np.zeros(logits[0].shape)
        for weight, own in zip(self.weights, logits, strict=True):
            p += weight * np.exp(log_softmax_(own.astype(np.float64)))
        with np.errstate(divide="ignore"):  # ln 0 is -inf, which is never drawn
            logs: Array = np.log(p)
        return logs
