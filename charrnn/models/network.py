"""Network: a configuration and a vocabulary made into input, stack and head; a LanguageModel.

Shapes: T steps, N streams, V vocabulary, L layers, S states, H hidden units. Parameters live in one Params; the state
(L, S, N, H) belongs to the caller and so does the Tape of a training step. No optimizer, no text, no files but its own.

"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, zeros
from charrnn.config import ModelConfig
from charrnn.data import Batch, Vocab
from charrnn.errors import ConfigError
from charrnn.nn import Decoder, NextCharacter, Params, Stack, StackTape, make_cell


@dataclass
class Tape:
    """Memory of one forward/backward pair: the stack's and the logits (T * N, V)."""

    stack: StackTape
    logits: Array
    h: Array | None = None  # rows (T * N, H) that the head read in the latest forward
    dropped: bool = False


class Network:
    """A recurrent character model.

    Arguments: `config`, the model section; `vocab`; `dtype`, float32 to train, float64 (or complex128) to check;
    `values` and `grads`, memory for the parameters and their gradients, as in Params.
    Attributes: `params`, all zero until initialise() or load().
    """

    def __init__(
        self,
        config: ModelConfig,
        vocab: Vocab,
        dtype: npt.DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
    ) -> None:
        if config.cell == "ngram":
            raise ConfigError("model.cell: ngram is counted, not trained step by step; use charrnn.fit")
        self.config, self.dtype = config, np.dtype(dtype)
        self._vocab = vocab
        cell = make_cell(config.cell, config.activation, config.reset)
        self.stack = Stack(
            cell, vocab.size, config.embedding_size, config.hidden_size, config.num_layers, config.dropout
        )
        self.head = NextCharacter(config.hidden_size, vocab.size)
        self.params = Params(self.stack.shapes() | self.head.shapes(), dtype, values, grads)
        self._tape: Tape | None = None  # memory of feed(), for the latest shape; holds no state
        self._fixed = False  # whether parameters will not change any more
        self._decoder: Decoder | None = None  # of the latest state that read a single character, where they will not

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels to another process as config, vocabulary and parameters; gradients and memory stay behind."""
        return Network, (self.config, self.vocab, self.dtype, self.params.values)

    @property
    def vocab(self) -> Vocab:
        """The characters that it knows, and their ids."""
        return self._vocab

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return self.params.size

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw all parameters, biases too, by config.init; the LSTM's forget bias is then set.

        Biases of zero would start all units of a layer alike: after one epoch on a small corpus that costs 0.04 nats.
        """
        scheme, hidden = self.config.init.scheme, self.config.hidden_size
        scale = self.config.init.scale or (0.08 if scheme in ("uniform", "normal") else 1.0)
        width = scale if scheme == "uniform" else scale / sqrt(hidden)
        for name, value in self.params.value.items():
            if scheme == "orthogonal" and name.startswith("weight_hh"):
                for plane in value:
                    q, r = np.linalg.qr(rng.standard_normal(plane.shape))
                    plane[...] = scale * q * np.sign(np.diagonal(r))
            elif scheme == "normal":
                value[...] = scale * rng.standard_normal(value.shape)
            else:
                value[...] = rng.uniform(-width, width, value.shape)
        if self.config.cell == "lstm":
            for layer in self.stack.layers:
                layer.bind(self.params.value).b[layer.cell.gates.index("f")] = self.config.forget_bias

    # -- training -------------------------------------------------------------------------------------------------

    def tape(self, length: int, streams: int, training: bool = True) -> Tape:
        """Memory for windows of up to `length` steps of `streams` streams."""
        stack = self.stack.tape(length, streams, self.dtype, training)
        return Tape(stack, zeros((length * streams, self.vocab.size), self.dtype))

    def tape_bytes(self, length: int, streams: int, training: bool = True) -> int:
        """How many bytes tape() will take."""
        scalars = self.stack.tape_scalars(length, streams, training) + length * streams * self.vocab.size
        return scalars * self.dtype.itemsize

    def forward(self, batch: Batch, state: Array, tape: Tape, rng: np.random.Generator | None = None) -> Any:
        """The mean loss of a window in nats per character; moves `state` on. Values are dropped only with `rng`.

        The mean is over batch.count: of a shard, it is that shard's part of the mean. Sums in float64. Zeroing
        the state of a fresh batch is the caller's part.
        """
        length, streams = batch.x.shape
        top = self.stack.forward(self.params.value, batch.x, state, tape.stack, rng)
        tape.h, tape.dropped = top.reshape(length * streams, -1), rng is not None
        logits = self.head.logits(self.params.value, tape.h, out=tape.logits[: length * streams])
        nats = self.head.loss_(logits, batch.y.reshape(-1))
        if batch.weight is not None:
            nats *= batch.weight.reshape(-1)
        return nats.sum(dtype=np.result_type(self.dtype, np.float64)) / batch.count

    def backward(self, batch: Batch, tape: Tape) -> None:
        """The gradient of the mean loss that forward() returned, into params.grads, which is overwritten."""
        length, streams = batch.x.shape
        value, grad = self.params.value, self.params.grad
        assert tape.h is not None, "forward() comes first"
        weight: Array | float = 1 / batch.count
        if batch.weight is not None:
            weight = batch.weight.reshape(-1).astype(self.dtype) / batch.count
        dh = self.stack.dh_view(tape.stack, length, self.config.hidden_size)
        probs = tape.logits[: length * streams]
        targets = batch.y.reshape(-1)
        self.head.backward(value, grad, tape.h, probs, targets, weight, dh.reshape(length * streams, -1))
        self.stack.backward(value, grad, batch.x, dh, tape.stack, tape.dropped)

    # -- LanguageModel --------------------------------------------------------------------------------------------

    def start(self, streams: int = 1) -> Array:
        """The state of N streams before any character: zeros (L, S, N, H)."""
        return self.stack.state(streams, self.dtype)

    def decoder(self) -> "Network":
        """A copy, never to be trained, that reads single characters up to five times as fast, one state at a time."""
        copy = Network(self.config, self.vocab, self.dtype, self.params.values.copy(), self.params.grads)
        copy._fixed = True
        return copy

    def predict(self, state: Array) -> Array:
        """Logits (N, V) of the next character in each stream."""
        return self.head.logits(self.params.value, state[-1, 0])

    def feed(self, ids: Array, state: Array) -> Array:
        """Read ids (T, N) and move `state` on; logits (T, N, V) of the character after each, until the next feed()."""
        length, streams = ids.shape
        if self._fixed and length == 1:
            if self._decoder is None or self._decoder.state is not state:
                self._decoder = Decoder(self.stack, self.head, self.params.value, state)
            return self._decoder.step(ids[0])[None]
        tape = self._tape
        if tape is None or tape.stack.streams != streams or tape.stack.length < length:
            tape = self._tape = self.tape(length, streams, training=False)
        h = self.stack.forward(self.params.value, ids, state, tape.stack, None)
        out = tape.logits[: length * streams]
        self.head.logits(self.params.value, h.reshape(length * streams, -1), out=out)
        return out.reshape(length, streams, -1)
