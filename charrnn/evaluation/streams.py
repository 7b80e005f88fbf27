"""A long text, read as parallel streams, which is many times faster than one pass.

Every stream but the first begins WARM_UP characters early and does not score them, so that its state has settled.

Shapes: len characters, N streams, T steps at a time, K positions at a time, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from charrnn.arrays import Array
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_

MAX_STREAMS = 64
WARM_UP = 256  # characters that a stream reads before it scores; a trained LSTM 2 x 128 is then 4e-7 nats/char off


@dataclass
class Meetings:
    """What streams predict where they meet their neighbours: after their warm-up, and at their end, both (N, V)."""

    begin: Array = field(default_factory=lambda: np.zeros((0, 0)))
    end: Array = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True)
class Layout:
    """How parallel streams read a text: stream k reads `warm + stride` characters from position k * stride on.

    It scores all but the first `warm` of them; stream 0 scores these too (w: read only, s: read and scored):

        text      0123456789...
        stream 0  ssssssssssss
        stream 1          wwwwssssssss
        stream 2                  wwwwssssssss
                                            (stride 8, warm 4)

    So each position is scored by exactly one stream. The last position that a stream scores is also the last one of
    the next stream's warm-up: there the predictions of the two can be compared. The last stream may reach beyond the
    text. A part of the streams begins with stream `first`.
    """

    length: int
    streams: int
    warm: int
    stride: int
    first: int = 0

    @classmethod
    def of(cls, length: int, streams: int | None) -> "Layout":
        """The layout of a text of `length` characters; `streams` None: as many as make it faster."""
        if streams is None:
            streams = min(MAX_STREAMS, (length - WARM_UP) // (4 * WARM_UP))
        streams = max(1, min(streams, length - WARM_UP))
        warm = WARM_UP if streams > 1 else 0
        return cls(length, streams, warm, stride=-(-(length - warm) // streams))

    def parts(self, count: int) -> list["Layout"]:
        """The streams as `count` parts of about the same size, or as fewer if there are not so many streams."""
        count = min(count, self.streams)
        edges = [self.streams * k // count for k in range(count + 1)]
        return [replace(self, first=edges[k], streams=edges[k + 1] - edges[k]) for k in range(count)]

    @property
    def starts(self) -> Array:
        """The first position that each stream reads, (N,)."""
        return (self.first + np.arange(self.streams)) * self.stride

    @property
    def steps(self) -> int:
        """Characters that each stream feeds to the model: all that it reads but the last, which is only predicted."""
        return self.warm + self.stride - 1

    def gaps(self, meetings: Sequence[Meetings]) -> list[float]:
        """How far apart the predictions are where two streams meet, in total variation; `meetings` are of all parts."""
        if not self.warm:
            return []
        begin, end = (np.concatenate([getattr(own, name) for own in meetings]) for name in ("begin", "end"))
        # of those streams whose successor meets them within the text
        earlier = np.flatnonzero(self.starts[1:] + self.warm - 1 < self.length)
        gaps: list[float] = (np.abs(begin[earlier + 1] - end[earlier]).sum(axis=1) / 2).tolist()
        return gaps


def read_streams(
    model: LanguageModel, ids: Array, layout: Layout, chunk: int, meetings: Meetings
) -> Iterator[tuple[Array, Array]]:
    """The distribution of every character that the streams of a layout score, given all before it.

    Arguments: `ids` (len,), of the whole text; `chunk`, steps at a time; `meetings`, takes what is predicted there.

    Yields: positions (K,) and ln p (K, V), each once.
    """
    starts, warm = layout.starts, layout.warm
    state = model.start(layout.streams)
    if not layout.first:
        yield np.zeros(1, np.int64), log_softmax_(np.array(model.predict(state)[:1]))
    for begin in range(0, layout.steps, chunk):
        end = min(begin + chunk, layout.steps)
        read = starts + np.arange(begin, end)[:, None]  # positions (T, N)
        logits = model.feed(ids[np.minimum(read, len(ids) - 1)], state)
        if begin <= warm - 2 < end:  # step warm - 2 predicts the last position of the warm-up
            meetings.begin = np.exp(log_softmax_(logits[warm - 2 - begin].copy()))
        target = read + 1
        scored = (target < len(ids)) & ((target - starts >= warm) | (starts == 0))
        positions = target[scored]
        if len(positions):
            yield positions, log_softmax_(logits[scored])
    if warm:
        meetings.end = np.exp(log_softmax_(logits[-1].copy()))
