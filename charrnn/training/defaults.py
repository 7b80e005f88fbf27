"""Values for the keys that a config leaves to the text: the size of the model, the batches, the rate and the epochs.

RECIPES holds the rules. docs/performance.md shows what they were compared with, and benchmarks/defaults.py measures it
again. Keys that a config gives are never changed. A resumed run keeps the values that it began with, and a run that
begins with the parameters of another model takes the sizes of that model.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from charrnn.config import Config, ModelConfig, TrainConfig, config_from_dict, flat
from charrnn.data import Corpus, ExampleCorpus, PairCorpus, check_sizes
from charrnn.errors import CheckpointError
from charrnn.models import Network, SavedModel, have_folds
from charrnn.training.corpora import AnyCorpus
from charrnn.training.example_checks import check_labels, check_validation, with_format

Section = TypeVar("Section", ModelConfig, TrainConfig)


@dataclass(frozen=True)
class Recipe:
    """Values for training texts of up to `longest` characters, or examples. The other fields are keys of the config."""

    longest: float
    hidden_size: int
    dropout: float
    batch_size: int
    seq_length: int | None  # None for examples, which are read whole
    epochs: int
    num_layers: int = 2
    learning_rate: float = 3e-3


# A short text needs many passes in small steps, and much dropout; a long one needs a wide model. On a few thousand
# characters there is not enough time to train two layers.
RECIPES = (
    Recipe(5_000, hidden_size=128, num_layers=1, dropout=0, batch_size=8, seq_length=50, epochs=40),
    Recipe(20_000, hidden_size=128, dropout=0.5, batch_size=8, seq_length=50, epochs=40),
    Recipe(100_000, hidden_size=128, dropout=0.3, batch_size=16, seq_length=64, epochs=25),
    Recipe(400_000, hidden_size=192, dropout=0.3, batch_size=32, seq_length=64, epochs=20),
    Recipe(2_000_000, hidden_size=192, dropout=0.2, batch_size=32, seq_length=64, epochs=12),
    Recipe(float("inf"), hidden_size=256, dropout=0.1, batch_size=64, seq_length=64, epochs=6),
)
# The same for a classifier or tagger, by the number of its training examples.
EXAMPLE_RECIPES = (
    Recipe(2_000, hidden_size=128, num_layers=1, dropout=0, batch_size=8, seq_length=None, epochs=30),
    Recipe(float("inf"), hidden_size=128, num_layers=1, dropout=0, batch_size=32, seq_length=None, epochs=20),
)
# The same for a translator, by the number of its training pairs. A second layer delays the moment at which attention
# finds the source: on Adyghe words (docs/translate.md), one of 450 was right after four epochs of twenty.
PAIR_RECIPES = (
    Recipe(2_000, hidden_size=128, num_layers=1, dropout=0, batch_size=16, seq_length=None, epochs=30),
    Recipe(
        float("inf"),
        hidden_size=128,
        num_layers=1,
        dropout=0,
        batch_size=32,
        seq_length=None,
        epochs=30,
        learning_rate=5e-3,
    ),
)
WEIGHT_DECAY = 0.1  # of adamw (Loshchilov and Hutter 2019)
ORDER = 7  # of the n-gram inside a language model
# Characters of a training text that has one. A million of them take half a second each time that a model is used, four
# seconds before training, and 75 MB.
COUNTED = range(1_000, 5_000_001)
MODEL_KEYS = ("hidden_size", "num_layers", "dropout", "ngram")
TRAIN_KEYS = ("seq_length", "batch_size", "epochs", "learning_rate", "weight_decay")


def recipe_for(corpus: AnyCorpus) -> Recipe:
    """Return the recipe for a training text, training examples or training pairs."""
    pairs = PAIR_RECIPES if isinstance(corpus, PairCorpus) else EXAMPLE_RECIPES
    recipes = RECIPES if isinstance(corpus, Corpus) else pairs
    return next(recipe for recipe in recipes if len(corpus.train) <= recipe.longest)


def settled(
    config: Config,
    corpus: AnyCorpus,
    resumed: SavedModel | None = None,
    start_from: Network | None = None,
) -> Config:
    """Return the config with a value for every key that it leaves to the text.

    Arguments:
        config: the settings.
        corpus: the text, or the examples.
        resumed: the state that the run continues from.
        start_from: the network whose parameters the run begins with.

    Raises:
        TextError: the text is too small for the config, or nothing can be learned from the examples.
        CheckpointError: the config of the run that is resumed is not complete.
        ConfigError: keys that the config gives do not go with the sizes of `start_from`.
    """
    if resumed:
        config = _as_begun(config, resumed.config) if resumed.header.by_0_2 else config
        model = {name: getattr(resumed.config.model, name) for name in MODEL_KEYS}
        train = {name: getattr(resumed.config.train, name) for name in TRAIN_KEYS}
    else:
        recipe = recipe_for(corpus)
        model = _sizes(config.model, recipe) | {"ngram": _ngram(config, corpus)}
        if start_from:
            model = {name: getattr(start_from.config, name) for name in MODEL_KEYS}
        targets = len(corpus.train) - isinstance(corpus, Corpus)  # the first character of a text is none
        train = _training(config.train, recipe, targets)
    complete = replace(config, model=_filled(config.model, model), train=_filled(config.train, train))
    if start_from:  # a checkpoint whose config breaks a rule could not be read
        config_from_dict(complete.to_dict(), "with the sizes of --init-from")
    if resumed and (missing := complete.left_to_text()):
        raise CheckpointError(f"{resumed.path}: damaged (its config has no {', '.join(missing)})")
    if isinstance(corpus, Corpus):
        check_sizes(complete, corpus)
        return complete
    check_validation(complete, corpus)
    if isinstance(corpus, ExampleCorpus):
        check_labels(complete, corpus)
    return with_format(complete)


def chosen_values(config: Config, complete: Config) -> dict[str, Any]:
    """Return the values that were chosen by settled() for this text, by the dotted name of the key.

    Those that another key implies are left out: the weight decay, no dropout with a single layer, and no n-gram.

    Arguments:
        config: the settings.
        complete: the result of settled().
    """
    values = dict(flat(complete.to_dict()))
    implied = {"train.weight_decay", "model.dropout" if config.model.num_layers == 1 else ""}
    if not complete.model.ngram:
        implied.add("model.ngram")
    left_out = [*config.left_to_text(), *(["train.epochs"] if config.train.epochs is None else [])]
    return {name: values[name] for name in left_out if name not in implied and values[name] is not None}


def _sizes(model: ModelConfig, recipe: Recipe) -> dict[str, Any]:
    several = model.dropout or model.skip_connections
    layers = model.num_layers or max(recipe.num_layers, 2 if several else 1)
    return {
        "hidden_size": recipe.hidden_size,
        "num_layers": layers,
        "dropout": recipe.dropout if layers > 1 else 0.0,  # it acts between layers
    }


def _ngram(config: Config, corpus: AnyCorpus) -> int | None:
    """The order of the n-gram inside a language model, 0 for none; None for another task.

    A config that sets hidden_size asks for just that network, and teachers teach a network alone.
    """
    if not isinstance(corpus, Corpus):
        return None
    ids = corpus.train.ids
    if config.model.hidden_size or config.train.teacher or len(ids) not in COUNTED:
        return 0
    return ORDER if have_folds(corpus.vocab, ids, ORDER) else 0


def _training(train: TrainConfig, recipe: Recipe, targets: int) -> dict[str, Any]:
    return {
        "seq_length": recipe.seq_length and max(min(recipe.seq_length, targets), 1),
        "batch_size": max(min(recipe.batch_size, targets), train.shards or 1),
        "epochs": None if train.max_steps else recipe.epochs,
        "learning_rate": recipe.learning_rate,
        "weight_decay": WEIGHT_DECAY if train.optimizer == "adamw" else 0.0,
    }


def _as_begun(config: Config, begun: Config) -> Config:
    """Return the config with the values of a run of 0.2 for the keys whose defaults have changed since.

    Its config may have left them out, and must still be good to continue with.
    """
    model, train = config.model, config.train
    if (model.cell, begun.model.cell) == (ModelConfig.cell, "lstm"):
        model = replace(model, cell="lstm")
    if (train.optimizer, begun.train.optimizer) == (TrainConfig.optimizer, "adam"):
        train = replace(train, optimizer="adam")
    if (train.schedule, begun.train.schedule.kind) == (TrainConfig().schedule, "constant"):
        train = replace(train, schedule=begun.train.schedule)
    return replace(config, model=model, train=train)


def _filled(section: Section, values: dict[str, Any]) -> Section:
    """Return the section with `values` for the keys that it leaves to the text."""
    return replace(section, **{name: value for name, value in values.items() if getattr(section, name) is None})
