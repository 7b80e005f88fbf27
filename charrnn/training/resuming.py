"""Resuming: what may change when a run goes on, what must not, and what the user should know of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from charrnn.blas import describe as describe_blas
from charrnn.blas import one_thread
from charrnn.config import Config, flat
from charrnn.data import Corpus
from charrnn.errors import CheckpointError
from charrnn.models import Network, SavedModel
from charrnn.parallel import auto_shards
from charrnn.processes import cores
from charrnn.version import __version__

# Keys that may change when a run is resumed. They decide when to evaluate, log, save and stop.
RESUMABLE_KEYS = {
    "out", "train.epochs", "train.max_steps", "train.patience", "train.on_divergence", "train.workers",
    "train.log_every", "train.eval_every", "train.save_every", "train.save_minutes",
    "train.sample_every", "train.sample_length",
}  # fmt: skip
SCHEDULE_KEYS = {  # schedule -> resumable keys that change its learning rates
    "cosine": {"train.epochs", "train.max_steps"},
    "plateau": {"train.eval_every"},
}


def check_same(config: Config, corpus: Corpus, saved: SavedModel) -> None:
    """Refuse to resume with another config or text. Raises CheckpointError naming each difference."""
    differing = [
        f"{name} was {before!r}, now {after!r}"
        for name, before, after in differences(saved.config, with_shards(config, corpus, saved))
        if name not in RESUMABLE_KEYS
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


def versions() -> dict[str, Any]:
    """What computes here: charrnn, NumPy, BLAS, its kernel, and the one thread that training uses."""
    with one_thread():
        return {"charrnn": __version__, **describe_blas()}


def changed_environment(saved: SavedModel) -> str:
    """What differs from the software that computed a checkpoint, so that bits may differ; "" if nothing does."""
    before = saved.header.versions
    return ", ".join(
        f"{name} was {str(before.get(name, 'unknown'))[:50]}, now {version}"
        for name, version in versions().items()
        if before.get(name) != version
    )


def resume_notes(saved: SavedModel, config: Config, environment: str) -> list[str]:
    """What a user should know when a run goes on from a checkpoint: file, environment, learning rates."""
    schedule = config.train.schedule.kind
    changed = {name for name, _, _ in differences(saved.config, config)}
    changed_rates = ", ".join(sorted(changed & SCHEDULE_KEYS.get(schedule, set())))
    notes = [saved.note] if saved.note else []
    if environment:
        notes.append(f"{environment}: the run goes on, but not to the last bit; --exact would refuse")
    if changed_rates:
        notes.append(
            f"{changed_rates} changed: under train.schedule {schedule} that means other learning rates from here on"
        )
    return notes


def with_shards(config: Config, corpus: Corpus, saved: SavedModel | None = None) -> Config:
    """The config with train.shards decided: as the run began, or as suits this machine."""
    train = config.train
    if train.shards:
        return config
    if saved:
        shards = saved.config.train.shards
    else:
        size = Network(config.model, corpus.vocab).params.size
        shards = auto_shards(size, train.batch_size, min(train.seq_length, len(corpus.train)))
    return replace(config, train=replace(train, shards=shards))


def worker_count(config: Config) -> int:
    """How many workers a config asks for on this machine."""
    return cores() if config.train.workers == "auto" else config.train.workers


def differences(before: Config, after: Config) -> Iterator[tuple[str, Any, Any]]:
    """The dotted keys in which two configs differ, with both values."""
    values = dict(flat(after.to_dict()))
    for name, value in flat(before.to_dict()):
        if value != values.get(name):
            yield name, value, values.get(name)
