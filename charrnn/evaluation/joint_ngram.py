"""The joint n-gram, a baseline of translators: an n-gram of joint units (Bisani and Ney 2008); see joint_units.py.

The training pairs are cut into joint units, and a Kneser-Ney n-gram counts the units of each pair. A source is
translated by the likeliest units that make it up: a beam search in which a unit can follow only if its piece of the
source comes next. Each symbol of a source may also stand for nothing, so every source has a translation.

Shapes: N sources, B beginnings of each of the n that are not done; K units, the one that ends a pair included.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.data import PairCorpus, PairSplit, Vocab
from charrnn.evaluation.joint_units import LONGEST, Ids, Pair, Unit, UnitShape, cut_into_units
from charrnn.generation import MAX_FACTOR, MAX_MORE, beam_search
from charrnn.models import NGram

SHAPES: tuple[tuple[UnitShape, ...], ...] = (  # of the units that are tried
    ((1, 1), (1, 0), (0, 1)),
    ((1, 1), (1, 0), (0, 1), (1, 2)),
    ((1, 1), (1, 0), (0, 1), (1, 2), (2, 1)),
)
MAX_ORDER = 8
MAX_CELLS = 1 << 20  # source symbols by target symbols of all pairs that units are fitted to
MAX_UNITS = 1 << 13  # different ones; each step of a beam looks at all of them
MAX_JUDGED = 500  # validation pairs that choose
WIDTH = 8  # of the beam
MAX_SOURCES = 64  # that are translated at once
NOTHING = -1  # where the piece of a unit has fewer symbols than LONGEST


class JointNGram:
    """An n-gram of joint units.

    Arguments:
        cuts: the units of each training pair, in order.
        stop: an id above those of all source symbols, for the end of a source.
        order: units of an n-gram.
    """

    def __init__(self, cuts: Sequence[Sequence[Unit]], stop: int, order: int) -> None:
        silent: set[Unit] = {((symbol,), ()) for symbol in range(stop)}
        self.units: list[Unit] = [*sorted(silent.union(*cuts)), ((stop,), ())]
        self.stop = stop
        self.order = order
        number = {unit: k for k, unit in enumerate(self.units)}
        ids = [k for cut in cuts for k in (*map(number.__getitem__, cut), len(number) - 1)]
        symbols = "".join(map(chr, range(len(number))))  # an n-gram knows characters only
        self.ngram = NGram(Vocab(symbols, end=symbols[-1]), np.array(ids, np.int32), order)
        self.pieces = np.full((len(number), LONGEST), NOTHING)  # the source symbols of each unit
        for piece, (source, _) in zip(self.pieces, self.units, strict=True):
            piece[: len(source)] = source
        self.taken = (self.pieces != NOTHING).sum(1)  # (K,), how many those are

    def translate(self, sources: Sequence[Ids]) -> list[Ids]:
        """The target of each source, in ids; none of the sources is empty."""
        different = sorted({*sources}, key=lambda source: (len(source), source))
        targets: dict[Ids, Ids] = {}
        for first in range(0, len(different), MAX_SOURCES):
            own = different[first : first + MAX_SOURCES]
            limits = np.array([MAX_FACTOR * len(source) + MAX_MORE for source in own])
            found = beam_search(_Writer(self, own), limits, WIDTH, 1, len(self.units) - 1)
            for source, (best,) in zip(own, found, strict=True):
                targets[source] = tuple(chain(*(self.units[unit][1] for unit in best.ids)))
        return [targets[source] for source in sources]


class _Writer:
    """Writes units as beam_search() has it do."""

    def __init__(self, model: JointNGram, sources: Sequence[Ids]) -> None:
        self.model = model
        longest = max(map(len, sources))
        self.symbols = np.full((1 + longest + 1 + LONGEST, len(sources)), model.stop)  # a stop is the first one, too
        for n, source in enumerate(sources):
            self.symbols[1 : 1 + len(source), n] = source
        self.source = np.arange(len(sources))  # (n * B,), of each beginning
        self.position = np.zeros(len(sources), np.int64)  # (n * B,), how many of its symbols have been read
        self.state = model.ngram.start(len(sources))

    def step(self, ids: Array) -> Array:
        """Read the latest units (n * B,); ln p (n * B, K) of the next ones, -inf for those that do not fit."""
        model, last = self.model, len(self.symbols) - LONGEST
        # Among beginnings of probability 0 there are some that have read more than the source.
        self.position = np.minimum(self.position + model.taken[ids], last)
        log_p: Array = model.ngram.feed(ids[None], self.state)[0]
        for k, symbols in enumerate(model.pieces.T):
            coming = self.symbols[self.position + k, self.source]
            log_p[(symbols != NOTHING) & (symbols != coming[:, None])] = -np.inf
        return log_p

    def select(self, sources: Array | None, rows: Array) -> None:
        """Go on with the beginnings at these rows."""
        self.state = self.model.ngram.select(self.state, rows)
        self.position, self.source = self.position[rows], self.source[rows]


def fit_joint_ngram(corpus: PairCorpus) -> JointNGram | None:
    """The joint n-gram of those units and that order which translate the most validation pairs exactly.

    For each kind of units, orders are tried from 1 on until one is no better. Of many or long training pairs only every
    second, third ... is used, as MAX_CELLS says.

    Arguments:
        corpus: the pairs; its validation split is not empty.

    Returns:
        The joint n-gram; None if there are more than MAX_UNITS symbols or units even of the simplest shapes.
    """
    if max(corpus.source.size, corpus.target.size) > MAX_UNITS:
        return None
    pairs, judged = _pairs(corpus.train), _pairs(corpus.valid)
    judged = judged[:: -(-len(judged) // MAX_JUDGED)]
    different = [*dict.fromkeys(pairs)]
    cells = sum(len(source) * len(target) for source, target in different)
    fitted = different[:: -(-cells // MAX_CELLS)]
    best: tuple[int, JointNGram] | None = None
    for shapes in SHAPES:
        cuts = dict(zip(fitted, cut_into_units(fitted, shapes), strict=True))
        if len({unit for cut in cuts.values() for unit in cut}) > MAX_UNITS:
            break
        for right, model in _orders([cuts[pair] for pair in pairs if pair in cuts], corpus.source.size, judged):
            if best is None or right > best[0]:
                best = right, model
    return best[1] if best else None


def _orders(cuts: Sequence[Sequence[Unit]], stop: int, judged: Sequence[Pair]) -> Iterator[tuple[int, JointNGram]]:
    """Yield how many pairs models of order 1, 2 ... translate exactly, and the model, until one is no better."""
    most = -1
    for order in range(1, MAX_ORDER + 1):
        model = JointNGram(cuts, stop, order)
        targets = model.translate([source for source, _ in judged])
        right = sum(own == target for own, (_, target) in zip(targets, judged, strict=True))
        if right <= most:
            return
        yield right, model
        most = right


def sequences(ids: Array, bounds: Array) -> list[Ids]:
    """Sequences that stand side by side: number k is ids[bounds[k]:bounds[k + 1]]."""
    return [tuple(ids[first:end].tolist()) for first, end in pairwise(bounds.tolist())]


def _pairs(split: PairSplit) -> list[Pair]:
    own = split.examples
    return [*zip(sequences(own.ids, own.bounds), sequences(own.target_ids, own.target_bounds), strict=True)]
