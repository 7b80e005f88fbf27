"""Batches: every transition is used exactly once an epoch, in order within its stream."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.data.batches import Batches
from charrnn.data.splits import split_streams


@settings(max_examples=300)
@given(size=st.integers(2, 400), streams=st.integers(1, 20), length=st.integers(1, 50))
@example(size=2, streams=20, length=50)
@example(size=6, streams=4, length=1)
def test_every_transition_is_used_exactly_once_an_epoch_and_in_order_within_its_stream(size, streams, length):
    batches = Batches(np.arange(size, dtype=np.uint16), streams, length)
    windows = [batches[k] for k in range(len(batches))]
    x, y = (np.concatenate([getattr(window, name) for window in windows]) for name in ("x", "y"))
    weights = [np.ones(w.x.shape, np.float32) if w.weight is None else w.weight for w in windows]
    used = np.concatenate(weights) == 1
    # Stream after stream, the windows put together are the text itself: nothing lost, twice or out of order.
    assert x.T[used.T].tolist() == list(range(size - 1))
    assert y.T[used.T].tolist() == list(range(1, size))
    # What is not used is padding: fewer than N, of weight 0, after the text of its stream has ended.
    assert (~used).sum() < streams
    assert (np.concatenate(weights)[~used] == 0).all()
    assert (np.diff(used.astype(int), axis=0) <= 0).all()
    assert (x < size).all()
    # Every window is whole but the last, and says what it holds.
    *whole, last = windows
    assert all(window.x.shape == window.y.shape == (length, streams) for window in whole)
    assert 1 <= len(last.x) <= length
    for number, (window, weight) in enumerate(zip(windows, weights, strict=True)):
        assert window.fresh == (number == 0)
        assert window.count == weight.sum()
        assert (window.weight is None) == weight.all()
        assert weight.dtype == np.float32
        assert window.x.dtype == window.y.dtype == np.uint16


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(("streams", "length"), [(1, 1), (1, 5), (4, 1), (4, 5)])
def test_a_text_without_a_transition_has_no_windows(size, streams, length):
    assert len(Batches(np.zeros(size, np.uint8), streams, length)) == 0


def test_there_is_no_window_after_the_last():
    batches = Batches(np.arange(20), 3, 4)
    with pytest.raises(IndexError):
        batches[len(batches)]


@given(size=st.integers(2, 200), streams=st.integers(1, 12), length=st.integers(1, 20), data=st.data())
def test_a_part_of_the_streams_is_those_columns_of_the_window(size, streams, length, data):
    first = data.draw(st.integers(0, streams - 1))
    stop = data.draw(st.integers(first + 1, streams))
    batches = Batches(np.arange(size), streams, length)
    for number in range(len(batches)):
        whole, part = batches[number], batches.window(number, first, stop)
        assert (part.x == whole.x[:, first:stop]).all()
        assert (part.y == whole.y[:, first:stop]).all()
        assert (part.count, part.fresh) == (whole.count, whole.fresh)
        ones = np.ones(part.x.shape)
        expected = ones if whole.weight is None else whole.weight[:, first:stop]
        assert ((ones if part.weight is None else part.weight) == expected).all()


def test_training_on_the_streams_split_reads_its_blocks_one_after_another():
    train, _, _ = split_streams(np.arange(1000), (0.8, 0.1, 0.1), 4, 5)
    batches = Batches(train.reshape(-1), 4, 5)
    assert len(batches) == 40
    for window in range(len(batches)):
        expected = np.arange(4) * 250 + np.arange(window * 5, window * 5 + 5)[:, None]
        steps = slice(None, -1) if window == 39 else slice(None)  # the last transition of all has no target
        assert (batches[window].x[steps] == expected[steps]).all()
