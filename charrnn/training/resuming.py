"""Resuming: what may change when a run goes on, and what must not."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from charrnn.blas import describe as describe_machine
from charrnn.blas import one_thread
from charrnn.config import Config, flat
from charrnn.data import Corpus
from charrnn.errors import CheckpointError
from charrnn.models import Network, SavedModel
from charrnn.parallel import auto_shards
from charrnn.processes import cores
from charrnn.version import __version__

# Keys that may change when a run is resumed: they decide when to look and when to stop.
RESUMABLE_KEYS = {
    "out", "train.epochs", "train.max_steps", "train.patience", "train.on_divergence", "train.workers",
    "train.log_every", "train.eval_every", "train.save_every", "train.save_minutes",
    "train.sample_every", "train.sample_length",
}  # fmt: skip


SCHEDULE_KEYS = {  # schedule: those of them that it looks at, so that a change means other learning rates from there on
    "cosine": {"train.epochs", "train.max_steps"},
    "plateau": {"train.eval_every"},
}


def _check_same(config: Config, corpus: Corpus, resumed: SavedModel) -> None:
    """Refuse to resume with another config or text, naming the difference. Raises CheckpointError."""
    differing = [
        f"{name} was {then!r}, now {now!r}"
        for name, then, now in differences(resumed.config.to_dict(), with_shards(config, corpus, resumed).to_dict())
        if name not in RESUMABLE_KEYS
    ]
    if differing:
        raise CheckpointError(
            f"{resumed.path}: the config has changed ({'; '.join(differing)}); resume with the same config, "
            f"or start another run with --init-from {resumed.path}; only these may change: "
            f"{', '.join(sorted(RESUMABLE_KEYS))}"
        )
    if (then := resumed.header.get("data")) != corpus.fingerprint:
        known = then if isinstance(then, dict) else {}
        other = [f"data.{name}" for name, now in corpus.fingerprint.items() if known.get(name) != now]
        raise CheckpointError(
            f"{resumed.path}: the text has changed since this run began ({', '.join(other)}); restore it, or start "
            f"another run with --init-from {resumed.path}"
        )


def versions() -> dict[str, Any]:
    """What computes here: charrnn, NumPy, BLAS, its kernel, and the one thread that training uses."""
    with one_thread():
        return {"charrnn": __version__, **describe_machine()}


def _environment(resumed: SavedModel) -> str:
    """What computed a checkpoint and is another thing now, so that bits may differ; empty where nothing is."""
    then = resumed.header.get("versions")
    known = then if isinstance(then, dict) else {}
    return ", ".join(
        f"{name} was {str(known.get(name, 'unknown'))[:50]}, now {now}"
        for name, now in versions().items()
        if known.get(name) != now
    )


def _notes(resumed: SavedModel, config: Config, environment: str) -> list[str]:
    """What a user should know of the checkpoint from which a run goes on."""
    kind = config.train.schedule.kind
    changed = {name for name, _, _ in differences(resumed.config.to_dict(), config.to_dict())}
    bent = ", ".join(sorted(changed & SCHEDULE_KEYS.get(kind, set())))
    notes = [resumed.note] if resumed.note else []
    if environment:
        notes.append(f"{environment}: the run goes on, but not to the last bit; --exact would refuse")
    if bent:
        notes.append(f"{bent} changed: under train.schedule {kind} that means other learning rates from here on")
    return notes


def with_shards(config: Config, corpus: Corpus, resumed: SavedModel | None) -> Config:
    """The config with train.shards decided: as the run began, or as suits this machine."""
    train = config.train
    if train.shards:
        return config
    if resumed:
        shards = resumed.config.train.shards
    else:
        size = Network(config.model, corpus.vocab).params.size
        shards = auto_shards(size, train.batch_size, min(train.seq_length, len(corpus.train)))
    return replace(config, train=replace(train, shards=shards))


def worker_count(config: Config) -> int:
    """How many workers a config asks for on this machine."""
    return cores() if config.train.workers == "auto" else config.train.workers


def differences(then: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The dotted keys in which two configs differ, with both values."""
    other = dict(flat(now))
    for name, value in flat(then):
        if value != other.get(name):
            yield name, value, other.get(name)
