"""What is compared: a training step, and sampling, of charrnn, PyTorch and JAX, from the same weights on the same text.

Every candidate has step() -> loss, a whole training step: forward, backward, clipping by norm, Adam; and sample(n),
which draws n characters one after the other. All compute in float32, but for one of PyTorch's, whose products are in
bfloat16. The text is random: speed does not depend on content.

Heavy packages are imported inside the functions: a process must have chosen its processors before BLAS loads.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from charrnn import Config
    from charrnn.data import Corpus
    from charrnn.training.loop import Run

VOCAB = 65
STEPS_PER_EPOCH = 40
RATE, CLIP, BETAS, EPSILON = 2e-3, 5.0, (0.9, 0.999), 1e-8


class Size(NamedTuple):
    """The size of a network and of its windows."""

    layers: int
    hidden: int
    streams: int
    length: int

    @property
    def chars(self) -> int:
        """Characters of a step."""
        return self.streams * self.length


class Candidate(Protocol):
    """What is measured."""

    def step(self) -> float:
        """Take a training step; return its loss."""

    def sample(self, n: int) -> None:
        """Draw n characters, one after the other."""


def make_config(cell: str, size: Size, workers: int = 1) -> "Config":
    """The config of a charrnn run that only trains."""
    from charrnn import config_from_dict

    return config_from_dict(
        {
            "data": {"path": "-"},
            "model": {"cell": cell, "num_layers": size.layers, "hidden_size": size.hidden, "dropout": 0},
            "train": {"batch_size": size.streams, "seq_length": size.length, "epochs": 10**6, "eval_every": 1 << 40,
                      "sample_length": 0, "patience": None, "shards": workers, "learning_rate": RATE,
                      "optimizer": "adam", "schedule": "constant"},
        }
    )  # fmt: skip


def make_run(
    cell: str, size: Size, workers: int = 1, vocab: int = VOCAB, chars: int | None = None, document: int = 0
) -> "Run":
    """A charrnn run on random text, with weights that depend on nothing but the shape.

    Arguments:
        cell, size, workers: of the run.
        vocab: characters.
        chars: length of the text; by default that of STEPS_PER_EPOCH steps.
        document: length of its documents, their ends included; 0 for one stream.
    """
    from charrnn.training.bench import random_corpus
    from charrnn.training.loop import Run

    corpus = random_corpus(vocab, chars or size.streams * size.length * STEPS_PER_EPOCH + 1)
    if document:
        corpus = as_documents(corpus, document)
    return Run(make_config(cell, size, workers), corpus, workers=workers)


def as_documents(corpus: "Corpus", length: int) -> "Corpus":
    """The training text of a corpus cut into documents of this length, their ends included."""
    from dataclasses import replace

    ids = corpus.train.ids.copy()
    ids[ids == 0] = 1
    ids[length - 1 :: length] = 0
    ids[-1] = 0
    vocab = replace(corpus.vocab, symbols="\n" + corpus.vocab.symbols[1:], end="\n")
    return replace(corpus, vocab=vocab, train=replace(corpus.train, ids=ids))


class Charrnn:
    """The product, as `charrnn train` and `charrnn sample` run it."""

    def __init__(self, cell: str, size: Size, threads: int) -> None:
        self.run = make_run(cell, size, workers=threads)

    def step(self) -> float:
        """Take a training step; return its loss."""
        return self.run.advance().loss

    def sample(self, n: int) -> None:
        """Draw n characters, one after the other."""
        from charrnn.blas import one_thread
        from charrnn.generation.sampling import Options, generate_batch

        with one_thread():
            for _ in generate_batch(self.run.network, Options(length=n)):
                pass


class Torch:
    """torch.nn.LSTM, GRU or RNN with a linear layer, cross-entropy, clip_grad_norm_ and Adam."""

    embedding = False

    def __init__(self, cell: str, size: Size, threads: int) -> None:
        import numpy as np
        import torch

        torch.set_num_threads(threads)
        self.torch = torch
        run = make_run(cell, size)
        layers, hidden, _, _ = size
        value, self.batches, self.at = run.network.params.value, run.batches, 0
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[cell]
        self.rnn = kind(VOCAB, hidden, layers)
        self.out = torch.nn.Linear(hidden, VOCAB)
        order = {"lstm": [0, 1, 3, 2], "gru": [0, 1, 2], "rnn": [0]}[cell]  # PyTorch's order of the gates

        def rows(planes: "npt.NDArray[np.float32]") -> Any:
            return torch.from_numpy(np.ascontiguousarray(planes[order].swapaxes(1, 2)).reshape(-1, planes.shape[1]))

        with torch.no_grad():
            for k in range(layers):
                getattr(self.rnn, f"weight_ih_l{k}").copy_(rows(value[f"weight_ih_l{k}"]))
                getattr(self.rnn, f"weight_hh_l{k}").copy_(rows(value[f"weight_hh_l{k}"]))
                getattr(self.rnn, f"bias_ih_l{k}").copy_(torch.from_numpy(value[f"bias_l{k}"][order].reshape(-1)))
                hidden_bias = getattr(self.rnn, f"bias_hh_l{k}")
                hidden_bias.zero_()
                if cell == "gru":
                    hidden_bias[2 * hidden :].copy_(torch.from_numpy(value[f"bias_hn_l{k}"]))
            self.out.weight.copy_(torch.from_numpy(value["output_weight"].T.copy()))
            self.out.bias.copy_(torch.from_numpy(value["output_bias"]))
        # An embedding that begins as the identity is the one-hot input, at PyTorch's own speed for embeddings.
        self.table = torch.nn.Embedding.from_pretrained(torch.eye(VOCAB), freeze=False)
        modules = [self.rnn, self.out] + ([self.table] if self.embedding else [])
        self.parameters = [p for module in modules for p in module.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, RATE, BETAS, EPSILON)
        self.state: Any = None

    def step(self) -> float:
        """Take a training step; return its loss."""
        import numpy as np

        torch = self.torch
        batch = self.batches[self.at % len(self.batches)]
        self.at += 1
        x = torch.from_numpy(batch.x.astype(np.int64))
        y = torch.from_numpy(batch.y.astype(np.int64))
        if batch.fresh:
            self.state = None
        h = self.table(x) if self.embedding else torch.nn.functional.one_hot(x, VOCAB).float()
        h, state = self.rnn(h, self.state)
        self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = torch.nn.functional.cross_entropy(self.out(h).reshape(-1, VOCAB), y.reshape(-1))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        return float(loss.item())

    def sample(self, n: int) -> None:
        """Draw n characters, one after the other."""
        torch = self.torch
        with torch.inference_mode():
            x, state = torch.zeros(1, 1, dtype=torch.int64), None
            for _ in range(n):
                h, state = self.rnn(self.table(x), state)
                x = torch.multinomial(torch.softmax(self.out(h[-1]), -1), 1)
                x.item()


class TorchEmbedding(Torch):
    """The same with an embedding, which is trained too."""

    embedding = True


class TorchBfloat16(TorchEmbedding):
    """The same with PyTorch's mixed precision: products in bfloat16, where the processor has instructions for them."""

    def step(self) -> float:
        """Take a training step; return its loss."""
        with self.torch.autocast("cpu", self.torch.bfloat16):
            return super().step()


