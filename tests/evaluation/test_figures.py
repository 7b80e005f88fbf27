"""Every figure of a report, computed once more by counting with plain loops or from what theory says."""

from itertools import pairwise
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.vocab import Vocab
from charrnn.evaluation import figures as analysis
from charrnn.evaluation.bootstrap import difference
from charrnn.evaluation.figures import KINDS, analyse, by_position, calibration, intervals, kinds_of
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import score, score_each
from charrnn.evaluation.tsv import per_char, per_line
from charrnn.models.network import Network
from charrnn.models.ngram import NGram
from tests.support.processes import commands_to_a_terminal

TEXT = "It was, in 1812, né so?\n\tAnd on… it went;\r\nfor 7 days. " * 20
VOCAB = Vocab("".join(sorted(set(TEXT) | set("zq"))))
IDS = VOCAB.encode(TEXT)


@pytest.fixture(scope="module")
def network() -> Network:
    network = Network(ModelConfig(cell="lstm", hidden_size=8, num_layers=2), VOCAB, np.float64)
    network.params.values[...] = np.random.default_rng(0).normal(0, 0.5, network.params.size)
    return network


@pytest.fixture(scope="module")
def distributions(network: Network) -> Array:
    """p (len, V) of every character given all before it, one at a time."""
    state = network.start(1)
    rows = [network.predict(state)[0].copy()]
    rows += [network.feed(np.array([[k]]), state)[0, 0].copy() for k in IDS[:-1]]
    return np.array([np.exp(row) / np.exp(row).sum() for row in rows])


@pytest.fixture(scope="module")
def scores(network: Network) -> Scores:
    return score_each(network, IDS)


def test_each_character_has_its_loss_rank_and_confidence(scores: Scores, distributions: Array) -> None:
    assert scores.rank is not None
    assert scores.confidence is not None
    for t, (p, k) in enumerate(zip(distributions, IDS, strict=True)):
        order = sorted(range(len(p)), key=lambda c: (-p[c], c))
        assert scores.nats[t] == pytest.approx(-log(p[k]), rel=1e-9)
        assert scores.rank[t] == order.index(k)
        assert scores.confidence[t] == pytest.approx(max(p), rel=1e-6)


def test_ties_are_ranked_by_id() -> None:
    uniform = Network(ModelConfig(cell="lstm", hidden_size=2, num_layers=2), Vocab("abcdef"))
    found = score_each(uniform, np.array([0, 1, 5, 3]))
    np.testing.assert_array_equal(found.rank, [0, 1, 5, 3])


def test_the_figures_are_those_counted_with_plain_loops(scores: Scores, distributions: Array) -> None:
    found = analyse(VOCAB, IDS, scores, unknown=3)
    p = [row[k] for row, k in zip(distributions, IDS, strict=True)]
    nats = -sum(map(log, p))
    assert (found.chars, found.unknown_chars) == (len(TEXT), 3)
    assert found.figures.nats_per_char == pytest.approx(nats / len(TEXT))
    assert found.figures.bits_per_char == pytest.approx(nats / len(TEXT) / log(2))
    assert found.figures.bits_per_byte == pytest.approx(nats / len(TEXT.encode()) / log(2))
    assert found.figures.perplexity == pytest.approx(exp(nats / len(TEXT)))
    assert found.figures.word_perplexity == pytest.approx(exp(nats / len(TEXT.split())))
    better = [sum(row > row[k]) for row, k in zip(distributions, IDS, strict=True)]
    assert found.figures.top1 == pytest.approx(sum(n < 1 for n in better) / len(TEXT))
    assert found.figures.top5 == pytest.approx(sum(n < 5 for n in better) / len(TEXT))


def test_the_figures_are_those_of_the_sums_that_training_uses(network: Network, scores: Scores) -> None:
    found, report = analyse(VOCAB, IDS, scores).to_dict(), score(network, IDS)
    for name, value in report.to_dict().items():
        assert found[name] == pytest.approx(value), name


def test_kinds_of_characters_follow_their_unicode_categories() -> None:
    expected = {
        "letters": "aZéßЖ日\u0301", "digits": "07٣½", "spaces": " \t\u00a0\u3000",
        "newlines": "\n\r\u2028\x85", "punctuation": ".,;!?'\"…$+<—", "other": "\x00\x1b\u200d",
    }  # fmt: skip
    for kind, symbols in expected.items():
        found = kinds_of(Vocab("".join(sorted(symbols)), has_unknown=True))
        assert [KINDS[k] for k in found] == [kind] * len(symbols) + ["other"]
    ours = kinds_of(Vocab.of_bytes())
    assert KINDS[ours[ord("A")]] == "letters"
    assert {KINDS[k] for k in ours[128:]} == {"other"}


