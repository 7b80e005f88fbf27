"""The figures of a translator that a run follows while it trains, without intervals."""

import numpy as np

from charrnn.data import PairExamples, PairSplit
from charrnn.evaluation.translation_losses import target_losses
from charrnn.evaluation.translation_metrics import Edits
from charrnn.generation import translate
from charrnn.models import TranslateModel
from charrnn.processes import Map

MAX_WRITTEN = 1000  # pairs whose targets are written: of a larger split, ones at equal distances


def translation_figures(model: TranslateModel, split: PairSplit, spread: Map = map) -> dict[str, float]:
    """Score a split and write targets greedily; `spread` calls a function for each batch, as map() does.

    Returns:
        `loss`, the mean over the target symbols that the model knows and the ends, without smoothing; `exact` and
        `symbol_error`, over at most MAX_WRITTEN pairs. If a source has several targets, each of them is compared.
    """
    losses, counts = target_losses([model], [split.examples], spread)
    rows = np.unique(np.linspace(0, len(split) - 1, min(len(split), MAX_WRITTEN)).astype(np.int64)).tolist()
    ids, bounds = model.source.encode([split.sources[k] for k in rows])
    sources = PairExamples(ids, bounds, np.zeros(0, np.int32), np.zeros(len(rows) + 1, np.int64))
    answers = translate([model], [sources], spread=spread)
    edits = Edits.of([split.targets[k] for k in rows], [own.symbols for own in answers])
    return {
        "loss": float(losses.sum() / counts.sum()),
        "exact": edits.exact,
        "symbol_error": edits.symbol_error,
    }
