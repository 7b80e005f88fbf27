"""Sampling: text from any LanguageModel, character by character.

One step takes the logits of the next character, lowers those that would repeat a passage, removes those that top k, top
p or min p leave out, adds noise in proportion to the temperature, and takes the largest. With noise of Gumbel's
distribution that is a draw from the softmax (Gumbel 1954), and the noise can be drawn in advance. Each stream has a
random generator of its own, so the same seed gives the same text. The unknown character is never written.

A model of documents writes one document in each stream, and streams that have ended are left out of the next steps. A
document is never empty, for empty ones are never trained on.

Shapes: N streams, V vocabulary.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Unknown, Vocab
from charrnn.errors import TextError
from charrnn.generation.noise import Noise
from charrnn.models import LanguageModel, ReadCharacter

PASSAGE_CHARS = 8  # length of a passage, for the repetition penalty
PRIME_CHARS = 256  # characters of a prime read at a time, which bounds memory


@dataclass(frozen=True)
class Options:
    """How to draw.

    Attributes:
        length: characters to write, 0 for no end. A document may end earlier.
        temp: temperature; 0 takes the likeliest.
        top_k: keep the k likeliest characters; 0 keeps all.
        top_p: keep the fewest characters whose probabilities reach p (Holtzman et al. 2020); 1 keeps all.
        min_p: keep characters at least this share as likely as the likeliest; 0 keeps all.
        repetition_penalty: F makes a character that would continue an earlier passage F times less likely, F^2 times
            after one such character in a row, and so on, which breaks every loop; 1 does nothing.
        until: stop once this text has been written.
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
        """Whether top k, top p or min p may leave out characters."""
        return self.temp > 0 and (self.top_k > 0 or self.top_p < 1 or self.min_p > 0)

    @property
    def penalises(self) -> bool:
        """Whether repetition is made less likely."""
        return self.repetition_penalty != 1


@dataclass
class _Stream:
    """What one stream remembers of its text, as far as the options need it."""

    number: int
    tail: str  # the last characters read or written, at most PASSAGE_CHARS
    written: str = ""  # the last characters written, at most as many as `until` has
    repeated: int = 0  # characters in a row that continued an earlier passage
    followers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # passage -> ids that followed it
    done: bool = False

    def repeats(self) -> set[int]:
        """The ids that would continue an earlier passage of this stream."""
        return self.followers.get(self.tail, set())

    def write(self, chosen: int, character: str, options: Options) -> bool:
        """Remember a character that was written. Returns whether `until` is now complete."""
        if options.penalises:
            if len(self.tail) == PASSAGE_CHARS:
                self.repeated = self.repeated + 1 if chosen in self.repeats() else 0
                self.followers[self.tail].add(chosen)
            self.tail = (self.tail + character)[-PASSAGE_CHARS:]
        if not options.until:
            return False
        self.written = (self.written + character)[-len(options.until) :]
        return self.written == options.until


