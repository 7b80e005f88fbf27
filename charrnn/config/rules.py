"""Rules between keys: each value is allowed by itself, but not all of them together.

A rule takes a config and yields its clashes. A clash is dropped if one of its keys has been reported as faulty already,
because the config then holds the default of that key and not what the user meant.
"""

from collections.abc import Callable, Iterator

from charrnn.config.clash import Clash, has_validation, separate_texts
from charrnn.config.data_keys import DataConfig
from charrnn.config.faults import Faults
from charrnn.config.keys import Config
from charrnn.config.table import AnySection, default_of, key_table, value_of
from charrnn.config.task_rules import TASK_RULES
from charrnn.config.values import shortened
from charrnn.config.yaml_tree import Node, place_of

NOT_WITH_BYTES = ("normalize", "lowercase", "min_count", "encoding")  # keys of data that concern characters only

FILE_KEYS = ("data.path", "data.valid_path", "data.test_path", "train.teacher", "out")


def check_combinations(config: Config, root: Node, faults: Faults) -> None:
    """Add a fault for every rule that a config breaks.

    Arguments:
        config: The config, with defaults for the keys that are faulty.
        root: The tree that it was built from, which knows the places.
        faults: Receives the faults, and holds those of single keys.
    """
    check_conditions(config, root, faults)
    for rule in RULES:
        for clash in rule(config):
            _report(clash, root, faults)


def check_conditions(config: AnySection, root: Node, faults: Faults) -> None:
    """Add a fault for every key or section that is not at its default although its condition does not hold.

    A section is reported as a whole. The config may be of any table.
    """
    reported: list[str] = []
    for name, entry in key_table(type(config)).items():
        condition = entry.field.metadata.get("only")
        if condition is None or condition.holds(config) or value_of(config, name) == default_of(entry):
            continue
        if not any(name.startswith(f"{section}.") for section in reported):
            reported.append(name)
            message = f"{name} applies only with {condition}; leave it out"
            _report(Clash(name, message, (condition.key,)), root, faults)


def _report(clash: Clash, root: Node, faults: Faults) -> None:
    if faults.faulty_keys.isdisjoint((clash.key, *clash.others)):
        faults.add(place_of(root, *clash.key.split(".")), clash.message)


def names_of_files_hold_no_zero(config: Config) -> Iterator[Clash]:
    """The character NUL separates symbols in some tables, but no system has it in the name of a file."""
    for name in FILE_KEYS:
        value = value_of(config, name) or ""
        for own in value if isinstance(value, tuple) else (value,):
            if "\0" in own:
                yield Clash(name, f"{name}: no file name holds the character NUL, as {shortened(own)} does; correct it")


def dropout_acts_between_layers(config: Config) -> Iterator[Clash]:
    """Dropout needs at least two layers."""
    if config.model.dropout and config.model.num_layers == 1:
        message = "model.dropout acts between layers, but model.num_layers is 1; set model.dropout to 0 or add a layer"
        yield Clash("model.dropout", message, ("model.num_layers",))


def skip_connections_pass_layers(config: Config) -> Iterator[Clash]:
    """Skip connections need at least two layers."""
    if config.model.skip_connections and config.model.num_layers == 1:
        message = "model.skip_connections needs two layers, but model.num_layers is 1; set it to false or add a layer"
        yield Clash("model.skip_connections", message, ("model.num_layers",))


def an_ngram_holds_no_other(config: Config) -> Iterator[Clash]:
    """A gate belongs to a network."""
    if config.model.ngram and config.model.cell == "ngram":
        message = "model.ngram is an n-gram inside a network, and model.cell is ngram; set model.order, or another cell"
        yield Clash("model.ngram", message, ("model.cell",))


def teachers_teach_a_network_alone(config: Config) -> Iterator[Clash]:
    """What teachers predict is a target of a network, and not of an n-gram or of a mixture with one."""
    if config.train.teacher and config.model.cell == "ngram":
        message = "train.teacher teaches a network, and model.cell: ngram is counted from its text alone; leave it out"
        yield Clash("train.teacher", message, ("model.cell",))
    elif config.train.teacher and config.model.ngram:
        message = "train.teacher does not go with model.ngram; leave one of them out"
        yield Clash("train.teacher", message, ("model.ngram",))


