"""TranslateNetwork: an encoder, a decoder with attention, and an output layer. (Stand-in.)"""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape
from charrnn.config import ModelConfig
from charrnn.data import PairBatch
from charrnn.nn import (
    Attention,
    Encoder,
    OutputLayer,
    Params,
    Softmax,
    Stack,
    Stepper,
    initialise_,
    log_softmax_,
    make_cell,
)


@dataclass(frozen=True)
class Translation:
    """What a network reads and writes."""

    source_size: int
    target_size: int
    attention: Any = "general"
    bidirectional: bool = True
    input_dropout: float = 0.0
    unknown_id: int | None = None
    label_smoothing: float = 0.0


def _sub(named: Any, prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): own for name, own in named.items() if name.startswith(prefix)}


def _parts(config: ModelConfig, task: Translation):
    cell = make_cell(config.cell, config.activation, config.reset)
    h, n, e = config.hidden_size, config.num_layers, config.embedding_size
    encoder = Encoder(cell, task.source_size, e, h, n, config.dropout, task.bidirectional)
    decoder = Stack(cell, task.target_size, e, h, n, config.dropout)
    return encoder, decoder, Attention(task.attention, h, encoder.width), OutputLayer(h, task.target_size)


def translate_shapes(config: ModelConfig, task: Translation) -> dict[str, Shape]:
    encoder, decoder, attention, output = _parts(config, task)
    states = len(decoder.layers) * len(decoder.cell.states)
    return {
        **{f"encoder_{name}": own for name, own in encoder.shapes().items()},
        "bridge_weight": (encoder.width, states * config.hidden_size),
        "bridge_bias": (states * config.hidden_size,),
        **{f"decoder_{name}": own for name, own in decoder.shapes().items()},
        **attention.shapes(),
        **output.shapes(),
    }


def translate_size(config: ModelConfig, task: Translation) -> int:
    return sum(prod(shape) for shape in translate_shapes(config, task).values())


@dataclass
class Encoded:
    """Sources that have been read, and the decoder's state."""

    memory: Array
    lengths: Array
    state: Array
    weights: Array | None = None
    stepper: Any = None

    def select(self, rows: Array) -> "Encoded":
        return Encoded(self.memory[:, rows], self.lengths[rows], self.state[:, :, rows])


