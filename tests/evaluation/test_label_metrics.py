"""Figures of labels, answers and numbers: hand-computed cases, and the definitions in plain loops."""

from collections import Counter
from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.evaluation import resampling
from charrnn.evaluation.label_metrics import label_difference, label_figures
from charrnn.evaluation.number_metrics import correlation, number_figures
from charrnn.evaluation.rank_metrics import auc, best_threshold, figures_at, yes_no_figures
from charrnn.evaluation.resampling import interval_of, resampled_counts, resampled_weights

NAMES = ("a", "b", "c", "d")
labels = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=1, max_size=30)


def test_label_figures_by_hand() -> None:
    truth, predicted = np.array([0, 0, 0, 1, 1, 2, -1]), np.array([0, 0, 1, 1, 0, 1, 0])
    found = label_figures(truth, predicted, NAMES)
    assert found.count == 7
    assert found.accuracy == pytest.approx(3 / 7)
    assert [(row.precision, row.recall, row.support, row.predicted) for row in found.labels] == [
        (pytest.approx(2 / 4), pytest.approx(2 / 3), 3, 4),
        (pytest.approx(1 / 3), pytest.approx(1 / 2), 2, 3),
        (0, 0, 1, 0),
        (0, 0, 0, 0),
    ]
    assert [row.f1 for row in found.labels] == [pytest.approx(4 / 7), pytest.approx(2 / 5), 0, 0]
    assert found.macro_f1 == pytest.approx((4 / 7 + 2 / 5 + 0) / 3)  # d does not occur
    assert [(own.truth, own.predicted, own.count) for own in found.confusions] == [
        ("", "a", 1),
        ("a", "b", 1),
        ("b", "a", 1),
        ("c", "b", 1),
    ]
    assert (found.calibration_error, found.calibration) == (None, ())


@given(pairs=labels)
def test_label_figures_are_those_of_plain_loops(pairs: list[tuple[int, int]]) -> None:
    found = label_figures(*np.array(pairs).T, NAMES)
    assert found.accuracy == pytest.approx(sum(t == p for t, p in pairs) / len(pairs))
    f1 = []
    for k, row in enumerate(found.labels):
        hits = sum(t == p == k for t, p in pairs)
        given, wanted = sum(p == k for _, p in pairs), sum(t == k for t, _ in pairs)
        precision, recall = hits / given if given else 0, hits / wanted if wanted else 0
        harmonic = 2 * precision * recall / (precision + recall) if hits else 0
        assert (row.precision, row.recall, row.f1) == pytest.approx((precision, recall, harmonic))
        assert (row.support, row.predicted) == (wanted, given)
        if given or wanted:
            f1.append(harmonic)
    assert found.macro_f1 == pytest.approx(sum(f1) / len(f1))
    counts = Counter((t, p) for t, p in pairs if t != p)
    assert [own.count for own in found.confusions] == sorted(counts.values(), reverse=True)
    assert {(own.truth, own.predicted): own.count for own in found.confusions} == {
        (NAMES[t] if t >= 0 else "", NAMES[p]): count for (t, p), count in counts.items()
    }


def test_the_calibration_error_by_hand() -> None:
    truth, predicted = np.array([0, 0, 0, 0]), np.array([0, 1, 0, 1])
    found = label_figures(truth, predicted, NAMES, confidence=np.array([0.81, 0.89, 0.55, 0.95]))
    assert found.calibration_error == pytest.approx((2 * abs(0.85 - 0.5) + abs(0.55 - 1) + abs(0.95 - 0)) / 4)
    assert [own.chars for own in found.calibration] == [1, 2, 1]


def test_intervals_are_those_of_examples_drawn_one_by_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(4, 400, p=[0.5, 0.3, 0.15, 0.05])
    predicted = np.where(rng.random(400) < 0.7, truth, rng.integers(0, 4, 400))
    found = label_figures(truth, predicted, NAMES)
    figures = []
    for _ in range(2000):
        drawn = rng.integers(0, 400, 400)
        t, p = truth[drawn], predicted[drawn]
        f1 = [2 * ((t == k) & (p == k)).sum() / ((t == k).sum() + (p == k).sum()) for k in range(4)]
        figures.append([(t == p).mean(), np.mean(f1)])
    low, high = np.percentile(figures, [2.5, 97.5], axis=0)
    assert found.accuracy_interval == pytest.approx((low[0], high[0]), abs=0.006)
    assert found.macro_f1_interval == pytest.approx((low[1], high[1]), abs=0.008)
    assert found == label_figures(truth, predicted, NAMES)


