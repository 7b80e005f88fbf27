"""The Markov baseline: an n-gram model of characters, counted rather than trained. It is a LanguageModel.

An n-gram is a context of n - 1 characters and the character that follows it. All n-grams of one length form a Level.
They are sorted by a key, (rank of the context) * V + character, so that the followers of a context are adjacent. The
rank of an n-gram is its index in that order. A probability is interpolated with the one that the context gives without
its oldest character:

    p(c | context) = share(context c) + backoff(context) * p(c | context without its oldest character)

Shapes: T steps, N streams, V vocabulary, M = T * N rows, G n-grams of a level, C contexts of a level. All work is done
on sorted arrays: there are no hash tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.models.counting import Counts, count
from charrnn.models.language_model import ReadCharacter

Smoothing = Literal["kneser-ney", "witten-bell", "additive"]
MAX_TABLE_NUMBERS = 1 << 19  # numbers in the table of a level, 4 MB


@dataclass(frozen=True)
class Level:
    """The n-grams of one length."""

    keys: Array  # (G,), sorted
    symbols: Array  # (G,), the last character of each n-gram
    first: Array  # (C + 1,), rank of the first follower of each context
    share: Array  # (G,), of the equation above
    backoff: Array  # (C,), of the equation above
    table: Array | None  # (C, V), shares of short contexts once more: with many followers whole rows are faster

    def find(self, contexts: Array, ids: Array, size: int) -> Array:
        """Look n-grams up.

        Arguments:
            contexts: ranks of the contexts, of any shape; -1 for one that the text does not contain.
            ids: the characters that follow them, of the same shape.
            size: V.

        Returns:
            Ranks of the n-grams, of the same shape; -1 for those that the text does not contain.
        """
        keys = contexts * size + ids
        if not len(self.keys):  # no document is as long
            return np.full(keys.shape, -1)
        ranks = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where((self.keys[ranks] == keys) & (contexts >= 0), ranks, -1)

    def find_one(self, context: int, read: int, size: int) -> int:
        """The same as find() for one n-gram."""
        rank = int(self.keys.searchsorted(context * size + read))
        return rank if context >= 0 and rank < len(self.keys) and self.keys[rank] == context * size + read else -1


class NGram:
    """An n-gram model of a text.

    Arguments:
        vocab: the characters.
        ids: (len,), the text, of at least `order` characters.
        order: characters of an n-gram, so that a prediction depends on the last `order` - 1.
        smoothing: kneser-ney, interpolated and modified (Chen and Goodman 1998); witten-bell, interpolated (Witten and
            Bell 1991); or additive, (count + 1) / (total + V), which uses contexts of `order` - 1 characters only
            (Laplace).

    The state (order, N) holds the ranks of the contexts of the last 0, 1, 2 ... characters, -1 for a context that the
    text does not contain.
    """

    def __init__(self, vocab: Vocab, ids: Array, order: int, smoothing: Smoothing = "kneser-ney") -> None:
        self._vocab = vocab
        self.ids = ids
        self.order = order
        self.smoothing = smoothing
        self._shortest_context = order - 1 if smoothing == "additive" else 0

    @cached_property
    def levels(self) -> list[Level]:
        """The n-grams of 1, 2 ... `order` characters; counted on first use, not when a file is read."""
        levels: list[Level] = []
        size, kneser_ney = self._vocab.size, self.smoothing == "kneser-ney"
        shorter: Counts | None = None
        for counts in count(self.ids, size, self.order, self._vocab.end_id):
            if shorter is not None:
                numbers = counts.predecessors if kneser_ney else shorter.counts
                levels.append(smooth(shorter.keys, numbers, shorter.contexts, size, self.smoothing))
            shorter = counts
        assert shorter is not None
        levels.append(smooth(shorter.keys, shorter.counts, shorter.contexts, size, self.smoothing))
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
        """The state of N streams before any character: (order, N), where only the empty context has a rank.

        A document begins as if an end had just been read.
        """
        state = np.full((self.order, streams), -1)
        state[0] = 0
        if self._vocab.end_id is not None:
            self._move(np.full((1, streams), self._vocab.end_id), state)
        return state

    def select(self, state: Array, streams: Array) -> Array:
        """The state (order, K) of the streams at positions (K,) of `state`; a copy."""
        selected: Array = np.take(state, streams, axis=1)
        return selected

    def stepper(self, state: Array) -> ReadCharacter:
        """A function that reads one id of each stream, moves `state` on, and returns ln p (N, V) of the next."""
        if state.shape[1] == 1:  # without arrays of one context, in a quarter of the time
            return lambda ids: self._read_one(int(ids[0]), state)
        return lambda ids: self.feed(ids[None], state)[0]

    def predict(self, state: Array) -> Array:
        """ln p (N, V) of the next character in each stream."""
        rows = np.arange(state.shape[1])
        p = np.zeros((len(rows), self._vocab.size))
        remaining = np.ones(len(rows))  # the probability that longer contexts leave to this one
        for contexts, level in reversed([*zip(state, self.levels, strict=True)][self._shortest_context :]):
            seen = contexts >= 0
            if not len(level.keys):
                continue  # no document is as long: the shorter context decides
            if level.table is not None:
                p += level.table[contexts] * np.where(seen, remaining, 0)[:, None]
            else:
                first = level.first[contexts]
                numbers = np.where(seen, level.first[contexts + 1] - first, 0)  # of followers of each context
                ends = np.cumsum(numbers)
                followers = np.arange(ends[-1]) + np.repeat(first - ends + numbers, numbers)
                shares = level.share[followers] * np.repeat(remaining, numbers)
                p[np.repeat(rows, numbers), level.symbols[followers]] += shares
            remaining = np.where(seen, remaining * level.backoff[contexts], remaining)
        p += remaining[:, None] / self._vocab.size
        logs: Array = np.log(p, out=p)
        return logs

    def _read_one(self, read: int, state: Array) -> Array:
        """Read one id of a single stream and move `state` (order, 1) on; ln p (1, V) of the next, as by feed()."""
        size, contexts = self._vocab.size, state[:, 0]
        for k in range(self.order - 1, 0, -1):
            contexts[k] = self.levels[k - 1].find_one(int(contexts[k - 1]), read, size)
        p, remaining = np.zeros(size), 1.0
        for k in range(self.order - 1, self._shortest_context - 1, -1):
            level, context = self.levels[k], int(contexts[k])
            if context < 0 or not len(level.keys):
                continue
            followers = slice(level.first[context], level.first[context + 1])
            p[level.symbols[followers]] += level.share[followers] * remaining
            remaining *= level.backoff[context]
        p += remaining / size
        logs: Array = np.log(p, out=p)
        return logs[None]

    def feed(self, ids: Array, state: Array) -> Array:
        """Read ids (T, N) and move `state` on; ln p (T, N, V) of the character after each."""
        length, streams = ids.shape
        ranks = self._move(ids, state)
        return self.predict(ranks[:, 1:].reshape(self.order, -1)).reshape(length, streams, -1)

    def log_probs(self, ids: Array) -> Array:
        """ln p of each character of a text, (len,), given all before it, or all before it in its document.

        It is much faster than feed(), which gives the probabilities of all characters.
        """
        p = np.full(len(ids), 1 / self._vocab.size)
        contexts = np.zeros(len(ids), np.int64)
        first = [*self.start()[1:, 0].tolist(), -1]  # ranks of the contexts before the text
        for k, level in enumerate(self.levels):
            ranks = level.find(contexts, ids, self._vocab.size)
            if k >= self._shortest_context:
                p = _interpolate(level, contexts, ranks, p)
            contexts = np.concatenate([[first[k]], ranks[:-1]])
        logs: Array = np.log(p)
        return logs

    def _move(self, ids: Array, state: Array) -> Array:
        """Read ids (T, N) and move `state` on; the states before, between and after them, (order, T + 1, N)."""
        length, streams = ids.shape
        ranks = np.zeros((self.order, length + 1, streams), np.int64)
        ranks[:, 0] = state
        for k, level in enumerate(self.levels[:-1]):
            ranks[k + 1, 1:] = level.find(ranks[k, :-1], ids, self._vocab.size)
        state[...] = ranks[:, -1]
        return ranks


def smooth(keys: Array, counts: Array, contexts: int, size: int, smoothing: Smoothing) -> Level:
    """Make a level of counted n-grams.

    Arguments:
        keys: (G,), sorted.
        counts: (G,).
        contexts: C.
        size: V.
        smoothing: as for NGram.
    """
    context = keys // size
    followers = np.bincount(context, minlength=contexts)  # (C,), different characters after each context
    totals = np.bincount(context, counts, contexts)
    discount: Array  # subtracted from each count, (G,)
    pseudocount: Array  # added to the total of each context, (C,)
    remaining: Array  # what a context leaves to the shorter one, (C,), in counts
    if smoothing == "kneser-ney":
        discount, pseudocount = discounts(counts)[np.minimum(counts, 3)], np.zeros(1)
        remaining = np.bincount(context, discount, contexts)
    else:
        discount = np.zeros(1)
        pseudocount = followers if smoothing == "witten-bell" else np.full(1, size)
        remaining = pseudocount
    denominator = np.maximum(totals + pseudocount, 1)
    share = (counts - discount) / denominator[context]
    table = None
    if contexts * size <= MAX_TABLE_NUMBERS:
        table = np.zeros((contexts, size))
        table.reshape(-1)[keys] = share
    first = np.zeros(contexts + 1, np.int32 if len(keys) < 1 << 31 else np.int64)
    np.cumsum(followers, out=first[1:])
    return Level(
        keys=keys,
        symbols=(keys - context * size).astype(np.min_scalar_type(size)),
        first=first,
        share=share,
        backoff=np.where(followers > 0, remaining / denominator, 1.0),
        table=table,
    )


def discounts(counts: Array) -> Array:
    """What modified Kneser-Ney subtracts from counts of 0, 1, 2, and 3 or more, (4,) (Chen and Goodman 1998).

    If the text is too small or too regular for their estimate, half of the count is subtracted, so that unseen
    characters keep some probability.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)
    y = n[1] / max(n[1] + 2 * n[2], 1)
    result = np.zeros(4)
    for k in (1, 2, 3):
        estimate = k - (k + 1) * y * n[k + 1] / max(n[k], 1)
        result[k] = estimate if n[1] and n[k] and estimate > 0 else k / 2
    return result


