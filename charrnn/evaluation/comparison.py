"""Runs side by side: how their configs differ, what they reached, and whether one is better by more than noise.

Runs with the same held-out text and vocabulary are scored on it again, character by character. The mean difference
gets an interval from a paired block bootstrap, which is far narrower than the intervals of the two scores.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import flat
from charrnn.data import Vocab, choose_split
from charrnn.errors import TextError
from charrnn.evaluation.assessment import scores_of
from charrnn.evaluation.bootstrap import difference
from charrnn.evaluation.results import Comparison, RunSummary
from charrnn.models import SavedModel
from charrnn.storage import RunDirectory


@dataclass(frozen=True)
class Reference:
    """The run that the others are compared with: its vocabulary, and the ids and nats of its held-out text."""

    vocab: Vocab
    ids: Array
    nats: Array


def compare(models: Iterable[SavedModel]) -> Comparison:
    """Compare runs. The first run that can be scored, in the order of the result, is the one that others differ from.

    Returns: the runs, best validation loss first, and the config keys in which they differ.
    """
    models = sorted(models, key=lambda run: (run.best_loss is None, run.best_loss))
    runs: list[RunSummary] = []
    reference: Reference | None = None
    for loaded in models:
        run, scored = scored_summary(loaded, reference)
        runs.append(run)
        reference = reference or scored
    return Comparison(runs, differing([dict(flat(loaded.config.to_dict())) for loaded in models]))


def scored_summary(loaded: SavedModel, reference: Reference | None) -> tuple[RunSummary, Reference | None]:
    """The summary of a run with its score and its difference from the reference; and its scores as a reference.

    Where its text cannot be read again, the summary has a note, and there is no reference.
    """
    run = summary(loaded)
    try:
        split = choose_split(loaded.corpus(), None)
    except TextError as error:
        return replace(run, note=str(error)), None
    nats = scores_of(loaded, split.ids).nats
    run = replace(run, text=f"{split.name} split", chars=len(split), nats_per_char=float(nats.mean()))
    vocab = loaded.model.vocab
    if reference is not None and vocab == reference.vocab and np.array_equal(split.ids, reference.ids):
        run = replace(run, difference=difference(nats, reference.nats))
    elif reference is not None:
        note = "its held-out text or its vocabulary is not that of the first run, so the two cannot be compared"
        run = replace(run, note=note)
    return run, Reference(vocab, split.ids, nats)


def differing(configs: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The keys in which flat configs differ, each with its value in every config."""
    values = {name: [config.get(name) for config in configs] for name in configs[0]}
    return {name: column for name, column in values.items() if any(value != column[0] for value in column)}


def summary(loaded: SavedModel) -> RunSummary:
    """What a run reached, from its checkpoint, and its time and speed, from the log beside it."""
    run = RunSummary(loaded.name, loaded.best_loss)
    try:
        last = json.loads(RunDirectory(loaded.path.parent).log.read_bytes().splitlines()[-1])
        return replace(run, seconds=float(last["seconds"]), chars_per_second=float(last["chars_per_second"]))
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return run  # a checkpoint that was moved has no log
