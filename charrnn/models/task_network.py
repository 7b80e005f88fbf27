"""TaskNetwork: a recurrent network that classifies or tags. It reads whole sequences, in one direction or in both.

Shapes: T steps, N examples, V vocabulary, C outputs (classes, labels or numbers). Parameters live in one Params; the
tape of a training step belongs to the caller. A prediction does not depend on the other examples of its batch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shape, zeros
from charrnn.config import ModelConfig
from charrnn.data import ExampleBatch
from charrnn.models.dropping import Dropping, dropping_scalars
from charrnn.nn import (
    Encoder,
    EncoderTape,
    Linear,
    Output,
    OutputLayer,
    Params,
    Pooled,
    Pooling,
    Sigmoid,
    Softmax,
    initialise_,
    make_cell,
)


@dataclass(frozen=True)
class Task:
    """What a network reads and predicts.

    Attributes:
        vocab_size: V.
        outputs: C.
        tag: whether it predicts a label for each symbol, instead of one target for the whole sequence; by a softmax.
        output: softmax, one of C classes; sigmoid, C yes/no labels; linear, C numbers.
        bidirectional: whether it reads in both directions.
        pooling: how a sequence becomes one vector (see nn/pooling.py); counts without `tag`.
        input_dropout: the share of symbols that are replaced by `unknown_id` while training.
        unknown_id: the id of what is not in the vocabulary; None if there is none.
        class_weights: (C,), of the classes in the loss; softmax.
        label_smoothing: the share of a target that is spread evenly over all classes; softmax.
    """

    vocab_size: int
    outputs: int
    tag: bool = False
    output: Literal["softmax", "sigmoid", "linear"] = "softmax"
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max"] = "last"
    input_dropout: float = 0.0
    unknown_id: int | None = None
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if self.tag and self.output != "softmax":
            raise ValueError(f"a tagger has the output softmax, not {self.output}")
        if self.input_dropout and self.unknown_id is None:
            raise ValueError("input_dropout replaces symbols by unknown_id, which is None")


def build_encoder(config: ModelConfig, task: Task) -> Encoder:
    """The encoder of a config; it holds sizes only."""
    cell = make_cell(config.cell, config.activation, config.reset)
    width, layers = config.hidden_size, config.num_layers
    return Encoder(cell, task.vocab_size, config.embedding_size, width, layers, config.dropout, task.bidirectional)


def task_shapes(config: ModelConfig, task: Task) -> dict[str, Shape]:
    """Name -> shape of every parameter of a network; allocates nothing."""
    encoder = build_encoder(config, task)
    return encoder.shapes() | OutputLayer(encoder.width, task.outputs).shapes()


def task_size(config: ModelConfig, task: Task) -> int:
    """The number of parameters of a network; allocates nothing."""
    return sum(prod(shape) for shape in task_shapes(config, task).values())


def build_output(task: Task) -> Output:
    """What the scores of a task mean."""
    weights = None if task.class_weights is None else np.array(task.class_weights)
    outputs: dict[str, Callable[[], Output]] = {
        "softmax": lambda: Softmax(task.outputs, weights, task.label_smoothing),
        "sigmoid": Sigmoid,
        "linear": Linear,
    }
    return outputs[task.output]()


@dataclass
class TaskTape:
    """Memory of one forward and backward pass for batches of N examples of up to T steps."""

    encoder: EncoderTape
    scores: Array  # (N, C), or (T * N, C) to tag; after forward() their gradient
    dropping: Dropping
    ids: Array | None = None  # (T, N), what the latest forward() read
    rows: Array | None = None  # what its output layer read, (N, D) or (T * N, D)
    pooled: Pooled | None = None


class TaskNetwork:
    """A network that classifies or tags.

    Arguments:
        config: the model section.
        task: what it reads and predicts.
        dtype: float32 to train, float64 (or complex128) to check.
        values, grads: memory for the parameters and their gradients, as in Params.

    Attributes: `encoder`; `params`, all zero until initialise() or loading.
    """

    def __init__(
        self,
        config: ModelConfig,
        task: Task,
        dtype: npt.DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
    ) -> None:
        self.config = config
        self.task = task
        self.dtype = np.dtype(dtype)
        self.encoder = build_encoder(config, task)
        self.pooling = None if task.tag else Pooling(task.pooling, config.hidden_size)
        self.output_layer = OutputLayer(self.encoder.width, task.outputs)
        self.output = build_output(task)
        self.params = Params(task_shapes(config, task), dtype, values, grads)
        self._tape: TaskTape | None = None  # memory of predict(), for the latest shape

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle config, task and parameters, without gradients and tapes."""
        return TaskNetwork, (self.config, self.task, self.dtype, self.params.values)

    def initialise(self, rng: np.random.Generator) -> None:
        """Draw all parameters by config.init, then set the LSTM's forget biases."""
        init, named = self.config.init, self.params.value
        initialise_(named, init.scheme, init.scale, self.config.hidden_size, rng)
        if self.config.cell == "lstm":
            for k, level in enumerate(self.encoder.levels):
                for direction, layer in enumerate(level):
                    bias = self.encoder.bind(named, k, direction).b
                    bias[layer.cell.gates.index("f")] = self.config.forget_bias

    @property
    def drops(self) -> bool:
        """Whether training drops values or weights, or replaces symbols."""
        config = self.config
        return bool(config.dropout or config.output_dropout or config.recurrent_dropout or self.task.input_dropout)

    # -- memory -------------------------------------------------------------------------------------------------------

    def _scores_shape(self, length: int, streams: int) -> Shape:
        return (length * streams if self.task.tag else streams), self.task.outputs

    def tape(self, length: int, streams: int, training: bool = True) -> TaskTape:
        """Memory for batches of `streams` examples of up to `length` steps."""
        rows, outputs = self._scores_shape(length, streams)
        return TaskTape(
            encoder=self.encoder.tape(length, streams, self.dtype, training),
            scores=zeros((rows, outputs), self.dtype),
            dropping=Dropping(self.config, self.params.value, (rows, self.encoder.width), self.dtype, training),
        )

    def tape_bytes(self, length: int, streams: int, training: bool = True) -> int:
        """How many bytes tape() will take."""
        rows, outputs = self._scores_shape(length, streams)
        scalars = self.encoder.tape_scalars(length, streams, training) + rows * outputs
        if training:
            scalars += dropping_scalars(self.config, self.params.shapes, rows, self.encoder.width)
        return scalars * self.dtype.itemsize

    # -- training -----------------------------------------------------------------------------------------------------

    def forward(self, batch: ExampleBatch, tape: TaskTape, rng: np.random.Generator | None = None) -> Any:
        """Read a batch.

        Arguments:
            batch: N examples, or none.
            tape: memory for N examples, from tape().
            rng: drops values, and replaces symbols; None does neither.

        Returns:
            The sum of the losses, in float64, divided by batch.count: the mean over the targets that are present, or a
            shard's part of the mean.
        """
        if not len(batch.lengths):
            return 0.0
        ids, unknown = batch.x, self.task.unknown_id
        if rng is not None and self.task.input_dropout and unknown is not None:
            ids = np.where(rng.random(ids.shape) < self.task.input_dropout, unknown, ids)
        tape.ids = ids
        rows = self._rows(tape.dropping.begin(rng), ids, batch.lengths, tape, rng)
        rows = tape.rows = tape.dropping.forward(rows, rng)
        scores = self.output_layer.forward(self.params.value, rows, out=tape.scores[: len(rows)])
        targets = batch.targets.reshape(-1) if self.task.tag else batch.targets
        losses = self.output.loss_(scores, targets)
        return losses.sum(dtype=np.result_type(self.dtype, np.float64)) / batch.count

    def _rows(
        self,
        value: Mapping[str, Array],
        ids: Array,
        lengths: Array,
        tape: TaskTape,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """What the output layer reads: (N, D), or (T * N, D) to tag."""
        h = self.encoder.forward(value, ids, lengths, tape.encoder, rng)
        if self.pooling:
            tape.pooled = self.pooling.forward(h, lengths)
            tape.rows = tape.pooled.vectors
        else:
            tape.rows = h.reshape(ids.size, -1)
        return tape.rows

    def backward(self, batch: ExampleBatch, tape: TaskTape) -> None:
        """Write the gradient of the loss that forward() returned into params.grads.

        The tape can be used for one backward pass only.
        """
        if not len(batch.lengths):
            self.params.grads[...] = 0
            return
        ids, rows = tape.ids, tape.rows
        assert ids is not None, "forward() comes first"
        assert rows is not None
        grad, dropping = self.params.grad, tape.dropping
        dscores = tape.scores[: len(rows)]
        dscores *= 1 / batch.count
        dh = self.encoder.dh_view(tape.encoder, len(ids))
        drows = np.empty_like(rows) if self.pooling else dh.reshape(rows.shape)
        self.output_layer.backward(self.params.value, grad, rows, dscores, drows)
        dropping.backward(drows)
        if self.pooling and tape.pooled:
            self.pooling.backward(drows, tape.pooled, dh)
        self.encoder.backward(dropping.value, grad, ids, dh, tape.encoder, dropping.drawn)
        dropping.end(grad)

    # -- predicting ---------------------------------------------------------------------------------------------------

    def predict(self, batch: ExampleBatch) -> Array:
        """Predict the targets of N examples; those of the batch are not used.

        Returns:
            Probabilities, or numbers if the output is linear, in float64: (N, C), or (T, N, C) to tag, where what lies
            beyond an example's end means nothing.
        """
        length, streams = batch.x.shape
        tape = self._tape
        if tape is None or tape.encoder.streams != streams or tape.encoder.length < length:
            tape = self._tape = self.tape(length, streams, training=False)
        scores = self.output_layer.precise(
            self.params.value, self._rows(self.params.value, batch.x, batch.lengths, tape)
        )
        predicted = self.output.predict_(scores)
        return predicted.reshape(length, streams, -1) if self.task.tag else predicted
