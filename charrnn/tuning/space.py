"""The default space of a search: what is worth trying around the values that the length of the text suggests.

A key that the config gives another value than its default is left alone: its user has chosen it.
"""

from typing import Any

from charrnn.config import Choice, Config, Range, Space, flat, number_text

LEARNING_RATE_FACTOR = 3.0  # how far the rate may go, down and up
HIDDEN_SIZE_FACTORS = (0.5, 1, 1.5)
BATCH_SIZE_FACTORS = (0.5, 1, 2)
WEIGHT_DECAYS = (0.01, 0.5)


def default_space(config: Config, complete: Config) -> Space:
    """The keys that a search varies if its config does not say.

    Arguments:
        config: as it was given.
        complete: the same with a value for every key that follows the text.
    """
    model, train = complete.model, complete.train
    rate = train.learning_rate
    space: Space = {
        "train.learning_rate": Range(rate / LEARNING_RATE_FACTOR, rate * LEARNING_RATE_FACTOR, log=True),
        "model.hidden_size": _multiples(model.hidden_size, HIDDEN_SIZE_FACTORS),
        "train.batch_size": _multiples(train.batch_size, BATCH_SIZE_FACTORS),
        "model.output_dropout": Range(0.0, 0.4),
        "model.recurrent_dropout": Range(0.0, 0.3),
    }
    if model.num_layers > 1:
        space["model.dropout"] = Range(0.0, 0.6)
    if train.optimizer == "adamw":
        space["train.weight_decay"] = Range(*WEIGHT_DECAYS, log=True)
    if complete.task != "language":
        space["model.input_dropout"] = Range(0.0, 0.2)
    left = set(left_alone(config))
    return {name: own for name, own in space.items() if name in left}


def left_alone(config: Config) -> list[str]:
    """The keys that a config has not given: those that follow the text, and those with their default value."""
    defaults = dict(flat(Config(data=config.data).to_dict()))
    return [name for name, value in flat(config.to_dict()) if value is None or value == defaults[name]]


def first_values(space: Space, complete: Config) -> dict[str, Any]:
    """The values that a run without a search has, as a trial; those that the space does not hold are left out."""
    values = dict(flat(complete.to_dict()))
    first: dict[str, Any] = {}
    for name, own in space.items():
        value = values[name]
        if isinstance(own, Choice):
            text = value if isinstance(value, str) else number_text(value)
            if text in own.values:
                first[name] = text
        elif isinstance(value, int | float) and own.low <= value <= own.high:
            first[name] = value
    return first


def _multiples(value: int, factors: tuple[float, ...]) -> Choice:
    """Whole multiples of a number, at least 1, each once."""
    return Choice(tuple(dict.fromkeys(str(max(int(value * factor), 1)) for factor in factors)))
