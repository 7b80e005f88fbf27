"""What the scores of a text say: figures with intervals, kinds of character, calibration, memory, worst passages.

All but the loss by position are pure functions of the nats and ranks of each character; nothing is printed here.
Shapes: len characters, V vocabulary, K blocks and R resamples of the bootstrap.
"""

import unicodedata
from math import log

import numpy as np

from charrnn.arrays import Array
from charrnn.data import END, Vocab
from charrnn.evaluation.bootstrap import draws, interval, sum_blocks
from charrnn.evaluation.characters import shown
from charrnn.evaluation.documents import bounds, worst_documents
from charrnn.evaluation.results import (
    Analysis,
    CalibrationBin,
    Figures,
    Interval,
    KindLoss,
    PositionLoss,
    WorstPassage,
)
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import CHUNK_STEPS
from charrnn.evaluation.streams import MAX_STREAMS
from charrnn.models import LanguageModel
from charrnn.nn import log_softmax_

KINDS = ("letters", "spaces", "newlines", "digits", "punctuation", "other", "ends")
KIND_OF_CATEGORY = {  # first letter of a Unicode category -> kind
    "L": "letters",
    "M": "letters",
    "N": "digits",
    "Z": "spaces",
    "P": "punctuation",
    "S": "punctuation",
}
MAX_LOG_PERPLEXITY = 700  # exp() of more overflows
CODE_POINTS = 1_114_112  # of Unicode
CALIBRATION_BINS = 10
POSITION_WINDOWS = 256  # fresh starts for the loss by position
POSITION_CHARS = 512  # characters read from each
PASSAGE_CHARS = 64  # length of a worst passage
CONTEXT_CHARS = 40  # characters shown before and after it
WORST_PASSAGES = 5


def analyse(vocab: Vocab, ids: Array, scores: Scores, unknown: int = 0) -> Analysis:
    """All results that need only the scores of ids (len,); `unknown` characters had been left out of the text."""
    sums = block_sums(vocab, ids, scores)
    bins: list[CalibrationBin] = []
    error = None
    if scores.rank is not None and scores.confidence is not None:
        bins = calibration(scores.rank == 0, scores.confidence)
        error = sum([each.chars * abs(each.confidence - each.accuracy) for each in bins]) / len(ids)
    return Analysis(
        chars=len(ids),
        unknown_chars=unknown,
        figures=whole_text(sums),
        intervals=intervals(sums),
        kinds=by_kind(vocab, ids, scores.nats),
        worst=[] if vocab.end else worst(vocab, ids, scores.nats),
        calibration=bins,
        calibration_error=error,
        charged=charged(vocab, scores.nats, unknown),
        documents=len(bounds(vocab, ids)[0]) if vocab.end else None,
        worst_documents=worst_documents(vocab, ids, scores.nats) if vocab.end else [],
    )


def charged(vocab: Vocab, nats: Array, unknown: int) -> float:
    """Nats per character, where each unknown character costs ln(1,114,112): a guess among all of Unicode.

    Without it a model would look the better the fewer characters it knows. `nats`: (len,), of those that it knows. If
    the vocabulary has an unknown character, that one was scored already, and the guess comes on top.
    """
    chars = len(nats) if vocab.has_unknown else len(nats) + unknown
    return float(nats.sum() + unknown * log(CODE_POINTS)) / chars


def kinds_of(vocab: Vocab) -> Array:
    """The kind of every id as an index into KINDS, (V,).

    Bytes beyond ASCII and the unknown character are `other`. END, which ends documents, is a kind of its own.
    """
    kinds = np.full(vocab.size, KINDS.index("other"))
    for k, symbol in enumerate(vocab.symbols):
        if vocab.tokens == "char" or symbol.isascii():
            kinds[k] = KINDS.index(kind_of(symbol))
    if vocab.end == END:
        kinds[vocab.end_id] = KINDS.index("ends")
    return kinds


def kind_of(symbol: str) -> str:
    """The kind of a character, by its Unicode category."""
    category = unicodedata.category(symbol)
    if symbol in "\n\r\v\f\x85" or category in ("Zl", "Zp"):
        return "newlines"
    return "spaces" if symbol == "\t" else KIND_OF_CATEGORY.get(category[0], "other")


def block_sums(vocab: Vocab, ids: Array, scores: Scores) -> Array:
    """What figures() needs of each block: chars, nats, bytes, words, documents, how often top 1 and 5 were right.

    A word is a run of characters that are neither spaces nor newlines nor ends. It counts in the block where it begins.

    Returns: (7, K), or (5, K) where the scores have no ranks.
    """
    blank = np.isin(kinds_of(vocab), [KINDS.index(kind) for kind in ("spaces", "newlines", "ends")])[ids]
    words = ~blank & np.concatenate([[True], blank[:-1]])
    documents, begins = np.zeros(len(ids)), bounds(vocab, ids)[0] if vocab.end else None
    if begins is not None:
        documents[begins] = 1
    rows: list[Array] = [np.ones(len(ids)), scores.nats, vocab.byte_lengths()[ids], words, documents]
    if scores.rank is not None:
        rows += [scores.rank < 1, scores.rank < 5]
    return sum_blocks(rows, begins)


