"""What the scores of a text say: figures with intervals, kinds of character, calibration, memory, worst passages.

Pure functions of the nats and ranks that evaluate.py collects; all results are plain dicts and lists, as `--json`
prints them. Shapes: len characters, V vocabulary, K blocks, R draws of the bootstrap. It prints nothing.

"""

import unicodedata
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.data import Vocab
from charrnn.errors import visible
from charrnn.evaluation.bootstrap import draws, sum_blocks
from charrnn.evaluation.scoring import CHUNK, STREAMS, Scores
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_

KINDS = ("letters", "spaces", "newlines", "digits", "punctuation", "other")


BINS = 10  # of the calibration


WINDOWS, LONGEST = 256, 512  # fresh starts for the loss by position, and how far each reads


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


def intervals(sums: Array) -> dict[str, list[float]]:
    """95 % intervals of all figures: the block bootstrap (Carlstein 1986), percentiles of DRAWS resamples of blocks."""
    drawn = figures(sums @ draws(sums.shape[1]))
    return {name: np.percentile(values, [2.5, 97.5]).tolist() for name, values in drawn.items()}


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
