"""What pages show beside the figures of a report: the square of confusions, curves and histograms, in plain loops."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.evaluation.confusion_map import confusion_map
from charrnn.evaluation.label_metrics import label_figures
from charrnn.evaluation.rank_metrics import figures_at, precision_recall
from charrnn.evaluation.residuals import MAX_POINTS, residuals

NAMES = tuple("abcdefg")


@given(st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 6)), min_size=1, max_size=40), st.integers(1, 8))
def test_the_square_counts_every_example_once(pairs: list[tuple[int, int]], largest: int) -> None:
    truth, predicted = np.array(pairs).T
    found = confusion_map(label_figures(truth, predicted, NAMES), largest)
    shown = {NAMES.index(name): k for k, name in enumerate(found.names)}
    expected = Counter((shown.get(true, -1), shown.get(own, -1)) for true, own in pairs)
    size = len(found.names) + (found.others > 0)
    assert found.counts.shape == (size, size)
    assert found.counts.sum() == len(pairs)
    for (row, column), count in expected.items():
        assert found.counts[row, column] == count
    occurring = {label for pair in pairs for label in pair}
    assert found.others == len(occurring) - len(shown)
    support = Counter(truth.tolist())
    hidden = [support[label] for label in occurring - {-1} if label not in shown]
    assert not hidden or min(support[label] for label in shown) >= max(hidden)


answers = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.sampled_from([0.1, 0.3, 0.5, 0.7])), min_size=1, max_size=12
)


@given(answers)
def test_the_curve_holds_precision_and_recall_at_every_score(rows: list[tuple[float, float]]) -> None:
    truth, scores = np.array(rows).T
    found = precision_recall(truth, scores)
    if not (truth == 1).any():
        assert found == []
        return
    thresholds = sorted({score for answer, score in rows if not np.isnan(answer)}, reverse=True)
    assert len(found) == len(thresholds)
    for threshold, (recall, precision) in zip(thresholds, found, strict=True):
        yes = [answer for answer, score in rows if score >= threshold and not np.isnan(answer)]
        assert precision == pytest.approx(sum(yes) / len(yes))
        assert recall == pytest.approx(sum(yes) / (truth == 1).sum())
        own = figures_at(truth, scores, threshold)
        assert own == pytest.approx((precision, recall, 2 * sum(yes) / (len(yes) + (truth == 1).sum())))


def test_a_histogram_counts_every_number_and_points_are_some_of_them() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.standard_normal((2, 3 * MAX_POINTS, 2))
    truth[::3, 0] = np.nan
    truth[:, 1] = np.nan
    (found,) = residuals(truth, predicted, ("x", "y"))
    assert (found.name, found.count, found.counts.sum()) == ("x", 2 * MAX_POINTS, 2 * MAX_POINTS)
    assert len(found.points) == MAX_POINTS
    assert set(found.points) <= set(zip(truth[:, 0].tolist(), predicted[:, 0].tolist(), strict=True))
    differences = (predicted - truth)[:, 0]
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        assert abs(count - ((differences >= low) & (differences < high)).sum()) <= 1  # the last bin holds its edge
    assert found.edges[0] == pytest.approx(-found.edges[-1])
    same = residuals(np.ones((3, 1)), np.ones((3, 1)), ("x",))[0]
    assert same.counts.sum() == same.counts[len(same.counts) // 2] == 3
