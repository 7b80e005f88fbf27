"""A small file of pairs, and configs that train tiny translators on it: words with the names of their letters."""

import random
from pathlib import Path
from typing import Any

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config

NAMES = {"a": "ay", "b": "bee", "c": "see", "d": "dee"}  # letter by letter, so that targets are longer than sources


def target_of(word: str, tag: str) -> str:
    """The names of the letters, from the last to the first if the tag is R."""
    return " ".join(NAMES[symbol] for symbol in (reversed(word) if tag == "R" else word))


def write_pairs(folder: Path, count: int = 60) -> None:
    """Write pairs.tsv: a word, the names of its letters, and a tag."""
    rng = random.Random(3)
    rows: dict[str, None] = {}
    while len(rows) < count:
        word, tag = "".join(rng.choice("abcd") for _ in range(rng.randint(1, 5))), rng.choice("FR")
        rows[f"{word}\t{target_of(word, tag)}\t{tag}"] = None
    (folder / "pairs.tsv").write_text("word\tnames\ttag\n" + "".join(f"{row}\n" for row in rows))


def pair_config(seed: int = 1, out: str = "run", **sections: dict[str, Any]) -> Config:
    """A tiny run of 42 training pairs in batches of 8; keys of the sections as given."""
    data = {
        "path": "pairs.tsv",
        "source": "word",
        "target": "names",
        "features": "tag",
        "target_symbols": "space",
        "fractions": [0.7, 0.15, 0.15],
    }
    model = {"cell": "gru", "hidden_size": 5, "num_layers": 1}
    train = {"optimizer": "adam", "learning_rate": 5e-3, "schedule": "constant", "batch_size": 8, "epochs": 2}
    return config_from_dict(
        {
            "task": "translate",
            "data": data | sections.get("data", {}),
            "model": model | sections.get("model", {}),
            "train": train | sections.get("train", {}),
            "seed": seed,
            "out": out,
        }
    )
