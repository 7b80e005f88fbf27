"""Batches by length: every example once an epoch, little padding, and shards that make up the batch."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.data.examples import Examples
from charrnn.data.length_batches import LengthBatches

lengths_of_examples = st.lists(st.integers(1, 40), min_size=1, max_size=200)
seeds = st.integers(0, 2**63 - 1)
KINDS = ["labels", "numbers", "tags"]


def unlike(lengths, kind):
    """Examples of these lengths in which no symbol occurs twice; a part of their targets is missing."""
    rng = np.random.default_rng(len(lengths))
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.arange(1, bounds[-1] + 1)
    if kind == "tags":
        targets = np.where(rng.random(len(ids)) < 0.2, -1, 2 * ids)
    elif kind == "numbers":
        targets = np.where(
            rng.random((len(lengths), 3)) < 0.2, np.nan, np.arange(len(lengths))[:, None] + [0, 0.1, 0.2]
        )
    else:
        targets = np.arange(len(lengths)) * 5
    return Examples(ids, bounds, targets)


def check_batch(examples, batch, tag):
    """A batch holds the ids and targets of its rows, and nothing else that counts."""
    assert batch.x.shape == (batch.lengths.max(initial=0), len(batch.rows))
    for n, (row, length) in enumerate(zip(batch.rows, batch.lengths, strict=True)):
        own = slice(examples.bounds[row], examples.bounds[row + 1])
        np.testing.assert_array_equal(batch.x[:length, n], examples.ids[own])
        assert not batch.x[length:, n].any()
        if tag:
            np.testing.assert_array_equal(batch.targets[:length, n], examples.targets[own])
            assert (batch.targets[length:, n] == -1).all()
        else:
            np.testing.assert_array_equal(batch.targets[n], examples.targets[row])


def number_present(targets):
    return int((~np.isnan(targets)).sum() if targets.dtype.kind == "f" else (targets >= 0).sum())


@settings(max_examples=200)
@given(
    lengths=lengths_of_examples,
    size=st.integers(1, 9),
    seed=st.one_of(st.none(), seeds),
    epoch=st.integers(0, 5),
    kind=st.sampled_from(KINDS),
)
@example(lengths=[1], size=9, seed=None, epoch=0, kind="tags")
@example(lengths=[1] * 9, size=9, seed=0, epoch=0, kind="tags")
def test_every_example_is_in_one_batch_of_an_epoch_with_its_own_targets(lengths, size, seed, epoch, kind):
    examples, tag = unlike(lengths, kind), kind == "tags"
    batches = LengthBatches(examples, size, seed, tag)
    found = [batches.batch(k, epoch) for k in range(len(batches))]
    assert sorted(row for batch in found for row in batch.rows) == list(range(len(lengths)))
    assert sorted(len(batch.rows) for batch in found)[1:] == [size] * (len(found) - 1)
    assert sum(number_present(batch.targets) for batch in found) == number_present(examples.targets)
    for batch in found:
        check_batch(examples, batch, tag)
        assert batch.count == max(number_present(batch.targets), 1)
        assert len(batch.x) <= batches.longest == max(lengths)


@settings(max_examples=200)
@given(
    lengths=lengths_of_examples,
    size=st.integers(1, 40),
    shards=st.integers(1, 7),
    seed=st.one_of(st.none(), seeds),
    kind=st.sampled_from(KINDS),
)
@example(lengths=[7], size=3, shards=4, seed=0, kind="labels")
def test_shards_make_up_the_batch_and_share_its_characters_evenly(lengths, size, shards, seed, kind):
    examples, tag = unlike(lengths, kind), kind == "tags"
    batches = LengthBatches(examples, size, seed, tag)
    for k in range(len(batches)):
        whole, cut = batches[k], [batches.shard(k, index, shards) for index in range(shards)]
        assert sorted(np.concatenate([shard.rows for shard in cut])) == sorted(whole.rows)
        numbers = [len(shard.rows) for shard in cut]
        characters = [int(shard.lengths.sum()) for shard in cut]
        assert max(numbers) - min(numbers) <= 1
        assert max(characters) - min(characters) <= whole.lengths.max()
        for shard in cut:
            check_batch(examples, shard, tag)
            assert shard.count == whole.count


@settings(max_examples=100)
@given(lengths=lengths_of_examples, size=st.integers(1, 9), seed=seeds, epoch=st.integers(1, 5))
def test_an_epoch_is_a_function_of_seed_and_epoch_and_not_of_what_was_asked_before(lengths, size, seed, epoch):
    examples = unlike(lengths, "labels")
    one, other = LengthBatches(examples, size, seed), LengthBatches(examples, size, seed)
    one.batch(0, epoch - 1)
    for k in range(len(one)):
        np.testing.assert_array_equal(one.batch(k, epoch).x, other.batch(k, epoch).x)


def test_epochs_and_seeds_differ_and_without_a_seed_the_longest_come_first():
    examples = unlike([*range(1, 60)], "labels")
    rows = [LengthBatches(examples, 8, seed).batch(0, epoch).rows.tolist() for seed in (1, 2) for epoch in (0, 1)]
    assert len({tuple(order) for order in rows}) == 4
    batches = LengthBatches(examples, 8, None)
    assert [length for batch in batches for length in batch.lengths] == [*range(59, 0, -1)]
    np.testing.assert_array_equal(batches.batch(3, epoch=7).x, batches[3].x)


def test_little_of_an_epoch_is_padding_where_lengths_vary_much():
    rng = np.random.default_rng(0)
    lengths = np.maximum(rng.normal(100, 50, 5000), 1).astype(int)
    batches = LengthBatches(unlike(lengths, "labels"), 32, 1)
    steps = sum(len(batch.x) for batch in batches)
    positions = sum(batch.x.size for batch in batches)
    assert batches.padding() == pytest.approx(1 - lengths.sum() / positions)
    assert batches.padding() < 0.05
    assert steps < 1.06 * lengths.sum() / 32
    assert LengthBatches(unlike(lengths, "labels"), 32, None).padding() < batches.padding()


def test_batches_of_an_epoch_are_not_in_the_order_of_their_lengths():
    batches = LengthBatches(unlike([*range(1, 400)], "labels"), 8, 1)
    assert abs(np.corrcoef([len(batch.x) for batch in batches], range(len(batches)))[0, 1]) < 0.4


def test_an_empty_example_and_a_batch_that_is_not_there_are_refused():
    with pytest.raises(ValueError, match="example 1 is empty"):
        LengthBatches(Examples(np.arange(3), np.array([0, 2, 2, 3]), np.zeros(3, int)), 2, 1)
    with pytest.raises(IndexError, match="batch 2 of 2"):
        LengthBatches(unlike([1, 2, 3], "labels"), 2, 1)[2]