def weights(logits: Array, options: Options) -> Array:
    """Unnormalised probabilities of the next character, (N, V) in float64; the largest of each stream is 1.

    They are divided by the temperature, which must be above 0, and filtered by top k, top p and min p, in this order.
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


def _prime(model: LanguageModel, state: Any, read: ReadCharacter, ids: Array) -> Array:
    """Read ids (len,) in every stream. Returns the logits (N, V) of the next character."""
    logits = model.predict(state)
    for begin in range(0, len(ids), PRIME_CHARS):
        piece = np.repeat(ids[begin : begin + PRIME_CHARS, None], len(logits), axis=1)
        logits = read(piece[0]) if len(piece) == 1 else model.feed(piece, state)[-1]
    return logits


def _penalise_(logits: Array, streams: list[_Stream], penalty: float) -> None:
    """Lower the logits (N, V) of characters that would continue an earlier passage of their stream."""
    for row, stream in zip(logits, streams, strict=True):
        row[list(stream.repeats())] -= log(penalty) * (1 + stream.repeated)


def _filter_(logits: Array, options: Options, has_unknown: bool) -> None:
    """Set the logits (N, V) of characters that top k, top p or min p leave out to -inf."""
    if has_unknown:
        logits[:, -1] = -np.inf  # it does not count among the likeliest
    logits[~(weights(logits, options) > 0)] = -np.inf


def first_ids(vocab: Vocab, prime: str | bytes, unknown: Unknown) -> Array:
    """The ids (len,) that each stream reads first. Raises TextError if the model cannot read the prime."""
    ids = vocab.encode(prime, unknown)
    if vocab.end_id is None:
        return vocab.encode("\n") if not len(ids) and "\n" in vocab.symbols else ids
    ends = np.flatnonzero(ids == vocab.end_id)
    if len(ends):
        name = "a line end" if vocab.end == "\n" else "U+FFFF"
        raise TextError(
            f"the prime holds {name} (position {ends[0]}), which ends a document, and a prime is how one begins; leave "
            f"it out"
        )
    return ids


def _first_logits(model: LanguageModel, state: Any, read: ReadCharacter, ids: Array) -> Array:
    """Read ids (len,) in every stream; the logits (N, V) of the first character that is drawn."""
    logits = _prime(model, state, read, ids)
    vocab = model.vocab
    if vocab.end_id is None or len(ids) or len(vocab.symbols) == 1:
        return logits
    logits = logits.copy()
    logits[:, vocab.end_id] = -np.inf
    return logits


def generate_batch(
    model: LanguageModel,
    options: Options,
    num: int = 1,
    prime: str | bytes = "",
    seed: int = 1,
    unknown: Unknown = "error",
    first: int = 0,
) -> Iterator[tuple[int, str]]:
    """Yield (stream, character) for `num` texts written side by side.

    Arguments:
        model: the model, as it is when the first character is asked for.
        options: how to draw.
        num: texts, N. Text k is drawn from a generator seeded with (seed, k).
        prime: what to read first; it is not yielded. A document begins with it. Without a prime, a model of documents
            begins one, and any other model reads a newline, if it knows one.
        seed: the same seed gives the same texts.
        unknown: what to do with characters of the prime that the model does not know, as for Vocab.encode().
        first: the number k of the first text.

    Yields:
        For a byte model a "character" is chr(byte). The symbol that ends a document is not yielded. Streams are counted
        from 0, whatever `first` is.

    Raises:
        TextError: the model cannot read the prime, or it holds the end of a document.
    """
    vocab, end_id = model.vocab, model.vocab.end_id
    ids = first_ids(vocab, prime, unknown)
    state = model.start(num)
    read = model.stepper(state)
    logits = _first_logits(model, state, read, ids)
    streams = [_Stream(k, vocab.decode(ids)[-PASSAGE_CHARS:]) for k in range(num)]
    writing = num  # streams that are not done
    scores = np.zeros_like(logits)
    noises = Noise(range(first, first + num), vocab.size, seed, options.temp, logits.dtype, vocab.has_unknown)
    # What does not change from character to character is looked up once.
    symbols, filters, penalises = vocab.symbols, options.filters, options.penalises
    remembers = penalises or options.until != ""
    for length, noise in enumerate(noises, 1):
        if penalises or filters:
            logits = logits.copy()  # the model may reuse its array
        if penalises:
            _penalise_(logits, streams, options.repetition_penalty)
        if filters:
            _filter_(logits, options, vocab.has_unknown)
        np.add(logits, noise, out=scores)
        drawn = scores.argmax(axis=1)
        for k, chosen in enumerate(drawn.tolist()):
            stream = streams[k]
            if stream.done:
                continue
            if chosen == end_id:
                stream.done = True
                writing -= 1
                continue
            character = symbols[chosen]
            ended = remembers and stream.write(chosen, character, options)
            stream.done = ended or length == options.length
            writing -= stream.done
            yield stream.number, character
        if not writing:
            return
        if end_id is not None and 2 * writing <= len(streams):  # go on without those that are done
            rows = [k for k, stream in enumerate(streams) if not stream.done]
            streams, drawn, scores = [streams[k] for k in rows], drawn[rows], scores[:writing]
            noises.keep(rows)
            state = model.select(state, np.array(rows))
            read = model.stepper(state)
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
    """Yield one text, character by character; of a model of documents, one document without its end.

    Arguments and errors are those of Options and generate_batch().
    """
    options = Options(length, temp, top_k, top_p, min_p, repetition_penalty, until)
    for _, character in generate_batch(model, options, 1, prime, seed, unknown):
        yield character
