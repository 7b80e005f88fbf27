"""Joint units beside all alignments of small pairs; the joint n-gram beside all units that make up a source."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce
from math import exp, prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.evaluation import joint_ngram, joint_units
from charrnn.evaluation.joint_ngram import JointNGram, fit_joint_ngram, sequences
from charrnn.evaluation.joint_units import Ids, Pair, Unit, cut_into_units
from tests.support.translators import pairs

SHAPES = [(1, 1), (1, 0), (0, 1), (2, 1), (1, 2)]
SIDES = st.lists(st.integers(0, 2), max_size=3).map(tuple)


def alignments(source: Ids, target: Ids) -> Iterator[list[Unit]]:
    """All ways to cut a pair into units."""
    if not source and not target:
        yield []
    for a, b in SHAPES:
        if a <= len(source) and b <= len(target):
            for rest in alignments(source[a:], target[b:]):
                yield [(source[:a], target[:b]), *rest]


def expected(given_pairs: list[Pair], p: dict[Unit, float]) -> Counter[Unit]:
    """How often each unit is expected, by its definition."""
    counts: Counter[Unit] = Counter()
    for source, target in given_pairs:
        ways = [*alignments(source, target)]
        weights = [prod(p[unit] for unit in way) for way in ways]
        for way, weight in zip(ways, weights, strict=True):
            for unit in way:
                counts[unit] += weight / sum(weights)
    return counts


@settings(max_examples=30)
@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3, unique=True))
def test_a_round_counts_units_in_all_alignments_by_their_probability(own: list[Pair]) -> None:
    units, lattice = joint_units.lattices_of(own, SHAPES)
    rng = np.random.default_rng(0)
    log_p = np.log(rng.uniform(0.1, 1, len(units)))
    found = dict(zip(units, sum(one.expected(log_p) for one in lattice), strict=True))
    wanted = expected(own, dict(zip(units, np.exp(log_p).tolist(), strict=True)))
    assert found == pytest.approx({unit: wanted[unit] for unit in units})


@settings(max_examples=30)
@given(st.tuples(SIDES, SIDES))
def test_a_pair_is_cut_into_its_likeliest_units(pair: Pair) -> None:
    units, (lattice,) = joint_units.lattices_of([pair], SHAPES)
    log_p = np.log(np.random.default_rng(0).uniform(0.1, 1, len(units)))
    p = dict(zip(units, np.exp(log_p).tolist(), strict=True))
    cut = [units[number] for number in lattice.cut(log_p)[0]]
    assert (sum((own[0] for own in cut), ()), sum((own[1] for own in cut), ())) == pair
    assert prod(map(p.__getitem__, cut)) == pytest.approx(
        max(prod(map(p.__getitem__, way)) for way in alignments(*pair))
    )


def test_units_are_found_that_texts_were_made_of() -> None:
    made_of: list[Unit] = [((0,), (5,)), ((1,), (6, 7)), ((2,), ()), ((3, 4), (8,))]
    rng = np.random.default_rng(1)
    cuts = [[made_of[k] for k in rng.integers(0, 4, size)] for size in rng.integers(1, 6, 300)]
    texts = {tuple(sum((unit[side] for unit in cut), ()) for side in (0, 1)): cut for cut in cuts}
    assert cut_into_units([*texts], SHAPES) == [*texts.values()]


def test_pairs_that_units_cannot_make_up_stay_uncut() -> None:
    assert cut_into_units([((0,), (1, 1, 1)), ((0,), (1,))], [(1, 1), (1, 0)]) == [[], [((0,), (1,))]]


def test_batches_of_any_size_expect_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    own: list[Pair] = [((0, 1), (1,)), ((0,), (0, 1, 2)), ((2, 1, 0), (0, 0)), ((), (1,)), ((1,), ())]
    whole, lattices = joint_units.lattices_of(own, SHAPES)
    assert len(lattices) == 1
    monkeypatch.setattr(joint_units, "MAX_PLACES", 1)
    units, each = joint_units.lattices_of(own, SHAPES)
    assert len(each) == len(own)
    p = dict.fromkeys([*whole, *units], 0.1)
    for names, counted in ((whole, lattices), (units, each)):
        found = dict(zip(names, sum(one.expected(np.full(len(names), np.log(0.1))) for one in counted), strict=True))
        assert {unit: count for unit, count in found.items() if count} == pytest.approx(expected(own, p))


CUTS: list[list[Unit]] = [
    [((0,), (0,)), ((1,), (1, 1))],
    [((0,), (0,)), ((0,), (0,)), ((1,), (1,))],
    [((0, 1), (2,)), ((1,), (1,))],
    [((1,), ()), ((0, 1), (2,))],
]
STOP = 2


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("source", [(0,), (0, 1), (1, 0, 1), (1, 1, 0, 1)])
def test_what_is_written_is_the_likeliest_of_all_units_that_make_up_the_source(
    order: int, source: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joint_ngram, "WIDTH", 500)  # so that no beginning is lost
    model = JointNGram(CUTS, STOP, order)
    ends = len(model.units) - 1

    def ways(rest: Ids) -> Iterator[list[int]]:
        if not rest:
            yield [ends]
        for k, (piece, _) in enumerate(model.units[:-1]):
            if rest[: len(piece)] == piece:
                yield from ([k, *others] for others in ways(rest[len(piece) :]))

    log_p = {tuple(way): float(model.ngram.log_probs(np.array(way)).sum()) for way in ways(source)}
    assert sum(map(exp, log_p.values())) < 1
    likeliest = [way for way, own in log_p.items() if own > max(log_p.values()) - 1e-9]
    assert model.translate([source])[0] in [sum((model.units[k][1] for k in way[:-1]), ()) for way in likeliest]


def test_a_symbol_that_no_unit_has_is_written_as_nothing() -> None:
    model = JointNGram(CUTS, 4, 2)
    assert model.translate([(0, 1), (3, 0, 1), (3, 3)]) == [model.translate([(0, 1)])[0]] * 2 + [()]


def test_many_sources_get_what_each_gets_alone() -> None:
    model = JointNGram(CUTS, STOP, 3)
    sources = [(0, 1), (1,), (0, 0, 0, 1), (1, 1, 0), (0, 1)] * 20
    assert model.translate(sources) == [model.translate([source])[0] for source in sources]


def test_units_and_order_are_those_that_translate_validation_pairs() -> None:
    rng = np.random.default_rng(3)
    words = ["".join(rng.choice([*"abx"], size)) for size in rng.integers(2, 7, 150)]
    changes = (("x", "YX"), ("ab", "C"), ("b", "B"), ("a", "A"))
    rows = [f"{word}\t{reduce(lambda text, change: text.replace(*change), changes, word)}\n" for word in words]
    corpus = pairs("".join(rows[:100]), "".join(rows[100:]))
    model = fit_joint_ngram(corpus)
    assert model.order > 1  # what is written for `a` depends on what is next
    sources = sequences(*corpus.source.encode(corpus.valid.sources))
    assert [tuple(corpus.target.decode(own)) for own in model.translate(sources)] == corpus.valid.targets


def test_there_is_no_model_of_too_many_units_and_a_simpler_one_of_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{a}\t{b}\n{a}{a}\t{b}{b}\n" for a in "abcde" for b in "ABCDE")
    corpus = pairs(text, text)
    whole = fit_joint_ngram(corpus)
    assert whole
    tried: list[int] = []
    orders = joint_ngram._orders

    def noted(cuts: Sequence[Sequence[Unit]], *others: Any) -> Iterator[tuple[int, JointNGram]]:
        tried.append(len({unit for cut in cuts for unit in cut}))
        return orders(cuts, *others)

    monkeypatch.setattr(joint_ngram, "_orders", noted)
    fit_joint_ngram(corpus)
    least, symbols = tried[0], max(corpus.source.size, corpus.target.size)
    assert len(tried) == len(joint_ngram.SHAPES)
    for limit, there in ((least, True), (least - 1, False), (symbols - 1, False)):
        tried.clear()
        monkeypatch.setattr(joint_ngram, "MAX_UNITS", limit)
        assert (fit_joint_ngram(corpus) is not None) == there
        assert all(count <= limit for count in tried)
