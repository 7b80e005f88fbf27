"""What is compared for translators: a training step of charrnn and of PyTorch, with attention and packed sources.

The pairs are random, of random lengths; both read the same batches, from the same weights. A step is forward, backward,
clipping by norm and Adam. Heavy packages are imported inside the functions, as in candidates.py.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from candidates import BETAS, CLIP, EPSILON, RATE, STEPS_PER_EPOCH, VOCAB

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from charrnn.data import PairCorpus
    from charrnn.training.loop import Run

    Numbers = npt.NDArray[np.float32]

ORDERS = {"lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}  # PyTorch's order of the gates


class PairSize(NamedTuple):
    """The size of a network, of its batches, and of its pairs; the lengths of both sides are drawn evenly."""

    layers: int
    hidden: int
    batch: int
    shortest: int
    longest: int


PAIR_SIZES = {
    "words 1x128": PairSize(1, 128, 32, 4, 14),
    "words 2x128": PairSize(2, 128, 32, 4, 14),
    "words 2x256": PairSize(2, 256, 64, 4, 14),
    "sentences 1x128": PairSize(1, 128, 32, 20, 100),
}


def random_pairs(size: PairSize) -> "PairCorpus":
    """Training pairs with random symbols; a target is up to two symbols longer or shorter than its source."""
    import numpy as np

    from charrnn.data import PairCorpus, Symbols
    from charrnn.data.pair_corpus import PairFacts
    from charrnn.data.pairs import PairExamples, PairSplit

    rng = np.random.default_rng(0)
    count = size.batch * STEPS_PER_EPOCH
    sources = rng.integers(size.shortest, size.longest + 1, count)
    targets = np.maximum(sources + rng.integers(-2, 3, count), 1)
    bounds, target_bounds = (np.concatenate([[0], np.cumsum(lengths)]) for lengths in (sources, targets))
    ids, target_ids = (rng.integers(0, VOCAB - 1, int(own[-1])).astype(np.int32) for own in (bounds, target_bounds))
    train = PairSplit("train", PairExamples(ids, bounds, target_ids, target_bounds), [], [], [])
    empty = PairSplit("valid", PairExamples(ids[:0], bounds[:1], ids[:0], bounds[:1]), [], [], [])
    lengths = (size.shortest, int(np.median(sources)), size.longest)
    facts = PairFacts(count, lengths, lengths, {"train": count, "valid": 0, "test": 0}, {}, 0, 0)
    symbols = Symbols(tuple(map(chr, range(33, 33 + VOCAB - 1))))
    return PairCorpus(symbols, symbols, train, empty, empty, facts)


def make_pair_run(cell: str, size: PairSize, workers: int = 1) -> "Run":
    """A charrnn run on random pairs, with weights that depend on nothing but the shape."""
    from charrnn import config_from_dict
    from charrnn.training.loop import Run

    config = config_from_dict(
        {
            "task": "translate",
            "data": {"path": "-", "format": "tsv"},
            "model": {"cell": cell, "num_layers": size.layers, "hidden_size": size.hidden, "dropout": 0,
                      "input_dropout": 0},
            "train": {"batch_size": size.batch, "epochs": 10**6, "eval_every": 1 << 40, "patience": None,
                      "shards": workers, "learning_rate": RATE, "optimizer": "adam", "schedule": "constant"},
        }
    )  # fmt: skip
    return Run(config, random_pairs(size), workers=workers)


class CharrnnPairs:
    """The product, as `charrnn train` runs it."""

    def __init__(self, cell: str, size: PairSize, threads: int) -> None:
        self.run = make_pair_run(cell, size, workers=threads)

    def step(self) -> float:
        """Take a training step; return its loss."""
        return self.run.advance().loss


class TorchPairs:
    """Encoder and decoder of torch.nn with general attention; packed sources, clip_grad_norm_ and Adam."""

    embedding = False

    def __init__(self, cell: str, size: PairSize, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.cell, self.size, self.done = torch, cell, size, 0
        run = make_pair_run(cell, size)
        value, self.batches = run.network.params.value, run.material.batches
        self.encoder, self.decoder = (self._layers(value, side) for side in ("encoder_", "decoder_"))
        self.named = {
            name: torch.nn.Parameter(torch.from_numpy(array.copy()))
            for name, array in value.items()
            if not name.startswith(("encoder_", "decoder_"))
        }
        self.tables = [torch.nn.Embedding.from_pretrained(torch.eye(VOCAB), freeze=False) for _ in range(2)]
        modules = [self.encoder, self.decoder, *(self.tables if self.embedding else [])]
        self.parameters = [*self.named.values(), *(p for module in modules for p in module.parameters())]
        self.optimizer = torch.optim.Adam(self.parameters, RATE, BETAS, EPSILON)

    def _layers(self, value: "dict[str, Numbers]", side: str) -> Any:
        """Recurrent layers with the parameters of the encoder or decoder."""
        torch, hidden, order = self.torch, self.size.hidden, ORDERS[self.cell]
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[self.cell]
        layers = kind(VOCAB, hidden, self.size.layers, bidirectional=side == "encoder_")

        def rows(planes: "Numbers") -> Any:  # from (G, D, H) to PyTorch's (G * H, D)
            return torch.from_numpy(planes[order].swapaxes(1, 2).reshape(-1, planes.shape[1]))

        with torch.no_grad():
            for name, parameter in layers.named_parameters():
                which, _, layer = name.partition("_l")
                if which.startswith("weight"):
                    parameter.copy_(rows(value[side + name]))
                elif which == "bias_ih":
                    parameter.copy_(torch.from_numpy(value[f"{side}bias_l{layer}"][order].reshape(-1)))
                else:
                    parameter.zero_()
                    if self.cell == "gru":
                        parameter[2 * hidden :] = torch.from_numpy(value[f"{side}bias_hn_l{layer}"])
        return layers

    def _read(self, side: int, ids: Any) -> Any:
        return self.tables[side](ids) if self.embedding else self.torch.nn.functional.one_hot(ids, VOCAB).float()

    def step(self) -> float:
        """Take a training step; return its loss."""
        import numpy as np

        torch, named, (layers, hidden) = self.torch, self.named, self.size[:2]
        rnn = torch.nn.utils.rnn
        epoch, k = divmod(self.done, len(self.batches))
        batch = self.batches.batch(k, epoch)
        self.done += 1
        lengths = torch.from_numpy(batch.lengths)
        ids, y_in, y_out = (torch.from_numpy(own.astype(np.int64)) for own in (batch.x, batch.y_in, batch.y_out))
        packed, state = self.encoder(rnn.pack_padded_sequence(self._read(0, ids), lengths, enforce_sorted=False))
        memory, _ = rnn.pad_packed_sequence(packed, batch_first=True)  # (N, Ts, W)
        h = state[0] if isinstance(state, tuple) else state  # (2 L, N, H): where each direction ends
        first = torch.tanh(torch.cat([h[-2], h[-1]], 1) @ named["bridge_weight"] + named["bridge_bias"])
        states = first.reshape(len(lengths), layers, -1, hidden).permute(2, 1, 0, 3).contiguous()
        s, _ = self.decoder(self._read(1, y_in), tuple(states) if self.cell == "lstm" else states[0])
        s = s.transpose(0, 1)  # (N, Tt, H)
        scores = torch.bmm(s @ named["attention_weight"], memory.transpose(1, 2))
        beyond = torch.arange(memory.shape[1]) >= lengths[:, None]
        weights = scores.masked_fill(beyond[:, None], -torch.inf).softmax(2)
        joined = torch.cat([torch.bmm(weights, memory), s], 2)
        output = torch.tanh(joined @ named["attention_out_weight"] + named["attention_out_bias"])
        logits = output @ named["output_weight"] + named["output_bias"]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y_out.T.flatten(), ignore_index=-1)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        return float(loss.item())


class TorchEmbeddedPairs(TorchPairs):
    """The same with embeddings, which are trained too."""

    embedding = True
