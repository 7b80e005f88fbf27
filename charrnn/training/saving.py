"""What a run writes into its directory, and how its state is restored. No time is written into a checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charrnn.arrays import Array
from charrnn.config import Config, TrainConfig
from charrnn.data import ExampleCorpus, PairCorpus
from charrnn.errors import CheckpointError
from charrnn.models import Header, NGramClassifier, SavedModel, TaskModel, TrainingState, TranslateModel
from charrnn.parallel import Team
from charrnn.storage import RunDirectory, checkpoint
from charrnn.training.agreeing import check_equal
from charrnn.training.corpora import AnyCorpus
from charrnn.training.early_stopping import resume_if_patient
from charrnn.training.material import Material
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


class Saver:
    """Writes the files of one run. When to write which of them is for the loop to decide.

    Arguments:
        directory: the run directory, claimed.
        config: the complete settings.
        corpus, team, material: of the run.
        teachers: the SHA-256 of each teacher.

    Every method raises OSError if it cannot write; an older file is then still there.
    """

    def __init__(
        self,
        directory: RunDirectory,
        config: Config,
        corpus: AnyCorpus,
        team: Team,
        material: Material,
        teachers: tuple[str, ...],
    ) -> None:
        self.directory, self.config, self.corpus, self.team, self.teachers = directory, config, corpus, team, teachers
        self.vocab, self._kept = material.vocab, material.kept()

    def write_record(self, record: dict[str, Any], state: TrainingState) -> None:
        """Append a record to the log, and count it in the state."""
        self.directory.append_record(record)
        state.records += 1

    def write_sample(self, text: str, step: int) -> None:
        """Write the sample drawn after a step."""
        assert self.vocab is not None, "only a language model draws samples"
        self.directory.write_sample(step, self.vocab.to_bytes(text))

    def write_best(self, state: TrainingState, thresholds: tuple[float, ...]) -> None:
        """Write the parameters as best.npz, with the thresholds that were fitted for them."""
        header = run_header(self.config, self.corpus, state, thresholds, self.teachers)
        write_model(self.directory.best, header, {**self.team.network.params.value, **self._kept})

    def write_last(self, state: TrainingState, rollback_point: bool = False) -> None:
        """Write the complete state as last.npz, and keep the file before it as previous.npz.

        Arguments:
            state: the progress of the run.
            rollback_point: write it as rollback.npz too.

        Raises:
            CharrnnError: on several machines, their parameters differ; nothing was written.
        """
        if state.records:
            self.directory.sync_log()  # the checkpoint relies on its records
        if rollback_point:
            self.write_rollback_point(state)  # before last.npz, which must never be ahead of it
        self._write_state(self.directory.last, state, older=self.directory.previous)

    def write_rollback_point(self, state: TrainingState) -> None:
        """Write the complete state as rollback.npz, to which a run that diverges returns."""
        self._write_state(self.directory.rollback, state)

    def _write_state(self, path: Path, state: TrainingState, older: Path | None = None) -> None:
        check_equal(self.team)
        header = run_header(self.config, self.corpus, state, teachers=self.teachers)
        arrays = {"state": self.team.state, "moments": self.team.moments}
        checkpoint.save(path, header.to_dict(), {**self.team.network.params.value, **arrays, **self._kept}, older)


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
