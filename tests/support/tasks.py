"""Small random networks that classify or tag, and examples for them."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.examples import Examples
from charrnn.data.length_batches import ExampleBatch, LengthBatches
from charrnn.models.task_network import Task, TaskNetwork, TaskTape

HIDDEN, SYMBOLS, OUTPUTS = 3, 5, 3
WEIGHTS = (0.5, 1.0, 2.0)  # of the classes

PLAIN: list[dict[str, Any]] = [
    {"pooling": pooling, "output": output}
    for pooling, output in product(("last", "mean", "max"), ("softmax", "sigmoid", "linear"))
]
WEIGHTED = [
    {"class_weights": WEIGHTS, "label_smoothing": 0.2, **where} for where in ({"pooling": "mean"}, {"tag": True})
]
TASKS = {
    f"{'-'.join(str(value) for value in kind.values() if isinstance(value, str)) or 'tag'}"
    f"{'-weighted' * ('class_weights' in kind)}-{'both' if both else 'one'}": Task(
        SYMBOLS, OUTPUTS, bidirectional=both, input_dropout=0.2 * both, unknown_id=SYMBOLS - 1, **kind
    )
    for kind in [*PLAIN, {"tag": True}, *WEIGHTED]
    for both in (True, False)
}


def make_examples(task: Task, lengths: list[int], seed: int = 0, missing: float = 0.25) -> Examples:
    """Random examples of these lengths; a share of their targets is missing, though never all."""
    rng = np.random.default_rng(seed)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.integers(0, task.vocab_size, bounds[-1])
    number = len(ids) if task.tag else len(lengths)
    targets: Array
    if task.output == "softmax":
        targets = rng.integers(0, task.outputs, number)
        targets[1:][rng.random(number - 1) < missing] = -1
    else:
        shape = number, task.outputs
        targets = rng.standard_normal(shape) if task.output == "linear" else rng.integers(0, 2, shape).astype(float)
        targets[:, 1:][rng.random((number, task.outputs - 1)) < missing] = np.nan
    return Examples(ids, bounds, targets)


def one_batch(examples: Examples, task: Task) -> ExampleBatch:
    """All examples in one batch, in their own order."""
    number = len(examples.bounds) - 1
    whole = LengthBatches(examples, number, None, task.tag)[0]
    order = np.argsort(whole.rows)
    targets = whole.targets[:, order] if task.tag else whole.targets[order]
    return replace(whole, x=whole.x[:, order], lengths=whole.lengths[order], targets=targets, rows=whole.rows[order])


@dataclass
class TaskToy:
    """A small random network, and one tape for both of its batches: `full` is as long as the tape, `short` is not."""

    network: TaskNetwork
    examples: tuple[Examples, Examples]
    full: ExampleBatch
    short: ExampleBatch
    tape: TaskTape

    def forward(self, batch: ExampleBatch, seed: int | None = 1) -> Any:
        """The loss; every call drops the same values, or none without a seed."""
        return self.network.forward(batch, self.tape, None if seed is None else np.random.default_rng(seed))

    def gradient(self, batch: ExampleBatch, seed: int | None = 1) -> Array:
        """The gradient for the batch, flat."""
        self.forward(batch, seed)
        self.network.backward(batch, self.tape)
        return self.network.params.grads.copy()


def make_network(config: ModelConfig, task: Task, dtype: Any = np.float64, seed: int = 0) -> TaskNetwork:
    """A network with random parameters."""
    network = TaskNetwork(config, task, dtype)
    numbers = np.random.default_rng(seed).standard_normal(network.params.size)
    network.params.values[...] = numbers / np.sqrt(config.hidden_size)
    return network


def make_task_toy(config: ModelConfig, task: Task, dtype: Any = np.float64, seed: int = 0) -> TaskToy:
    """A toy; it is the same for the same seed."""
    network = make_network(config, task, dtype, seed)
    examples = make_examples(task, [4, 6, 1, 5], seed), make_examples(task, [2, 4, 4, 3], seed + 1)
    full, short = (one_batch(own, task) for own in examples)
    return TaskToy(network, examples, full, short, network.tape(*full.x.shape))


@dataclass(frozen=True)
class TorchModel:
    """A model that PyTorch has too. `kind`: rnn-tanh, rnn-relu, lstm or gru; `embedding`: its width, None for none."""

    kind: str
    layers: int
    embedding: int | None
    hidden: int
    task: Task

    @property
    def config(self) -> ModelConfig:
        """The model section."""
        names: Any = self.kind.partition("-")
        return ModelConfig(
            cell=names[0],
            activation=names[2] or "tanh",
            hidden_size=self.hidden,
            num_layers=self.layers,
            embedding_size=self.embedding,
        )


STORED = {  # name of a record of fixtures/torch-tasks.npz -> its model
    f"{kind} {name}": TorchModel(kind, layers, embedding, HIDDEN, Task(SYMBOLS, OUTPUTS, **where))
    for kind in ("rnn-tanh", "rnn-relu", "lstm", "gru")
    for name, layers, embedding, where in (
        ("last", 1, None, {"class_weights": WEIGHTS, "label_smoothing": 0.1}),
        ("mean sigmoid", 1, 4, {"output": "sigmoid", "pooling": "mean"}),
        ("max linear", 1, 4, {"output": "linear", "pooling": "max"}),
        ("tag", 2, None, {"tag": True}),
    )
}


def stored_batch(task: Task) -> ExampleBatch:
    """The batch of a record: examples of several lengths, one of them a single symbol."""
    return one_batch(make_examples(task, [3, 6, 1, 5]), task)
