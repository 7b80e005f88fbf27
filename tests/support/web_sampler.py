"""The sampler of the exported web page, written a second time: xorshift128 and a walk along the probabilities."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from charrnn.generation.sampling import Options, weights
from charrnn.models.network import Network

MASK = 2**32 - 1


def random_numbers(seed: int) -> Iterator[float]:
    """Numbers from 0 up to 1 (Marsaglia 2003), without the first 64."""
    x, y, z, w = seed & MASK, seed >> 32 & MASK, 521288629, 88675123
    count = 0
    while True:
        t = (x ^ x << 11) & MASK
        x, y, z, w = y, z, w, w ^ w >> 19 ^ t ^ t >> 8
        count += 1
        if count > 64:
            yield w / 2**32


def written(network: Network, prime: str, options: Options, seed: int) -> str:
    """The text that the page writes after a prime, or one document without its prime."""
    vocab, numbers = network.vocab, random_numbers(seed)
    ids = vocab.encode(prime)
    if vocab.end_id is None and not len(ids) and "\n" in vocab.symbols:
        ids = vocab.encode("\n")
    state = network.start(1)
    logits: Any = network.predict(state)[0]
    for k in ids:
        logits = network.feed(np.array([[k]]), state)[0, 0]
    text = ""
    while not options.length or len(text) < options.length:
        logits = logits.astype(float)
        if vocab.has_unknown:
            logits[-1] = -np.inf
        if vocab.end_id is not None and not prime and not text:
            logits[vocab.end_id] = -np.inf
        if options.temp == 0:
            chosen = int(logits.argmax())
        else:
            sums = np.cumsum(weights(logits[None], options)[0])
            chosen = int(np.searchsorted(sums, next(numbers) * sums[-1], side="right"))
        if chosen == vocab.end_id:
            return text
        text += vocab.symbols[chosen]
        if options.until and text.endswith(options.until):
            return text
        logits = network.feed(np.array([[chosen]]), state)[0, 0]
    return text
