"""Whether examples can be learned from, and the format of their files, so that a checkpoint says how they are read."""

from dataclasses import replace
from typing import Any

from charrnn.config import Config
from charrnn.data import ExampleCorpus, PairCorpus, has_span_labels, resolved_format
from charrnn.errors import TextError
from charrnn.training.class_weights import check_weighted_labels


def with_format(config: Config) -> Config:
    """Return the config with data.format as the files have it. Raises TextError as resolved_format() does."""
    format: Any = resolved_format(config.data)
    return replace(config, data=replace(config.data, format=format))


def check_labels(config: Config, corpus: ExampleCorpus) -> None:
    """Refuse, before the first step, labels that nothing can be learned from. Raises TextError or ConfigError."""
    if isinstance(config.train.class_weights, dict):
        check_weighted_labels(config.train.class_weights, corpus.labels.names)
    names, softmax = corpus.labels.names, config.task == "tag" or config.model.output == "softmax"
    if softmax and len(names) < 2:
        listed = f"'{names[0]}'" if names else "none"
        raise TextError(
            f"data.path: the only label is {listed}: there is nothing to learn; give examples of two or more"
        )
    if config.task == "tag" and config.model.scheme == "bio" and not has_span_labels(names):
        raise TextError("model.scheme: bio needs labels such as B-PER, I-PER and O, and these are others; use plain")
    if config.train.best == "span_f1" and not has_span_labels(names):
        raise TextError(
            "train.best: span_f1 needs labels such as B-PER, I-PER and O, and these are others; use accuracy or loss"
        )


def check_validation(config: Config, corpus: ExampleCorpus | PairCorpus) -> None:
    """Refuse a figure to choose the best model by where there is no validation split. Raises TextError."""
    if config.train.best != "loss" and not len(corpus.valid):
        raise TextError(f"train.best: {config.train.best} depends on validation, but no example is in that split")
