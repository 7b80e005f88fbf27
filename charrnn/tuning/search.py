"""A search in its folder: proposals, trials that are runs, and what they reached.

The folder holds `tune.journal`, Optuna's record of all trials, and a run directory for each: `trial-0007`. A trial that
was stopped is found by the free lock of its directory, and goes on where it was saved. What a trial proposes follows
from the seed and its number, and from the trials that were finished before.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from charrnn.config import Choice, Config, Space, load_config, number_text
from charrnn.errors import CharrnnError, ConfigError, DivergedError, RunExistsError, RunInUseError
from charrnn.evaluation import LOWER_IS_BETTER
from charrnn.storage import Lock, RunDirectory
from charrnn.training import Progress, Run, open_run, worker_count
from charrnn.tuning.space import first_values

JOURNAL = "tune.journal"
STUDY = "tune"
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
        RunExistsError: the folder holds a run, or the search of another config or space.
    """

    def __init__(self, folder: Path, path: str, assignments: Sequence[str], space: Space, complete: Config) -> None:
        self.optuna = import_optuna()
        self.folder, self.path, self.assignments, self.space = folder, path, [*assignments], space
        self.best_name = "loss" if complete.task == "language" else complete.train.best
        self.lower = self.best_name in LOWER_IS_BETTER
        if (folder.exists() and not folder.is_dir()) or RunDirectory(folder).config.exists():
            what = "holds a run" if folder.is_dir() else "is a file"
            raise RunExistsError(f"{folder}: {what}, and a search has a folder of its own; choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        known = sha256(json.dumps([complete.to_dict(), repr(sorted(space.items()))]).encode()).hexdigest()
        with closing(Lock(folder, wait=True)):
            self.study = self._study(complete.seed)
            if self.study.user_attrs.get("config", known) != known:
                raise RunExistsError(
                    f"{folder}: holds a search with another config, --set or space; repeat the command that began it, "
                    f"or choose another --out"
                )
            self.study.set_user_attr("config", known)
            if not self.study.trials:
                self.study.enqueue_trial(first_values(space, complete))

    def _study(self, seed: int) -> Any:
        """Optuna's record of the trials, new or as the folder has it. Raises CharrnnError if it is damaged."""
        path = self.folder / JOURNAL
        try:
            backend = self.optuna.storages.journal.JournalFileBackend(str(path))
            return self.optuna.create_study(
                study_name=STUDY,
                storage=self.optuna.storages.JournalStorage(backend),
                sampler=_seeded_sampler(self.optuna, seed),
                pruner=self.optuna.pruners.MedianPruner(STARTUP_TRIALS, int(100 * WARM_UP)),
                direction="minimize" if self.lower else "maximize",
                load_if_exists=True,
            )
        except (ValueError, KeyError, TypeError):
            raise CharrnnError(
                f"{path}: this is no record of a search, or it is damaged; choose another --out"
            ) from None

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

    def open_trial(self, most: int, refused: Callable[[int, ConfigError], None]) -> "Trial | None":
        """A trial that was stopped, opened where it was saved, or else a new one; None with `most` trials.

        One process at a time is in here: a trial whose run directory is free belongs to no process then.

        Arguments:
            most: the trials that the folder may hold.
            refused: is called with the number of a trial whose values do not go together, and why; it has failed.

        Raises:
            CharrnnError: a run cannot be opened. A new trial has failed then.
        """
        with closing(Lock(self.folder, wait=True)):
            trial = self._open_stopped()
            while trial is None and self.count < most:
                proposed = self.study.ask()
                values = {name: self._value(proposed, name) for name in self.space}
                try:
                    trial = Trial(self, proposed.number, self._open(proposed.number, values), proposed)
                except CharrnnError as error:
                    self.tell(proposed.number, "FAIL")
                    if not isinstance(error, ConfigError):
                        raise
                    refused(proposed.number, error)
            return trial

    def _open_stopped(self) -> "Trial | None":
        """A trial that was stopped; None if there is none."""
        for number, values in self._unfinished():
            if values.keys() != self.space.keys():
                self.tell(number, "FAIL")  # its process ended before it had all values
                continue
            try:
                run = self._open(number, values)
            except RunInUseError:
                continue
            if any(other == number for other, _ in self._unfinished()):
                return Trial(self, number, run, None)
            run.close()  # another process has finished it in the meantime
        return None

    def _unfinished(self) -> list[tuple[int, dict[str, Any]]]:
        """Number and values of the trials that are running or were stopped."""
        states = (self.optuna.trial.TrialState.RUNNING,)
        return [(frozen.number, frozen.params) for frozen in self.study.get_trials(states=states)]

    def _open(self, number: int, values: dict[str, Any]) -> Run:
        """The run of a trial, new or where it was saved."""
        config = self.config(number, values)
        return open_run(config, resume=True, workers=worker_count(config))

    def tell(self, number: int, state: str, figure: float | None = None) -> None:
        """Record how a trial ended: PRUNED, FAIL or, with its figure, COMPLETE."""
        self.study.tell(number, figure, state=self.optuna.trial.TrialState[state])

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
        self._percent = -1  # of the steps, at the latest report

    def train(self, stopping: Callable[[], bool], show: Callable[[Progress], None]) -> bool:
        """Train to the end, or until the trial is cut short or has diverged, and tell Optuna.

        Arguments:
            stopping: whether to stop now; the run is then saved, and goes on another time.
            show: is called after each step.

        Returns:
            Whether the trial is over.
        """
        try:
            for progress in self.run:
                show(progress)
                if self._is_hopeless(progress):
                    self.search.tell(self.number, "PRUNED")
                    return True
                if stopping() and not self.run.finished:
                    if not progress.saved:
                        self.run.save()
                    return False
            best = self.run.state.best  # None if no figure was defined
            self.search.tell(self.number, "FAIL" if best is None else "COMPLETE", best)
        except DivergedError:
            self.search.tell(self.number, "FAIL")
        finally:
            self.run.close()  # after the end is recorded, so that no other process takes the trial for a stopped one
        return True

    def _is_hopeless(self, progress: Progress) -> bool:
        """Report the figure of an evaluation; whether Optuna would cut the trial short here."""
        record = progress.record
        if self.proposed is None or record is None or record.valid_loss is None or self.run.finished:
            return False
        figure = record.valid_figures.get(self.search.best_name, record.valid_loss)
        percent = 100 * progress.step // progress.steps
        if percent == self._percent:
            return False  # of several evaluations in one percent of the steps, the first one counts
        self._percent = percent
        self.proposed.report(figure, percent)
        return bool(self.proposed.should_prune())


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
