"""Targets of many sources, by one translator or several: greedy, or by beam search.

An empty source has no target. A target has at most MAX_FACTOR symbols for each symbol of its source and MAX_MORE more.
Sources of similar length are read together, as many as memory allows; what is written does not depend on that.

Shapes: n sources, B beginnings of each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, nan

import numpy as np

from charrnn.arrays import Array
from charrnn.data import PairExamples
from charrnn.errors import CheckpointError
from charrnn.generation.beams import Hypothesis, beam_search
from charrnn.generation.voters import Voters
from charrnn.models import TranslateModel
from charrnn.processes import Map

MAX_FACTOR, MAX_MORE = 2, 50  # of the bound on the length of a target
MAX_SOURCES = 512  # read together
MAX_BYTES = 1 << 28  # that they may take


@dataclass(frozen=True)
class Answer:
    """A target that was written.

    Attributes:
        text: as the training file spells targets.
        symbols: what it consists of.
        probability: of all of it, its end included.
        cut: whether it was longer than the bound; then `probability` is that of the symbols that are there.
    """

    text: str
    symbols: tuple[str, ...]
    probability: float
    cut: bool = False


@dataclass(frozen=True)
class Answers:
    """The targets that were written for one source, the likeliest first; none for an empty source."""

    hypotheses: tuple[Answer, ...]

    @property
    def text(self) -> str:
        """The likeliest target, or nothing."""
        return self.hypotheses[0].text if self.hypotheses else ""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the likeliest target, or none."""
        return self.hypotheses[0].symbols if self.hypotheses else ()

    @property
    def probability(self) -> float:
        """The probability of the likeliest target; NaN without one."""
        return self.hypotheses[0].probability if self.hypotheses else nan


def translate_texts(
    models: Sequence[TranslateModel],
    texts: Sequence[str],
    features: Sequence[Sequence[str]] | None = None,
    beam: int = 1,
    top: int = 1,
) -> list[Answers]:
    """Write the targets of texts, in their order.

    Arguments:
        models: one, or several that vote.
        texts: as they are; they are folded as the training text was.
        features: for each text the cells of its feature columns, if the models have any.
        beam, top: as for translate().

    Raises:
        CheckpointError: a model writes no targets, or the models cannot vote.
    """
    check_writers(models)
    return translate(models, [model.encode(texts, features) for model in models], beam, top)


def check_writers(models: Sequence[object]) -> None:
    """Raises: CheckpointError where models cannot vote: one is of another kind, or their symbols differ."""
    writers = [model for model in models if isinstance(model, TranslateModel)]
    if len(writers) < len(models):
        raise CheckpointError("models vote only if all of them write a text for each source; one of these does not")
    if not writers:
        raise CheckpointError("no model is given; give one at least")
    first, *others = writers
    for other in others:
        if other.target != first.target or other.rules.target_symbols != first.rules.target_symbols:
            raise CheckpointError("models vote only if they write the same symbols; these do not")
        if len(other.rules.layout.features) != len(first.rules.layout.features):
            raise CheckpointError("models vote only if they read the same columns; these do not")


def translate(
    models: Sequence[TranslateModel],
    examples: Sequence[PairExamples],
    beam: int = 1,
    top: int = 1,
    spread: Map = map,
) -> list[Answers]:
    """Write the targets of sources.

    Arguments:
        models: one, or several that vote: each step has the mean of their probabilities.
        examples: the sources, for each model in its own vocabulary; their targets are not used.
        beam: B; 1 is greedy. It is never less than `top`.
        top: how many different targets of each source.
        spread: calls a function for each batch, as map() does.

    Returns:
        The targets, in the order of the sources.
    """
    written = [Answers(())] * len(examples[0])
    beam = max(beam, top)
    batches = list(source_batches(models, examples, beam))
    for rows, found in zip(batches, spread(partial(_write, models, examples, beam, top), batches), strict=True):
        for row, own in zip(rows.tolist(), found, strict=True):
            written[row] = own
    return written


def _write(
    models: Sequence[TranslateModel], examples: Sequence[PairExamples], beam: int, top: int, rows: Array
) -> list[Answers]:
    """The targets of the sources at some positions."""
    voters = read_sources(models, examples, rows)
    limits = MAX_FACTOR * examples[0].lengths[rows] + MAX_MORE
    found = beam_search(voters, limits, beam, top, models[0].target.last_id)
    return [Answers(tuple(_answer(models[0], hypothesis) for hypothesis in own)) for own in found]


def _answer(model: TranslateModel, found: Hypothesis) -> Answer:
    symbols = tuple(model.target.decode(found.ids))
    return Answer(model.spell(symbols), symbols, exp(found.log_p), found.cut)


def read_sources(models: Sequence[TranslateModel], examples: Sequence[PairExamples], rows: Array) -> Voters:
    """Have all models read the sources at these positions."""
    encoded = [model.read(own, rows) for model, own in zip(models, examples, strict=True)]
    return Voters([model.network for model in models], encoded)


def source_batches(models: Sequence[TranslateModel], examples: Sequence[PairExamples], beam: int) -> Iterator[Array]:
    """Yield the positions of sources that are read together, the longest first; an empty source is in none."""
    lengths = np.min([own.lengths for own in examples], axis=0)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]
    first = 0
    while first < len(order):
        longest = int(lengths[order[first]])
        each = sum(model.bytes_each(longest, beam) for model in models)
        size = min(MAX_SOURCES, max(MAX_BYTES // each, 1))
        yield order[first : first + size]
        first += size