def test_the_loss_of_a_kind_is_the_mean_over_its_characters(scores: Scores) -> None:
    sums: dict[str, list[float]] = {}
    for k, nats in zip(IDS, scores.nats, strict=True):
        symbol = VOCAB.symbols[k]
        kind = "letters" if symbol.isalpha() else "digits" if symbol.isdigit() else "punctuation"
        kind = "newlines" if symbol in "\r\n" else "spaces" if symbol in " \t" else kind
        sums.setdefault(kind, []).append(nats)
    found = analyse(VOCAB, IDS, scores).kinds
    assert {each.kind for each in found} == sums.keys()
    for each in found:
        nats = sums[each.kind]
        assert each.chars == len(nats)
        assert each.nats_per_char == pytest.approx(np.mean(nats))
        assert each.share == pytest.approx(sum(nats) / scores.nats.sum())


def test_calibration_counts_in_tenths(scores: Scores) -> None:
    assert scores.rank is not None
    assert scores.confidence is not None
    bins: dict[int, list[tuple[float, bool]]] = {}
    for rank, sure in zip(scores.rank, scores.confidence, strict=True):
        bins.setdefault(min(int(sure * 10), 9), []).append((float(sure), rank == 0))
    found = analyse(VOCAB, IDS, scores)
    for each, wanted in zip(found.calibration, (bins[k] for k in sorted(bins)), strict=True):
        assert each.chars == len(wanted)
        assert each.confidence == pytest.approx(np.mean([sure for sure, _ in wanted]))
        assert each.accuracy == pytest.approx(np.mean([right for _, right in wanted]))
    apart = sum(abs(sum(sure for sure, _ in each) - sum(right for _, right in each)) for each in bins.values())
    assert found.calibration_error == pytest.approx(apart / len(TEXT), abs=1e-6)


def test_a_model_that_knows_its_chances_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.1, 1, 50_000)
    for each in calibration(rng.random(50_000) < sure, sure):
        assert each.accuracy == pytest.approx(each.confidence, abs=0.02)


# -- intervals ----------------------------------------------------------------------------------------------------


def sums_of(nats: Array, blocks: int) -> Array:
    """Block sums of characters of one byte each, all of them words and none guessed."""
    parts = np.array_split(nats, blocks)
    rows = [[len(part), part.sum(), len(part), len(part), 0, 0, 0] for part in parts]
    return np.array(rows, float).T


def test_an_interval_is_as_wide_as_theory_says_for_independent_losses() -> None:
    nats = np.random.default_rng(3).gamma(2, 1, 200_000)
    low, high = intervals(sums_of(nats, 200)).nats_per_char
    error = 1.96 * nats.std() / np.sqrt(len(nats))
    assert (low, high) == pytest.approx((nats.mean() - error, nats.mean() + error), abs=0.12 * error)


def test_an_interval_is_wider_where_losses_are_correlated() -> None:
    """An autoregression of coefficient 0.9 has (1 + 0.9) / (1 - 0.9) = 19 times the variance of the mean."""
    rng = np.random.default_rng(4)
    noise, nats = rng.normal(0, 1, 200_000), np.zeros(200_000)
    for t in range(1, len(nats)):
        nats[t] = 0.9 * nats[t - 1] + noise[t]
    found = difference(nats, np.zeros(len(nats)))
    width = (found.interval[1] - found.interval[0]) / 2
    assert width == pytest.approx(1.96 * nats.std() * np.sqrt(19 / len(nats)), rel=0.15)


def test_intervals_cover_the_truth_about_as_often_as_they_should() -> None:
    rng = np.random.default_rng(5)
    held = [
        low <= 2 <= high
        for low, high in (intervals(sums_of(rng.gamma(2, 1, 4000), 100)).nats_per_char for _ in range(200))
    ]
    assert 0.90 <= np.mean(held) <= 0.99


def test_intervals_are_the_same_every_time_and_every_figure_has_one(scores: Scores) -> None:
    first, second = (analyse(VOCAB, IDS, scores) for _ in range(2))
    assert first == second
    bounds, figures = first.intervals.to_dict(), first.figures.to_dict()
    for name, (low, high) in bounds.items():
        assert low <= figures[name] <= high, name
    assert bounds["bits_per_char"] == pytest.approx([bound / log(2) for bound in bounds["nats_per_char"]])
    assert {"top1", "top5", "word_perplexity", "bits_per_byte", "perplexity"} < bounds.keys()


def test_a_small_difference_on_the_same_characters_is_beyond_noise_and_chance_is_not() -> None:
    rng = np.random.default_rng(6)
    hard = rng.gamma(2, 1, 50_000)  # how hard a character is for both: far more than their difference
    better = hard - 0.01 + rng.normal(0, 0.1, len(hard))
    found = difference(hard, better)
    assert found.mean == pytest.approx((hard - better).mean())
    assert found.interval[0] < 0.01 < found.interval[1]
    assert found.beyond_noise
    assert not difference(hard, hard + rng.normal(0, 0.1, len(hard)) - 0.0001).beyond_noise


