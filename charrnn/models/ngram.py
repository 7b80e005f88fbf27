"""The Markov baseline: an n-gram model of characters, counted and not trained; a LanguageModel like the network.

An n-gram is a context of n - 1 characters and the one that follows. All n-grams of one length are a Level: sorted
keys (rank of the context) * V + character, so that the followers of a context lie side by side; the rank of an
n-gram is its place there. Every probability is a share of its own and what its context leaves to the context that is
one shorter:

    p(c | context) = share(context c) + backoff(context) * p(c | context without its oldest character)

Shapes: T steps, N streams, V vocabulary, M = T * N rows, G n-grams of a level, C contexts. No hashing, no
dictionaries.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.models.language_model import ReadCharacter

Smoothing = Literal["kneser-ney", "witten-bell", "additive"]
TABLE = 1 << 19  # numbers in a table at most, 4 MB


@dataclass(frozen=True)
class Level:
    """The n-grams of one length: `keys` (G,), sorted; `symbols` (G,), the last character of each; `first` (C + 1,),
    where the followers of each context begin; `share` (G,) and `backoff` (C,), those of the equation above; `table`
    (C, V), the shares once more, of short contexts: they have so many followers that whole rows are quicker.
    """

    keys: Array
    symbols: Array
    first: Array
    share: Array
    backoff: Array
    table: Array | None

    def find(self, contexts: Array, ids: Array, size: int) -> Array:
        """Ranks of the n-grams (context, character), -1 where the text does not hold them; all of one shape."""
        wanted = contexts * size + ids
        ranks = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((self.keys[ranks] == wanted) & (contexts >= 0), ranks, -1)


class NGram:
    """An n-gram model of a text.

    Arguments: `vocab`; `ids` (len,), the text, of at least `order` characters; `order`, the characters of an n-gram, so
    that `order` - 1 are looked at; `smoothing`: interpolated modified Kneser-Ney (Chen and Goodman 1998), interpolated
    Witten-Bell (Witten and Bell 1991), or additive, (count + 1) / (total + V), of whole contexts alone (Laplace).
    The state is the rank (order, N) of the last 0, 1, 2 ... characters, -1 where the text does not hold them.
    """

    def __init__(self, vocab: Vocab, ids: Array, order: int, smoothing: Smoothing = "kneser-ney") -> None:
        self._vocab, self.ids, self.order, self.smoothing = vocab, ids, order, smoothing
        self._mixed = order - 1 if smoothing == "additive" else 0  # the shortest context that counts

    @cached_property
    def levels(self) -> list[Level]:
        """The n-grams of 1, 2 ... `order` characters; counted when first asked for, not when a file is read."""
        levels: list[Level] = []
        before: tuple[Array, Array, int] | None = None  # keys, counts and contexts of the level before
        for keys, counts, endings in count(self.ids, self._vocab.size, self.order):
            if before is not None:
                shorter = (before[0], endings if self.smoothing == "kneser-ney" else before[1], before[2])
                levels.append(smooth(*shorter, self._vocab.size, self.smoothing))
            before = keys, counts, len(endings)
        assert before is not None
        levels.append(smooth(*before, self._vocab.size, self.smoothing))
        return levels

    @property
    def vocab(self) -> Vocab:
        """The characters that it knows, and their ids."""
        return self._vocab

    @property
    def size(self) -> int:
        """How many n-grams of all lengths it holds."""
        return sum(len(level.keys) for level in self.levels)

    def start(self, streams: int = 1) -> Array:
        """The state of N streams before any character: (order, N), of which only the empty context is known."""
        state = np.full((self.order, streams), -1)
        state[0] = 0
        return state

    def stepper(self, state: Array) -> ReadCharacter:
        """A function that reads one id of each stream, moves `state` on, and returns ln p (N, V) of the next."""
        return lambda ids: self.feed(ids[None], state)[0]

    def predict(self, state: Array) -> Array:
        """ln p (N, V) of the next character in each stream."""
        rows = np.arange(state.shape[1])
        p, left = np.zeros((len(rows), self._vocab.size)), np.ones(len(rows))  # left: to contexts shorter than this
        for contexts, level in reversed([*zip(state, self.levels, strict=True)][self._mixed :]):
            known = contexts >= 0
            if level.table is not None:
                p += level.table[contexts] * np.where(known, left, 0)[:, None]
            else:
                first = level.first[contexts]
                many = np.where(known, level.first[contexts + 1] - first, 0)
                ends = np.cumsum(many)
                followers = np.arange(ends[-1]) + np.repeat(first - ends + many, many)
                shares = level.share[followers] * np.repeat(left, many)
                p[np.repeat(rows, many), level.symbols[followers]] += shares
            left = np.where(known, left * level.backoff[contexts], left)
        p += left[:, None] / self._vocab.size
        logs: Array = np.log(p, out=p)
        return logs

    def feed(self, ids: Array, state: Array) -> Array:
        """Read ids (T, N) and move `state` on; ln p (T, N, V) of the character after each."""
        length, streams = ids.shape
        ranks = np.zeros((self.order, length + 1, streams), np.int64)
        ranks[:, 0] = state
        for k, level in enumerate(self.levels[:-1]):
            ranks[k + 1, 1:] = level.find(ranks[k, :-1], ids, self._vocab.size)
        state[...] = ranks[:, -1]
        return self.predict(ranks[:, 1:].reshape(self.order, -1)).reshape(length, streams, -1)


def count(ids: Array, size: int, order: int) -> Iterator[tuple[Array, Array, Array]]:
    """Count the n-grams of ids (len,), one length after another, up to `order`: (keys (G,), counts (G,), endings (C,)).

    `endings`: for each n-gram of the level before, how many different characters stand before it in the text, of which
    its beginning is one. That is Kneser and Ney's (1995) count for all lengths but the longest.
    """
    ranks = np.zeros(len(ids) + 1, np.int64)  # of the (n - 1)-gram that begins at each place
    contexts = 1
    for k in range(order):
        beginning, suffixes = ranks[0], ranks[1:]
        keys, ranks, counts = distinct(ranks[:-1] * size + ids[k:])
        suffix = np.zeros(len(keys), np.int64)
        suffix[ranks] = suffixes
        endings = np.bincount(suffix, minlength=contexts)
        endings[beginning] += 1
        yield keys, counts, endings
        contexts = len(keys)


def distinct(numbers: Array) -> tuple[Array, Array, Array]:
    """The distinct numbers (G,) of (len,) whole numbers of at least 0, sorted; the rank (len,) of each; counts (G,).

    As np.unique() does it, but where number and place fit into 63 bits together they are sorted as one, which is
    several times faster than to sort places by their number.
    """
    bits = len(numbers).bit_length()
    if len(numbers) == 0 or int(numbers.max()) >> (63 - bits):
        found: tuple[Array, Array, Array] = np.unique(numbers, return_inverse=True, return_counts=True)
        return found
    packed = (numbers << bits) | np.arange(len(numbers))
    packed.sort()
    values = packed >> bits
    new = np.concatenate([[True], values[1:] != values[:-1]])
    starts = np.flatnonzero(new)
    ranks = np.empty(len(numbers), np.int64)
    ranks[packed & ((1 << bits) - 1)] = np.cumsum(new) - 1
    return values[starts], ranks, np.diff(starts, append=len(numbers))


def smooth(keys: Array, counts: Array, contexts: int, size: int, smoothing: Smoothing) -> Level:
    """A level from its keys (G,), their counts (G,), and the numbers of contexts and of characters."""
    context = keys // size
    many = np.bincount(context, minlength=contexts)
    totals = np.bincount(context, counts, contexts)
    taken: Array  # from the counts (G,) ...
    added: Array  # ... and added to the totals (C,): together what is left to the shorter context
    left: Array
    if smoothing == "kneser-ney":
        taken, added = discounts(counts)[np.minimum(counts, 3)], np.zeros(1)
        left = np.bincount(context, taken, contexts)
    else:
        taken, added = np.zeros(1), many if smoothing == "witten-bell" else np.full(1, size)
        left = added
    whole = np.maximum(totals + added, 1)
    share = (counts - taken) / whole[context]
    table = None
    if contexts * size <= TABLE:
        table = np.zeros((contexts, size))
        table.reshape(-1)[keys] = share
    symbols = (keys - context * size).astype(np.min_scalar_type(size))
    first = np.zeros(contexts + 1, np.int32 if len(keys) < 1 << 31 else np.int64)
    np.cumsum(many, out=first[1:])
    return Level(keys, symbols, first, share, np.where(many > 0, left / whole, 1.0), table)


def discounts(counts: Array) -> Array:
    """What modified Kneser-Ney takes from counts of 0, 1, 2, and 3 or more: (4,) (Chen and Goodman 1998).

    Where the text is too small or too regular for that estimate, half of the count, so that something is left for what
    was never seen.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    base = n[1] / max(n[1] + 2 * n[2], 1)
    found = [k - (k + 1) * base * n[k + 1] / max(n[k], 1) for k in (1, 2, 3)]
    return np.array([0.0, *(d if n[1] and n[k] and d > 0 else k / 2 for k, d in enumerate(found, 1))])


