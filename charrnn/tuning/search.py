"""A search in its folder: proposals, trials that are runs, and what they reached.

The folder holds `tune.journal`, Optuna's record of all trials, and a run directory for each: `trial-0007`. A trial that
was stopped is found by the free lock of its directory, and goes on where it was saved. What a trial proposes follows
from the seed and its number, and from the trials that were finished before.
"""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from charrnn.config import Choice, Config, Space, load_config, number_text
from charrnn.errors import CharrnnError, DivergedError, RunExistsError, RunInUseError
from charrnn.training import Progress, Run, open_run, worker_count
from charrnn.tuning.space import first_values

JOURNAL = "tune.journal"
STUDY = "tune"
LOWER_IS_BETTER = ("loss", "rmse", "symbol_error")
STARTUP_TRIALS = 5  # trials that are never cut short, so that there is something to compare with
WARM_UP = 0.3  # share of a trial before it may be cut short


def import_optuna() -> Any:
    """Optuna, without its notes. Raises CharrnnError with the command that installs it."""
    try:
        import optuna
    except ImportError:
        raise CharrnnError("charrnn tune needs one more package: pip install optuna") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Search:
    """A search in a folder, new or one that goes on.

    Arguments:
        folder: where it lies.
        path, assignments: the config of its trials, as for load_config().
        space: what varies.
        complete: the config of a run without a search.

    Raises:
        CharrnnError: Optuna is missing.
        RunExistsError: the folder holds the search of another config or space.
    """

    def __init__(self, folder: Path, path: str, assignments: Sequence[str], space: Space, complete: Config) -> None:
        self.optuna = import_optuna()
        self.folder, self.path, self.assignments, self.space = folder, path, [*assignments], space
        self.best_name = "loss" if complete.task == "language" else complete.train.best
        self.lower = self.best_name in LOWER_IS_BETTER
        folder.mkdir(parents=True, exist_ok=True)
        backend = self.optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
        self.study = self.optuna.create_study(
            study_name=STUDY,
            storage=self.optuna.storages.JournalStorage(backend),
            sampler=_seeded_sampler(self.optuna, complete.seed),
            pruner=self.optuna.pruners.MedianPruner(STARTUP_TRIALS, int(100 * WARM_UP)),
            direction="minimize" if self.lower else "maximize",
            load_if_exists=True,
        )
        known = sha256(json.dumps([complete.to_dict(), repr(sorted(space.items()))]).encode()).hexdigest()
        if self.study.user_attrs.get("config", known) != known:
            message = "holds a search with another config, --set or space; repeat the command that began it, or choose"
            raise RunExistsError(f"{folder}: {message} another --out")
        self.study.set_user_attr("config", known)
        if not self.study.trials:
            self.study.enqueue_trial(first_values(space, complete))

    @property
    def count(self) -> int:
        """The trials so far, those that are running included, without those that wait to begin."""
        return sum(trial.state.name != "WAITING" for trial in self.study.trials)

    def directory(self, number: int) -> Path:
        """The run directory of a trial."""
        return self.folder / f"trial-{number:04}"

    def config(self, number: int, values: dict[str, Any]) -> Config:
        """The config of a trial with these values."""
        texts = {name: value if isinstance(value, str) else number_text(value) for name, value in values.items()}
        overrides = [*self.assignments, *(f"{name}={text}" for name, text in texts.items())]
        return load_config(self.path, overrides, out=str(self.directory(number)))

    def open_stopped(self) -> "Trial | None":
        """A trial that was stopped, opened where it was saved; None if there is none."""
        for frozen in self.study.get_trials(states=(self.optuna.trial.TrialState.RUNNING,)):
            try:
                run = _open(self.config(frozen.number, frozen.params), resume=True)
            except RunInUseError:
                continue
            return Trial(self, frozen.number, run, None)
        return None

    def open_next(self) -> "Trial":
        """A new trial, in its run directory."""
        proposed = self.study.ask()
        values = {name: self._value(proposed, name) for name in self.space}
        return Trial(self, proposed.number, _open(self.config(proposed.number, values), resume=True), proposed)

    def _value(self, proposed: Any, name: str) -> Any:
        """The value that Optuna proposes for a key."""
        own = self.space[name]
        if isinstance(own, Choice):
            return proposed.suggest_categorical(name, own.values)
        if own.whole:
            return proposed.suggest_int(name, int(own.low), int(own.high), log=own.log)
        return proposed.suggest_float(name, own.low, own.high, log=own.log)


class Trial:
    """One trial and its run. `proposed` is Optuna's; None for one that goes on, which is not cut short."""

    def __init__(self, search: Search, number: int, run: Run, proposed: Any) -> None:
        self.search, self.number, self.run, self.proposed = search, number, run, proposed

    def train(self, stopping: Callable[[], bool], show: Callable[[Progress], None]) -> bool:
        """Train to the end, or until the trial is cut short or has diverged, and tell Optuna.

        Arguments:
            stopping: whether to stop now; the run is then saved, and goes on another time.
            show: is called after each step.

        Returns:
            Whether the trial is over.
        """
        state, study = self.search.optuna.trial.TrialState, self.search.study
        try:
            for progress in self.run:
                show(progress)
                if self._is_hopeless(progress):
                    study.tell(self.number, state=state.PRUNED)
                    return True
                if stopping() and not self.run.finished:
                    if not progress.saved:
                        self.run.save()
                    return False
        except DivergedError:
            study.tell(self.number, state=state.FAIL)
            return True
        finally:
            self.run.close()
        study.tell(self.number, self.run.state.best)
        return True

    def _is_hopeless(self, progress: Progress) -> bool:
        """Report the figure of an evaluation; whether Optuna would cut the trial short here."""
        record = progress.record
        if self.proposed is None or record is None or record.valid_loss is None or self.run.finished:
            return False
        figure = record.valid_figures.get(self.search.best_name, record.valid_loss)
        self.proposed.report(figure, int(100 * progress.step / progress.steps))
        return bool(self.proposed.should_prune())


def _open(config: Config, resume: bool) -> Run:
    return open_run(config, resume, workers=worker_count(config))


def _seeded_sampler(optuna: Any, seed: int) -> Any:
    """A sampler that begins anew for every trial, from the seed and the number of the trial.

    So several processes propose different values, and the same search the same ones.
    """

    class Seeded(optuna.samplers.BaseSampler):  # type: ignore[misc]  # its package has no types here
        def __init__(self) -> None:
            self.own = optuna.samplers.TPESampler(seed=seed)

        def before_trial(self, study: Any, trial: Any) -> None:
            mixed = int.from_bytes(sha256(f"{seed} {trial.number}".encode()).digest()[:4], "little")
            self.own = optuna.samplers.TPESampler(seed=mixed, n_startup_trials=STARTUP_TRIALS, constant_liar=True)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self.own.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return self.own.sample_relative(study, trial, search_space)

        def sample_independent(self, *arguments: Any) -> Any:
            return self.own.sample_independent(*arguments)

    return Seeded()
