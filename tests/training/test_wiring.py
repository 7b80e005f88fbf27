"""Every key of a config reaches what it is for: another value gives another result."""

import os
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.keys import leaves
from charrnn.models.loading import load
from charrnn.training.fit_ngram import fit
from charrnn.training.opening import open_run
from charrnn.training.resuming import worker_count
from tests.support.runs import SAMPLES, snapshot

TEXT = "The cat sat on the mat. Cafe\u0301 or caf\u00e9? The end of the tale, 0 to 9. " * 6
OTHER_TEXT = "Quick wafting zephyrs vex bold Jim. " * 10
BASE: dict[str, Any] = {
    "data.path": "text.txt",
    "data.fractions": [0.8, 0.1, 0.1],
    "model.cell": "lstm",
    "model.hidden_size": 4,
    "model.num_layers": 1,
    "train.seq_length": 8,
    "train.batch_size": 4,
    "train.optimizer": "adam",
    "train.learning_rate": 2e-3,
    "train.schedule.kind": "constant",
    "train.epochs": 1,
    "train.max_steps": 4,
    "train.shards": 1,
    "train.sample_length": 5,
    "out": "run",
}
STILL = {"train.learning_rate": 1e-30, "train.eval_every": 1}  # no parameter moves: validation never improves

SENTENCES = {"data.path": ["lines.txt", "other.txt", "text.txt"]}
APART = {"data.min_count": 2, "data.fractions": [0.9, 0.05, 0.05]}  # the default: a path replaces a split

# Rows of a word, a label for it or for each of its letters, yes or no, a number, a split, another label, two labels,
# and another word.
EXAMPLES = {
    "task": "classify",
    "data.path": "rows.tsv",
    "data.source": 1,
    "data.target": 2,
    "data.fractions": [0.6, 0.2, 0.2],
    "train.seq_length": None,
    "train.sample_length": 300,
}
PAIRS = {**EXAMPLES, "task": "translate"}
TOKENS = {**EXAMPLES, "task": "tag", "data.path": "tokens.conll", "data.source": 1, "data.target": None}
LABEL_SETS = {**EXAMPLES, "model.output": "sigmoid", "data.target": 7, "data.label_separator": ","}


