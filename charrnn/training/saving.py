"""Writing a run's state into a checkpoint, and taking it up again from one."""

from collections.abc import Mapping
from pathlib import Path

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import Corpus
from charrnn.errors import CheckpointError
from charrnn.models import Header, SavedModel, TrainingState
from charrnn.parallel import Team
from charrnn.storage import checkpoint
from charrnn.training.resuming import versions


def run_header(config: Config, corpus: Corpus, state: TrainingState) -> Header:
    """The header of a checkpoint of a run."""
    splits = {split.name: len(split) for split in (corpus.train, corpus.valid, corpus.test)}
    return Header(config, corpus.vocab, state, splits, corpus.fingerprint, versions())


def write_model(path: Path, header: Header, arrays: Mapping[str, Array]) -> None:
    """Write what sampling and scoring need. Raises OSError, with the old file untouched."""
    checkpoint.save(path, header.to_dict(), arrays)


def write_state(path: Path, header: Header, team: Team, older: Path | None = None) -> None:
    """Write all that a run needs to go on bit for bit; keep the file that was there as `older`. Raises OSError."""
    arrays = {**team.network.params.value, "state": team.state, "moments": team.moments}
    checkpoint.save(path, header.to_dict(), arrays, older)


def restore(saved: SavedModel, team: Team) -> TrainingState:
    """Put parameters, optimizer moments and carried state back into a team.

    Returns:
        How far the run had come.

    Raises:
        CheckpointError: the file is not a complete state of such a run.
    """
    for name, shape in (("state", team.state.shape), ("moments", team.moments.shape)):
        if name not in saved.arrays or saved.arrays[name].shape != shape:
            raise CheckpointError(f"{saved.path}: damaged (the array {name} is missing or of another shape)")
    if saved.header.training is None:
        raise CheckpointError(f"{saved.path}: damaged (its training state)")
    team.network.params.values[...] = saved.network.params.values
    team.state = saved.arrays["state"]
    team.moments[...] = saved.arrays["moments"]
    return saved.header.training
