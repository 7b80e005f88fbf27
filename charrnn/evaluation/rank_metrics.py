"""How well scores tell yes from no, label by label: the area under the ROC curve, and F1 at a fitted threshold.

Missing answers are left out. Shapes: n examples, R rows of weights, which say how often each example counts.
"""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.evaluation.resampling import percentiles, resampled_weights
from charrnn.evaluation.results import Interval


@dataclass(frozen=True)
class YesNoRow:
    """The figures of one label. `yes`, `no`: how many examples say so; NaN stands for a figure that is not defined.

    `precision`, `recall` and `f1` are those of "yes" at the threshold.
    """

    name: str
    auc: float
    auc_interval: Interval
    precision: float
    recall: float
    f1: float
    threshold: float
    yes: int
    no: int


@dataclass(frozen=True)
class YesNoFigures:
    """How well several labels were predicted. The means are over the labels with both answers."""

    mean_auc: float
    mean_auc_interval: Interval
    mean_f1: float
    labels: list[YesNoRow]


def yes_no_figures(truth: Array, scores: Array, thresholds: Array, names: tuple[str, ...]) -> YesNoFigures:
    """Compare scores with answers.

    Arguments:
        truth: (n, K) of 1 for yes, 0 for no, NaN for missing.
        scores: (n, K), higher for yes.
        thresholds: (K,), fitted on other examples: what is at least as high counts as yes.
        names: of the labels, (K,).
    """
    areas = np.concatenate([_areas(truth, scores, weights) for weights in resampled_weights(len(truth))])
    points = _areas(truth, scores, np.ones((1, len(truth))))
    rows = []
    for k, name in enumerate(names):
        precision, recall, f1 = figures_at(truth[:, k], scores[:, k], float(thresholds[k]))
        rows.append(
            YesNoRow(
                name,
                auc=float(points[0, k]),
                auc_interval=percentiles(areas[:, k]),
                precision=precision,
                recall=recall,
                f1=f1,
                threshold=float(thresholds[k]),
                yes=int((truth[:, k] == 1).sum()),
                no=int((truth[:, k] == 0).sum()),
            )
        )
    defined = [row.f1 for row in rows if row.yes and row.no]
    return YesNoFigures(
        mean_auc=float(_mean_defined(points)[0]),
        mean_auc_interval=percentiles(_mean_defined(areas)),
        mean_f1=float(np.mean(defined)) if defined else np.nan,
        labels=rows,
    )


def _areas(truth: Array, scores: Array, weights: Array) -> Array:
    """The area of each label under weights (R, n): (R, K)."""
    return np.stack([auc(truth[:, k], scores[:, k], weights) for k in range(truth.shape[1])], axis=1)


def mean_auc(truth: Array, scores: Array, weights: Array) -> Array:
    """The mean area over the labels with both answers, (R,); arguments as for auc(), of (n, K) labels."""
    return _mean_defined(_areas(truth, scores, weights))


def _mean_defined(areas: Array) -> Array:
    """The mean of the areas in each row that are not NaN, (R,); NaN where all are."""
    defined = ~np.isnan(areas)
    counts = defined.sum(1)
    mean: Array = np.where(counts, np.where(defined, areas, 0).sum(1) / np.maximum(counts, 1), np.nan)
    return mean


def auc(truth: Array, scores: Array, weights: Array | None = None) -> Array:
    """The area under the ROC curve: how often a yes scores higher than a no; ties count half (Hanley and McNeil 1982).

    Arguments:
        truth: (n,) of 1 for yes, 0 for no, NaN for missing.
        scores: (n,).
        weights: (R, n); None: one row of ones.

    Returns:
        (R,); NaN where only one answer occurs.
    """
    weights = np.ones((1, len(truth))) if weights is None else weights
    yes, no = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)
    no = no[np.argsort(scores[no])]
    below = np.searchsorted(scores[no], scores[yes], "left")  # how many of `no` score lower than each of `yes`
    up_to = np.searchsorted(scores[no], scores[yes], "right")  # and how many no higher
    cumulated = np.zeros((len(weights), len(no) + 1))
    np.cumsum(weights[:, no], axis=1, out=cumulated[:, 1:])
    weights_yes = weights[:, yes]
    wins = (weights_yes * (cumulated[:, below] + cumulated[:, up_to])).sum(1) / 2
    pairs = weights_yes.sum(1) * cumulated[:, -1]
    area: Array = np.where(pairs > 0, wins / np.maximum(pairs, 1), np.nan)
    return area


def best_threshold(truth: Array, scores: Array) -> float:
    """The threshold with the highest F1; of equally good ones the highest. 0.5 if no example says yes.

    It lies halfway between two scores, so that it does not depend on the rounding of one.
    Arguments: `truth` (n,) of 1, 0 or NaN for missing; `scores` (n,), probabilities.
    """
    if not (truth == 1).any():
        return 0.5
    own, hits, counts = _ranked(truth, scores)
    best = int(np.argmax(2 * hits / (counts + hits[-1])))
    lower = own[min(best + 1, len(own) - 1)]
    return float((own[best] + lower) / 2)


def _ranked(truth: Array, scores: Array) -> tuple[Array, Array, Array]:
    """The distinct scores of the answers that are there, the highest first, K of them.

    Returns: the scores (K,); how many answers with at least that score are yes, (K,); and how many there are, (K,).
    """
    given = ~np.isnan(truth)
    order = np.argsort(-scores[given], kind="stable")
    answers, own = truth[given][order], scores[given][order]
    last = np.flatnonzero(np.concatenate([own[1:] != own[:-1], [True]]))  # of equal scores
    return own[last], np.cumsum(answers)[last], last + 1


def figures_at(truth: Array, scores: Array, threshold: float) -> tuple[float, float, float]:
    """Precision, recall and F1 of "yes" where scores of at least `threshold` count as yes; 0 if none is right.

    Missing answers are left out.
    """
    given = ~np.isnan(truth)
    answers, yes = truth[given] == 1, scores[given] >= threshold
    hits = int((answers & yes).sum())
    wanted, predicted = int(answers.sum()), int(yes.sum())
    return hits / max(predicted, 1), hits / max(wanted, 1), 2 * hits / max(wanted + predicted, 1)


def precision_recall(truth: Array, scores: Array) -> list[tuple[float, float]]:
    """Recall and precision of "yes" at every threshold, from the highest down; none if no example says yes.

    Arguments: `truth` (n,) of 1 for yes, 0 for no, NaN for missing; `scores` (n,).
    """
    if not (truth == 1).any():
        return []
    _, hits, counts = _ranked(truth, scores)
    return list(zip((hits / hits[-1]).tolist(), (hits / counts).tolist(), strict=True))