def order_losses(train: Array, held_out: Array, size: int, highest: int = 20) -> Iterator[float]:
    """Nats per character of `held_out` under Kneser-Ney models of `train` of order 1, 2, 3 ..., in one pass.

    They share all levels but their longest, so each order costs no more than its own level.
    """
    before: tuple[Array, Array, Array, int] | None = None  # keys, ranks of contexts, of n-grams, number of contexts
    p = np.full(len(held_out), 1 / size)
    for keys, counts, endings in count(train, size, highest):
        ranks = np.zeros(len(held_out), np.int64)
        if before is not None:
            known, contexts, ranks, number = before
            p = _mixed(smooth(known, endings, number, size, "kneser-ney"), contexts, ranks, p)
            ranks = np.concatenate([[-1], ranks[:-1]])
        level = smooth(keys, counts, len(endings), size, "kneser-ney")
        found = level.find(ranks, held_out, size)
        yield -float(np.log(_mixed(level, ranks, found, p)).mean())
        before = keys, ranks, found, len(endings)


def _mixed(level: Level, contexts: Array, ranks: Array, p: Array) -> Array:
    """The equation at the head of this file for given n-grams: all (M,)."""
    backoff = np.where(contexts >= 0, level.backoff[contexts], 1.0)
    mixed: Array = np.where(ranks >= 0, level.share[ranks], 0.0) + backoff * p
    return mixed
