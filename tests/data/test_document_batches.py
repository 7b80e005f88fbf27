"""Batches of documents: every symbol of every document is a target once an epoch, after nothing but its own."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.data.batches import Batches
from charrnn.data.document_batches import DocumentBatches, make_batches

END_ID = 0
lengths = st.lists(st.integers(1, 40), min_size=1, max_size=30)  # of documents, without their ends


def unlike(lengths):
    """Documents of these lengths in which no symbol but the end occurs twice."""
    ids, symbol = [], 1
    for length in lengths:
        ids += [*range(symbol, symbol + length), END_ID]
        symbol += length
    return np.array(ids, np.uint16)


def transitions_of(ids):
    """What each target of the text follows: (input, target, whether a document begins)."""
    before = END_ID
    for symbol in ids.tolist():
        yield before, symbol, before == END_ID
        before = symbol


def epoch_of(batches, epoch):
    """The windows of an epoch put together: x, y, begins and what is used, (steps, N), and the windows."""
    windows = [batches.window(k, 0, batches.streams, epoch) for k in range(len(batches))]
    used = [np.ones(w.x.shape, bool) if w.weight is None else w.weight == 1 for w in windows]
    x, y, begins = (np.concatenate([getattr(w, name) for w in windows]) for name in ("x", "y", "begins"))
    return x, y, begins, np.concatenate(used), windows


@settings(max_examples=300)
@given(
    lengths=lengths,
    streams=st.integers(1, 9),
    length=st.integers(1, 50),
    seed=st.integers(0, 2**63 - 1),
    epoch=st.integers(0, 5),
)
@example(lengths=[1], streams=9, length=50, seed=1, epoch=0)
@example(lengths=[40], streams=4, length=1, seed=1, epoch=0)
@example(lengths=[40, 1, 1, 1], streams=4, length=3, seed=1, epoch=3)
def test_every_symbol_is_a_target_once_an_epoch_and_follows_its_own_document(lengths, streams, length, seed, epoch):
    ids = unlike(lengths)
    x, y, begins, used, windows = epoch_of(DocumentBatches(ids, END_ID, streams, length, seed), epoch)
    found = zip(x[used].tolist(), y[used].tolist(), begins[used].tolist(), strict=True)
    assert sorted(found) == sorted(transitions_of(ids))
    assert not begins[~used].any()
    # Within a stream each symbol follows the one before; where it does not, a document begins.
    follows = (x[1:] == y[:-1]) & (y[:-1] != END_ID)
    assert (follows != begins[1:])[used[1:]].all()
    # A document may be read in two pieces where streams meet, and only if all room after it is needed.
    cut = np.flatnonzero(used[0] & ~begins[0])
    assert len(cut) < streams
    assert len(cut) == 0 or used[:, cut[0] :].all()
    # What is not used is at the end of a stream.
    assert (np.diff(used.astype(int), axis=0) <= 0).all()
    for number, window in enumerate(windows):
        weight = np.ones(window.x.shape, np.float32) if window.weight is None else window.weight
        assert window.x.shape == window.y.shape == window.begins.shape == (length, streams)
        assert window.count == weight.sum() >= 1
        assert (window.weight is None) == weight.all()
        assert weight.dtype == np.float32
        assert window.fresh == (number == 0)
        assert window.x.dtype == window.y.dtype == np.uint16


@given(lengths=lengths, streams=st.integers(1, 9), length=st.integers(1, 20), epoch=st.integers(0, 3), data=st.data())
def test_a_part_of_the_streams_is_those_columns_of_the_window(lengths, streams, length, epoch, data):
    first = data.draw(st.integers(0, streams - 1))
    stop = data.draw(st.integers(first + 1, streams))
    whole, part = (DocumentBatches(unlike(lengths), END_ID, streams, length, 7) for _ in range(2))
    for number in reversed(range(len(whole))):  # in any order, as after a resume
        full, own = whole.window(number, 0, streams, epoch), part.window(number, first, stop, epoch)
        for name in ("x", "y", "begins"):
            np.testing.assert_array_equal(getattr(own, name), getattr(full, name)[:, first:stop])
        assert (own.count, own.fresh) == (full.count, full.fresh)
        ones = np.ones(full.x.shape)
        weight = (ones if full.weight is None else full.weight)[:, first:stop]
        np.testing.assert_array_equal(ones[:, first:stop] if own.weight is None else own.weight, weight)


@given(lengths=lengths, streams=st.integers(1, 9), length=st.integers(1, 20))
def test_an_epoch_and_its_counts_are_the_same_whichever_was_asked_for_before(lengths, streams, length):
    batches = DocumentBatches(unlike(lengths), END_ID, streams, length, 7)
    for epoch in (2, 0, 1, 2):
        fresh = DocumentBatches(unlike(lengths), END_ID, streams, length, 7)
        for found, wanted in zip(epoch_of(batches, epoch)[:4], epoch_of(fresh, epoch)[:4], strict=True):
            np.testing.assert_array_equal(found, wanted)
        counts = [batches.count(k, epoch) for k in range(len(batches))]
        assert sum(counts) == batches.targets == sum(lengths) + len(lengths)
        assert counts == [batches.window(k, 0, streams, epoch).count for k in range(len(batches))]


def order_of(seed, epoch, count=40):
    """The documents of an epoch, one symbol each, in their order in a single stream."""
    _, y, begins, used, _ = epoch_of(DocumentBatches(unlike([1] * count), END_ID, 1, 10, seed), epoch)
    return y[begins & used].tolist()


def test_each_epoch_has_an_order_of_its_own_which_seed_and_epoch_give():
    orders = [order_of(seed, epoch) for seed in (1, 2) for epoch in (0, 1, 2)]
    assert len(set(map(tuple, orders))) == 6
    assert all(sorted(order) == list(range(1, 41)) for order in orders)
    assert orders == [order_of(seed, epoch) for seed in (1, 2) for epoch in (0, 1, 2)]
    firsts = [order_of(1, epoch, 4)[0] for epoch in range(400)]
    assert all(60 <= firsts.count(document) <= 140 for document in (1, 2, 3, 4))


def test_short_documents_are_hardly_ever_cut():
    batches = DocumentBatches(unlike([5, 6, 7] * 200), END_ID, 8, 20, 1)
    cuts = [np.count_nonzero(~epoch_of(batches, epoch)[2][0]) for epoch in range(20)]
    assert np.mean(cuts) < 1


def test_index_k_is_window_k_of_the_first_epoch_and_there_is_none_after_the_last():
    batches = DocumentBatches(unlike([3, 4, 5, 6]), END_ID, 2, 4, 1)
    windows = [batches[k].y.tolist() for k in range(len(batches))]
    assert windows == [batches.window(k, 0, 2, epoch=0).y.tolist() for k in range(len(batches))]
    assert windows != [batches.window(k, 0, 2, epoch=1).y.tolist() for k in range(len(batches))]
    for window in (-1, len(batches)):
        with pytest.raises(IndexError):
            batches[window]


def test_a_text_has_batches_of_documents_if_a_symbol_ends_these():
    assert type(make_batches(unlike([3]), None, 2, 4, 1)) is Batches
    assert type(make_batches(unlike([3]), END_ID, 2, 4, 1)) is DocumentBatches
