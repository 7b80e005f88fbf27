"""Rules: what each key allows, but all of them together do not."""

from charrnn.config.keys import Config, ModelConfig, table
from charrnn.config.yaml_tree import Faults, Node, place_of


def check_combinations(config: Config, root: Node, faults: Faults) -> None:
    """Note what each key allows but all of them together do not; a faulty key has been blamed already."""
    data, model, train = config.data, config.model, config.train

    def clash(at: str, message: str, *others: str) -> None:
        if not faults.keys & {at, *others}:
            faults.add(place_of(root, *at.split(".")), message)

    for entry, _ in table(ModelConfig):
        if "only" in entry.metadata:
            other, value = entry.metadata["only"]
            if getattr(model, entry.name) != entry.default and getattr(model, other) != value:
                name = f"model.{entry.name}"
                clash(name, f"{name} counts only with model.{other}: {value}; leave it out", f"model.{other}")
    if model.dropout and model.num_layers == 1:
        message = "model.dropout works between layers, and model.num_layers is 1; set it to 0 or add a layer"
        clash("model.dropout", message, "model.num_layers")
    if abs(sum(data.fractions) - 1) > 1e-6:
        clash("data.fractions", f"data.fractions: {list(data.fractions)} sum to {sum(data.fractions):g}, not 1")
    if not data.fractions[0]:
        message = "data.fractions: nothing is left to train on; the first share must be above 0"
        clash("data.fractions", message)
    if train.shards and train.shards > train.batch_size:
        message = f"train.shards: {train.shards} are more than the {train.batch_size} streams of train.batch_size"
        clash("train.shards", message, "train.batch_size")
    own = [name for name in ("valid_path", "test_path") if getattr(data, name)]
    if own and data.split == "streams":
        clash("data.split", f"data.split: streams cuts data.path; it does not go with data.{own[0]}")
    if own and data.fractions != (0.9, 0.05, 0.05):
        clash("data.fractions", f"data.fractions cuts data.path; it does not go with data.{own[0]}")
    if data.tokens == "byte":
        for name, default in (("normalize", "none"), ("lowercase", False), ("min_count", 1), ("encoding", "utf-8")):
            if getattr(data, name) != default:
                clash(f"data.{name}", f"data.{name} does not go with data.tokens: byte; leave it out")
    try:
        "".encode(data.encoding)
    except (LookupError, ValueError):
        message = f"data.encoding: {data.encoding!r} is not a text encoding; usual ones are utf-8, latin-1, cp1252"
        clash("data.encoding", message)
    if train.epochs is None and train.max_steps is None:
        message = "train.epochs and train.max_steps are both null: the run would never end"
        clash("train", message, "train.epochs", "train.max_steps")
    validated = data.valid_path or (data.fractions[1] and not own)
    if train.schedule.kind == "plateau" and not validated:
        message = "train.schedule: plateau follows the validation loss, and there is no validation split"
        clash("train.schedule", message, "data.fractions", "data.valid_path", "data.test_path")
