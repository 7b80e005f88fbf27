"""TranslateNetwork: an encoder reads a source, and a decoder writes a target and attends to the source.

    source ids (Ts, N) -> encoder -> memory (Ts, N, W) -> bridge -> first state of the decoder
    target ids (Tt, N) -> decoder -> s (Tt, N, H) -> attention to the memory -> (Tt, N, H) -> output layer -> (Tt, N, U)

While training, the decoder reads the target itself, one symbol behind (teacher forcing). To write, it reads what it has
written. The end of a target is a symbol; the decoder reads it first of all.

Shapes: Ts, Tt steps of source and target, N sources, B beginnings of each, H hidden units, W width of the memory, L
layers, S states, V and U symbols of sources and targets. A translation does not depend on the rest of its batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, zeros
from charrnn.config import ModelConfig
from charrnn.data import PairBatch
from charrnn.models.dropping import Dropping
from charrnn.models.translate_parts import DECODER, ENCODER, Parts, Translation, translate_tape_scalars
from charrnn.nn import (
    Attended,
    EncoderTape,
    Params,
    Pooled,
    Softmax,
    StackTape,
    initialise_,
    log_softmax_,
)


@dataclass
class TranslateTape:
    """Memory of one forward and backward pass for batches of N pairs; what is below None is set by forward()."""

    encoder: EncoderTape
    decoder: StackTape
    scores: Array  # (Tt * N, U), after forward() their gradient
    dstate: Array  # (L, S, N, H)
    dropping: Dropping
    ids: Array | None = None  # (Ts, N), what the encoder read
    memory: Array | None = None  # (Ts, N, W)
    pooled: Pooled | None = None
    state: Array | None = None  # (L, S, N, H), from which the decoder began
    attended: Attended | None = None
    rows: Array | None = None  # (Tt * N, H), what the output layer read


@dataclass
class Encoded:
    """Sources that have been read, and the state of what is written for them.

    Attributes:
        memory: (Ts, n, W).
        key: of attention, (Ts, n, H); None without it.
        lengths: (n,), of the sources.
        state: (L, S, n * B, H); those of one source side by side.
        weights: (n * B, Ts), where the latest step looked; None before the first, and without attention.
    """

    memory: Array
    key: Array | None
    lengths: Array
    state: Array
    weights: Array | None = None

    def select(self, sources: Array) -> "Encoded":
        """Some of the sources, at positions (K,), with the states as they are."""
        lengths = self.lengths[sources]
        longest = int(lengths.max(initial=0))
        key = None if self.key is None else self.key[:longest, sources]
        return Encoded(self.memory[:longest, sources], key, lengths, self.state)


class TranslateNetwork:
    """A network that translates.

    Arguments:
        config: the model section; encoder and decoder have its sizes.
        task: what it reads and writes.
        dtype: float32 to train, float64 (or complex128) to check.
        values, grads: memory for the parameters and their gradients, as in Params.

    Attributes: `parts`; `params`, all zero until initialise() or loading.
    """

    def __init__(
        self,
        config: ModelConfig,
        task: Translation,
        dtype: npt.DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
    ) -> None:
        self.config = config
        self.task = task
        self.dtype = np.dtype(dtype)
        self.parts = Parts.of(config, task)
        self.output = Softmax(task.target_size, None, task.label_smoothing)
        self.params = Params(self.parts.shapes(), dtype, values, grads)
        self._tape: EncoderTape | None = None  # memory of encode(), for the latest shape
        self._step_tape: StackTape | None = None  # memory of step(), for the latest number of rows

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle config, task and parameters, without gradients and tapes."""
        return TranslateNetwork, (self.config, self.task, self.dtype, self.params.values)

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw all parameters by config.init, then set the LSTM's forget biases."""
        init, named = self.config.init, self.params.value
        initialise_(named, init.scheme, init.scale, self.config.hidden_size, rng)
        if self.config.cell == "lstm":
            forget = self.parts.decoder.cell.gates.index("f")
            for name, value in named.items():
                if name.startswith((f"{ENCODER}bias_l", f"{DECODER}bias_l")):
                    value[forget] = self.config.forget_bias

    @property
    def drops(self) -> bool:
        """Whether training drops values or weights, or replaces symbols."""
        config = self.config
        return bool(config.dropout or config.output_dropout or config.recurrent_dropout or self.task.input_dropout)

    # -- memory -------------------------------------------------------------------------------------------------------

    def tape(self, source: int, target: int, streams: int, training: bool = True) -> TranslateTape:
        """Memory for batches of `streams` pairs of up to `source` and `target` steps, the end of a target included."""
        decoder, rows = self.parts.decoder, target * streams
        return TranslateTape(
            encoder=self.parts.encoder.tape(source, streams, self.dtype, training),
            decoder=decoder.tape(target, streams, self.dtype, training),
            scores=zeros((rows, self.task.target_size), self.dtype),
            dstate=decoder.state(streams, self.dtype),
            dropping=Dropping(self.config, self.params.value, (rows, self.config.hidden_size), self.dtype, training),
        )

    def tape_bytes(self, source: int, target: int, streams: int, training: bool = True) -> int:
        """How many bytes tape() and attention will take."""
        return translate_tape_scalars(self.config, self.task, source, target, streams, training) * self.dtype.itemsize

    # -- training -----------------------------------------------------------------------------------------------------

    def forward(self, batch: PairBatch, tape: TranslateTape, rng: np.random.Generator | None = None) -> Any:
        """Read a batch, sources and targets.

        Arguments:
            batch: N pairs, or none.
            tape: memory for N pairs, from tape().
            rng: drops values, and replaces symbols; None does neither.

        Returns:
            The sum of the losses, in float64, divided by batch.count: the mean in nats per target symbol, or a shard's
            part of the mean.
        """
        if not len(batch.lengths):
            return 0.0
        ids, unknown, parts = batch.x, self.task.unknown_id, self.parts
        if rng is not None and self.task.input_dropout and unknown is not None:
            ids = np.where(rng.random(ids.shape) < self.task.input_dropout, unknown, ids)
        tape.ids = ids
        value = tape.dropping.begin(rng)
        memory = parts.encoder.forward(part(value, ENCODER), ids, batch.lengths, tape.encoder, rng)
        tape.memory = memory
        tape.pooled, tape.state = parts.bridge.forward(value, memory, batch.lengths)
        s = parts.decoder.forward(part(value, DECODER), batch.y_in, tape.state.copy(), tape.decoder, rng)
        tape.attended = None
        if parts.attention:
            key = parts.attention.keys(value, memory)
            tape.attended = parts.attention.forward(value, s, memory, key, batch.lengths)
            s = tape.attended.output
        tape.rows = tape.dropping.forward(s.reshape(batch.y_in.size, -1), rng)
        scores = parts.output_layer.forward(value, tape.rows, out=tape.scores[: batch.y_in.size])
        losses = self.output.loss_(scores, batch.y_out.reshape(-1))
        return losses.sum(dtype=np.result_type(self.dtype, np.float64)) / batch.count

    def backward(self, batch: PairBatch, tape: TranslateTape) -> None:
        """Write the gradient of the loss that forward() returned into params.grads.

        The tape can be used for one backward pass only.
        """
        if not len(batch.lengths):
            self.params.grads[...] = 0
            return
        dropping, grad, parts = tape.dropping, self.params.grad, self.parts
        value = dropping.value
        ids, memory, pooled, state, rows = tape.ids, tape.memory, tape.pooled, tape.state, tape.rows
        assert ids is not None, "forward() comes first"
        assert memory is not None
        assert pooled is not None
        assert state is not None
        assert rows is not None
        length = len(batch.y_in)
        ds = parts.decoder.dh_view(tape.decoder, length, self.config.hidden_size)
        dmemory = parts.encoder.dh_view(tape.encoder, len(ids))
        dscores = tape.scores[: len(rows)]
        dscores *= 1 / batch.count
        drows = np.empty_like(rows)
        parts.output_layer.backward(value, grad, rows, dscores, drows)
        dropping.backward(drows)
        doutput = drows.reshape(ds.shape)
        if parts.attention and tape.attended:
            parts.attention.backward(value, grad, doutput, tape.attended, memory, ds, dmemory)
        else:
            ds[...] = doutput
            dmemory[...] = 0
        own = part(value, DECODER), part(grad, DECODER)
        before = [dstate[:, None] for dstate in tape.dstate]
        parts.decoder.backward(*own, batch.y_in, ds, tape.decoder, dropping.drawn, before)
        parts.bridge.backward(value, grad, tape.dstate, pooled, state, dmemory)
        own = part(value, ENCODER), part(grad, ENCODER)
        parts.encoder.backward(*own, ids, dmemory, tape.encoder, dropping.drawn)
        dropping.end(grad)

    # -- writing ------------------------------------------------------------------------------------------------------

    def encode(self, batch: PairBatch) -> Encoded:
        """Read the sources of a batch, at least one; its targets are not used."""
        length, streams = batch.x.shape
        tape, encoder, value = self._tape, self.parts.encoder, self.params.value
        if tape is None or tape.streams != streams or tape.length < length:
            tape = self._tape = encoder.tape(length, streams, self.dtype, training=False)
        memory = encoder.forward(part(value, ENCODER), batch.x, batch.lengths, tape).copy()
        _, state = self.parts.bridge.forward(value, memory, batch.lengths)
        key = self.parts.attention.keys(value, memory) if self.parts.attention else None
        return Encoded(memory, key, batch.lengths, state)

    def step(self, ids: Array, encoded: Encoded) -> Array:
        """Read the latest symbol of each beginning and move its state on.

        Arguments:
            ids: (n * B,), the end of a target for one that begins; those of one source side by side.
            encoded: n sources, with a state for each beginning.

        Returns:
            ln p (n * B, U) of the next symbols, in float64; a new array.
        """
        parts, value, count = self.parts, self.params.value, len(ids)
        tape = self._step_tape
        if tape is None or tape.streams != count:
            tape = self._step_tape = parts.decoder.tape(1, count, self.dtype, training=False)
        s = parts.decoder.forward(part(value, DECODER), ids[None], encoded.state, tape)
        rows = s.reshape(count, -1)
        if parts.attention and encoded.key is not None:
            sources = len(encoded.lengths)  # the beginnings of a source attend to it as the steps of one target would
            beginnings = rows.reshape(sources, count // sources, -1).swapaxes(0, 1)
            attended = parts.attention.forward(value, beginnings, encoded.memory, encoded.key, encoded.lengths)
            encoded.weights = attended.weights.reshape(count, -1)
            rows = attended.output.swapaxes(0, 1).reshape(count, -1)
        return log_softmax_(parts.output_layer.precise(value, rows))


def part(named: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The parameters of one part, by the names that it gives them."""
    return {name.removeprefix(prefix): array for name, array in named.items() if name.startswith(prefix)}
