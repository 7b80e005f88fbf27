"""Network: the recurrent network that a configuration and a vocabulary describe. It is a LanguageModel.

Shapes: T steps, N streams, V vocabulary, L layers, S states, H hidden units. Parameters live in one Params. The
state (L, S, N, H) belongs to the caller, and so does the Tape of a training step. This module knows no optimizer, no
text and no files.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.config import ModelConfig
from charrnn.data import Batch, Vocab
from charrnn.errors import ConfigError
from charrnn.models.dropping import Dropping, dropping_scalars
from charrnn.models.language_model import ReadCharacter
from charrnn.nn import (
    GatedCharacter,
    NextCharacter,
    Params,
    Stack,
    StackTape,
    Stepper,
    initialise_,
    make_cell,
)


def build_stack(config: ModelConfig, vocab_size: int, cut: bool = False) -> Stack:
    """The stack of a config; it holds sizes only. `cut`: whether documents begin inside windows.

    Raises ConfigError for an n-gram, which has no stack.
    """
    if config.cell == "ngram":
        raise ConfigError("model.cell: ngram is counted, not trained step by step; use charrnn.fit")
    cell = make_cell(config.cell, config.activation, config.reset)
    sizes = (config.embedding_size, config.hidden_size, config.num_layers, config.dropout)
    return Stack(cell, vocab_size, *sizes, cut=cut, skip_connections=config.skip_connections)


def build_head(config: ModelConfig, vocab_size: int) -> NextCharacter | GatedCharacter:
    """The head of a config; it holds sizes only. This is the only place that chooses one."""
    if config.ngram:
        return GatedCharacter(config.hidden_size, vocab_size)
    return NextCharacter(config.hidden_size, vocab_size)


def parameter_shapes(config: ModelConfig, vocab_size: int) -> dict[str, Shape]:
    """Name -> shape of every parameter of a network; allocates nothing."""
    return build_stack(config, vocab_size).shapes() | build_head(config, vocab_size).shapes()


def parameter_count(config: ModelConfig, vocab_size: int) -> int:
    """The number of parameters of a network; allocates nothing."""
    return sum(prod(shape) for shape in parameter_shapes(config, vocab_size).values())


def targets_of(batch: Batch) -> Array:
    """What the head learns of a window: ids (M,), or with teachers distributions (M, V)."""
    return batch.y.reshape(-1) if batch.soft is None else batch.soft.reshape(batch.y.size, -1)


@dataclass
class Tape:
    """Memory of one forward and backward pass."""

    stack: StackTape
    scores: Array  # (T * N, V), a column more with a gate: scores, and after forward() what the loss left
    dropping: Dropping
    h: Array | None = None  # rows (T * N, H) that the head read in the latest forward(); backward() may overwrite them


class Network:
    """A recurrent character model.

    With model.ngram it has a gate too, and learns to be mixed with an n-gram. As a LanguageModel it is still the
    network alone; a GatedNetwork is the mixture.

    Arguments:
        config: the model section.
        vocab: the characters.
        dtype: float32 to train, float64 (or complex128) to check.
        values, grads: memory for the parameters and their gradients, as in Params.

    Attributes: `stack` and `head`; `params`, all zero until initialise() or load().

    Raises:
        ConfigError: the config is that of an n-gram.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocab: Vocab,
        dtype: npt.DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
    ) -> None:
        self.config = config
        self.dtype = np.dtype(dtype)
        self._vocab = vocab
        self.stack = build_stack(config, vocab.size, cut=vocab.end_id is not None)
        self.head = build_head(config, vocab.size)
        self.params = Params(parameter_shapes(config, vocab.size), dtype, values, grads)
        self._tape: Tape | None = None  # memory of feed(), for the latest shape

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle config, vocabulary and parameters, without gradients and tapes."""
        return Network, (self.config, self.vocab, self.dtype, self.params.values)

    @property
    def vocab(self) -> Vocab:
        """The characters and their ids."""
        return self._vocab

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self.params.size

    @property
    def drops(self) -> bool:
        """Whether training drops values or weights."""
        config = self.config
        return bool(config.dropout or config.output_dropout or config.recurrent_dropout)

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw all parameters by config.init, then set the LSTM's forget bias."""
        init, named = self.config.init, self.params.value
        initialise_(named, init.scheme, init.scale, self.config.hidden_size, rng)
        if self.config.cell == "lstm":
            for layer in self.stack.layers:
                layer.bind(named).b[layer.cell.gates.index("f")] = self.config.forget_bias

    # -- training -----------------------------------------------------------------------------------------------------

    def tape(self, length: int, streams: int, training: bool = True) -> Tape:
        """Memory for windows of up to `length` steps of `streams` streams."""
        config, dtype = self.config, self.dtype
        return Tape(
            stack=self.stack.tape(length, streams, dtype, training),
            scores=zeros((length * streams, self.head.width), dtype),
            dropping=Dropping(config, self.params.value, (length, streams, config.hidden_size), dtype, training),
        )

    def tape_bytes(self, length: int, streams: int, training: bool = True) -> int:
        """How many bytes tape() will take."""
        scalars = self.stack.tape_scalars(length, streams, training) + length * streams * self.head.width
        if training:
            scalars += dropping_scalars(self.config, self.params.shapes, length * streams, self.config.hidden_size)
        return scalars * self.dtype.itemsize

    def forward(self, batch: Batch, state: Array, tape: Tape, rng: np.random.Generator | None = None) -> Any:
        """Run a window; arguments as for losses().

        Returns:
            The sum of the losses, in float64, divided by batch.count: the mean in nats per character, or a shard's part
            of the mean.
        """
        nats = self.losses(batch, state, tape, rng)
        return nats.sum(dtype=np.result_type(self.dtype, np.float64)) / batch.count

    def losses(self, batch: Batch, state: Array, tape: Tape, rng: np.random.Generator | None = None) -> Array:
        """Run a window.

        Arguments:
            batch: the window. The caller resets the state before a fresh batch.
            state: (L, S, N, H), moved on in place.
            tape: memory, from tape().
            rng: drops values; None drops none.

        Returns:
            The loss of each target, row by row (T * N,), in nats, times its weight.
        """
        length, streams = batch.x.shape
        keep = None if batch.begins is None else (~batch.begins[:, :, None]).astype(self.dtype)
        h = self.stack.forward(tape.dropping.begin(rng), batch.x, state, tape.stack, rng, keep)
        tape.h = tape.dropping.forward(h, rng).reshape(length * streams, -1)
        scores = self.head.scores(self.params.value, tape.h, out=tape.scores[: length * streams])
        targets = targets_of(batch)
        if isinstance(self.head, GatedCharacter) and batch.counted is not None:
            nats = self.head.mixed_loss_(scores, targets, batch.counted.reshape(-1))
        else:
            nats = self.head.loss_(scores, targets)
        if batch.weight is not None:
            nats *= batch.weight.reshape(-1)
        return nats

    def backward(self, batch: Batch, tape: Tape, state_gradients: list[Array] | None = None) -> None:
        """Write the gradient of the loss that forward() returned into params.grads; losses() may take its place.

        Arguments:
            batch, tape: as for forward(). The tape can be used for one backward pass only.
            state_gradients: for each layer an array (S, T, N, H) that takes the gradient of the state before each step.
        """
        assert tape.h is not None, "forward() comes first"
        length, streams = batch.x.shape
        grad, dropping = self.params.grad, tape.dropping
        weight: Array | float = 1 / batch.count
        if batch.weight is not None:
            weight = batch.weight.reshape(-1).astype(self.dtype) / batch.count
        dh = self.stack.dh_view(tape.stack, length, self.config.hidden_size)
        used_scores, targets = tape.scores[: length * streams], targets_of(batch)
        drows = dh.reshape(length * streams, -1)
        self.head.backward(self.params.value, grad, tape.h, used_scores, targets, weight, drows)
        dropping.backward(dh)
        self.stack.backward(dropping.value, grad, batch.x, dh, tape.stack, dropping.drawn, state_gradients)
        dropping.end(grad)

    # -- LanguageModel ------------------------------------------------------------------------------------------------

    def start(self, streams: int = 1) -> Array:
        """The state of N streams before any character, (L, S, N, H): zeros, or for documents what their end leaves.

        A document begins as if an end had just been read, so that its first character has a context.
        """
        state = self.stack.state(streams, self.dtype)
        if self.vocab.end_id is not None:
            self.feed(np.full((1, streams), self.vocab.end_id), state)
        return state

    def select(self, state: Array, streams: Array) -> Array:
        """The state (L, S, K, H) of the streams at positions (K,) of `state`; a copy."""
        selected = self.stack.state(len(streams), self.dtype)
        np.take(state, streams, axis=2, out=selected)
        return selected

    def predict(self, state: Array) -> Array:
        """Logits (N, V) of the next character in each stream."""
        return self.predict_scores(state)[:, : self.vocab.size]

    def feed(self, ids: Array, state: Array) -> Array:
        """Read ids (T, N) and move `state` on; logits (T, N, V) of the character after each, until the next feed()."""
        return self.feed_scores(ids, state)[:, :, : self.vocab.size]

    def stepper(self, state: Array) -> ReadCharacter:
        """A function that reads one id of each stream, moves `state` on, and returns logits (N, V) of the next.

        It copies the parameters, so it pays from about a dozen characters on.
        """
        read = self.step_scores(state)
        return (lambda ids: read(ids)[:, :-1]) if self.config.ngram else read

    # -- the scores of the head: logits, and with a gate one more column ----------------------------------------------

    def predict_scores(self, state: Array) -> Array:
        """The scores whose logits predict() returns."""
        return self.head.scores(self.params.value, self.stack.output(state))

    def feed_scores(self, ids: Array, state: Array) -> Array:
        """The scores whose logits feed() returns; it moves `state` on."""
        length, streams = ids.shape
        tape = self._tape
        if tape is None or tape.stack.streams != streams or tape.stack.length < length:
            tape = self._tape = self.tape(length, streams, training=False)
        h = self.stack.forward(self.params.value, ids, state, tape.stack)
        out = tape.scores[: length * streams]
        self.head.scores(self.params.value, h.reshape(length * streams, -1), out=out)
        return out.reshape(length, streams, -1)

    def step_scores(self, state: Array) -> ReadCharacter:
        """A function that returns the scores whose logits that of stepper() returns."""
        return Stepper(self.stack, self.head, self.params.value, state).step