@dataclass(frozen=True)
class Case:
    """A key, another value for it, what that changes, and the keys that both runs have besides BASE."""

    key: str
    value: Any
    changes: str
    besides: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("task", "tag", "parameters", EXAMPLES),
    Case("data.format", "csv", "text", {**EXAMPLES, "data.path": "both.tsv"}),
    Case("data.source", 8, "text", EXAMPLES),
    Case("data.target", 6, "labels", EXAMPLES),
    Case("data.label_separator", ";", "labels", LABEL_SETS),
    Case("data.max_length", 4, "text", {**EXAMPLES, "data.too_long": "cut"}),
    Case("data.too_long", "skip", "text", {**EXAMPLES, "data.target": 6, "data.too_long": "cut", "data.max_length": 4}),
    Case("data.split", "random", "text", EXAMPLES),
    Case("data.split_column", 5, "text", EXAMPLES),
    Case("data.split_seed", 2, "text", EXAMPLES),
    Case("data.valid_path", "valid.tsv", "text", {**EXAMPLES, "data.fractions": [0.9, 0.05, 0.05]}),
    Case("model.bidirectional", False, "parameters", EXAMPLES),
    Case("model.pooling", "max", "parameters", EXAMPLES),
    Case("model.scheme", "segments", "labels", TOKENS),
    Case("model.output", "linear", "parameters", {**EXAMPLES, "data.target": 4, "data.split": "random"}),
    Case("model.input_dropout", 0.5, "parameters", EXAMPLES),
    Case("train.label_smoothing", 0.2, "parameters", EXAMPLES),
    Case("train.class_weights", "balanced", "parameters", EXAMPLES),
    Case("train.best", "accuracy", "best", EXAMPLES),
    Case("train.shards", 2, "parameters", {**EXAMPLES, "model.input_dropout": 0.5}),
    Case("train.batch_size", 3, "parameters", EXAMPLES),
    Case("seed", 2, "order of documents", EXAMPLES),
    Case("data.source_symbols", "space", "text", PAIRS),
    Case("data.target_symbols", "space", "text", PAIRS),
    Case("data.features", 6, "text", PAIRS),
    Case("data.lowercase", True, "text", PAIRS),
    Case("data.min_count", 20, "text", PAIRS),
    Case("data.max_length", 4, "text", {**PAIRS, "data.too_long": "skip"}),
    Case("model.attention", "additive", "parameters", PAIRS),
    Case("model.bidirectional", False, "parameters", PAIRS),
    Case("model.input_dropout", 0.5, "parameters", PAIRS),
    Case("train.label_smoothing", 0.2, "parameters", PAIRS),
    Case("train.best", "symbol_error", "best", PAIRS),
    Case("data.path", "other.txt", "text"),
    Case("data.tokens", "byte", "text"),
    Case("data.encoding", "latin-1", "text"),
    *(Case("data.normalize", form, "text") for form in ("nfc", "nfd", "nfkc", "nfkd")),
    Case("data.lowercase", True, "text"),
    Case("data.min_count", 20, "text"),
    Case("data.documents.kind", "line", "text", SENTENCES),
    Case("data.documents.kind", "paragraph", "text", SENTENCES),
    Case("data.documents.kind", "file", "text", SENTENCES),
    Case("data.documents.separator", " of ", "text"),
    Case("data.split", "streams", "text"),
    Case("data.split", "contiguous", "text", {**SENTENCES, "data.documents": "line"}),
    Case("data.split_seed", 2, "text", {**SENTENCES, "data.documents": "line"}),
    Case("seed", 2, "order of documents", {**SENTENCES, "data.documents": "line"}),
    Case("data.fractions", [0.7, 0.2, 0.1], "text"),
    Case("data.fractions", [0.8, 0.2, 0], "text"),
    Case("data.valid_path", "other.txt", "text", APART),
    Case("data.test_path", "other.txt", "text", APART),
    Case("model.cell", "gru", "parameters"),
    Case("model.order", 3, "n-gram", {"model.cell": "ngram"}),
    Case("model.smoothing", "additive", "n-gram", {"model.cell": "ngram"}),
    Case("model.ngram", 3, "parameters"),
    Case("model.hidden_size", 5, "parameters"),
    Case("model.num_layers", 2, "parameters"),
    Case("model.embedding_size", 3, "parameters"),
    Case("model.dropout", 0.5, "parameters", {"model.num_layers": 2}),
    Case("model.output_dropout", 0.5, "parameters"),
    Case("model.recurrent_dropout", 0.5, "parameters"),
    Case("model.skip_connections", True, "parameters", {"model.num_layers": 2}),
    Case("model.activation", "relu", "parameters", {"model.cell": "rnn"}),
    Case("model.reset", "before", "parameters", {"model.cell": "gru"}),
    Case("model.forget_bias", 0.0, "parameters"),
    Case("model.init.scheme", "orthogonal", "parameters"),
    Case("model.init.scale", 0.5, "parameters"),
    Case("train.seq_length", 7, "parameters"),
    Case("train.batch_size", 3, "parameters"),
    Case("train.epochs", 2, "steps", {"train.max_steps": None}),
    Case("train.max_steps", 3, "steps"),
    Case("train.optimizer", "rmsprop", "parameters"),
    Case("train.learning_rate", 0.01, "parameters"),
    Case("train.schedule.kind", "cosine", "parameters"),
    Case("train.schedule.factor", 0.5, "learning rates", {"train.schedule.kind": "plateau", **STILL}),
    Case("train.schedule.factor", 0.5, "learning rates", {"train.schedule": {"kind": "exponential", "start_epoch": 0}}),
    Case("train.schedule.start_epoch", 0, "learning rates", {"train.schedule.kind": "exponential"}),
    Case("train.schedule.floor", 0.5, "learning rates", {"train.schedule.kind": "cosine"}),
    Case("train.schedule.floor", 0.99, "learning rates", {"train.schedule.kind": "plateau", **STILL}),
    Case("train.schedule.patience", 1, "learning rates", {"train.schedule.kind": "plateau", **STILL}),
    Case("train.warmup_steps", 3, "parameters"),
    Case("train.momentum", 0.5, "parameters", {"train.optimizer": "momentum"}),
    Case("train.betas", [0.5, 0.999], "parameters"),
    Case("train.betas", [0.9, 0.5], "parameters"),
    Case("train.betas", [0.5, 0.999], "parameters", {"train.optimizer": "adamw"}),
    Case("train.rho", 0.5, "parameters", {"train.optimizer": "rmsprop"}),
    *(
        Case("train.epsilon", 0.1, "parameters", {"train.optimizer": optimizer})
        for optimizer in ("adagrad", "rmsprop", "adam", "adamw")
    ),
    *(
        Case("train.weight_decay", 0.5, "parameters", {"train.optimizer": optimizer})
        for optimizer in ("sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw")
    ),
    Case("train.clip_norm", 0.01, "parameters", {"train.optimizer": "sgd"}),
    Case("train.clip_value", 1e-4, "parameters", {"train.optimizer": "sgd"}),
    Case("train.workers", 200, "workers"),
    Case("train.shards", 2, "shards"),
    Case("train.shards", 2, "parameters", {"model.num_layers": 2, "model.dropout": 0.5, "train.seq_length": 50}),
    Case("train.log_every", 2, "logged steps"),
    Case("train.eval_every", 2, "evaluated steps", {"train.log_every": 1}),
    Case("train.save_every", 2, "saved steps"),
    Case("train.save_minutes", 1e-12, "saved steps"),
    Case("train.sample_every", 2, "sampled steps"),
    Case("train.sample_length", 6, "samples"),
    Case("train.sample_length", 0, "samples"),
    Case("train.tensorboard", True, "files"),
    Case("train.teacher", "teacher", "parameters"),
    Case("train.teacher_share", 0.9, "parameters", {"train.teacher": ["teacher"]}),
    Case("train.patience", 1, "steps", STILL),
    Case("train.on_divergence", "rollback", "files"),
    Case("seed", 2, "parameters"),
    Case("seed", 2, "samples"),
    Case("out", "elsewhere", "files"),
]
NEUTRAL = {  # key: why no value of it changes anything that a test could see
    "data.empty": "a run that it changes is one that ends with a fault otherwise",
}