@pytest.mark.parametrize("length", [1, 2, 49, 51, 999])
def test_the_shortest_texts_have_a_report_too(network: Network, length: int) -> None:
    ids = IDS[:length]
    found = analyse(VOCAB, ids, score_each(network, ids))
    assert found.chars == length
    assert sum(each.chars for each in found.kinds) == sum(each.chars for each in found.calibration) == length
    assert by_position(network, ids)[-1].last == -(-length // 4)


# -- position and passages ----------------------------------------------------------------------------------------


def test_the_loss_by_characters_read_since_a_fresh_state(network: Network, monkeypatch: Any) -> None:
    monkeypatch.setattr(analysis, "POSITION_WINDOWS", 7)
    monkeypatch.setattr(analysis, "POSITION_CHARS", 100)
    sums = np.zeros(100)
    starts = [int(k * (len(IDS) - 100) / 6) for k in range(7)]
    for start in starts:
        state = network.start(1)
        logits = network.predict(state)[0].copy()
        for t, k in enumerate(IDS[start : start + 100]):
            sums[t] -= logits[k] - np.log(np.exp(logits).sum())
            logits = network.feed(np.array([[k]]), state)[0, 0].copy()
    found = by_position(network, IDS)
    edges = [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64), (65, 100)]
    assert [(each.first, each.last) for each in found] == edges
    for each, (first, last) in zip(found, edges, strict=True):
        assert each.nats_per_char == pytest.approx(sums[first - 1 : last].mean() / 7)


def test_an_n_gram_has_settled_after_its_context() -> None:
    ids = np.random.default_rng(0).integers(0, 4, 3000)
    found = by_position(NGram(Vocab("abcd"), ids, 1), ids)
    np.testing.assert_allclose([each.nats_per_char for each in found], log(4), rtol=0.05)


def test_the_worst_passages_stand_where_the_losses_are() -> None:
    nats = np.full(len(IDS), 0.5)
    nats[300:364], nats[700:764] = 3, 2
    first, second = analyse(VOCAB, IDS, Scores(nats)).worst[:2]
    assert (first.start, first.nats_per_char) == (300, pytest.approx(3))
    assert (second.start, second.nats_per_char) == (700, pytest.approx(2))
    assert (first.before, first.text, first.after) == (TEXT[260:300], TEXT[300:364], TEXT[364:404])


def test_passages_do_not_overlap(scores: Scores) -> None:
    places = sorted(each.start for each in analyse(VOCAB, IDS, scores).worst)
    assert len(places) == 5
    assert all(b - a >= 64 for a, b in pairwise(places))


# -- tables -------------------------------------------------------------------------------------------------------


def cells(lines: Any) -> list[list[str]]:
    return [line.removesuffix("\n").split("\t") for line in "".join(lines).removesuffix("\n").split("\n")]


def unescaped(text: str) -> str:
    """What a cell stands for; all but ASCII stands for itself."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape")


def test_the_table_of_characters_holds_the_text_and_its_bits(scores: Scores) -> None:
    head, *rows = cells(per_char(VOCAB, IDS, scores))
    assert head == ["position", "character", "bits", "rank"]
    assert [int(row[0]) for row in rows] == list(range(len(IDS)))
    assert "".join(unescaped(row[1]) for row in rows) == TEXT
    assert sum(float(row[2]) for row in rows) == pytest.approx(scores.nats.sum() / log(2), rel=1e-5)
    assert scores.rank is not None
    assert [int(row[3]) for row in rows] == [int(rank) + 1 for rank in scores.rank]


def test_the_table_of_lines_holds_the_text_and_its_bits(scores: Scores) -> None:
    head, *rows = cells(per_line(VOCAB, IDS, scores.nats))
    assert head == ["line", "chars", "bits", "bits_per_char", "text"]
    lines = TEXT.split("\n")
    assert [unescaped(row[4]) for row in rows] == lines
    assert [int(row[1]) for row in rows] == [len(line) + 1 for line in lines[:-1]] + [len(lines[-1])]
    assert sum(float(row[2]) for row in rows) == pytest.approx(scores.nats.sum() / log(2), rel=1e-5)
    assert float(rows[0][3]) == pytest.approx(scores.nats[: len(lines[0]) + 1].mean() / log(2), abs=1e-5)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_table_has_one_row_for_each_line_whatever_the_text(text: str) -> None:
    vocab = Vocab("".join(sorted(set(text))))
    ids = vocab.encode(text)
    table = "".join(per_line(vocab, ids, np.ones(len(ids))))
    assert table.count("\n") == 1 + text.count("\n") + (not text.endswith("\n"))
    assert "".join(per_char(vocab, ids, Scores(np.ones(len(ids))))).count("\n") == 1 + len(text)
    assert not commands_to_a_terminal(table)


def test_bytes_are_shown_as_the_text_that_they_are() -> None:
    vocab, data = Vocab.of_bytes(), "né\xff\n".encode() + b"\xff\xfe\n"
    rows = cells(per_line(vocab, vocab.encode(data), np.ones(len(data))))[1:]
    assert [row[4] for row in rows] == ["néÿ", "\\xff\\xfe"]
