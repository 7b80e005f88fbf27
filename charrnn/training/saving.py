"""Writes the state of a run into a checkpoint, and restores it from one. No time is written into a checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from charrnn.arrays import Array
from charrnn.config import Config, TrainConfig
from charrnn.data import ExampleCorpus, PairCorpus
from charrnn.errors import CheckpointError
from charrnn.models import Header, NGramClassifier, SavedModel, TaskModel, TrainingState, TranslateModel
from charrnn.parallel import Team
from charrnn.storage import checkpoint
from charrnn.training.agreeing import check_equal
from charrnn.training.corpora import AnyCorpus
from charrnn.training.early_stopping import resume_if_patient
from charrnn.training.resuming import versions


def run_header(
    config: Config,
    corpus: AnyCorpus,
    state: TrainingState,
    thresholds: tuple[float, ...] = (),
    teachers: tuple[str, ...] = (),
) -> Header:
    """Return the header of a checkpoint of a run.

    Arguments:
        config, corpus, state: of the run.
        thresholds: those fitted for its parameters, if any.
        teachers: the SHA-256 of each teacher.
    """
    splits = {split.name: len(split) for split in (corpus.train, corpus.valid, corpus.test)}
    history = (state, splits, corpus.fingerprint, versions())
    if isinstance(corpus, PairCorpus):
        return Header(config, None, *history, source=corpus.source, target=corpus.target)
    labels = corpus.labels if isinstance(corpus, ExampleCorpus) else None
    return Header(config, corpus.vocab, *history, labels, thresholds=thresholds, teachers=teachers)


def write_model(path: Path, header: Header, arrays: Mapping[str, Array]) -> None:
    """Write a checkpoint for sampling, scoring or predicting.

    Arguments:
        path: the file to write or replace.
        header: what describes the model and its run.
        arrays: the parameters by name, and what Material.kept() returns.

    Raises:
        OSError: the file could not be written; an older one is still there.
    """
    checkpoint.save(path, header.to_dict(), arrays)


def write_state(path: Path, header: Header, team: Team, kept: Mapping[str, Array], older: Path | None = None) -> None:
    """Write the complete state of a run, from which it continues bit for bit.

    Arguments:
        path: the file to write or replace.
        header: what describes the model and its run.
        team: holds the parameters, the carried state and the moments of the optimizer.
        kept: what Material.kept() returns.
        older: where to keep the file that is replaced; None keeps nothing.

    Raises:
        CharrnnError: on several machines, their parameters differ; nothing was written.
        OSError: the file could not be written; an older one is still there.
    """
    check_equal(team)
    arrays = {**team.network.params.value, "state": team.state, "moments": team.moments, **kept}
    checkpoint.save(path, header.to_dict(), arrays, older)


def restore(saved: SavedModel, team: Team, train: TrainConfig) -> TrainingState:
    """Restore parameters, optimizer moments and carried state of a team.

    Arguments:
        saved: the checkpoint.
        team: receives what it holds.
        train: the settings of the run, whose patience may have been raised.

    Returns:
        The progress of the run at that time.

    Raises:
        CheckpointError: the file is not a complete state of such a run.
    """
    for name, shape in (("state", team.state.shape), ("moments", team.moments.shape)):
        if name not in saved.arrays or saved.arrays[name].shape != shape:
            raise CheckpointError(f"{saved.path}: damaged (the array {name} is missing or of another shape)")
    if saved.header.training is None:
        raise CheckpointError(f"{saved.path}: damaged (its training state)")
    model = saved.model
    network = model.network if isinstance(model, TaskModel | TranslateModel) else saved.network
    assert not isinstance(network, NGramClassifier), "what is counted is never resumed"
    team.network.params.values[...] = network.params.values
    team.state = saved.arrays["state"]
    team.moments[...] = saved.arrays["moments"]
    resume_if_patient(saved.header.training, train)
    return saved.header.training
