"""LanguageModel: the contract between models and the code that scores and samples. It holds no code.

A network satisfies it, and so does an n-gram. The state of a model is opaque to its users: start() makes it, and feed()
and the function that stepper() returns move it on in place. To read single characters fast:

    state = model.start(streams)
    read = model.stepper(state)
    logits = read(ids)  # again and again; feed() may move the same state on in between

Shapes: T steps, N streams, V vocabulary.
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
        """The characters and their ids."""

    def start(self, streams: int) -> Any:
        """The state of N streams before any character."""

    def select(self, state: Any, streams: Array) -> Any:
        """The state of some of the streams of `state`, at positions (K,), as a state of its own.

        A position may occur more than once: what follows a beginning can then be tried side by side.
        """

    def predict(self, state: Any) -> Array:
        """Logits (N, V) of the next character in each stream."""

    def feed(self, ids: Array, state: Any) -> Array:
        """Read ids (T, N) and move the state on in place.

        Returns:
            Logits (T, N, V) of the character after each. The next call may overwrite them.
        """

    def stepper(self, state: Any) -> ReadCharacter:
        """Return a function that reads one id of each stream, (N,), and moves `state` on in place.

        It is the fast way to read many single characters. It uses the model as it is now: later changes of parameters
        do not count. It returns logits (N, V) of the next character, which its next call may overwrite.
        """