class TranslateNetwork:
    """Stand-in."""

    def __init__(self, config, task, dtype: npt.DTypeLike = np.float32, values=None, grads=None) -> None:
        self.config, self.task, self.dtype = config, task, np.dtype(dtype)
        self.encoder, self.decoder, self.attention, self.output_layer = _parts(config, task)
        self.output = Softmax(task.target_size, None, task.label_smoothing)
        self.params = Params(translate_shapes(config, task), dtype, values, grads)

    def __reduce__(self):
        return TranslateNetwork, (self.config, self.task, self.dtype, self.params.values)

    def initialise(self, rng) -> None:
        init = self.config.init
        initialise_(self.params.value, init.scheme, init.scale, self.config.hidden_size, rng)

    def tape(self, source_length, target_length, streams, training=True):
        return (
            self.encoder.tape(source_length, streams, self.dtype, training),
            self.decoder.tape(target_length + 1, streams, self.dtype, training),
        )

    def tape_bytes(self, source_length, target_length, streams, training=True) -> int:
        return self.dtype.itemsize * (
            self.encoder.tape_scalars(source_length, streams, training)
            + self.decoder.tape_scalars(target_length + 1, streams, training)
            + 3 * source_length * streams * self.encoder.width
        )

    def _start(self, h: Array, lengths: Array):
        v, hidden, n = self.params.value, self.config.hidden_size, len(lengths)
        last = h[lengths - 1, np.arange(n)]
        if self.task.bidirectional:
            last = np.concatenate([last[:, :hidden], h[0, :, hidden:]], axis=1)
        start = np.tanh(last @ v["bridge_weight"] + v["bridge_bias"])
        state = start.reshape(n, len(self.decoder.layers), -1, hidden).transpose(1, 2, 0, 3)
        return last, start, np.ascontiguousarray(state)

    def forward(self, batch: PairBatch, tape, rng=None):
        v = self.params.value
        ids = batch.x
        if rng is not None and self.task.input_dropout:
            ids = np.where(rng.random(ids.shape) < self.task.input_dropout, self.task.unknown_id, ids)
        h = self.encoder.forward(_sub(v, "encoder_"), ids, batch.lengths, tape[0], rng)
        last, start, state = self._start(h, batch.lengths)
        s = self.decoder.forward(_sub(v, "decoder_"), batch.y_in, state, tape[1], rng)
        out, kept = self.attention.forward(v, s, h, batch.lengths)
        rows = np.ascontiguousarray(out).reshape(-1, self.config.hidden_size)
        scores = self.output_layer.forward(v, rows, np.empty((len(rows), self.task.target_size), self.dtype))
        losses = self.output.loss_(scores, batch.y_out.reshape(-1))
        self._kept = ids, last, start, kept, rows, scores, rng is not None
        return losses.sum(dtype=np.float64) / batch.count

    def backward(self, batch, tape) -> None:
        v, g, hidden = self.params.value, self.params.grad, self.config.hidden_size
        ids, last, start, kept, rows, scores, dropped = self._kept
        scores *= 1 / batch.count
        dout = np.empty_like(rows)
        self.output_layer.backward(v, g, rows, scores, dout)
        dout = dout.reshape(*batch.y_in.shape, hidden)
        dh = self.encoder.dh_view(tape[0], len(ids))
        if kept is None:
            ds, dmemory = dout, np.zeros(dh.shape, self.dtype)
        else:
            ds, dmemory = self.attention.backward(v, g, dout, kept)
        inside = np.arange(len(ids))[:, None] < batch.lengths
        dh[...] = np.where(inside[:, :, None], dmemory, 0)
        dtop = self.decoder.dh_view(tape[1], len(batch.y_in), hidden)
        dtop[...] = ds
        states, n = len(self.decoder.cell.states), len(batch.lengths)
        gradients = [np.zeros((states, len(batch.y_in), n, hidden), self.dtype) for _ in self.decoder.layers]
        self.decoder.backward(_sub(v, "decoder_"), _sub(g, "decoder_"), batch.y_in, dtop, tape[1], dropped, gradients)
        dstart = np.stack([own[:, 0] for own in gradients]).transpose(2, 0, 1, 3).reshape(n, -1) * (1 - start**2)
        g["bridge_weight"][...] = last.T @ dstart
        g["bridge_bias"][...] = dstart.sum(0)
        dlast = dstart @ v["bridge_weight"].T
        dh[batch.lengths - 1, np.arange(n), :hidden] += dlast[:, :hidden]
        if self.task.bidirectional:
            dh[0, :, hidden:] += dlast[:, hidden:]
        self.encoder.backward(_sub(v, "encoder_"), _sub(g, "encoder_"), ids, dh, tape[0], dropped)

    def encode(self, batch) -> Encoded:
        tape = self.encoder.tape(len(batch.x), len(batch.lengths), self.dtype, False)
        h = self.encoder.forward(_sub(self.params.value, "encoder_"), batch.x, batch.lengths, tape)
        return Encoded(h.copy(), batch.lengths, self._start(h, batch.lengths)[2])

    def step(self, ids: Array, encoded: Encoded) -> Array:
        v, rows, n = self.params.value, len(ids), len(encoded.lengths)
        if encoded.stepper is None or encoded.stepper[1] is not encoded.state:
            encoded.stepper = Stepper(self.decoder, _Top(), _sub(v, "decoder_"), encoded.state), encoded.state
        s = encoded.stepper[0].step(ids)
        if self.task.attention == "none":
            out = s
        else:
            s = s.reshape(n, rows // n, -1).swapaxes(0, 1)
            out, kept = self.attention.forward(v, s, encoded.memory, encoded.lengths)
            out = out.swapaxes(0, 1).reshape(rows, -1)
            encoded.weights = kept.weights.reshape(rows, -1)
        return log_softmax_(self.output_layer.precise(v, out))


class _Top:
    def prepare_scores(self, value, h):
        return lambda: h[0]
