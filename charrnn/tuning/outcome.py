"""What a search has found: its trials, best first, what mattered, and the best config."""

from dataclasses import dataclass, replace
from typing import Any

from charrnn.config import Config
from charrnn.tuning.search import Search

MIN_FINISHED = 8  # finished trials from which it is said what mattered


@dataclass(frozen=True)
class Row:
    """A trial that was trained to its end: its number, the best figure of its run, and its values by key."""

    number: int
    figure: float
    values: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The result of a search.

    Attributes:
        figure: the name of what was compared.
        rows: finished trials, the best first.
        pruned, failed, open: trials that were cut short, that failed, and that are not finished. A trial fails that
            diverges, or whose values do not go together.
        importance: key -> how much it decided which trials were among the best, in sum 1; empty for few trials.
        best: the config of the best trial, without a run directory; None if there is no finished trial.
    """

    figure: str
    rows: list[Row]
    pruned: int
    failed: int
    open: int
    importance: dict[str, float]
    best: Config | None


def outcome(search: Search) -> Outcome:
    """What the trials of a search have reached so far."""
    trials = search.study.trials
    by_state = {name: [own for own in trials if own.state.name == name] for name in ("COMPLETE", "PRUNED", "FAIL")}
    finished = sorted(by_state["COMPLETE"], key=lambda own: (own.value if search.lower else -own.value, own.number))
    rows = [Row(own.number, own.value, own.params) for own in finished]
    done = sum(map(len, by_state.values()))
    best = replace(search.config(rows[0].number, rows[0].values), out=None) if rows else None
    importance: dict[str, float] = {}
    if len(rows) >= MIN_FINISHED and len(search.space) > 1:
        evaluator = search.optuna.importance.PedAnovaImportanceEvaluator()
        importance = search.optuna.importance.get_param_importances(search.study, evaluator=evaluator)
    return Outcome(
        figure=search.best_name,
        rows=rows,
        pruned=len(by_state["PRUNED"]),
        failed=len(by_state["FAIL"]),
        open=search.count - done,
        importance=importance,
        best=best,
    )
