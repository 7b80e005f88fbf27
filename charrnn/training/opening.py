"""Opens a run in its directory: new, resumed, or begun from the parameters of another model.

Every error of the config, the text and the checkpoints is raised before anything is written.
"""

from pathlib import Path

from charrnn.config import Config
from charrnn.data import reads_standard_input
from charrnn.errors import CheckpointError, ConfigError, NewerFormatError, RunExistsError, TextError
from charrnn.models import SavedModel, check_transferable, load_checkpoint, load_latest
from charrnn.parallel import Ranks
from charrnn.storage import RunDirectory
from charrnn.training.agreeing import check_ranks
from charrnn.training.corpora import read_corpus
from charrnn.training.defaults import settled
from charrnn.training.loop import Run
from charrnn.training.resuming import changed_environment, check_same, resume_notes, with_shards
from charrnn.training.teaching import read_teachers

# The run directory of a config without `out`; load_config() always sets that key.
DEFAULT_DIRECTORY = "runs/run"


def complete_config(config: Config) -> Config:
    """Return the config with a value for every key that it leaves to the text.

    Raises:
        TextError: the text cannot be read or is too small, or has no validation split, and trials are compared on it;
            or it comes from standard input, which only one trial could read.
    """
    if reads_standard_input(config.data):
        raise TextError("data.path: every trial reads the text, and standard input can be read once; save it in a file")
    corpus = read_corpus(config)
    if not len(corpus.valid):
        raise TextError("data.fractions: there is no validation split, on which trials are compared; give it a share")
    return settled(config, corpus)


def read_origin(config: Config, init_from: str | Path | None) -> SavedModel | None:
    """The model whose parameters a run begins with; None without one.

    Raises:
        ConfigError: it does not go with the task.
        CheckpointError: the file is not a valid checkpoint.
    """
    if init_from is None:
        return None
    if config.task != "language":
        raise ConfigError(f"task: {config.task}: --init-from goes with a language model only; leave it out")
    return load_checkpoint(init_from)


def open_run(
    config: Config,
    resume: bool = False,
    init_from: str | Path | None = None,
    force: bool = False,
    workers: int = 1,
    exact: bool = False,
    ranks: Ranks | None = None,
) -> Run:
    """Open a run in the directory config.out, which is locked until run.close().

    Arguments:
        config: the settings.
        resume: continue from the latest valid state in the directory; start a new run if there is none.
        init_from: a checkpoint whose parameters to begin with (fine-tuning).
        force: replace the files of an earlier run.
        workers: processes, as for Run.
        exact: with `resume`, refuse to continue with another BLAS kernel, NumPy or charrnn, which may give other bits;
            with `ranks`, refuse to begin if they differ in these.
        ranks: all machines of the run; each opens it in its own directory. None for a single one.

    Returns:
        The run, at its first step or where it was saved.

    Raises:
        RunExistsError: the directory holds a run already, without `resume` or `force`; or, with `resume`, a model that
            cannot be resumed and would be lost.
        RunInUseError: another trainer is working in the directory.
        CharrnnError: the ranks see another config or text, or `exact` forbids to begin.
        CheckpointError: the state is damaged, belongs to another config or text, or `exact` forbids to continue.
        TextError: the text cannot be read or is too small.
        ConfigError: `init_from` does not go with the task, or with other keys.
    """
    directory = RunDirectory(config.out or DEFAULT_DIRECTORY)
    directory.check_free(resume, force)
    origin = read_origin(config, None if resume and directory.resumable else init_from)
    corpus = read_corpus(config)
    complete = settled(config, corpus, start_from=origin.network if origin else None)
    if origin:
        check_transferable(origin.network, complete.model, config.data.tokens)
    teachers = read_teachers(config, corpus, directory.path)
    directory.claim(resume, force)
    run: Run | None = None
    try:
        differing: list[str] = []
        saved = load_latest(directory.path) if resume and directory.resumable else None
        if ranks:
            differing = check_ranks(with_shards(complete, corpus, saved), corpus, teachers, ranks, exact)
        if saved:
            notes = _resume_notes(saved, config, exact)
            run = Run(config, corpus, directory, saved, workers=workers, ranks=ranks, teachers=teachers)
            if saved.path == directory.previous:
                # Otherwise the next save would replace this good file by the damaged one.
                saved.path.replace(directory.last)
            has_rollback_point = saved.config.train.on_divergence == "rollback"
        else:
            notes = [origin.note] if origin and origin.note else []
            start_from = origin.network if origin else None
            run = Run(config, corpus, directory, start_from=start_from, workers=workers, ranks=ranks, teachers=teachers)
            if resume:
                _check_nothing_is_lost(run, directory)
            directory.clear()
            has_rollback_point = False
        run.notes = notes + differing
        if config.train.on_divergence == "rollback" and not has_rollback_point:
            assert run.saver is not None
            run.saver.write_rollback_point(run.state)
        directory.write_config(run.config.to_yaml())
        if config.train.tensorboard:
            directory.begin_events()
        return run
    except BaseException:
        if run:
            run.close()
        directory.release()
        raise


def _check_nothing_is_lost(run: Run, directory: RunDirectory) -> None:
    """Refuse to begin anew, for want of a state to resume, in place of a model that this run would not write again.

    Not refused is what a run of the same config and text leaves that was stopped before its first save, or a damaged
    file.

    Raises:
        RunExistsError: the directory holds another model.
        NewerFormatError: it holds one that a later version wrote.
    """
    if not directory.best.exists():
        return
    try:
        best = load_checkpoint(directory.best)
    except NewerFormatError:
        raise
    except CheckpointError:
        return
    counted = best.config.model.cell == "ngram"
    lost = counted or best.step > run.plan.save_every
    try:
        check_same(run.config, run.corpus, best, run.teachers.digests)
    except CheckpointError:
        lost = True
    if lost:
        what = (
            "an n-gram, which cannot be resumed"
            if counted
            else f"a model, {directory.best.name}, and no state to resume"
        )
        raise RunExistsError(f"{directory.path}: holds {what}; replace it with --force, or choose another --out")


def _resume_notes(saved: SavedModel, config: Config, exact: bool) -> list[str]:
    """The notes on a checkpoint to resume from. Raises CheckpointError if `exact` forbids to continue."""
    environment = changed_environment(saved)
    if exact and environment:
        raise CheckpointError(f"{saved.path}: {environment}; --exact refuses to continue with other bits")
    return resume_notes(saved, config, environment)
