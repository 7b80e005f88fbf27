"""The report of `charrnn eval` on translators: pairs that one or several of them were asked for, and baselines.

Shapes: n pairs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data import PairCorpus, PairSplit
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation.joint_ngram import fit_joint_ngram, sequences
from charrnn.evaluation.resampling import interval_of
from charrnn.evaluation.task_figures import different_ones
from charrnn.evaluation.task_results import Measure, Mistake, TaskRow
from charrnn.evaluation.translation_losses import target_losses
from charrnn.evaluation.translation_metrics import (
    Edits,
    Symbols,
    any_target_measure,
    edit_measures,
    group_of,
    length_groups,
    most_frequent_replacements,
)
from charrnn.evaluation.translation_results import TranslationAssessment
from charrnn.generation import Answers, check_writers, translate
from charrnn.models import TranslateModel

MAX_LOOKED_AT = 1000  # mistakes; equal ones among them are shown once


@dataclass(frozen=True)
class ScoredTranslator:
    """A translator with the pairs to score, both in its own symbols.

    Attributes:
        name: what tables call it.
        model: the translator.
        split: the pairs; the same ones for every model of a report.
        corpus: the pairs that it was trained on, if they can be read.
    """

    name: str
    model: TranslateModel
    split: PairSplit
    corpus: PairCorpus | None = None


def assess_translation(
    scored: Sequence[ScoredTranslator], baselines: bool = False, beam: int = 1
) -> tuple[TranslationAssessment, list[Answers]]:
    """Score what one or more translators write.

    Arguments:
        scored: the models; if there are several, they vote too.
        baselines: whether simpler models are fitted; the first model needs its corpus for them.
        beam: how many beginnings of each target are kept; 1 is greedy.

    Returns:
        The report; and the answers of the model, or of the vote.

    Raises:
        TextError: there is nothing to score.
        CheckpointError: the models cannot vote, or a corpus is missing.
    """
    first = scored[0]
    split = first.split
    check_scorable(scored)
    rows = []
    if len(scored) > 1:
        rows = [_row(own.name, [own], _written([own], beam)) for own in scored]
    name = first.name if len(scored) == 1 else f"vote of {len(scored)}"
    answers = _written(scored, beam)
    rows.append(_row(name, scored, answers))
    if baselines:
        rows += baseline_rows(first)
    symbols = [own.symbols for own in answers]
    edits = Edits.of(split.targets, symbols)
    groups = length_groups(split.examples.lengths, edits)
    if first.corpus is not None:
        train = {*first.corpus.train.sources}
        seen = np.array([source in train for source in split.sources])
        groups += [
            group_of("seen in training", edits.chosen(seen)),
            group_of("not seen in training", edits.chosen(~seen)),
        ]
    report = TranslationAssessment(
        text=split.name,
        examples=len(split),
        symbols=len(split.examples.ids),
        unknown=split.unknown,
        sources=len({*split.sources}),
        unwritable=split.unwritable,
        beam=beam,
        rows=rows,
        scored=name,
        groups=groups,
        replacements=most_frequent_replacements(split.targets, symbols),
        mistakes=surest_mistakes(first.model, split, answers, edits),
        cut=sum(own.hypotheses[0].cut for own in answers if own.hypotheses),
    )
    return report, answers


def check_scorable(scored: Sequence[ScoredTranslator]) -> None:
    """Raises: TextError without pairs, CheckpointError where models cannot vote on these pairs."""
    check_writers([own.model for own in scored])
    split = scored[0].split
    if not len(split):
        raise TextError(f"{split.name}: there is no example in it, so nothing to score")
    for other in scored[1:]:
        if [row.place for row in other.split.rows] != [row.place for row in split.rows]:
            raise CheckpointError(
                f"{other.name}: trained on other examples or another split than {scored[0].name}; name a FILE that is "
                f"new to all of them"
            )


def _written(voters: Sequence[ScoredTranslator], beam: int) -> list[Answers]:
    return translate([own.model for own in voters], [own.split.examples for own in voters], beam)


def _row(name: str, voters: Sequence[ScoredTranslator], answers: Sequence[Answers]) -> TaskRow:
    """The loss of one model or of a vote, and the figures of what it writes."""
    losses, counts = target_losses([own.model for own in voters], [own.split.examples for own in voters])
    sums = np.stack([losses, counts], axis=1)

    def mean(weights: Array) -> Array:
        total, number = (weights @ sums).T
        values: Array = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        return values

    loss = Measure("loss", float(losses.sum() / counts.sum()), interval_of(mean, len(losses)))
    return TaskRow(name, (loss, *written_measures(voters[0].split, [own.symbols for own in answers])))


def written_measures(split: PairSplit, answers: Sequence[Symbols]) -> tuple[Measure, ...]:
    """The figures of answers, which are the same for equal sources."""
    edits = Edits.of(split.targets, answers)
    return (*edit_measures(edits), *any_target_measure(split.sources, split.targets, edits))


def surest_mistakes(model: TranslateModel, split: PairSplit, answers: Sequence[Answers], edits: Edits) -> list[Mistake]:
    """The wrong answers that are most probable, most probable first."""
    p = np.array([own.probability if own.hypotheses else 0.0 for own in answers])
    wrong = np.flatnonzero(~edits.right)
    chosen = wrong[np.argsort(-p[wrong], kind="stable")][:MAX_LOOKED_AT].tolist()
    return different_ones(
        [
            Mistake(
                place=split.rows[k].place,
                text=" ".join([split.rows[k].source, *split.rows[k].features]),
                truth=model.spell(split.targets[k]),
                predicted=answers[k].text,
                probability=float(p[k]),
            )
            for k in chosen
        ]
    )


def baseline_rows(scored: ScoredTranslator) -> Iterator[TaskRow]:
    """The rows of the baselines.

    They are the symbols of the source itself, without its tags; the most frequent target that the source has in
    training, else the source itself; and what a joint n-gram writes, if there is a validation split to choose it and
    its units are not too many.
    """
    if scored.corpus is None:
        raise CheckpointError(f"{scored.name}: baselines need the examples that it was trained on")
    split, corpus = scored.split, scored.corpus
    copies = [scored.model.rules.source_of(row.source) for row in split.rows]
    yield TaskRow("the source itself", written_measures(split, copies))
    counts: dict[tuple[str, ...], Counter[tuple[str, ...]]] = {}
    for source, target in zip(corpus.train.sources, corpus.train.targets, strict=True):
        counts.setdefault(source, Counter())[target] += 1
    frequent = {source: own.most_common(1)[0][0] for source, own in counts.items()}
    answers = [frequent.get(source, copy) for source, copy in zip(split.sources, copies, strict=True)]
    yield TaskRow("its most frequent target, else itself", written_measures(split, answers))
    joint = fit_joint_ngram(corpus) if len(corpus.valid) else None
    if joint:
        targets = joint.translate(sequences(*corpus.source.encode(split.sources)))
        answers = [tuple(corpus.target.decode(own)) for own in targets]
        yield TaskRow(f"joint {joint.order}-gram", written_measures(split, answers))