def test_a_difference_is_that_of_the_figures_and_pairs_examples() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 500)
    one = np.where(rng.random(500) < 0.6, truth, 0)
    two = np.where(rng.random(500) < 0.1, 3, one)
    found = label_difference(truth, one, two, 4)
    figures = [label_figures(truth, own, NAMES) for own in (one, two)]
    assert found.accuracy.mean == pytest.approx(figures[0].accuracy - figures[1].accuracy)
    assert found.macro_f1.mean == pytest.approx(figures[0].macro_f1 - figures[1].macro_f1)
    low, high = found.accuracy.interval
    assert low < found.accuracy.mean < high
    assert high - low < figures[0].accuracy_interval[1] - figures[0].accuracy_interval[0]
    same = label_difference(truth, one, one, 4)
    assert (same.accuracy.mean, same.accuracy.interval) == (0, (0, 0))


# -- resampling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_each_resample_has_as_many_examples(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate([*resampled_weights(count)])
    assert whole.shape == (1000, count)
    assert (whole.sum(1) == count).all()
    assert whole.mean() == 1
    if count > 1:
        assert whole.var() == pytest.approx(1 - 1 / count, rel=0.1)  # of a binomial
        assert abs(np.corrcoef(whole[:-1, 0], whole[1:, 0])[0, 1]) < 0.1
    monkeypatch.setattr(resampling, "MAX_NUMBERS", 0)  # a single row at a time
    np.testing.assert_array_equal(np.concatenate([*resampled_weights(count)]), whole)
    drawn = resampled_counts(np.array([count, 2 * count]))
    assert (drawn.sum(1) == 3 * count).all()
    assert drawn[:, 0].mean() == pytest.approx(count, rel=0.2)


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(2).normal(5, 2, 900)
    low, high = interval_of(lambda weights: weights @ values / 900, 900)
    assert low == pytest.approx(values.mean() - 1.96 * values.std() / 30, abs=0.02)
    assert high == pytest.approx(values.mean() + 1.96 * values.std() / 30, abs=0.02)


# -- yes or no ----------------------------------------------------------------------------------------------------

answers = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, nan]), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0])), min_size=1, max_size=20
)


@given(rows=answers, seed=st.integers(0, 9))
@example([(1.0, 0.5), (0.0, 0.5)], 0)
def test_the_area_is_the_share_of_pairs_in_order_and_ties_count_half(
    rows: list[tuple[float, float]], seed: int
) -> None:
    truth, scores = np.array(rows).T
    weights = np.random.default_rng(seed).integers(0, 4, (3, len(rows))).astype(float)
    weights[0] = 1
    for own, area in zip(weights, auc(truth, scores, weights), strict=True):
        yes = [(s, w) for (t, s), w in zip(rows, own, strict=True) if t == 1]
        no = [(s, w) for (t, s), w in zip(rows, own, strict=True) if t == 0]
        pairs = sum(w * v for _, w in yes for _, v in no)
        wins = sum(w * v * ((s > r) + (s == r) / 2) for s, w in yes for r, v in no)
        if pairs:
            assert area == pytest.approx(wins / pairs)
        else:
            assert isnan(area)
    np.testing.assert_array_equal(auc(truth, scores), auc(truth, scores, weights[:1]))


@given(rows=answers)
def test_no_threshold_is_better_than_the_fitted_one(rows: list[tuple[float, float]]) -> None:
    truth, scores = np.array(rows).T
    threshold = best_threshold(truth, scores)

    def f1(limit: float) -> float:
        hits = sum(t == 1 and s >= limit for t, s in rows)
        given, wanted = sum(s >= limit for t, s in rows if not isnan(t)), sum(t == 1 for t, _ in rows)
        return 2 * hits / (given + wanted) if given + wanted else 0

    assert figures_at(truth, scores, threshold)[2] == pytest.approx(f1(threshold))
    if (truth == 1).any():
        assert f1(threshold) == pytest.approx(max(map(f1, [0, 0.05, 0.1, 0.3, 0.5, 0.6, 0.7, 0.9, 1])))
    else:
        assert threshold == 0.5


def test_a_threshold_lies_halfway_between_scores() -> None:
    assert best_threshold(np.array([1, 1, 0, 0]), np.array([0.9, 0.6, 0.2, 0.1])) == pytest.approx(0.4)
    assert best_threshold(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.7])) == 0.7  # all are yes
    assert best_threshold(np.array([1, 0]), np.array([0.5, 0.5])) == 0.5


