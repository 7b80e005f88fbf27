"""Sampling: text from any LanguageModel, character by character.

One step: take the logits (V,), lower what would repeat, keep the top k, the top p or what passes min p, draw: add noise
to each, in proportion to the temperature, and take the largest. With Gumbel's distribution that is a draw from the
softmax (Gumbel 1954), and the noise can be made ahead. Each stream has a generator of its own, so the same seed gives
the same text. It never prints, and never emits the unknown character.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from math import log

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array
from charrnn.data import Unknown
from charrnn.models import LanguageModel

PASSAGE = 8  # characters that make a passage, for the repetition penalty
AHEAD = 1 << 18  # random numbers that are drawn at a time, for 256 characters at most: one by one they would cost most


@dataclass(frozen=True)
class Options:
    """How to draw. `temp` 0 takes the likeliest; `top_k` 0, `top_p` 1, `min_p` 0 and `repetition_penalty` 1 do nothing.

    `top_p`: the fewest characters whose probabilities reach it (Holtzman et al. 2020). `min_p`: characters at least
    this share as likely as the likeliest. `repetition_penalty` F: a character that would carry on a passage written
    before is F times less likely, F^2 after one such character in a row, and so on, which breaks every loop.
    `length` characters, 0 for no end; `until`: stop once this was written.
    """

    length: int = 500
    temp: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    until: str = ""


@dataclass
class _Stream:
    """What one stream remembers of what it wrote, where options need it."""

    tail: str = ""  # the last characters read or written
    written: str = ""  # the last characters written
    repeated: int = 0  # characters in a row that carried on an earlier passage
    followers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    done: bool = False


def weights(logits: Array, options: Options) -> Array:
    """What the chance of each character is proportional to, (N, V) float64, for temp > 0; the likeliest has 1.

    In this order: temperature, top k, top p, min p.
    """
    scores: Array = logits.astype(np.float64)
    scores -= np.maximum.reduce(scores, axis=1, keepdims=True)
    if options.temp != 1:
        scores /= options.temp
    np.exp(scores, out=scores)
    if 0 < options.top_k < scores.shape[1]:
        scores[scores < np.partition(scores, -options.top_k, axis=1)[:, -options.top_k, None]] = 0
    if options.top_p < 1:
        order = np.argsort(-scores, axis=1, kind="stable")
        falling = np.take_along_axis(scores, order, axis=1)
        reached = np.cumsum(falling, axis=1)
        falling[reached - falling >= options.top_p * reached[:, -1:]] = 0
        np.put_along_axis(scores, order, falling, axis=1)
    if options.min_p > 0:
        scores[scores < options.min_p] = 0
    return scores


def _noise(shape: tuple[int, int], seed: int, temp: float, dtype: npt.DTypeLike, unknown: bool) -> Iterator[Array]:
    """For ever what to add to the logits (N, V) of a character: a draw is then the largest of each stream.

    -ln E, E of an exponential distribution, has Gumbel's distribution. The `unknown` character, the last, gets -inf.
    """
    num, size = shape
    if temp == 0:  # the likeliest each time
        still = np.zeros(shape, dtype)
        still[:, size - unknown :] = -np.inf
        yield from repeat(still)
    generators = [np.random.default_rng([seed, k]) for k in range(num)]
    ahead = max(1, min(256, AHEAD // (num * size)))
    while True:
        drawn = np.stack([generator.standard_exponential((ahead, size)) for generator in generators], axis=1)
        with np.errstate(divide="ignore"):
            noise = (-temp * np.log(drawn)).astype(dtype)
        noise[..., size - unknown :] = -np.inf
        yield from noise


def _repeats(stream: _Stream) -> set[int]:
    """The ids that would carry on a passage which this stream wrote before."""
    return stream.followers.get(stream.tail[-PASSAGE:], set())


def _note(stream: _Stream, chosen: int, character: str) -> None:
    """Remember what followed which passage, and how long the present repetition is."""
    if len(stream.tail) == PASSAGE:
        stream.repeated = stream.repeated + 1 if chosen in _repeats(stream) else 0
        stream.followers[stream.tail].add(chosen)
    stream.tail = (stream.tail + character)[-PASSAGE:]


def generate_batch(
    model: LanguageModel,
    options: Options,
    num: int = 1,
    prime: str | bytes = "",
    seed: int = 1,
    unknown: Unknown = "error",
) -> Iterator[tuple[int, str]]:
    """Yield (stream, character) for `num` texts written side by side, each primed with `prime`, which is not yielded.

    Stream k draws from a generator seeded with (seed, k). Without `prime` the model reads a newline
    first, if it knows one.
    For a byte model a "character" is chr(byte). Raises TextError for a prime that the model cannot read.
    """
    vocab, penalty = model.vocab, options.repetition_penalty
    ids = vocab.encode(prime, unknown)
    if not len(ids) and "\n" in vocab.symbols:
        ids = vocab.encode("\n")
    model = model.decoder()
    state = model.start(num)
    logits = model.predict(state)
    for begin in range(0, len(ids), 256):  # in pieces, so that a book can prime
        piece = ids[begin : begin + 256]
        logits = model.feed(np.repeat(piece[:, None], num, axis=1), state)[-1]
    streams = [_Stream(vocab.decode(ids)[-PASSAGE:]) for _ in range(num)]
    symbols, length, until, scores = vocab.symbols, options.length, options.until, np.zeros_like(logits)
    narrow = options.temp > 0 and (options.top_k > 0 or options.top_p < 1 or options.min_p > 0)
    writing = num  # streams that are not done
    noises = _noise(logits.shape, seed, options.temp, logits.dtype, vocab.has_unknown)
    for written, noise in enumerate(noises, 1):
        if penalty != 1 or narrow:
            logits = logits.copy()  # it is the model's
        if penalty != 1:
            for row, stream in zip(logits, streams, strict=True):
                row[list(_repeats(stream))] -= log(penalty) * (1 + stream.repeated)
        if narrow:
            if vocab.has_unknown:
                logits[:, -1] = -np.inf  # it takes no place among the likeliest
            logits = np.where(weights(logits, options) > 0, logits, logits.dtype.type(-np.inf))
        np.add(logits, noise, out=scores)
        drawn = scores.argmax(axis=1)
        for k, chosen in enumerate(drawn.tolist()):
            stream = streams[k]
            if stream.done:
                continue
            character = symbols[chosen]
            if penalty != 1:
                _note(stream, chosen, character)
            if until:
                stream.written = (stream.written + character)[-len(until) :]
            stream.done = written == length or (until != "" and stream.written == until)
            writing -= stream.done
            yield k, character
        if not writing:
            return
        logits = model.feed(drawn[None], state)[0]


def generate(
    model: LanguageModel,
    length: int = 500,
    temp: float = 1.0,
    prime: str | bytes = "",
    seed: int = 1,
    unknown: Unknown = "error",
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    repetition_penalty: float = 1.0,
    until: str = "",
) -> Iterator[str]:
    """Yield one text character by character; arguments as for Options and generate_batch()."""
    options = Options(length, temp, top_k, top_p, min_p, repetition_penalty, until)
    for _, character in generate_batch(model, options, 1, prime, seed, unknown):
        yield character
