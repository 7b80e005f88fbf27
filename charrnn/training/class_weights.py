"""The weights that the loss of a classifier or tagger gives to labels."""

import difflib
from collections.abc import Mapping, Sequence

import numpy as np

from charrnn.arrays import Array
from charrnn.config import TrainConfig
from charrnn.errors import ConfigError

MAX_NEAR = 3  # labels that a message about an unknown one names


def class_weights(train: TrainConfig, targets: Array, names: Sequence[str]) -> tuple[float, ...] | None:
    """The weight of each label, as train.class_weights says; None if all count alike.

    Arguments:
        train: the section of the config.
        targets: labels (M,) of the training split, -1 where there is none.
        names: of the labels.

    Raises:
        ConfigError: a weight is given to a label that no example has.
    """
    if train.class_weights == "none":
        return None
    if isinstance(train.class_weights, str):
        return balanced_weights(targets, len(names))
    check_weighted_labels(train.class_weights, names)
    return tuple(train.class_weights.get(name, 1.0) for name in names)


def balanced_weights(targets: Array, classes: int) -> tuple[float, ...]:
    """A weight for each label in inverse proportion to its frequency; their mean over the targets, (M,), is 1."""
    counts = np.bincount(targets[targets >= 0], minlength=classes)
    occurring = int((counts > 0).sum())
    weights = counts.sum() / (occurring * np.maximum(counts, 1))
    return tuple(np.where(counts > 0, weights, 0.0).tolist())


def check_weighted_labels(weights: Mapping[str, float], names: Sequence[str]) -> None:
    """Refuse weights of labels that no example has. Raises ConfigError, a line for each, with the nearest labels."""
    faults = []
    for name in weights:
        if name not in names:
            near = difflib.get_close_matches(name, names, MAX_NEAR, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else _listed(names)
            faults.append(f"train.class_weights: no example has the label {name!r}; {hint}")
    if faults:
        raise ConfigError("\n".join(faults))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:10]))
    return f"labels are {shown}{', ...' if len(names) > 10 else ''}"
