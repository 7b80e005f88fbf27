"""Batches: a text laid out as parallel streams and cut into windows. T steps, N streams; ids lie time first, (T, N)."""

from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array


@dataclass(frozen=True)
class Batch:
    """One window of parallel streams: inputs `x` and targets `y`, (T, N), y one character later.

    `weight` (T, N) is 0 where a stream has run out, or None where none has; `count` targets in the window, those of
    streams that this batch leaves out included; `fresh`: the state must be zero first.
    """

    x: Array
    y: Array
    weight: Array | None
    count: int
    fresh: bool


class Batches:
    """A text laid out as N parallel streams, cut into windows of T steps; index k gives window k of an epoch.

    Every character but the first is a target exactly once per epoch: the text's len - 1 transitions are dealt out in
    N runs of equal length, the last run is padded by fewer than N positions of weight 0, and the last window may be
    shorter.
    """

    def __init__(self, ids: Array, streams: int, length: int) -> None:
        self.ids, self.streams, self.length = ids, streams, length
        self.targets = max(len(ids) - 1, 0)
        self.run = -(-self.targets // streams)

    def __len__(self) -> int:
        """Windows per epoch."""
        return -(-self.run // self.length)

    def __getitem__(self, window: int) -> Batch:
        if not 0 <= window < len(self):
            raise IndexError(f"window {window} of {len(self)}")
        return self.window(window, 0, self.streams)

    def window(self, window: int, first: int, stop: int) -> Batch:
        """Window number `window` of the streams `first` to `stop` - 1."""
        begin = window * self.length
        end = min(begin + self.length, self.run)
        at = np.arange(begin, end)[:, None] + np.arange(first, stop) * self.run
        inside = at < self.targets
        weight = None if inside.all() else inside.astype(np.float32)
        at = np.minimum(at, self.targets - 1)
        return Batch(self.ids[at], self.ids[at + 1], weight, self.count(window), fresh=window == 0)

    def count(self, window: int) -> int:
        """Targets in a window, over all streams."""
        begin = window * self.length
        end = min(begin + self.length, self.run)
        full, rest = divmod(self.targets, self.run)  # streams that run to the end, and how far the next one does
        return full * (end - begin) + max(0, min(end, rest) - begin)