def figures(sums: Array) -> Figures[Array]:
    """The figures, each (R,), of R texts whose sums are the columns of (7, R) or (5, R), in the order of block_sums().

    The word perplexity is exp(nats / words): the loss of all characters, blanks included, goes to the words.
    """
    chars, nats, size, words, documents, *correct = sums
    return Figures(
        nats_per_char=nats / chars,
        bits_per_char=nats / chars / log(2),
        bits_per_byte=nats / size / log(2),
        perplexity=np.exp(np.minimum(nats / chars, MAX_LOG_PERPLEXITY)),
        word_perplexity=np.exp(np.minimum(nats / np.maximum(words, 1), MAX_LOG_PERPLEXITY)),
        top1=correct[0] / chars if correct else None,
        top5=correct[1] / chars if correct else None,
        nats_per_document=nats / documents if documents.any() else None,
    )


def whole_text(sums: Array) -> Figures[float]:
    """The figures of the whole text, from the sums of its blocks."""
    return figures(sums.sum(axis=1, keepdims=True)).map(lambda values: float(values[0]))


def intervals(sums: Array) -> Figures[Interval]:
    """The 95 % interval of every figure, from the sums of the text's blocks."""
    return figures(sums @ draws(sums.shape[1])).map(interval)


def by_kind(vocab: Vocab, ids: Array, nats: Array) -> list[KindLoss]:
    """The loss of each kind of character that occurs in the text."""
    kinds = kinds_of(vocab)[ids]
    chars = np.bincount(kinds, minlength=len(KINDS))
    sums = np.bincount(kinds, nats, len(KINDS))
    total = max(float(sums.sum()), 1e-300)
    return [
        KindLoss(name, int(count), float(loss / count), float(loss / total))
        for name, count, loss in zip(KINDS, chars, sums, strict=True)
        if count
    ]


def calibration(correct: Array, confidence: Array) -> list[CalibrationBin]:
    """How often the most likely character was right, by the probability that it had (Guo et al. 2017).

    Arguments: `correct`, whether it was right, and `confidence`, its probability, both (len,).

    Returns: the bins of equal width that are not empty.
    """
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    chars = np.bincount(bins, minlength=CALIBRATION_BINS)
    hits = np.bincount(bins, correct, CALIBRATION_BINS)
    sums = np.bincount(bins, confidence, CALIBRATION_BINS)
    return [
        CalibrationBin(int(count), float(total / count), float(right / count))
        for count, total, right in zip(chars, sums, hits, strict=True)
        if count
    ]


def by_position(model: LanguageModel, ids: Array) -> list[PositionLoss]:
    """The loss of each character after a fresh state, from up to POSITION_WINDOWS starts spread over the text.

    Each window has POSITION_CHARS characters, or a quarter of a short text. Positions 1, 2, 3-4, 5-8 ... are pooled.
    """
    length = min(POSITION_CHARS, -(-len(ids) // 4))
    starts = np.unique(np.linspace(0, len(ids) - length, POSITION_WINDOWS).astype(np.int64))
    sums = window_losses(model, ids[starts + np.arange(length)[:, None]].astype(np.int64))
    pooled, first = [], 0
    while first < length:
        last = min(max(2 * first, first + 1), length)
        mean = float(sums[first:last].sum()) / (last - first) / len(starts)
        pooled.append(PositionLoss(first + 1, last, mean))
        first = last
    return pooled


def window_losses(model: LanguageModel, text: Array) -> Array:
    """-ln p of each position of windows, text (length, windows), summed over the windows: (length,)."""
    length, windows = text.shape
    sums = np.zeros(length)
    state = model.start(windows)
    sums[0] = -log_softmax_(np.array(model.predict(state)))[np.arange(windows), text[0]].sum()
    steps = max(CHUNK_STEPS * MAX_STREAMS // windows, 1)  # as much memory as scoring a long text takes
    for begin in range(0, length - 1, steps):
        read = text[begin : min(begin + steps, length - 1)]
        logs = log_softmax_(np.array(model.feed(read, state)))
        targets = text[begin + 1 : begin + 1 + len(read)]
        losses = -np.take_along_axis(logs, targets[..., None], 2)
        sums[begin + 1 : begin + 1 + len(read)] = losses.sum(axis=(1, 2))
    return sums


def worst(vocab: Vocab, ids: Array, nats: Array) -> list[WorstPassage]:
    """The passages of PASSAGE_CHARS characters with the highest loss, none overlapping another."""
    width = min(PASSAGE_CHARS, len(ids))
    sums = np.concatenate([[0.0], np.cumsum(nats)])
    means = (sums[width:] - sums[:-width]) / width
    passages = []
    for _ in range(WORST_PASSAGES):
        start = int(means.argmax())
        stop = start + width
        if means[start] == -np.inf:
            break
        passages.append(
            WorstPassage(
                start=start,
                nats_per_char=float(means[start]),
                before=shown(vocab, ids[max(start - CONTEXT_CHARS, 0) : start]),
                text=shown(vocab, ids[start:stop]),
                after=shown(vocab, ids[stop : stop + CONTEXT_CHARS]),
            )
        )
        means[max(start - width + 1, 0) : stop] = -np.inf
    return passages
