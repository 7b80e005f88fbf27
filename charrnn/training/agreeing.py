"""What the ranks of a run on several machines must agree on; how they begin from one state."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from charrnn.config import Config, flat
from charrnn.errors import CharrnnError
from charrnn.parallel import Ranks, Team
from charrnn.storage import RunDirectory
from charrnn.training.corpora import AnyCorpus
from charrnn.training.resuming import versions
from charrnn.training.teaching import Teachers
from charrnn.training.validation import Validation

REMEDY = "install the same versions everywhere, and set OPENBLAS_CORETYPE=Haswell on all machines"


def check_ranks(config: Config, corpus: AnyCorpus, teachers: Teachers, ranks: Ranks, exact: bool) -> list[str]:
    """Compare what the ranks train with.

    Arguments:
        config: the complete settings, without train.out and train.workers the same on all ranks.
        corpus: the text or the examples.
        teachers: those of the run.
        ranks: all machines of the run.
        exact: refuse any difference.

    Returns:
        A sentence on software and processors that differ, so that bits may; none if they do not.

    Raises:
        CharrnnError: another rank has other settings, another text or other teachers, or `exact` forbids to begin.
    """
    settings = dict(flat(config.to_dict()))
    for own in ("out", "train.workers"):
        settings.pop(own, None)
    material = {f"text {name}": digest for name, digest in corpus.fingerprint.items()}
    material |= {f"teacher {k}": digest for k, digest in enumerate(teachers.digests, 1)}
    everything = {"needed": {**settings, **material}, "wanted": {**versions(), "processor": features()}}
    first, *others = ranks.gather_objects(everything)
    for rank, other in enumerate(others, 1):
        if lines := faults(first["needed"], other["needed"], rank):
            raise CharrnnError(f"{lines}; all ranks need the same config and text")
    for rank, other in enumerate(others, 1):
        if lines := faults(first["wanted"], other["wanted"], rank):
            if exact:
                raise CharrnnError(f"{lines}; --exact refuses to train to other bits; {REMEDY}")
            return [f"{lines}: not the bits of one machine; {REMEDY}, or refuse this by --exact"]
    return []


def faults(first: dict[str, Any], other: dict[str, Any], rank: int) -> str:
    """The entries in which a rank differs from rank 0, in half a sentence; "" if it does not."""
    names = [name for name in first.keys() | other.keys() if first.get(name) != other.get(name)]
    shown = [f"{name} is {brief(first.get(name))} on rank 0, {brief(other.get(name))} on rank {rank}" for name in names]
    return "; ".join(sorted(shown))


def brief(value: Any) -> str:
    """A value as a message shows it."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:16]}...{text[-21:]}"


def features() -> str:
    """The instructions that NumPy found on this processor beyond those it was built for."""
    shown: dict[str, Any] = np.show_config(mode="dicts") or {}  # type: ignore[assignment]
    return " ".join(shown.get("SIMD Extensions", {}).get("found", []))


def agree_on(valid: Validation | None, team: Team) -> Validation | None:
    """What an evaluation found, with the figures of rank 0 on all ranks: they decide how the run goes on."""
    if valid is None:
        return None
    loss, figure, total = team.of_rank_0(valid.loss, valid.figure, valid.total)
    return replace(valid, loss=loss, figure=figure, total=total)


def check_equal(team: Team) -> None:
    """Compare the parameters of all ranks. Raises CharrnnError if they differ."""
    if not team.ranks:
        return
    sums = team.ranks.gather(np.array([crc32(team.network.params.values.data)]))[:, 0]
    if (sums != sums[0]).any():
        raise CharrnnError(
            f"the parameters of rank {np.argmax(sums != sums[0])} are not those of rank 0, so they are not saved: a "
            f"machine or the network has lost bits, or their software differs; continue with --resume"
        )


def begin_equally(directory: RunDirectory, ranks: Ranks) -> None:
    """Copy the state that rank 0 has in its directory into the directories of the other ranks, to resume from.

    Raises OSError.
    """
    for name in ("last", "previous", "rollback", "best", "log"):
        path: Path = getattr(directory, name)
        exists = ranks.share(b"1" if ranks.number == 0 and path.exists() else b"")
        if exists:
            content = ranks.share(path.read_bytes() if ranks.number == 0 else None)
            if ranks.number:
                path.write_bytes(content)
