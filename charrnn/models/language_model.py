"""The one contract that scoring and sampling know: a LanguageModel. It holds no code.

A network satisfies it; so does an n-gram. Anything that can start, predict and read on can be evaluated
and sampled by the same commands. Shapes: T steps, N streams, V vocabulary.
"""

from typing import Any, Protocol

from charrnn.arrays import Array
from charrnn.data import Vocab


class LanguageModel(Protocol):
    """A distribution over the next character, given all the characters before it."""

    @property
    def vocab(self) -> Vocab:
        """The characters that it knows, and their ids."""

    def start(self, streams: int) -> Any:
        """The state of N streams before any character."""

    def predict(self, state: Any) -> Array:
        """Logits (N, V) of the next character in each stream."""

    def decoder(self) -> "LanguageModel":
        """This model as it is now, made ready to read one character after the other; it may be the model itself."""

    def feed(self, ids: Array, state: Any) -> Array:
        """Read ids (T, N); move the state on in place; logits (T, N, V) of the character after each.

        The array may be reused by the next call: copy what is to be kept.
        """
