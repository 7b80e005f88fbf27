"""Batches: a text laid out as N parallel streams and cut into windows of T steps. Arrays are time first, (T, N)."""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data.soft_targets import SoftTargets


@dataclass(frozen=True)
class Batch:
    """One window of parallel streams.

    Attributes:
        x: input ids, (T, N).
        y: target ids, (T, N): the characters after those of `x`.
        weight: (T, N), 1, and 0 where a stream has ended; None if no stream has.
        count: targets of the window in all streams, including streams that this batch leaves out.
        fresh: whether the state must be set to zero before this window.
        begins: (T, N), where a document begins: the state is set to zero there; None for a text that is one stream.
        counted: (T, N), ln p of the targets that an n-gram gives; None unless a network learns to be mixed with one.
        soft: (T, N, V), the distributions to learn in place of the targets; None without teachers.
    """

    x: Array
    y: Array
    weight: Array | None
    count: int
    fresh: bool
    begins: Array | None = None
    counted: Array | None = None
    soft: Array | None = None


class Batches:
    """A text as N parallel streams, cut into windows of T steps; index k gives window k of an epoch.

    Every character but the first is a target exactly once per epoch. The len - 1 targets are split into N consecutive
    streams of equal length; the last stream is padded by fewer than N positions of weight 0. The last window may be
    shorter than T.

    Arguments:
        ids: the text, (len,).
        streams: N.
        length: T.
        counted: (len,), ln p of each character that an n-gram gives, if batches are to hold them.
        soft: what teachers expected of the text, if it is to be learned.

    Attributes:
        targets: len - 1.
        stream_length: targets in each stream, with padding.
    """

    def __init__(
        self, ids: Array, streams: int, length: int, counted: Array | None = None, soft: SoftTargets | None = None
    ) -> None:
        self.ids = ids
        self.counted = counted
        self.soft = soft
        self.streams = streams
        self.length = length
        self.targets = max(len(ids) - 1, 0)
        self.stream_length = -(-self.targets // streams)

    def __len__(self) -> int:
        """Windows per epoch."""
        return -(-self.stream_length // self.length)

    def __getitem__(self, window: int) -> Batch:
        if not 0 <= window < len(self):
            raise IndexError(f"window {window} of {len(self)}")
        return self.window(window, 0, self.streams)

    def window(self, window: int, first: int, stop: int, epoch: int = 0) -> Batch:
        """Window number `window` of the streams `first` to `stop` - 1; every epoch is the same."""
        begin = window * self.length
        end = min(begin + self.length, self.stream_length)
        positions = np.arange(begin, end)[:, None] + np.arange(first, stop) * self.stream_length
        inside = positions < self.targets
        weight = None if inside.all() else inside.astype(np.float32)
        positions = np.minimum(positions, self.targets - 1)
        counted = None if self.counted is None else self.counted[positions + 1]
        x, y = self.ids[positions], self.ids[positions + 1]
        soft = self.soft.of(positions + 1, y) if self.soft else None
        return Batch(x, y, weight, self.count(window), fresh=window == 0, counted=counted, soft=soft)

    def count(self, window: int, epoch: int = 0) -> int:
        """Targets in a window, over all streams."""
        begin = window * self.length
        end = min(begin + self.length, self.stream_length)
        full_streams, remainder = divmod(self.targets, self.stream_length)  # the stream after the full ones is shorter
        return full_streams * (end - begin) + max(0, min(end, remainder) - begin)
