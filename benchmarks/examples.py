"""What is compared for classifiers: a training step of charrnn and of PyTorch on packed sequences, in both directions.

The examples are random, of random lengths; both read the same batches, from the same weights. A step is forward,
backward, clipping by norm and Adam. Heavy packages are imported inside the functions, as in candidates.py.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from candidates import BETAS, CLIP, EPSILON, RATE, STEPS_PER_EPOCH, VOCAB

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from charrnn.data import ExampleCorpus
    from charrnn.training.loop import Run

LABELS = 10


class ExampleSize(NamedTuple):
    """The size of a network, of its batches, and of its examples, whose lengths are drawn evenly."""

    layers: int
    hidden: int
    batch: int
    shortest: int
    longest: int

    @property
    def chars(self) -> float:
        """Characters of a step, on average, without padding."""
        return self.batch * float(self.lengths().mean())

    def lengths(self) -> "npt.NDArray[np.int64]":
        """Of the examples of STEPS_PER_EPOCH batches."""
        import numpy as np

        return np.random.default_rng(0).integers(self.shortest, self.longest + 1, self.batch * STEPS_PER_EPOCH)


EXAMPLE_SIZES = {
    "names 1x128": ExampleSize(1, 128, 64, 3, 12),
    "names 2x256": ExampleSize(2, 256, 64, 3, 12),
    "sentences 1x128": ExampleSize(1, 128, 32, 20, 120),
    "sentences 2x256": ExampleSize(2, 256, 32, 20, 120),
}


def random_examples(size: ExampleSize) -> "ExampleCorpus":
    """Training examples with random symbols and labels."""
    import numpy as np

    from charrnn.data import Examples, ExampleSplit, Labels, Vocab
    from charrnn.data.example_corpus import ExampleCorpus, ExampleFacts

    rng = np.random.default_rng(1)
    lengths = size.lengths()
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.integers(0, VOCAB - 1, int(bounds[-1])).astype(np.int32)
    train = ExampleSplit("train", Examples(ids, bounds, rng.integers(0, LABELS, len(lengths))), [])
    empty = ExampleSplit("valid", Examples(ids[:0], bounds[:1], np.zeros(0, np.int64)), [])
    splits = {"train": len(lengths), "valid": 0, "test": 0}
    facts = ExampleFacts(len(lengths), size.shortest, int(np.median(lengths)), size.longest, splits, {}, {}, 0, 0, 0)
    vocab = Vocab("".join(map(chr, range(33, 33 + VOCAB - 1))), has_unknown=True)
    labels = Labels(tuple(f"label {k}" for k in range(LABELS)))
    return ExampleCorpus(vocab, labels, train, empty, empty, facts)


def make_example_run(cell: str, size: ExampleSize, workers: int = 1) -> "Run":
    """A charrnn run on random examples, with weights that depend on nothing but the shape."""
    from charrnn import config_from_dict
    from charrnn.training.loop import Run

    config = config_from_dict(
        {
            "task": "classify",
            "data": {"path": "-", "format": "tsv"},
            "model": {"cell": cell, "num_layers": size.layers, "hidden_size": size.hidden, "dropout": 0,
                      "input_dropout": 0},
            "train": {"batch_size": size.batch, "epochs": 10**6, "eval_every": 1 << 40, "patience": None,
                      "shards": workers, "learning_rate": RATE, "optimizer": "adam", "schedule": "constant"},
        }
    )  # fmt: skip
    return Run(config, random_examples(size), workers=workers)


class CharrnnExamples:
    """The product, as `charrnn train` runs it."""

    def __init__(self, cell: str, size: ExampleSize, threads: int) -> None:
        self.run = make_example_run(cell, size, workers=threads)

    def step(self) -> float:
        """Take a training step; return its loss."""
        return self.run.advance().loss


class TorchExamples:
    """torch.nn.LSTM or GRU in both directions on packed sequences, with a linear layer, clip_grad_norm_ and Adam."""

    embedding = False

    def __init__(self, cell: str, size: ExampleSize, threads: int) -> None:
        import numpy as np
        import torch

        torch.set_num_threads(threads)
        self.torch, self.hidden, self.at = torch, size.hidden, 0
        run = make_example_run(cell, size)
        value, self.batches = run.network.params.value, run.material.batches
        order = {"lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}[cell]  # PyTorch's order of the gates
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
        self.rnn = kind(VOCAB, size.hidden, size.layers, bidirectional=True)
        self.out = torch.nn.Linear(2 * size.hidden, LABELS)

        def rows(planes: "npt.NDArray[np.float32]") -> Any:
            return torch.from_numpy(np.ascontiguousarray(planes[order].swapaxes(1, 2)).reshape(-1, planes.shape[1]))

        with torch.no_grad():
            for name, parameter in self.rnn.named_parameters():
                which, _, layer = name.partition("_l")
                if which.startswith("weight"):
                    parameter.copy_(rows(value[name]))
                elif which == "bias_ih":
                    parameter.copy_(torch.from_numpy(value[f"bias_l{layer}"][order].reshape(-1)))
                else:  # a second bias, which would make each step of the first twice as long, stays zero
                    parameter.zero_()
                    own = torch.zeros_like(parameter)
                    if cell == "gru":
                        parameter[2 * size.hidden :] = torch.from_numpy(value[f"bias_hn_l{layer}"])
                        own[2 * size.hidden :] = 1
                    parameter.register_hook(own.mul)
            self.out.weight.copy_(torch.from_numpy(value["output_weight"].T.copy()))
            self.out.bias.copy_(torch.from_numpy(value["output_bias"]))
        self.table = torch.nn.Embedding.from_pretrained(torch.eye(VOCAB), freeze=False)
        modules = [self.rnn, self.out] + ([self.table] if self.embedding else [])
        self.parameters = [p for module in modules for p in module.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, RATE, BETAS, EPSILON)

    def step(self) -> float:
        """Take a training step; return its loss."""
        import numpy as np

        torch = self.torch
        epoch, k = divmod(self.at, len(self.batches))
        batch = self.batches.batch(k, epoch)
        self.at += 1
        ids, lengths = torch.from_numpy(batch.x.astype(np.int64)), torch.from_numpy(batch.lengths)
        x = self.table(ids) if self.embedding else torch.nn.functional.one_hot(ids, VOCAB).float()
        _, state = self.rnn(torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))
        h = state[0] if isinstance(state, tuple) else state  # (2 L, N, H): where each direction ends
        scores = self.out(torch.cat([h[-2], h[-1]], 1))
        loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(batch.targets))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        return float(loss.item())


class TorchEmbeddedExamples(TorchExamples):
    """The same with an embedding, which is trained too."""

    embedding = True
