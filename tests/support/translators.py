"""A translator that needs no training: it copies its source, in capitals, and is more or less sure of it.

It has the steps of a network. For each letter of the source it writes the capital with the probability `sure`, and the
other symbols share the rest; after the last letter the same holds for the end. `x` becomes `Y`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config, config_from_dict
from charrnn.data.example_loading import pair_rules_of
from charrnn.data.pair_batches import PairBatch
from charrnn.data.pair_corpus import PairCorpus, build_pairs
from charrnn.data.pair_rows import PairRules
from charrnn.data.rows import FileText, Layout
from charrnn.data.symbols import Symbols
from charrnn.models.header import Header
from charrnn.models.loading import SavedModel
from charrnn.models.translate_model import TranslateModel, translation_of
from charrnn.models.translate_network import TranslateNetwork

SOURCE, TARGET = Symbols(tuple("abcx")), Symbols(tuple("ABCXY"))
TAGGED_SOURCE = Symbols(("<V>", *SOURCE.names))
WRITES = [
    0,
    1,
    2,
    4,
    0,
    TARGET.last_id,
]  # the id that is written for each id of a source, for an unknown one, at the end


@dataclass
class Copied:
    """What has been read: ids that will be written (T + 1, n), and how many were, for each beginning, (1, 1, n * B)."""

    right: Array
    state: Array

    def select(self, rows: Array) -> "Copied":
        return Copied(self.right[:, rows], self.state[:, :, rows])


@dataclass
class Copier:
    """The steps of a network."""

    sure: float
    never_ends: bool = False

    def encode(self, batch: PairBatch) -> Copied:
        steps = np.arange(len(batch.x) + 1)[:, None]
        ids = np.vstack([batch.x, np.zeros_like(batch.x[:1])])
        right = np.array(WRITES)[np.where(steps < batch.lengths, ids, -1)]
        if self.never_ends:
            right[right == TARGET.last_id] = 0
        return Copied(right, np.zeros((1, 1, len(batch.lengths)), np.int64))

    def step(self, ids: Array, encoded: Copied) -> Array:
        written = encoded.state[0, 0]
        source = np.arange(len(ids)) // (len(ids) // encoded.right.shape[1])
        right = encoded.right[np.minimum(written, len(encoded.right) - 1), source]
        p = np.full((len(ids), TARGET.size), (1 - self.sure) / (TARGET.size - 1))
        p[np.arange(len(ids)), right] = self.sure
        encoded.state = encoded.state + 1
        log_p: Array = np.log(p)
        return log_p

    def tape_bytes(self, *sizes: int, training: bool = True) -> int:
        return 1000


def a_config(**data: Any) -> Config:
    return config_from_dict({"task": "translate", "data": {"path": "pairs.tsv", **data}})


def a_copier(sure: float = 0.8, rules: PairRules | None = None, **options: Any) -> TranslateModel:
    """The translator."""
    network: Any = Copier(sure, **options)
    return TranslateModel(a_config(), network, SOURCE, TARGET, rules or PairRules(Layout("tsv")))


def pairs(*texts: str, rules: PairRules | None = None) -> PairCorpus:
    """Pairs of training, validation and test, in the symbols of the translator if those occur in training."""
    files = zip(("path", "valid_path", "test_path"), texts, strict=False)
    return build_pairs({key: [FileText(key, text)] for key, text in files}, rules or PairRules(Layout("tsv")))


def a_random_translator(
    seed: int = 0,
    data: dict[str, Any] | None = None,
    source: Symbols = TAGGED_SOURCE,
    target: Symbols = TARGET,
    **model: Any,
) -> SavedModel:
    """A random network, which is rather sure of what it writes."""
    sizes = {"hidden_size": 5, "num_layers": 2, **model}
    settings = {"path": "pairs.tsv", "format": "tsv", **(data or {})}
    config = config_from_dict({"task": "translate", "data": settings, "model": sizes})
    network = TranslateNetwork(config.model, translation_of(config, source, target))
    network.params.values[...] = np.random.default_rng(seed).standard_normal(network.params.size)
    network.params.value["output_weight"] *= 3
    network.params.value["output_bias"][target.last_id] += 3
    found = TranslateModel(config, network, source, target, pair_rules_of(config))
    return SavedModel(found, Header(config, None, source=source, target=target), {}, Path("x.npz"))