OUTCOMES: dict[str, dict[str, Any]] = {}  # of the runs that several cases are compared with


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with two texts; nothing waits for a disk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text(TEXT, encoding="utf-8")
    Path("other.txt").write_text(OTHER_TEXT)
    rows = [example_row(k) for k in range(60)]
    Path("rows.tsv").write_text("".join(rows))
    Path("valid.tsv").write_text("".join(rows[:9]))
    Path("tokens.conll").write_text(
        "".join(f"{'ab' * (k % 3 + 1)}\t{'XY'[k % 2]}\n" + "\n" * (k % 2) for k in range(60))
    )
    Path("both.tsv").write_text("".join(f"w{k}\tAAAA,{'AAAA' if k % 2 else 'BB'}\n" for k in range(40)))
    Path("lines.txt").write_text("".join(f"Line {k} of many.\n" + "\n" * (k % 3 == 0) for k in range(40)))


def example_row(k: int) -> str:
    """A row of the columns that EXAMPLES describes."""
    word = "abcd"[k % 4] + "abcde"[k // 4 % 5] + "ab"[k // 20 % 2] + "cd"[k // 40] + "e" * (k % 3 == 0)
    label = ("A" if k % 3 else "B") * len(word)
    split = ("train", "train", "valid", "test")[k % 4]
    return "\t".join([word, label, str(k % 2), str(k % 5), split, "xy"[k % 2], f"x,y;{k % 2}", str(k * k)]) + "\n"


def nested(dotted: dict[str, Any]) -> dict[str, Any]:
    """{"train.rho": 1} as {"train": {"rho": 1}}."""
    tree: dict[str, Any] = {}
    for name, value in dotted.items():
        *sections, last = name.split(".")
        section = tree
        for inner in sections:
            section = section.setdefault(inner, {})
        section[last] = value
    return tree


def outcome(dotted: dict[str, Any]) -> dict[str, Any]:
    """Everything that a run with these keys computes, writes and shows, by the names that CASES uses."""
    config = config_from_dict(nested(dotted))
    if config.train.teacher:
        with closing(open_run(config_from_dict(nested(BASE | {"seed": 3, "out": "teacher"})), force=True)) as run:
            list(run)
    if config.model.cell == "ngram":
        fitted = fit(config, keep=False)
        return {"n-gram": fitted.valid.nats if fitted.valid else None}
    with closing(open_run(config, force=True)) as run:
        steps = list(run)
    splits = (run.corpus.train, run.corpus.valid, run.corpus.test)
    folder = Path(str(config.out))
    saved = load(folder / "last.npz")
    network = saved if config.task == "language" and not config.model.ngram else saved.network
    assert network.params.values.tobytes() == run.network.params.values.tobytes()
    contents = [split.ids if config.task == "language" else split.examples.ids for split in splits]
    targets = [split.examples.target_ids.tolist() for split in splits] if config.task == "translate" else []
    symbols = (run.corpus.source, run.corpus.target) if config.task == "translate" else run.corpus.vocab
    return {
        "text": (symbols, [ids.tolist() for ids in contents], targets),
        "labels": getattr(run.corpus, "labels", None),
        "best": run.state.best,
        "order of documents": (run.batches.batch(0) if config.task == "translate" else run.batches[0]).x.tolist(),
        "parameters": run.network.params.values.tobytes(),
        "steps": len(steps),
        "learning rates": [step.learning_rate for step in steps],
        "logged steps": [step.step for step in steps if step.record],
        "evaluated steps": [step.step for step in steps if step.record and step.record.valid_loss is not None],
        "saved steps": [step.step for step in steps if step.saved],
        "sampled steps": [step.step for step in steps if step.sample],
        "samples": {name: text for name, text in snapshot(folder).items() if name.startswith(SAMPLES)},
        "files": (str(folder), sorted(snapshot(folder))),
        "workers": worker_count(config),
        "shards": run.team.bounds,
    }


def test_every_key_of_a_config_is_listed_here():
    assert {case.key for case in CASES} | set(NEUTRAL) == set(leaves())
    assert not {case.key for case in CASES} & set(NEUTRAL)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}={case.value}")
def test_another_value_of_a_key_gives_another_result(case):
    both = BASE | case.besides
    if str(both) not in OUTCOMES:
        OUTCOMES[str(both)] = outcome(both)
    assert OUTCOMES[str(both)][case.changes] != outcome(both | {case.key: case.value})[case.changes]


def test_the_same_values_give_the_same_result():
    both = BASE | {"model.num_layers": 2, "model.dropout": 0.5, "train.eval_every": 2}
    assert outcome(both) == outcome(both)