def order_losses(
    train: Array, held_out: Array, size: int, highest: int = 20, end: int | None = None
) -> Iterator[float]:
    """Yield the loss of `held_out` under Kneser-Ney models of `train` of order 1, 2 ... `highest`.

    The models share all levels but their longest, so each order costs no more than one level.

    Arguments:
        train: (len,), ids of the training text.
        held_out: (M,), ids of the text that is scored.
        size: V.
        end: the id that ends each document; None if the texts are streams.

    Yields:
        Nats per character.
    """
    p = np.full(len(held_out), 1 / size)  # of held_out under the levels that all longer models share
    shorter: Counts | None = None
    contexts = ranks = np.zeros(len(held_out), np.int64)  # of held_out in the level before
    for k, counts in enumerate(count(train, size, highest, end)):
        if shorter is not None:
            level = smooth(shorter.keys, counts.predecessors, shorter.contexts, size, "kneser-ney")
            p = _interpolate(level, contexts, ranks, p)
            first = np.searchsorted(shorter.keys, end) if end is not None and k == 1 else -1
            contexts = np.concatenate([[first], ranks[:-1]])
        level = smooth(counts.keys, counts.counts, counts.contexts, size, "kneser-ney")
        ranks = level.find(contexts, held_out, size)
        yield -float(np.log(_interpolate(level, contexts, ranks, p)).mean())
        shorter = counts


def _interpolate(level: Level, contexts: Array, ranks: Array, p: Array) -> Array:
    """The equation at the head of this file for given n-grams and p of the shorter context; all (M,)."""
    if not len(level.keys):
        return p
    backoff = np.where(contexts >= 0, level.backoff[contexts], 1.0)
    interpolated: Array = np.where(ranks >= 0, level.share[ranks], 0.0) + backoff * p
    return interpolated
