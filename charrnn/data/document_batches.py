"""Batches of documents: shuffled anew each epoch, laid end to end in N streams, and cut into windows of T steps.

Every symbol of every document, its end included, is a target exactly once per epoch. The input of a document's first
target is the end symbol, and the state is set to zero before it: a document follows from nothing but itself. A document
that is longer than a window is carried over, as a long text is.

A stream takes whole documents up to its capacity. Where all the room is needed, the last document of a stream is cut
and goes on in the next one, from a state of zeros: fewer cuts than streams in each epoch.

Arrays are time first, (T, N).
"""

import numpy as np

from charrnn.arrays import Array
from charrnn.data.batches import Batch, Batches
from charrnn.data.documents import ends_of
from charrnn.data.soft_targets import SoftTargets


class DocumentBatches:
    """The documents of a split as N parallel streams; index k gives window k of an epoch.

    Arguments:
        ids: (len,), documents that each end with `end_id`.
        end_id: the id of the symbol that ends a document.
        streams: N.
        length: T.
        seed: the order of the documents is a function of seed and epoch.
        counted: (len,), ln p of each symbol that an n-gram gives, if batches are to hold them.
        soft: what teachers expected of the documents, if it is to be learned.

    Attributes:
        targets: len.
        stream_length: targets that a stream has room for.
    """

    def __init__(
        self,
        ids: Array,
        end_id: int,
        streams: int,
        length: int,
        seed: int,
        counted: Array | None = None,
        soft: SoftTargets | None = None,
    ) -> None:
        self.ids = ids
        self.counted = counted
        self.soft = soft
        self.streams = streams
        self.length = length
        self.targets = len(ids)
        self.stream_length = -(-self.targets // (streams * length)) * length
        self._end_id = end_id
        self._seed = seed
        stops = ends_of(ids, end_id)
        self._begins = np.concatenate([[0], stops[:-1]]).astype(np.int64)
        self._sizes = stops - self._begins
        self._epoch = -1  # whose order the following describe
        self._stops = self._shift = self._begins_in_order = self._edges = stops[:0]

    def __len__(self) -> int:
        """Windows per epoch."""
        return self.stream_length // self.length

    def __getitem__(self, window: int) -> Batch:
        if not 0 <= window < len(self):
            raise IndexError(f"window {window} of {len(self)}")
        return self.window(window, 0, self.streams)

    def window(self, window: int, first: int, stop: int, epoch: int = 0) -> Batch:
        """Window number `window` of an epoch, of the streams `first` to `stop` - 1."""
        self._lay_out(epoch)
        begin = self._edges[first:stop] + window * self.length
        positions = np.arange(self.length)[:, None] + begin
        inside = positions < self._edges[first + 1 : stop + 1]
        positions = np.where(inside, positions, 0)
        document = np.searchsorted(self._stops, positions, "right")
        source = positions + self._shift[document]
        begins = inside & (source == self._begins_in_order[document])
        x = np.where(begins, self._end_id, self.ids[np.maximum(source - 1, 0)])
        weight = None if inside.all() else inside.astype(np.float32)
        counted = None if self.counted is None else self.counted[source]
        y = self.ids[source]
        soft = self.soft.of(source, y) if self.soft else None
        return Batch(x, y, weight, self.count(window, epoch), window == 0, begins, counted, soft)

    def count(self, window: int, epoch: int = 0) -> int:
        """Targets in a window of an epoch, over all streams."""
        self._lay_out(epoch)
        return int(np.clip(np.diff(self._edges) - window * self.length, 0, self.length).sum())

    def _lay_out(self, epoch: int) -> None:
        """Draw the order of an epoch, and cut it into streams."""
        if epoch == self._epoch:
            return
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._begins))
        self._stops = np.cumsum(self._sizes[order])  # of the documents in this order
        self._begins_in_order = self._begins[order]
        self._shift = self._begins_in_order - (self._stops - self._sizes[order])  # from there to the place in `ids`
        edges = [0]  # where each stream begins, and the end of the last
        for left in range(self.streams - 1, -1, -1):
            full = min(edges[-1] + self.stream_length, self.targets)
            whole = self._stops[np.searchsorted(self._stops, full, "right") - 1] if full >= self._stops[0] else 0
            edges.append(max(int(whole), self.targets - left * self.stream_length, edges[-1]))
        self._edges = np.array(edges)
        self._epoch = epoch


def make_batches(
    ids: Array,
    end_id: int | None,
    streams: int,
    length: int,
    seed: int,
    counted: Array | None = None,
    soft: SoftTargets | None = None,
) -> Batches | DocumentBatches:
    """The batches of a text that is one stream, or of documents if there is a symbol that ends them."""
    if end_id is None:
        return Batches(ids, streams, length, counted, soft)
    return DocumentBatches(ids, end_id, streams, length, seed, counted, soft)
