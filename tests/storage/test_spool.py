"""Spools: arrays that are built piece by piece, in memory while they are small, else in a file."""

import io
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.storage import spool
from charrnn.storage.spool import Spool, chunks

PIECES = st.lists(st.tuples(st.sampled_from(["u1", "u2", "u4"]), st.lists(st.integers(0, 255), max_size=9)), max_size=9)


@pytest.fixture(autouse=True)
def ten_bytes_are_large(monkeypatch):
    monkeypatch.setattr(spool, "LARGE", 10)


@given(pieces=PIECES, limit=st.integers(0, 30), step=st.integers(1, 5))
def test_a_spool_gives_its_pieces_in_order_in_the_widest_type(pieces, limit, step):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "CHUNK", step)
        arrays = [np.array(numbers, dtype) for dtype, numbers in pieces]
        filled = Spool(limit=limit)
        for array in arrays:
            filled.append(array)
        found = filled.finish()
    assert found.tolist() == [number for _, numbers in pieces for number in numbers]
    assert found.dtype == max([np.dtype("u1"), *(array.dtype for array in arrays)], key=lambda dtype: dtype.itemsize)
    held = sum(array.nbytes for array in arrays)
    assert isinstance(found, np.memmap) == (held > limit and len(found) > 0)


def test_a_spool_that_is_given_up_while_it_is_written_ends_in_silence():
    class Slow(io.BytesIO):
        def write(self, data):
            time.sleep(0.05)

    given_up = Spool(Slow, limit=0)
    given_up.append(np.zeros(9, np.uint8))
    del given_up  # "Exception ignored in ..." fails a test
    while any(thread.name.startswith("spool") for thread in threading.enumerate()):
        time.sleep(0.01)


def test_no_thread_to_write_with_is_too_little_memory(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(MemoryError, match="no thread to write with"):
        Spool(limit=0).append(np.zeros(9, np.uint8))


def test_what_is_small_stays_in_memory_and_what_is_large_does_not():
    for size, mapped in ((10, False), (11, True)):
        filled = Spool()
        filled.append(np.zeros(size, np.uint8))
        assert isinstance(filled.finish(), np.memmap) == mapped


@given(rows=st.integers(0, 4), length=st.integers(0, 9), step=st.integers(1, 10))
def test_chunks_are_the_array_in_order(rows, length, step):
    array = np.arange(rows * length).reshape(rows, length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "CHUNK", step)
        for whole in (array, array.reshape(-1)):
            pieces = list(chunks(whole))
            assert [number for piece in pieces for number in piece] == list(range(rows * length))
            assert all(piece.ndim == 1 and 0 < len(piece) <= step for piece in pieces)
