"""Resuming: which keys may change when a run is continued, which must not, and what the user is told.

This module reads and writes no files.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from charrnn.blas import describe as describe_blas
from charrnn.blas import one_thread
from charrnn.config import Config, flat
from charrnn.data import ExampleCorpus, PairCorpus
from charrnn.errors import CheckpointError, ConfigError
from charrnn.models import SavedModel, parameter_count, task_of, task_size, translate_size, translation_of
from charrnn.parallel import auto_shards
from charrnn.processes import cores
from charrnn.training.corpora import AnyCorpus
from charrnn.version import __version__

# Keys that may change when a run is resumed: when to evaluate, log, sample, save and stop, and with how many workers.
RESUMABLE_KEYS = {
    "out", "train.epochs", "train.max_steps", "train.patience", "train.on_divergence", "train.workers",
    "train.log_every", "train.eval_every", "train.save_every", "train.save_minutes",
    "train.sample_every", "train.sample_length", "train.tensorboard",
}  # fmt: skip
# For each schedule, the resumable keys that change its learning rates.
SCHEDULE_KEYS = {
    "cosine": {"train.epochs", "train.max_steps"},
    "plateau": {"train.eval_every"},
}


def check_same(config: Config, corpus: AnyCorpus, saved: SavedModel, teachers: tuple[str, ...]) -> None:
    """Refuse to resume with another config, another text or other teachers, wherever their files lie.

    Arguments:
        config, corpus: to continue with.
        saved: the checkpoint.
        teachers: the SHA-256 of each teacher.

    Raises:
        CheckpointError: keys that must not change have changed, or the text or a teacher has; each of them is named.
    """
    differing = [
        f"{name} was {before!r}, now {after!r}"
        for name, before, after in differences(saved.config, with_shards(config, corpus, saved))
        if name not in RESUMABLE_KEYS and not (name == "train.teacher" and saved.header.teachers == teachers)
    ]
    if differing:
        raise CheckpointError(
            f"{saved.path}: the config has changed ({'; '.join(differing)}); resume with the same config, or start "
            f"another run with --init-from {saved.path}; only these may change: {', '.join(sorted(RESUMABLE_KEYS))}"
        )
    if saved.header.fingerprint != corpus.fingerprint:
        changed = [
            f"data.{name}"
            for name, digest in corpus.fingerprint.items()
            if saved.header.fingerprint.get(name) != digest
        ]
        raise CheckpointError(
            f"{saved.path}: the text has changed since this run began ({', '.join(changed)}); restore it, or start "
            f"another run with --init-from {saved.path}"
        )
    if saved.header.teachers != teachers:
        raise CheckpointError(
            f"{saved.path}: train.teacher has been trained further or again since this run began; restore it, or start "
            f"another run with --init-from {saved.path}"
        )


def versions() -> dict[str, Any]:
    """Return what training computes with: charrnn, NumPy, BLAS, its kernel and its number of threads, which is one."""
    with one_thread():
        return {"charrnn": __version__, **describe_blas()}


def changed_environment(saved: SavedModel) -> str:
    """Return how the software differs from that of a checkpoint, so that bits may differ; "" if it does not."""
    before = saved.header.versions
    return ", ".join(
        f"{name} was {str(before.get(name, 'unknown'))[:50]}, now {version}"
        for name, version in versions().items()
        if before.get(name) != version
    )


def resume_notes(saved: SavedModel, config: Config, environment: str) -> list[str]:
    """Return what the user is told when a run continues from a checkpoint.

    Arguments:
        saved: the checkpoint.
        config: the settings to continue with.
        environment: the result of changed_environment().
    """
    schedule = config.train.schedule.kind
    changed = {name for name, _, _ in differences(saved.config, config)}
    changed_rates = ", ".join(sorted(changed & SCHEDULE_KEYS.get(schedule, set())))
    notes = [saved.note] if saved.note else []
    if environment:
        notes.append(f"{environment}: the run continues, but not to the last bit; --exact would refuse")
    if changed_rates:
        notes.append(
            f"{changed_rates} changed: under train.schedule {schedule} that means other learning rates from here on"
        )
    return notes


def with_shards(config: Config, corpus: AnyCorpus, saved: SavedModel | None = None) -> Config:
    """Return the config with train.shards set: to that of the resumed run, or else to what suits this machine.

    Raises:
        ConfigError: the model is an n-gram, which is not trained in steps.
    """
    if config.model.cell == "ngram":
        raise ConfigError("model.cell: ngram is counted, not trained step by step; use charrnn.fit")
    train = config.train
    if train.shards:
        return config
    if saved:
        shards = saved.config.train.shards
    elif isinstance(corpus, PairCorpus):
        size = translate_size(config.model, translation_of(config, corpus.source, corpus.target))
        both = len(corpus.train.examples.ids) + len(corpus.train.examples.target_ids)
        shards = auto_shards(size, train.batch_size, both // 2 // len(corpus.train))  # each side has half of the size
    elif isinstance(corpus, ExampleCorpus):
        size = task_size(config.model, task_of(config, corpus.vocab, corpus.labels))
        mean_length = len(corpus.train.examples.ids) // max(len(corpus.train), 1)
        shards = auto_shards(size, train.batch_size, mean_length)
    else:
        size = parameter_count(config.model, corpus.vocab.size)
        shards = auto_shards(size, train.batch_size, min(train.seq_length, len(corpus.train)))
    return replace(config, train=replace(train, shards=shards))


def worker_count(config: Config) -> int:
    """Return the number of workers that a config asks for on this machine."""
    return cores() if config.train.workers == "auto" else config.train.workers


def differences(before: Config, after: Config) -> Iterator[tuple[str, Any, Any]]:
    """Yield each dotted key in which two configs differ, with both values."""
    values = dict(flat(after.to_dict()))
    for name, value in flat(before.to_dict()):
        if value != values.get(name):
            yield name, value, values.get(name)
