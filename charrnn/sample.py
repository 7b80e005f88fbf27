"""Sampling: text from any LanguageModel, character by character.

One step: take the logits (V,), lower what would repeat, divide by the temperature, keep the top k, the top p or what
passes min p, draw. Each stream has a generator of its own, so the same seed gives the same text. It never
prints, and never emits the unknown character.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log

import numpy as np

from charrnn.model import LanguageModel
from charrnn.params import Array
from charrnn.text import Unknown

PASSAGE = 8  # characters that make a passage, for the repetition penalty


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
    """What one stream remembers: its generator, and what it wrote."""

    rng: np.random.Generator
    tail: str = ""  # the last characters read or written
    written: str = ""  # the last characters written
    repeated: int = 0  # characters in a row that carried on an earlier passage
    followers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    done: bool = False


def probabilities(logits: Array, options: Options) -> Array:
    """The distribution to draw from, (V,) float64, for temp > 0: temperature, then top k, top p, min p."""
    scores = logits.astype(np.float64)
    scores = np.exp((scores - scores.max()) / options.temp)
    if 0 < options.top_k < len(scores):
        scores[scores < np.partition(scores, -options.top_k)[-options.top_k]] = 0
    scores /= scores.sum()
    if options.top_p < 1:
        order = np.argsort(-scores, kind="stable")
        before = np.cumsum(scores[order]) - scores[order]
        scores[order[before >= options.top_p]] = 0
    if options.min_p > 0:
        scores[scores < options.min_p * scores.max()] = 0
    probs: Array = scores / scores.sum()
    return probs


def _draw(logits: Array, options: Options, stream: _Stream) -> int:
    """The next id of one stream."""
    context = stream.tail[-PASSAGE:]
    penalised = options.repetition_penalty != 1
    repeats = stream.followers.get(context, set()) if penalised else set()
    if repeats:
        logits = logits.copy()
        logits[list(repeats)] -= log(options.repetition_penalty) * (1 + stream.repeated)
    if options.temp == 0:
        chosen = int(logits.argmax())
    else:
        cumulative = np.cumsum(probabilities(logits, options))
        chosen = int(np.searchsorted(cumulative, stream.rng.random() * cumulative[-1], side="right"))
    if penalised and len(context) == PASSAGE:
        stream.repeated = stream.repeated + 1 if chosen in repeats else 0
        stream.followers[context].add(chosen)
    return chosen


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
    vocab = model.vocab
    ids = vocab.encode(prime, unknown)
    if not len(ids) and "\n" in vocab.symbols:
        ids = vocab.encode("\n")
    state = model.start(num)
    logits = model.predict(state).copy()
    for begin in range(0, len(ids), 256):  # in pieces, so that a book can prime
        piece = ids[begin : begin + 256]
        logits = model.feed(np.repeat(piece[:, None], num, axis=1), state)[-1].copy()
    streams = [_Stream(np.random.default_rng([seed, k]), vocab.decode(ids)[-PASSAGE:]) for k in range(num)]
    written = 0
    drawn = np.zeros((1, num), np.int32)
    while True:
        if vocab.has_unknown:
            logits[:, -1] = -np.inf
        for k, stream in enumerate(streams):
            if stream.done:
                continue
            drawn[0, k] = _draw(logits[k], options, stream)
            character = vocab.symbols[drawn[0, k]]
            stream.tail = (stream.tail + character)[-PASSAGE:]
            stream.written = (stream.written + character)[-max(len(options.until), 1) :]
            stream.done = written + 1 == options.length or stream.written == options.until
            yield k, character
        written += 1
        if all(stream.done for stream in streams):
            return
        logits = model.feed(drawn, state)[0].copy()  # others may use the model before the next character is asked for


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
