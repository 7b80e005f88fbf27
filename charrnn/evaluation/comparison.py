"""Runs side by side: in what their configs differ, how far they came, and whether one is better by more than noise.

Runs whose held-out text and vocabulary agree are scored on it again, character by character, and the mean difference
gets an interval from a paired block bootstrap: that of the difference is far narrower than those of the two scores.
"""

import json
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import flat
from charrnn.data import Split, choose_split
from charrnn.errors import TextError
from charrnn.evaluation.assessment import scores_of
from charrnn.evaluation.bootstrap import difference
from charrnn.models import SavedModel
from charrnn.storage import RunDirectory


def compare(models: list[SavedModel]) -> dict[str, Any]:
    """`runs`, best validation first, each with what it reached and took, and its `difference` from the first run that
    can be scored; and `differing`, the keys of the config in which they are not all alike, with the value of each run.
    """
    models = sorted(models, key=lambda run: (run.best_loss is None, run.best_loss))
    runs = [summary(loaded) for loaded in models]
    reference: tuple[Split, SavedModel, Array] | None = None
    for loaded, run in zip(models, runs, strict=True):
        try:
            split = choose_split(loaded.corpus(), None)
        except TextError as error:
            run["note"] = str(error)
            continue
        nats = scores_of(loaded, split.ids).nats
        run |= {"text": f"{split.name} split", "chars": len(split), "nats_per_char": float(nats.mean())}
        if reference is None:
            reference = split, loaded, nats
        elif loaded.model.vocab == reference[1].model.vocab and np.array_equal(split.ids, reference[0].ids):
            run |= difference(nats, reference[2])
        else:
            run["note"] = "other held-out text or characters than the first, so the two cannot be compared"
    configs = [dict(flat(loaded.config.to_dict())) for loaded in models]
    differing = {name: [config.get(name) for config in configs] for name in configs[0]}
    return {"runs": runs, "differing": {name: of for name, of in differing.items() if any(v != of[0] for v in of)}}


def summary(loaded: SavedModel) -> dict[str, Any]:
    """What a run reached, by its checkpoint, and how long it took, by the log beside it."""
    run: dict[str, Any] = {"run": loaded.name, "valid_loss": loaded.best_loss}
    try:
        last = json.loads(RunDirectory(loaded.path.parent).log.read_bytes().splitlines()[-1])
        run |= {key: float(last[key]) for key in ("seconds", "chars_per_second")}
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        pass  # a checkpoint that was moved has no log
    return run
