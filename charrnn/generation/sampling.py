"""Sampling: text from any LanguageModel, character by character.

One step: take the logits (V,), lower those that would repeat a passage, keep the top k, the top p or what passes min
p, add noise in proportion to the temperature, and take the largest. With noise of Gumbel's distribution that is a
draw from the softmax (Gumbel 1954), and the noise can be drawn ahead. Each stream has a generator of its own, so the
same seed gives the same text. It never prints, and never emits the unknown character. Shapes: N streams, V
vocabulary.
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

PASSAGE_CHARS = 8  # characters that make a passage, for the repetition penalty
NOISE_SIZE = 1 << 18  # random numbers drawn at a time: drawn one by one they would cost most of the time
NOISE_CHARS = 256  # but for no more characters than these
PRIME_CHARS = 256  # characters of a prime read at a time, which bounds memory


@dataclass(frozen=True)
class Options:
    """How to draw.

    Attributes:
        length: characters to write, 0 for no end.
        temp: temperature; 0 takes the likeliest.
        top_k: keep the k likeliest characters; 0 keeps all.
        top_p: keep the fewest characters whose probabilities reach p (Holtzman et al. 2020); 1 keeps all.
        min_p: keep characters at least this share as likely as the likeliest; 0 keeps all.
        repetition_penalty: make a character that would carry on a passage written before F times less likely, F^2 after
            one such character in a row, and so on, which breaks every loop; 1 does nothing.
        until: stop once this text was written.
    """

    length: int = 500
    temp: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    until: str = ""

    @property
    def filters(self) -> bool:
        """Whether any character may be left out."""
        return self.temp > 0 and (self.top_k > 0 or self.top_p < 1 or self.min_p > 0)


@dataclass
class _Stream:
    """What one stream remembers of what it wrote, as far as options need it."""

    tail: str = ""  # the last characters read or written
    written: str = ""  # the last characters written
    repeated: int = 0  # characters in a row that carried on an earlier passage
    followers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    done: bool = False

    def repeats(self) -> set[int]:
        """The ids that would carry on a passage which this stream wrote before."""
        return self.followers.get(self.tail[-PASSAGE_CHARS:], set())

    def note(self, chosen: int, character: str) -> None:
        """Remember what followed which passage, and how long the present repetition is."""
        if len(self.tail) == PASSAGE_CHARS:
            self.repeated = self.repeated + 1 if chosen in self.repeats() else 0
            self.followers[self.tail].add(chosen)
        self.tail = (self.tail + character)[-PASSAGE_CHARS:]

    def ends_with(self, character: str, until: str) -> bool:
        """Whether `until` has been written once `character` is."""
        self.written = (self.written + character)[-len(until) :]
        return self.written == until


def weights(logits: Array, options: Options) -> Array:
    """What the probability of each character is proportional to, (N, V) float64, for temp > 0; the likeliest has 1.

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
    """Without end, what to add to the logits (N, V) of a character: a draw is then the largest of each stream.

    -ln E, with E of an exponential distribution, has Gumbel's distribution. The `unknown` character, the last, gets
    -inf.
    """
    num, size = shape
    if temp == 0:  # the likeliest each time
        still = np.zeros(shape, dtype)
        still[:, size - unknown :] = -np.inf
        yield from repeat(still)
    generators = [np.random.default_rng([seed, k]) for k in range(num)]
    ahead = max(1, min(NOISE_CHARS, NOISE_SIZE // (num * size)))
    while True:
        drawn = np.stack([generator.standard_exponential((ahead, size)) for generator in generators], axis=1)
        with np.errstate(divide="ignore"):
            noise = (-temp * np.log(drawn)).astype(dtype)
        noise[..., size - unknown :] = -np.inf
        yield from noise


def _allowed(logits: Array, streams: list[_Stream], options: Options, has_unknown: bool) -> Array:
    """The logits (N, V) with repetition made less likely, and -inf for characters that the filters leave out."""
    logits = logits.copy()  # the model may reuse its own
    if options.repetition_penalty != 1:
        for row, stream in zip(logits, streams, strict=True):
            row[list(stream.repeats())] -= log(options.repetition_penalty) * (1 + stream.repeated)
    if options.filters:
        if has_unknown:
            logits[:, -1] = -np.inf  # it takes no place among the likeliest
        logits = np.where(weights(logits, options) > 0, logits, logits.dtype.type(-np.inf))
    return logits


def generate_batch(
    model: LanguageModel,
    options: Options,
    num: int = 1,
    prime: str | bytes = "",
    seed: int = 1,
    unknown: Unknown = "error",
) -> Iterator[tuple[int, str]]:
    """Yield (stream, character) for `num` texts written side by side.

    Arguments:
        model: what to draw from, as it is when the first character is asked for.
        options: how to draw.
        num: texts, N. Text k is drawn from a generator seeded with (seed, k).
        prime: what to read first; it is not yielded. Without it the model reads a newline, if it knows one.
        seed: the same seed gives the same texts.
        unknown: what to do with characters of the prime that the model does not know, as for Vocab.encode().

    Yields:
        Of a byte model a "character" is chr(byte).

    Raises:
        TextError: the model cannot read the prime.
    """
    vocab = model.vocab
    ids = vocab.encode(prime, unknown)
    if not len(ids) and "\n" in vocab.symbols:
        ids = vocab.encode("\n")
    state = model.start(num)
    read = model.stepper(state)
    logits = model.predict(state)
    for begin in range(0, len(ids), PRIME_CHARS):
        piece = np.repeat(ids[begin : begin + PRIME_CHARS, None], num, axis=1)
        logits = read(piece[0]) if len(piece) == 1 else model.feed(piece, state)[-1]
    streams = [_Stream(vocab.decode(ids)[-PASSAGE_CHARS:]) for _ in range(num)]
    scores = np.zeros_like(logits)
    symbols, until, penalised = vocab.symbols, options.until, options.repetition_penalty != 1
    adjusted = penalised or options.filters
    writing = num  # streams that are not done
    for length, noise in enumerate(_noise(logits.shape, seed, options.temp, logits.dtype, vocab.has_unknown), 1):
        if adjusted:
            logits = _allowed(logits, streams, options, vocab.has_unknown)
        np.add(logits, noise, out=scores)
        drawn = scores.argmax(axis=1)
        for k, chosen in enumerate(drawn.tolist()):
            stream = streams[k]
            if stream.done:
                continue
            character = symbols[chosen]
            if penalised:
                stream.note(chosen, character)
            stream.done = length == options.length
            if until:
                stream.done = stream.ends_with(character, until) or stream.done
            writing -= stream.done
            yield k, character
        if not writing:
            return
        logits = read(drawn)


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
    """Yield one text character by character; arguments as for Options and generate_batch(). Raises TextError."""
    options = Options(length, temp, top_k, top_p, min_p, repetition_penalty, until)
    for _, character in generate_batch(model, options, 1, prime, seed, unknown):
        yield character
