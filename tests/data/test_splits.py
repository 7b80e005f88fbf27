"""Splits: nothing is lost, nothing is used twice, and the sizes are those that were asked for."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.data.splits import split_at_random, split_contiguous, split_in_order, split_streams
from tests.support.texts import fault


@given(size=st.integers(0, 2000), shares=st.tuples(*[st.integers(0, 100)] * 3).filter(lambda shares: shares[0]))
def test_the_contiguous_split_covers_everything_once_in_order(size, shares):
    fractions = [share / sum(shares) for share in shares]
    parts = split_contiguous(np.arange(size), fractions)
    assert np.concatenate(parts).tolist() == list(range(size))
    assert all(abs(len(part) - size * fraction) <= 1 for part, fraction in zip(parts, fractions, strict=True))
    assert all(not len(part) for part, fraction in zip(parts, fractions, strict=True) if not fraction)


@pytest.mark.parametrize(
    ("size", "fractions", "sizes"),
    [
        (30, (0.7, 0.2, 0.1), (21, 6, 3)),
        (3_000_000, (0.9, 0.0999995, 0), (2_700_000, 300_000, 0)),
        (100, (0.9, 0.05, 0.05), (90, 5, 5)),
        (1_115_394, (0.9, 0.1, 0), (1_003_854, 111_540, 0)),
        (3, (0.9, 0.05, 0.05), (2, 0, 1)),
        (7, (1, 0, 0), (7, 0, 0)),
        (10, (0.5, 0, 0.5), (5, 0, 5)),
    ],
)
def test_the_contiguous_split_has_these_sizes(size, fractions, sizes):
    assert tuple(map(len, split_contiguous(np.zeros(size, np.uint8), fractions))) == sizes


def naive_streams(ids, fractions, streams, length):
    """The split written out: cut the text to whole blocks, lay it out as streams, deal the blocks of columns out."""
    blocks = len(ids) // (streams * length)
    width = blocks * length
    rows = [ids[stream * width : (stream + 1) * width] for stream in range(streams)]
    train = int(blocks * fractions[0] + 1e-9)
    valid = int(blocks * fractions[1] + 1e-9) if fractions[2] else blocks - train
    edges = [0, train * length, (train + valid) * length, width]
    return [[k for row in rows for k in row[start:stop]] for start, stop in pairwise(edges)]


FRACTIONS = [(0.8, 0.1, 0.1), (0.9, 0.05, 0.05), (0.9, 0.1, 0.0), (1.0, 0.0, 0.0), (0.5, 0.0, 0.5)]


@given(
    size=st.integers(0, 3000),
    fractions=st.sampled_from(FRACTIONS),
    streams=st.integers(1, 12),
    length=st.integers(1, 12),
)
def test_the_streams_split_is_the_naive_one(size, fractions, streams, length):
    block = streams * length
    if int(size // block * fractions[0] + 1e-9) < 1:
        message = fault(split_streams, np.arange(size), fractions, streams, length)
        assert f"blocks of {streams} x {length} = {block:,} characters; {size:,} give none to train on" in message
        return
    parts = [part.reshape(-1) for part in split_streams(np.arange(size), fractions, streams, length)]
    assert [part.tolist() for part in parts] == naive_streams(list(range(size)), fractions, streams, length)
    assert sorted(np.concatenate(parts)) == list(range(size // block * block))


def test_the_streams_split_of_war_and_peace_has_260_32_and_33_blocks():
    columns = split_streams(np.arange(3_258_246, dtype=np.int32), (0.8, 0.1, 0.1), 100, 100)
    assert [part.size // 10_000 for part in columns] == [260, 32, 33]
    assert [part.size % 10_000 for part in columns] == [0, 0, 0]
    starts = np.arange(100) * 32_500
    assert (columns[0] == starts[:, None] + np.arange(26_000)).all()
    assert (columns[1] == starts[:, None] + np.arange(26_000, 29_200)).all()
    assert (columns[2] == starts[:, None] + np.arange(29_200, 32_500)).all()


@pytest.mark.parametrize("fractions", [(0.9, 0.1, 0), (1, 0, 0)])
def test_a_split_without_a_share_gets_nothing(fractions):
    sizes = [part.size for part in split_streams(np.arange(3_258_246), fractions, 100, 100)]
    assert sum(sizes) == 3_250_000
    assert [not size for size in sizes] == [not fraction for fraction in fractions]


# -- documents ----------------------------------------------------------------------------------------------------


def naive_counts(count, fractions):
    valid, test = (max(1, int(count * fraction + 1e-9)) if fraction else 0 for fraction in fractions[1:])
    return count - valid - test, valid, test


@given(count=st.integers(1, 500), fractions=st.sampled_from(FRACTIONS))
def test_documents_in_order_are_split_whole_and_no_split_is_empty(count, fractions):
    sizes = naive_counts(count, fractions)
    if sizes[0] < 1:
        message = fault(split_in_order, count, fractions)
        assert re.match(rf"data.path: {count} documents? cannot be divided into splits that all hold some", message)
        return
    parts = split_in_order(count, fractions)
    assert np.concatenate(parts).tolist() == list(range(count))
    assert tuple(map(len, parts)) == sizes
    assert [not len(part) for part in parts] == [not fraction for fraction in fractions]


@given(
    digests=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=200) | st.lists(st.integers(0, 30), min_size=1),
    fractions=st.sampled_from(FRACTIONS),
    seed=st.integers(0, 2**63 - 1),
)
@example(digests=[1, 1, 2, 2], fractions=(0.9, 0.1, 0.0), seed=1)
def test_documents_at_random_are_split_whole_and_equal_ones_stay_together(digests, fractions, seed):
    wanted, different = naive_counts(len(digests), fractions), len(set(digests))
    numbers = np.array(digests, np.uint64)
    if wanted[0] < 1 or different < sum(map(bool, fractions)):
        message = fault(split_at_random, numbers, fractions, seed)
        assert "cannot be divided into splits that" in message
        assert "set data.fractions to [1, 0, 0]" in message
        return
    parts = split_at_random(numbers, fractions, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(digests)))
    assert all((np.diff(part) > 0).all() for part in parts)  # in the order of the text
    contents = [{digests[k] for k in part} for part in parts]
    assert sum(map(len, contents)) == different
    assert [not len(part) for part in parts] == [not fraction for fraction in fractions]
    assert all((a == b).all() for a, b in zip(parts, split_at_random(numbers, fractions, seed), strict=True))
    if different == len(digests):
        assert tuple(map(len, parts)) == wanted
    largest = max(map(digests.count, digests))
    for part, size in list(zip(parts, wanted, strict=True))[1:]:
        assert len(part) <= max(size, largest)
        assert len(part) <= size or len({digests[k] for k in part}) == 1
    singles = sum(digests.count(own) == 1 for own in set(digests))
    if singles >= wanted[1] + wanted[2]:  # then there is always one that fits
        assert tuple(map(len, parts)) == wanted


def test_the_seed_of_a_split_decides_which_documents_are_held_out():
    digests = np.arange(1000, dtype=np.uint64)
    held_out = [tuple(split_at_random(digests, (0.9, 0.05, 0.05), seed)[2].tolist()) for seed in range(5)]
    assert len(set(held_out)) == 5
    mean = np.mean(held_out)
    assert abs(mean - 500) < 60  # from all parts of the text


def test_a_split_depends_on_which_documents_are_equal_and_not_on_what_they_hold():
    rng = np.random.default_rng(0)
    pattern = rng.integers(0, 40, 100)
    names = rng.permutation(1 << 20)[:40].astype(np.uint64)
    for a, b in zip(
        split_at_random(pattern.astype(np.uint64), (0.8, 0.1, 0.1), 3),
        split_at_random(names[pattern], (0.8, 0.1, 0.1), 3),
        strict=True,
    ):
        assert a.tolist() == b.tolist()


@pytest.mark.parametrize(("digests", "words"), [([5] * 9, "1 different document among 9"), ([1], "1 document cannot")])
def test_documents_that_are_all_alike_or_alone_cannot_be_held_out(digests, words):
    assert words in fault(split_at_random, np.array(digests, np.uint64), (0.9, 0.05, 0.05), 1)
    parts = split_at_random(np.array(digests, np.uint64), (1.0, 0.0, 0.0), 1)
    assert [len(part) for part in parts] == [len(digests), 0, 0]
