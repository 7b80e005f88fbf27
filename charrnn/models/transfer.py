"""Fine-tuning: the parameters of one network carried over into another with a different vocabulary."""

import numpy as np

from charrnn.config import ModelConfig
from charrnn.data import Vocab
from charrnn.errors import CheckpointError
from charrnn.models.network import Network

SIZES = ("hidden_size", "num_layers", "embedding_size")
ARCHITECTURE = ("cell", *SIZES, "activation", "reset", "ngram", "skip_connections")  # what two networks must share


def check_transferable(old: Network, model: ModelConfig, tokens: str) -> None:
    """Refuse to fine-tune a network of another architecture, or of other tokens. Raises CheckpointError."""
    for name in ARCHITECTURE:
        theirs, ours = getattr(old.config, name), getattr(model, name)
        if ours != theirs:
            raise CheckpointError(
                f"--init-from: the checkpoint has model.{name} {theirs}, the config {ours}; set it to {theirs}"
            )
    if old.vocab.tokens != tokens:
        raise CheckpointError(
            f"--init-from: the checkpoint has data.tokens {old.vocab.tokens}, the config {tokens}; set it to "
            f"{old.vocab.tokens}"
        )


def transfer(old: Network, new: Network) -> tuple[str, str]:
    """Copy trained parameters into a freshly initialised network with another vocabulary (fine-tuning).

    Rows and columns of characters that both know are copied by character, new ones stay fresh. Returns the characters
    added and those dropped. Raises CheckpointError where the architectures differ.
    """
    check_transferable(old, new.config, new.vocab.tokens)
    table = Vocab(old.vocab.symbols).table(new.vocab.symbols)
    if new.vocab.has_unknown:
        table = np.append(table, len(old.vocab.symbols) if old.vocab.has_unknown else -1)
    known = np.flatnonzero(table >= 0)
    by_character = {"embedding": 0, "output_weight": 1, "output_bias": 0}
    if new.config.embedding_size is None:
        by_character["weight_ih_l0"] = 1
    for name, value in new.params.value.items():
        source = old.params.value[name]
        if name in by_character:
            axis = by_character[name]
            np.moveaxis(value, axis, 0)[known] = np.moveaxis(source, axis, 0)[table[known]]
            if new.config.ngram and name.startswith("output"):
                value[..., -1] = source[..., -1]  # the gate
        else:
            value[...] = source
    old_symbols, new_symbols = set(old.vocab.symbols), set(new.vocab.symbols)
    return "".join(sorted(new_symbols - old_symbols)), "".join(sorted(old_symbols - new_symbols))
