"""Opening a run in its directory: new, resumed, or begun from another model.

Everything that can be wrong is found before anything is written.
"""

from pathlib import Path

from charrnn.config import Config
from charrnn.data import check_sizes, load_corpus
from charrnn.errors import CheckpointError
from charrnn.models import SavedModel, check_transferable, load_checkpoint, load_latest
from charrnn.storage import RunDirectory
from charrnn.training.loop import Run
from charrnn.training.resuming import changed_environment, resume_notes

DEFAULT_DIRECTORY = "runs/run"  # where config.out is not set: load_config() always sets it


def open_run(
    config: Config,
    resume: bool = False,
    init_from: str | Path | None = None,
    force: bool = False,
    workers: int = 1,
    exact: bool = False,
) -> Run:
    """A run in the directory config.out, locked until its close().

    Arguments:
        config: the settings.
        resume: continue from the latest valid state of the directory; start if there is none.
        init_from: a checkpoint whose parameters to begin with (fine-tuning).
        force: replace the files of an earlier run.
        workers: processes, as for Run.
        exact: with `resume`, refuse if another BLAS kernel, NumPy or charrnn would compute other bits.

    Raises:
        RunExistsError: the directory holds a run that is neither to be resumed nor replaced.
        RunInUseError: another trainer is working in the directory.
        CheckpointError: the state is damaged, or belongs to another config or text.
        TextError: the text cannot be read or is too small.
    """
    directory = RunDirectory(config.out or DEFAULT_DIRECTORY)
    directory.check_free(resume, force)
    corpus = load_corpus(config)
    check_sizes(config, corpus)
    origin = None
    if init_from and not (resume and directory.resumable):
        origin = load_checkpoint(init_from)
        check_transferable(origin.network, config.model, config.data.tokens)
    directory.claim(resume, force)
    try:
        if resume and directory.resumable:
            saved = load_latest(directory.path)
            notes = _resume_notes(saved, config, exact)
            run = Run(config, corpus, directory, resumed=saved, workers=workers, notes=notes)
            if saved.path == directory.previous:
                saved.path.replace(directory.last)  # else the next save would keep the damaged file and drop this one
            has_rollback_point = saved.config.train.on_divergence == "rollback"
        else:
            notes = [origin.note] if origin and origin.note else []
            start_from = origin.network if origin else None
            run = Run(config, corpus, directory, start_from=start_from, workers=workers, notes=notes)
            directory.clear()
            has_rollback_point = False
        if config.train.on_divergence == "rollback" and not has_rollback_point:
            run.save_rollback_point()
        directory.write_config(run.config.to_yaml())
        return run
    except BaseException:
        directory.release()
        raise


def _resume_notes(saved: SavedModel, config: Config, exact: bool) -> list[str]:
    """What to tell about a checkpoint before resuming. Raises CheckpointError if `exact` forbids to resume from it."""
    environment = changed_environment(saved)
    if exact and environment:
        raise CheckpointError(f"{saved.path}: {environment}; --exact refuses to go on with other bits")
    return resume_notes(saved, config, environment)
