"""Opening a run in its directory: new, resumed, or begun from another model."""

from pathlib import Path

from charrnn.config import Config
from charrnn.data import check_sizes, load_corpus
from charrnn.errors import CheckpointError, RunExistsError
from charrnn.models import check_transferable, load_checkpoint, load_latest
from charrnn.storage import LAST, LOCK, PREVIOUS, ROLLBACK, SAMPLES, Lock, check_free, clear, put_config, sweep
from charrnn.training.loop import Run
from charrnn.training.resuming import _environment, _notes


def open_run(
    config: Config,
    resume: bool = False,
    init_from: str | Path | None = None,
    force: bool = False,
    workers: int = 1,
    exact: bool = False,
) -> Run:
    """A run in the directory config.out, locked until its close().

    `resume` continues from last.npz where there is one, or from the one before where that is damaged; `exact` refuses
    to where the bits may differ; `init_from`, a checkpoint to begin from; `force` replaces the files of an earlier run;
    `workers` as for Run. Raises RunExistsError, RunInUseError, CheckpointError, TextError.
    """
    folder = Path(config.out or "runs/run")
    try:
        check_free(folder, resume, force)
    except RunExistsError:
        if (folder / LOCK).exists():
            Lock(folder).close()  # that another trainer is at work there says more
        raise
    # All that can be wrong is found before anything is written.
    corpus = load_corpus(config)
    check_sizes(config, corpus)
    origin = None
    if init_from and not (resume and _resumable(folder)):
        origin = load_checkpoint(init_from)
        check_transferable(origin.network, config.model, config.data.tokens)
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder)
    try:
        check_free(folder, resume, force)  # another trainer may have come and gone meanwhile
        sweep(folder)
        sweep(folder / SAMPLES)
        if resume and _resumable(folder):
            resumed = load_latest(folder)
            environment = _environment(resumed)
            if exact and environment:
                raise CheckpointError(f"{resumed.path}: {environment}; --exact refuses to go on with other bits")
            run = Run(config, corpus, folder, resumed=resumed, workers=workers)
            run.cut_log()
            run.notes = _notes(resumed, run.config, environment)
            if resumed.path.name == PREVIOUS:
                resumed.path.replace(folder / LAST)  # or the next save would keep what is damaged, and drop this
            known = resumed.config.train.on_divergence == "rollback"
        else:
            run = Run(config, corpus, folder, start_from=origin.network if origin else None, workers=workers)
            run.notes = [origin.note] if origin and origin.note else []
            clear(folder)
            known = False
        if config.train.on_divergence == "rollback" and not known:
            run._write(ROLLBACK, complete=True)
        run.lock = lock
        put_config(folder, run.config.to_yaml())
        return run
    except BaseException:
        lock.close()
        raise


def _resumable(folder: Path) -> bool:
    return any((folder / name).exists() for name in (LAST, PREVIOUS))
