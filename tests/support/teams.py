"""A small team of shards and workers."""

from typing import Literal

import numpy as np

from charrnn.config.data_keys import DataConfig
from charrnn.config.keys import Config
from charrnn.config.model_keys import ModelConfig
from charrnn.config.train_keys import TrainConfig
from charrnn.data.vocab import Vocab
from charrnn.parallel.team import Team

VOCAB = Vocab("abcdefg")
STREAMS, LENGTH = 6, 9
IDS = np.random.default_rng(3).integers(0, VOCAB.size, 200).astype(np.uint8)


def make_team(
    shards: int, workers: int = 1, dropout: float = 0.0, cell: Literal["rnn", "lstm", "gru"] = "lstm"
) -> Team:
    model = ModelConfig(cell=cell, hidden_size=5, num_layers=2, dropout=dropout)
    train = TrainConfig(batch_size=STREAMS, seq_length=LENGTH, shards=shards, optimizer="adam", weight_decay=0.0)
    team = Team(Config(DataConfig("-"), model, train, seed=4), VOCAB, IDS, workers)
    team.network.initialise(np.random.default_rng(1))
    return team
