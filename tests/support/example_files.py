"""Small files of examples of every kind, and configs that train tiny classifiers and taggers on them."""

import random
from pathlib import Path
from typing import Any

from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config

WORDS = random.Random(5)
LONGEST = 9


def words(count: int, letters: str) -> list[str]:
    """Different random words."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(WORDS.choice(letters) for _ in range(WORDS.randint(2, LONGEST)))] = None
    return list(found)


SOURCES = words(60, "abcdeio")


def vowels(word: str) -> str:
    """The label of each symbol: V for a vowel, C for a consonant."""
    return "".join("V" if symbol in "aeio" else "C" for symbol in word)


def label(word: str) -> str:
    """The class of a word."""
    return "begins" if word[0] in "aeio" else "closes" if word[-1] in "aeio" else "other"


def has(word: str, symbol: str, k: int) -> str:
    """Whether a word has a symbol; a few answers are missing."""
    return "" if k % 7 == 3 else str(int(symbol in word))


def write_examples(folder: Path) -> None:
    """Write the files that KINDS name."""
    rows = [
        "\t".join([word, label(word), has(word, "a", k), has(word, "d", k + 1), str(len(word)), vowels(word)])
        for k, word in enumerate(SOURCES)
    ]
    (folder / "rows.tsv").write_text("word\tclass\ta\td\tlength\tvowels\n" + "\n".join(rows) + "\n")
    sentences = []
    for first in range(0, len(SOURCES), 2):
        pair = SOURCES[first : first + 2]
        sentences.append("".join(f"{word}\t{'B-X' if word[0] in 'aeio' else 'O'}\n" for word in pair))
    (folder / "rows.conll").write_text("\n".join(sentences))
    by_class: dict[str, list[str]] = {}
    for word in SOURCES:
        by_class.setdefault(label(word), []).append(word)
    for directory in ("files", "folders"):
        (folder / directory).mkdir()
    for name, own in by_class.items():
        (folder / "files" / f"{name}.txt").write_text("".join(f"{word}\n" for word in own))
        (folder / "folders" / name).mkdir()
        for k, word in enumerate(own):
            (folder / "folders" / name / f"{k}.txt").write_text(word)


KINDS: dict[str, dict[str, Any]] = {
    "softmax": {"task": "classify", "data": {"path": "rows.tsv", "source": "word", "target": "class"}},
    "sigmoid": {
        "task": "classify",
        "data": {"path": "rows.tsv", "source": "word", "target": ["a", "d"]},
        "model": {"output": "sigmoid"},
    },
    "linear": {
        "task": "classify",
        "data": {"path": "rows.tsv", "source": "word", "target": "length"},
        "model": {"output": "linear"},
    },
    "tag": {"task": "tag", "data": {"path": "rows.tsv", "source": "word", "target": "vowels"}},
    "conll": {"task": "tag", "data": {"path": "rows.conll"}},
    "files": {"task": "classify", "data": {"path": "files", "format": "files"}},
    "folders": {"task": "classify", "data": {"path": "folders", "format": "folders"}},
}


def example_config(kind: str, seed: int = 1, out: str = "run", **sections: dict[str, Any]) -> Config:
    """A tiny run of 42 training examples (21 sentences) in batches of 8; keys of the sections as given."""
    own = KINDS[kind]
    data = {"fractions": [0.7, 0.15, 0.15]} | own["data"] | sections.get("data", {})
    model = {"cell": "gru", "hidden_size": 5, "num_layers": 1} | own.get("model", {}) | sections.get("model", {})
    plain = {"optimizer": "adam", "learning_rate": 5e-3, "schedule": "constant", "batch_size": 8, "epochs": 2}
    train = plain | sections.get("train", {})
    return config_from_dict(
        {"task": own["task"], "data": data, "model": model, "train": train, "seed": seed, "out": out}
    )
