"""The header of a checkpoint: what it says beside its arrays."""

from dataclasses import replace
from typing import Any

from charrnn.config import Config, ModelConfig, TrainConfig
from charrnn.data import Vocab


def describe(config: Config, vocab: Vocab) -> dict[str, Any]:
    """The part of a checkpoint's header from which load() builds the network again.

    Without what says nothing about the result: the directory, the number of workers, and how often the clock saves.
    """
    words = {"symbols": vocab.symbols, "has_unknown": vocab.has_unknown, "tokens": vocab.tokens}
    idle = replace(config.train, workers="auto", save_minutes=TrainConfig.save_minutes)
    config = replace(config, out=None, train=idle)
    return {"config": config.to_dict(), "vocab": words}


def describe_model(config: ModelConfig) -> str:
    """What a table calls a model."""
    if config.cell == "ngram":
        return f"{config.order}-gram, {config.smoothing}"
    return f"{config.cell} {config.num_layers} x {config.hidden_size}"