def test_figures_of_several_labels_leave_out_what_is_missing_or_has_one_answer() -> None:
    truth = np.array([[1, nan, 0], [0, 1, 0], [1, 0, 0], [nan, 0, nan]])
    scores = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.3], [0.2, 0.4, 0.1], [0.5, 0.9, 0.5]])
    found = yes_no_figures(truth, scores, np.array([0.25, 0.5, 0.5]), ("p", "q", "r"))
    assert [row.auc for row in found.labels[:2]] == [0.5, 0.5]
    assert isnan(found.labels[2].auc)
    assert [row.f1 for row in found.labels] == [pytest.approx(2 / 4), pytest.approx(2 / 3), 0]
    assert [(row.yes, row.no) for row in found.labels] == [(2, 1), (1, 2), (0, 3)]
    assert found.mean_auc == 0.5
    assert found.mean_f1 == pytest.approx((2 / 4 + 2 / 3) / 2)
    assert isnan(found.labels[2].auc_interval[0])


def test_the_interval_of_the_mean_area_pairs_the_labels() -> None:
    rng = np.random.default_rng(3)
    truth = (rng.random((300, 1)) < 0.4).astype(float)
    scores = truth * 0.5 + rng.normal(0, 0.5, (300, 1))
    one = yes_no_figures(truth, scores, np.array([0.5]), ("p",))
    two = yes_no_figures(np.tile(truth, 2), np.tile(scores, 2), np.array([0.5, 0.5]), ("p", "q"))
    assert one.mean_auc == two.mean_auc == one.labels[0].auc
    assert one.mean_auc_interval == pytest.approx(two.mean_auc_interval)
    assert one.mean_auc_interval == pytest.approx(one.labels[0].auc_interval)
    n, m, a = truth.sum(), 300 - truth.sum(), one.mean_auc
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = sqrt((a * (1 - a) + (n - 1) * (q1 - a * a) + (m - 1) * (q2 - a * a)) / (n * m))  # Hanley and McNeil 1982
    assert one.mean_auc_interval == pytest.approx((a - 1.96 * error, a + 1.96 * error), abs=0.015)


# -- numbers ------------------------------------------------------------------------------------------------------


def test_number_figures_by_hand() -> None:
    truth = np.array([[1.0, 5], [2, nan], [4, nan], [nan, 5]])
    predicted = np.array([[2.0, 5], [2, 9], [1, 9], [77, 6]])
    first, second = number_figures(truth, predicted, ("x", "y"))
    assert (first.name, first.count, second.count) == ("x", 3, 2)
    assert first.rmse == pytest.approx(sqrt((1 + 0 + 9) / 3))
    assert first.mae == pytest.approx(4 / 3)
    assert first.correlation == pytest.approx(np.corrcoef([1, 2, 4], [2, 2, 1])[0, 1])
    assert (second.rmse, second.mae) == (pytest.approx(sqrt(1 / 2)), 0.5)
    assert isnan(second.correlation)
    low, high = first.rmse_interval
    assert low <= first.rmse <= high


@given(
    rows=st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=12),
    shift=st.sampled_from([0.0, 1e4]),
)
def test_a_weighted_correlation_is_that_of_repeated_examples(rows: list[tuple[int, int, int]], shift: float) -> None:
    repeated = [(x + shift, y / 7) for x, y, count in rows for _ in range(count)]
    if not repeated:
        return
    x, y, counts = np.array(rows, float).T
    (found,) = correlation(x + shift, y / 7, counts[None])
    if len({x for x, _ in repeated}) > 1 and len({y for _, y in repeated}) > 1:
        assert found == pytest.approx(np.corrcoef(np.array(repeated).T)[0, 1], abs=1e-6)
    else:
        assert isnan(found)


def test_the_interval_of_a_correlation_is_that_of_theory() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(0, 1, 1000)
    y = 0.6 * x + 0.8 * rng.normal(0, 1, 1000)
    (found,) = number_figures(x[:, None], y[:, None], ("x",))
    z = np.arctanh(found.correlation)  # Fisher 1915
    wanted = np.tanh([z - 1.96 / sqrt(997), z + 1.96 / sqrt(997)])
    assert found.correlation_interval == pytest.approx(tuple(wanted), abs=0.01)
