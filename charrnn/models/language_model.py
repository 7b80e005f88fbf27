"""The one contract that scoring and sampling know: a LanguageModel. It holds no code.

A network satisfies it, and so does an n-gram. Anything that can start, predict and read on can be evaluated and
sampled by the same commands. Shapes: T steps, N streams, V vocabulary.
"""

from collections.abc import Callable
from typing import Any, Protocol

from charrnn.arrays import Array
from charrnn.data import Vocab

ReadCharacter = Callable[[Array], Array]  # ids (N,) -> logits (N, V) of the next characters


class LanguageModel(Protocol):
    """A distribution over the next character, given all the characters before it."""

    @property
    def vocab(self) -> Vocab:
        """The characters that it knows, and their ids."""

    def start(self, streams: int) -> Any:
        """The state of N streams before any character."""

    def predict(self, state: Any) -> Array:
        """Logits (N, V) of the next character in each stream."""

    def feed(self, ids: Array, state: Any) -> Array:
        """Read ids (T, N) and move the state on in place.

        Returns:
            Logits (T, N, V) of the character after each. The array may be reused by the next call.
        """

    def stepper(self, state: Any) -> ReadCharacter:
        """A function that reads one id of each stream, (N,), and moves `state` on: fast for many single characters.

        It uses the model as it is now. Its result, logits (N, V) of the next character, may be reused by the next call.
        """
