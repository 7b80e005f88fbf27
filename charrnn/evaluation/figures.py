"""What the scores of a text say: figures with intervals, kinds of character, calibration, memory, worst passages.

Pure functions of the nats and ranks that evaluate.py collects; all results are plain dicts and lists, as `--json`
prints them. Shapes: len characters, V vocabulary, K blocks, R draws of the bootstrap. It prints nothing.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from math import log
from typing import Any

import numpy as np

from charrnn.data.reading import Vocab
from charrnn.errors import visible
from charrnn.evaluation.scoring import CHUNK, STREAMS, Scores, predictions
from charrnn.models.language_model import LanguageModel
from charrnn.nn.ops import log_softmax_
from charrnn.nn.params import Array

KINDS = ("letters", "spaces", "newlines", "digits", "punctuation", "other")
BLOCK = 1000  # characters of a block of the bootstrap: far more than the distance over which their losses hang together
FEWEST = 50  # blocks at least, in a shorter text of fewer characters each
DRAWS = 1000
BINS = 10  # of the calibration
WINDOWS, LONGEST = 256, 512  # fresh starts for the loss by position, and how far each reads
BEST = 5  # guesses shown of each character
WIDTH, WORST, AROUND = 64, 5, 40  # characters of a passage, passages, characters shown on either side


def analyse(vocab: Vocab, ids: Array, scores: Scores, unknown: int = 0) -> dict[str, Any]:
    """All figures of a scored text that need no model: ids (len,), `unknown` characters left out of them."""
    sums = block_sums(vocab, ids, scores)
    found: dict[str, Any] = {"chars": len(ids), "unknown_chars": unknown}
    found |= {name: float(value[0]) for name, value in figures(sums.sum(axis=1, keepdims=True)).items()}
    found["intervals"] = intervals(sums)
    found["kinds"] = by_kind(vocab, ids, scores.nats)
    if scores.rank is not None and scores.sure is not None:
        found["calibration"] = calibration(scores.rank == 0, scores.sure)
        gaps = [b["chars"] * abs(b["sure"] - b["right"]) for b in found["calibration"]]
        found["calibration_error"] = sum(gaps) / len(ids)
    found["worst"] = worst(vocab, ids, scores.nats)
    return found


def kinds_of(vocab: Vocab) -> Array:
    """The kind of every id as a number in KINDS, (V,); bytes beyond ASCII, and the unknown character, are other."""
    kinds = np.full(vocab.size, KINDS.index("other"))
    names = {"L": "letters", "M": "letters", "N": "digits", "Z": "spaces", "P": "punctuation", "S": "punctuation"}
    for k, symbol in enumerate(vocab.symbols):
        if vocab.tokens == "char" or symbol.isascii():
            category = unicodedata.category(symbol)
            newline = symbol in "\n\r\v\f\x85" or category in ("Zl", "Zp")
            name = "spaces" if symbol == "\t" else names.get(category[0], "other")
            kinds[k] = KINDS.index("newlines" if newline else name)
    return kinds


def block_sums(vocab: Vocab, ids: Array, scores: Scores) -> Array:
    """Chars, nats, bytes, words and right first and first five guesses of each block, (6, K) or, of a mixture, (4, K).

    A word is a run of characters that are neither spaces nor newlines; it counts where it begins.
    """
    blank = np.isin(kinds_of(vocab), [KINDS.index("spaces"), KINDS.index("newlines")])[ids]
    words = ~blank & np.concatenate([[True], blank[:-1]])
    rows: list[Array] = [np.ones(len(ids)), scores.nats, vocab.byte_lengths()[ids], words]
    if scores.rank is not None:
        rows += [scores.rank < 1, scores.rank < 5]
    return sum_blocks(rows)


def sum_blocks(rows: list[Array]) -> Array:
    """The sums of rows (len,) over the blocks of the bootstrap, (rows, K)."""
    length = len(rows[0])
    count = min(length, max(length // BLOCK, FEWEST))
    starts = np.arange(count) * length // count
    return np.array([np.add.reduceat(row, starts, dtype=np.float64) for row in rows])


def figures(sums: Array) -> dict[str, Array]:
    """The ratios that a report names, each (R,), from sums as block_sums() makes them, (6, R) or (4, R).

    The word-level perplexity is exp(nats / words): what all characters of the text, blanks included, cost per word.
    """
    chars, nats, size, words, *guesses = sums
    found = {
        "nats_per_char": nats / chars,
        "bits_per_char": nats / chars / log(2),
        "bits_per_byte": nats / size / log(2),
        "perplexity": np.exp(np.minimum(nats / chars, 700)),
        "word_perplexity": np.exp(np.minimum(nats / np.maximum(words, 1), 700)),
    }
    return found | {name: right / chars for name, right in zip(("top1", "top5"), guesses, strict=False)}


@lru_cache(1)
def draws(blocks: int) -> Array:
    """How often each block is drawn, (K, R), in each of the R resamples of a block bootstrap; always the same."""
    rng = np.random.default_rng(1)
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), DRAWS).T.astype(np.float64)


def intervals(sums: Array) -> dict[str, list[float]]:
    """95 % intervals of all figures: the block bootstrap (Carlstein 1986), percentiles of DRAWS resamples of blocks."""
    drawn = figures(sums @ draws(sums.shape[1]))
    return {name: np.percentile(values, [2.5, 97.5]).tolist() for name, values in drawn.items()}


def difference(nats: Array, other: Array) -> dict[str, Any]:
    """The mean of nats - other, both (len,) of the same characters, and its 95 % interval: a paired block bootstrap."""
    sums = sum_blocks([nats - other, np.ones(len(nats))])
    drawn = sums @ draws(sums.shape[1])
    low, high = np.percentile(drawn[0] / drawn[1], [2.5, 97.5]).tolist()
    return {"difference": float((nats - other).mean()), "interval": [low, high], "beyond_noise": low > 0 or high < 0}


def by_kind(vocab: Vocab, ids: Array, nats: Array) -> list[dict[str, Any]]:
    """Loss of each kind of character that occurs: how many there are, nats for each, and its share of all nats."""
    kinds = kinds_of(vocab)[ids]
    chars, sums = np.bincount(kinds, minlength=len(KINDS)), np.bincount(kinds, nats, len(KINDS))
    whole = max(float(sums.sum()), 1e-300)
    return [
        {"kind": name, "chars": int(n), "nats_per_char": float(s / n), "share": float(s / whole)}
        for name, n, s in zip(KINDS, chars, sums, strict=True)
        if n
    ]


def calibration(right: Array, sure: Array) -> list[dict[str, Any]]:
    """How often the first guess was right where the model was about so sure of it: bins of equal width (Guo 2017)."""
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    chars = np.bincount(bins, minlength=BINS)
    hits, sums = np.bincount(bins, right, BINS), np.bincount(bins, sure, BINS)
    return [
        {"chars": int(n), "sure": float(s / n), "right": float(h / n)}
        for n, s, h in zip(chars, sums, hits, strict=True)
        if n
    ]


def by_position(model: LanguageModel, ids: Array) -> list[dict[str, Any]]:
    """Loss by the number of characters read since a fresh state, from up to WINDOWS starts spread over the text.

    Each is read on for LONGEST characters, or a quarter of a short text. Positions 1, 2, 3-4, 5-8 ... are pooled.
    """
    length = min(LONGEST, -(-len(ids) // 4))
    starts = np.unique(np.linspace(0, len(ids) - length, WINDOWS).astype(np.int64))
    text = ids[starts + np.arange(length)[:, None]].astype(np.int64)  # (length, windows)
    sums = np.zeros(length)
    state, every = model.start(len(starts)), np.arange(len(starts))
    sums[0] = -log_softmax_(np.array(model.predict(state)))[every, text[0]].sum()
    steps = max(CHUNK * STREAMS // len(starts), 1)  # as much memory as a text scored in parallel takes
    for begin in range(0, length - 1, steps):
        piece = text[begin : min(begin + steps, length - 1)]
        logs = log_softmax_(np.array(model.feed(piece, state)))
        targets = text[begin + 1 : begin + 1 + len(piece)]
        sums[begin + 1 : begin + 1 + len(piece)] = -np.take_along_axis(logs, targets[..., None], 2).sum(axis=(1, 2))
    found, first = [], 0
    while first < length:
        last = min(max(2 * first, first + 1), length)
        mean = float(sums[first:last].sum()) / (last - first) / len(starts)
        found.append({"first": first + 1, "last": last, "nats_per_char": mean})
        first = last
    return found


def shown(vocab: Vocab, ids: Array, escape: bool = False) -> str:
    """Ids as text to look at: of bytes, what is no UTF-8 as escapes; with `escape`, control characters too, and \\."""
    text = vocab.decode(ids).replace("\\", "\\\\") if escape else vocab.decode(ids)
    text = vocab.to_bytes(text).decode("utf-8", "backslashreplace") if vocab.tokens == "byte" else text
    return visible(text, keep="") if escape else text


def worst(vocab: Vocab, ids: Array, nats: Array) -> list[dict[str, Any]]:
    """The passages of WIDTH characters that cost most, none overlapping another, with what stands around them."""
    width = min(WIDTH, len(ids))
    sums = np.concatenate([[0.0], np.cumsum(nats)])
    means = (sums[width:] - sums[:-width]) / width
    found = []
    for _ in range(WORST):
        at = int(means.argmax())
        if means[at] == -np.inf:
            break
        parts = (ids[max(at - AROUND, 0) : at], ids[at : at + width], ids[at + width : at + width + AROUND])
        before, text, after = (shown(vocab, part) for part in parts)
        cost = float(means[at])
        found.append({"at": at, "nats_per_char": cost, "before": before, "text": text, "after": after})
        means[max(at - width + 1, 0) : at + width] = -np.inf
    return found


def guesses(model: LanguageModel, ids: Array) -> tuple[Array, Array, Array]:
    """Each character's nats (len,), and the model's BEST likeliest guesses in its place, likeliest first: their ids and
    their probabilities, both (len, up to BEST). Read in one pass, from the state before any character."""
    nats, best, chance = [], [], []
    for positions, rows in predictions(model, ids, streams=1):
        order = np.argsort(-rows, axis=1, kind="stable")[:, :BEST]
        nats.append(-rows[np.arange(len(rows)), ids[positions]])
        best.append(order)
        chance.append(np.exp(np.take_along_axis(rows, order, 1)))
    return np.concatenate(nats), np.concatenate(best), np.concatenate(chance)


# -- tables for other programs ------------------------------------------------------------------------------------


def per_char(vocab: Vocab, ids: Array, scores: Scores) -> Iterator[str]:
    """Lines of a tab-separated table: each character, escaped, its place, bits, and rank (1: the first guess)."""
    yield "position\tcharacter\tbits\trank\n"
    names = [shown(vocab, np.array([k]), escape=True) for k in range(vocab.size)]
    ranks = np.zeros(len(ids)) if scores.rank is None else scores.rank.astype(np.int64) + 1
    for begin in range(0, len(ids), 1 << 16):
        part = slice(begin, begin + (1 << 16))
        rows = zip(ids[part].tolist(), (scores.nats[part] / log(2)).tolist(), ranks[part].tolist(), strict=True)
        yield "".join(f"{at}\t{names[k]}\t{bits:.6f}\t{rank}\n" for at, (k, bits, rank) in enumerate(rows, begin))


def per_line(vocab: Vocab, ids: Array, nats: Array) -> Iterator[str]:
    """Lines of a tab-separated table: each line of the text, with its characters, newline included, and bits."""
    yield "line\tchars\tbits\tbits_per_char\ttext\n"
    newline = vocab.symbols.find("\n")
    ends = np.flatnonzero(ids == newline) + 1 if newline >= 0 else np.zeros(0, np.int64)
    cuts = np.unique(np.concatenate([[0], ends, [len(ids)]]))
    sums = np.add.reduceat(nats, cuts[:-1]) / log(2)
    for number, (first, stop, bits) in enumerate(zip(cuts[:-1], cuts[1:], sums, strict=True), 1):
        text = shown(vocab, ids[first:stop][ids[first:stop] != newline], escape=True)
        yield f"{number}\t{stop - first}\t{bits:.6f}\t{bits / (stop - first):.6f}\t{text}\n"
