"""Small trained classifiers and taggers, and the files that they were trained on. The training is a plain loop."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.config import Config, config_from_dict
from charrnn.data import ExampleCorpus, LengthBatches, load_examples, resolved_format
from charrnn.models import Header, TaskModel, TaskNetwork, task_of
from charrnn.models.loading import SavedModel, load_checkpoint
from charrnn.storage import checkpoint

ENDINGS = {"Russian": "ova", "Italian": "ini", "Japanese": "ko"}
MODEL = {"hidden_size": 16, "num_layers": 1}
TASKS: dict[str, dict[str, Any]] = {  # a config for each kind of target, for the files of write_tables()
    "origins": {"task": "classify", "data": {"path": "origins.tsv"}},
    "bytes": {"task": "classify", "data": {"path": "origins.tsv", "tokens": "byte"}},
    "answers": {
        "task": "classify",
        "data": {"path": "answers.tsv", "source": "word", "target": ["has_a", "has_b"]},
        "model": {**MODEL, "output": "sigmoid"},
    },
    "numbers": {
        "task": "classify",
        "data": {"path": "answers.tsv", "source": "word", "target": "count"},
        "model": {**MODEL, "output": "linear"},
    },
    "vowels": {"task": "tag", "data": {"path": "vowels.tsv"}},
    "tokens": {"task": "tag", "data": {"path": "names.conllu", "target": "xpos"}},
}


def names_table(count: int = 60, seed: int = 0) -> str:
    """Random names whose endings give their language away, in rows of name and language."""
    rng = np.random.default_rng(seed)
    rows: set[str] = set()
    while len(rows) < count:
        language = list(ENDINGS)[len(rows) % 3]
        rows.add(f"{''.join(rng.choice(list('mnrst'), 3))}{ENDINGS[language]}\t{language}")
    return "".join(f"{row}\n" for row in sorted(rows))


def answers_table(count: int = 60, seed: int = 0) -> str:
    """Words with two yes/no columns, whether they hold an a and whether they hold a b, and the number of a's.

    Some answers are missing.
    """
    rng = np.random.default_rng(seed)
    lines = ["word\thas_a\thas_b\tcount"]
    for k in range(count):
        word = "".join(rng.choice(list("abcd"), 5)) + "xyz"[k % 3]
        missing = k % 7 == 3
        lines.append(f"{word}\t{int('a' in word)}\t{'' if missing else int('b' in word)}\t{word.count('a')}")
    return "".join(f"{line}\n" for line in lines)


def symbols_table(count: int = 60, seed: int = 0) -> str:
    """Short texts of two words with a label for each character: V for a vowel, C for a consonant, and a blank."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        text = " ".join("".join(rng.choice(list("aeimnt"), int(rng.integers(2, 5)))) for _ in range(2))
        lines.append(f"{text}\t{''.join(' ' if c == ' ' else 'V' if c in 'aei' else 'C' for c in text)}\n")
    return "".join(lines)


def tokens_file(count: int = 40, seed: int = 0) -> str:
    """Sentences in CoNLL-U whose capitalised words are spans of names in the column xpos."""
    rng = np.random.default_rng(seed)
    blocks = []
    for number in range(count):
        words = [str(rng.choice(["und", "der", "Anna", "Bert", "sah"])) for _ in range(int(rng.integers(2, 6)))]
        lines = [f"# sent_id = {number}"]
        before = False
        for k, word in enumerate(words, 1):
            label = "O" if word.islower() else "I-PER" if before else "B-PER"
            before = not word.islower()
            lines.append("\t".join([str(k), word, "_", "X", label, "_", "_", "_", "_", "_"]))
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


def write_tables(folder: Path) -> None:
    """Write the file of each of TASKS into a folder."""
    (folder / "origins.tsv").write_text(names_table())
    (folder / "answers.tsv").write_text(answers_table())
    (folder / "vowels.tsv").write_text(symbols_table())
    (folder / "names.conllu").write_text(tokens_file())


@dataclass(frozen=True)
class TaskRun:
    """A saved model, with the examples that it was trained on."""

    path: Path
    corpus: ExampleCorpus

    @property
    def saved(self) -> SavedModel:
        """The checkpoint."""
        return load_checkpoint(self.path)

    @property
    def model(self) -> TaskModel:
        """The model of the checkpoint."""
        return self.saved.task_model


def train_task(path: Path, settings: dict[str, Any], epochs: int = 30, seed: int = 1) -> TaskRun:
    """Train on the examples of a config with Adam and save the model to `path`."""
    config = config_from_dict({"model": MODEL, **settings}).resolved()
    config = fixed_format(config)
    corpus = load_examples(config)
    task = task_of(config, corpus.vocab, corpus.labels)
    network = TaskNetwork(config.model, task)
    network.initialise(np.random.default_rng(seed))
    batches = LengthBatches(corpus.train.examples, 8, seed, task.tag)
    tape = network.tape(batches.longest, 8)
    values, grads = network.params.values, network.params.grads
    first, second, step = np.zeros_like(values), np.zeros_like(values), 0
    for epoch in range(epochs):
        for k in range(len(batches)):
            batch = batches.batch(k, epoch)
            tape = network.tape(len(batch.x), len(batch.lengths))
            network.forward(batch, tape)
            network.backward(batch, tape)
            step += 1
            first += 0.1 * (grads - first)
            second += 0.01 * (grads**2 - second)
            values -= 0.02 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    splits = {own.name: len(own) for own in (corpus.train, corpus.valid, corpus.test)}
    header = Header(config, corpus.vocab, None, splits, corpus.fingerprint, labels=corpus.labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.save(path, header.to_dict(), network.params.value)
    return TaskRun(path, corpus)


def fixed_format(config: Config) -> Config:
    """The config with the format of its files instead of auto."""
    format: Any = resolved_format(config.data)
    return replace(config, data=replace(config.data, format=format))