class Jax:
    """The same network as a compiled scan: inputs by look-up, one product a step for all gates, Adam written out."""

    def __init__(self, cell: str, size: Size, threads: int) -> None:
        import jax
        import numpy as np

        run = make_run(cell, size)
        layers, hidden, streams, _ = size
        self.batches, self.at, self.count, self.jax = run.batches, 0, 0, jax
        self.params: Any = {
            name: jax.numpy.array(array if name.startswith(("output", "bias")) else np.concatenate(list(array), axis=1))
            for name, array in run.network.params.value.items()
        }
        self.moments: Any = [jax.tree.map(jax.numpy.zeros_like, self.params) for _ in range(2)]
        self.zero: Any = tuple(jax.numpy.zeros((streams, hidden)) for _ in range(2 * layers))
        self.state: Any = self.zero
        cells = {"lstm": self._lstm, "gru": self._gru, "rnn": self._rnn}
        self.cell, self.layers = cells[cell], layers
        self.train = jax.jit(self._train, donate_argnums=(0, 1, 2))
        self.read = jax.jit(self._read)

    def _lstm(self, z: Any, carry: Any, p: Any, k: int) -> tuple[Any, Any]:
        jax, (h, c) = self.jax, carry
        i, f, o, g = self.jax.numpy.split(z + h @ p[f"weight_hh_l{k}"], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
        return jax.nn.sigmoid(o) * jax.numpy.tanh(c), c

    def _gru(self, z: Any, carry: Any, p: Any, k: int) -> tuple[Any, Any]:
        jax, (h, c) = self.jax, carry
        zr, zz, zn = jax.numpy.split(z, 3, axis=1)
        ur, uz, un = jax.numpy.split(h @ p[f"weight_hh_l{k}"], 3, axis=1)
        n = jax.numpy.tanh(zn + jax.nn.sigmoid(zr + ur) * (un + p[f"bias_hn_l{k}"]))
        update = jax.nn.sigmoid(zz + uz)
        return (1 - update) * n + update * h, c

    def _rnn(self, z: Any, carry: Any, p: Any, k: int) -> tuple[Any, Any]:
        h, c = carry
        return self.jax.numpy.tanh(z + h @ p[f"weight_hh_l{k}"]), c

    def _loss(self, p: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        """The loss of a window, and the state after it."""
        jax, h = self.jax, None
        end: list[Any] = []
        for k in range(self.layers):
            z = (p["weight_ih_l0"][x] if k == 0 else h @ p[f"weight_ih_l{k}"]) + p[f"bias_l{k}"].reshape(-1)

            def one(carry: Any, z: Any, k: int = k) -> tuple[Any, Any]:
                carry = self.cell(z, carry, p, k)
                return carry, carry[0]

            carry, h = jax.lax.scan(one, state[2 * k : 2 * k + 2], z)
            end += carry
        logs = jax.nn.log_softmax(h @ p["output_weight"] + p["output_bias"])
        return -jax.numpy.take_along_axis(logs, y[..., None], axis=-1).mean(), tuple(end)

    def _train(self, p: Any, moments: Any, state: Any, x: Any, y: Any, t: float) -> tuple[Any, Any, Any, Any]:
        """A step: parameters, moments and state after it, and its loss."""
        jax = self.jax
        (loss, state), grads = jax.value_and_grad(self._loss, has_aux=True)(p, state, x, y)
        norm = jax.numpy.sqrt(sum((g * g).sum() for g in jax.tree.leaves(grads)))
        grads = jax.tree.map(lambda g: g * jax.numpy.minimum(1, CLIP / norm), grads)
        b1, b2 = BETAS
        mean = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, moments[0], grads)
        square = jax.tree.map(lambda s, g: b2 * s + (1 - b2) * g * g, moments[1], grads)
        p = jax.tree.map(
            lambda w, m, s: w - RATE / (1 - b1**t) * m / (jax.numpy.sqrt(s / (1 - b2**t)) + EPSILON), p, mean, square
        )
        return p, [mean, square], state, loss

    def step(self) -> float:
        """Take a training step; return its loss."""
        batch = self.batches[self.at % len(self.batches)]
        self.at += 1
        if batch.fresh:
            self.state = self.jax.tree.map(self.jax.numpy.copy, self.zero)
        x, y = batch.x.astype("int32"), batch.y.astype("int32")
        t = float(self.at)
        self.params, self.moments, self.state, loss = self.train(self.params, self.moments, self.state, x, y, t)
        return float(loss)

    def _read(self, p: Any, state: Any, x: Any, key: Any) -> tuple[Any, Any, Any]:
        """Read a character and draw the next: that, the state after it, and a new key."""
        jax, h = self.jax, None
        end: list[Any] = []
        for k in range(self.layers):
            z = (p["weight_ih_l0"][x] if k == 0 else h @ p[f"weight_ih_l{k}"]) + p[f"bias_l{k}"].reshape(-1)
            carry = self.cell(z, state[2 * k : 2 * k + 2], p, k)
            h, end = carry[0], [*end, *carry]
        key, drawing = jax.random.split(key)
        return jax.random.categorical(drawing, h @ p["output_weight"] + p["output_bias"]), tuple(end), key

    def sample(self, n: int) -> None:
        """Draw n characters, one after the other."""
        x, key = self.jax.numpy.zeros(1, "int32"), self.jax.random.key(0)
        state = tuple(s[:1] for s in self.zero)
        for _ in range(n):
            x, state, key = self.read(self.params, state, x, key)
            x.item()


CANDIDATES: dict[str, Callable[[str, Size, int], Candidate]] = {
    "charrnn": Charrnn,
    "torch one-hot": Torch,
    "torch embedding": TorchEmbedding,
    "torch bfloat16": TorchBfloat16,
    "jax": Jax,
}