def fractions_divide_the_text(config: Config) -> Iterator[Clash]:
    """The fractions sum to 1, and there is something to train on."""
    fractions = config.data.fractions
    if abs(sum(fractions) - 1) > 1e-6:
        yield Clash("data.fractions", f"data.fractions: {list(fractions)} sum to {sum(fractions):g}, not 1")
    if not fractions[0]:
        message = "data.fractions leave nothing to train on; the first fraction must be above 0"
        yield Clash("data.fractions", message)


def shards_need_streams(config: Config) -> Iterator[Clash]:
    """A shard is at least one stream of the batch."""
    shards, streams = config.train.shards, config.train.batch_size
    if shards and streams and shards > streams:
        message = f"train.shards: {shards} shards need as many streams, but train.batch_size is {streams}"
        yield Clash("train.shards", message, ("train.batch_size",))


def separate_texts_replace_splits(config: Config) -> Iterator[Clash]:
    """With a separate text for validation or testing, data.path is not split."""
    separate = separate_texts(config.data)
    if separate and config.data.split == "streams":
        yield Clash("data.split", f"data.split: streams splits data.path; it does not go with {separate[0]}")
    if separate and config.data.fractions != DataConfig.fractions:
        yield Clash("data.fractions", f"data.fractions split data.path; they do not go with {separate[0]}")


def documents_are_told_apart_in_one_way(config: Config) -> Iterator[Clash]:
    """Documents have a kind or a separator, and their split is one that keeps them whole."""
    data = config.data
    if data.documents.kind != "none" and data.documents.separator is not None:
        message = "data.documents.separator does not go with data.documents.kind; leave one of them out"
        yield Clash("data.documents.separator", message, ("data.documents.kind",))
    if data.documents and data.split == "streams":
        message = "data.split: streams cuts documents to pieces; use random or contiguous with data.documents"
        yield Clash("data.split", message, ("data.documents.kind",))
    if config.task == "language" and not data.documents and data.split == "random":
        message = "data.split: random draws documents; set data.documents to line, paragraph, file or {separator: TEXT}"
        yield Clash("data.split", message, ("data.documents.kind",))


def bytes_are_read_as_they_are(config: Config) -> Iterator[Clash]:
    """Keys about characters do not go with bytes."""
    if config.data.tokens == "byte":
        for name in NOT_WITH_BYTES:
            if getattr(config.data, name) != getattr(DataConfig, name):
                yield Clash(f"data.{name}", f"data.{name} does not go with data.tokens: byte; leave it out")


def encoding_exists(config: Config) -> Iterator[Clash]:
    """The encoding is one that Python has for text."""
    try:
        "".encode(config.data.encoding)
    except (LookupError, ValueError):
        message = (
            f"data.encoding: {config.data.encoding!r} is not a text encoding; common ones are utf-8, latin-1, cp1252"
        )
        yield Clash("data.encoding", message)


def plateau_needs_validation(config: Config) -> Iterator[Clash]:
    """The plateau schedule needs a validation loss."""
    validated = has_validation(config.data)
    if config.train.schedule.kind == "plateau" and not validated:
        message = "train.schedule: plateau depends on the validation loss, but there is no validation split"
        yield Clash("train.schedule", message, ("data.fractions", "data.valid_path", "data.test_path"))


RULES: tuple[Callable[[Config], Iterator[Clash]], ...] = (
    names_of_files_hold_no_zero,
    dropout_acts_between_layers,
    skip_connections_pass_layers,
    an_ngram_holds_no_other,
    teachers_teach_a_network_alone,
    fractions_divide_the_text,
    shards_need_streams,
    separate_texts_replace_splits,
    documents_are_told_apart_in_one_way,
    bytes_are_read_as_they_are,
    encoding_exists,
    plateau_needs_validation,
    *TASK_RULES,
)
