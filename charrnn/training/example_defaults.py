"""Values for the keys that a config of classify or tag leaves out, and the check that its examples can be learned from.

The format of the files is settled here too, so that a checkpoint says how examples are read. See defaults.py.
"""

from dataclasses import replace
from typing import Any

from charrnn.config import Config, ModelConfig, TrainConfig
from charrnn.data import ExampleCorpus, resolved_format
from charrnn.errors import TextError
from charrnn.evaluation import has_span_labels

HIDDEN_SIZE = 128
FEW_EXAMPLES = 2000  # up to which small batches and more epochs learn more
BATCH_SIZE = (8, 32)  # examples; with few to train on, with more
EPOCHS = (30, 20)
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.1  # of adamw (Loshchilov and Hutter 2019)


def example_sizes(model: ModelConfig) -> dict[str, Any]:
    """Return the keys of the section model that may be left out, with their values."""
    layers = model.num_layers or (2 if model.dropout else 1)  # dropout acts between layers
    return {"hidden_size": HIDDEN_SIZE, "num_layers": layers, "dropout": 0.0}


def example_training(train: TrainConfig, examples: int) -> dict[str, Any]:
    """Return the keys of the section train that may be left out, with their values; `examples` are to train on."""
    many = examples > FEW_EXAMPLES
    return {
        "seq_length": None,
        "batch_size": max(min(BATCH_SIZE[many], examples), train.shards or 1),
        "epochs": None if train.max_steps else EPOCHS[many],
        "learning_rate": LEARNING_RATE,
        "weight_decay": WEIGHT_DECAY if train.optimizer == "adamw" else 0.0,
    }


def with_format(config: Config) -> Config:
    """Return the config with data.format as the files have it. Raises TextError as resolved_format() does."""
    format: Any = resolved_format(config.data)
    return replace(config, data=replace(config.data, format=format))


def check_examples(config: Config, corpus: ExampleCorpus) -> None:
    """Refuse, before the first step, examples that nothing can be learned from. Raises TextError."""
    names, softmax = corpus.labels.names, config.task == "tag" or config.model.output == "softmax"
    if softmax and len(names) < 2:
        listed = f"'{names[0]}'" if names else "none"
        raise TextError(
            f"data.path: the only label is {listed}: there is nothing to learn; give examples of two or more"
        )
    if config.train.best == "span_f1" and not has_span_labels(names):
        raise TextError(
            "train.best: span_f1 needs labels such as B-PER, I-PER and O, and these are others; use accuracy or loss"
        )
    if config.train.best != "loss" and not len(corpus.valid):
        raise TextError(f"train.best: {config.train.best} depends on validation, but no example is in that split")
