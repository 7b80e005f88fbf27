"""The report of `charrnn eval` on classifiers and taggers: a split scored by one or several models, and baselines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleCorpus, ExampleSplit, present
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation.predicting import check_voters, split_scores, thresholds_of
from charrnn.evaluation.rank_metrics import best_threshold
from charrnn.evaluation.task_baselines import answer_baselines, class_baselines, mean_row, tag_baselines
from charrnn.evaluation.task_figures import (
    TaskFigures,
    answer_figures,
    class_figures,
    numeric_figures,
    tagger_figures,
)
from charrnn.evaluation.task_results import TaskAssessment, TaskRow
from charrnn.models import TaskModel


@dataclass(frozen=True)
class ScoredModel:
    """A model with the examples to score, both in its own vocabulary.

    Attributes:
        name: what tables call it.
        model: a classifier or tagger.
        split: the examples; the same ones for every model of a report.
        corpus: the examples that it was trained on, if they can be read.
    """

    name: str
    model: TaskModel
    split: ExampleSplit
    corpus: ExampleCorpus | None = None


def assess_task(scored: Sequence[ScoredModel], baselines: bool = False) -> tuple[TaskAssessment, Array]:
    """Score examples by one or more models.

    Arguments:
        scored: the models; if there are several, they vote too.
        baselines: whether simpler models are fitted; the first model needs its corpus for them.

    Returns:
        The report; and the probabilities or numbers of the model, or of the vote: (n, C), of the U units of a tagger
        (U, C).

    Raises:
        TextError: there is nothing to score.
        CheckpointError: the models cannot vote, or a corpus is missing.
    """
    first = scored[0]
    split, model = first.split, first.model
    check_scorable(scored)
    votes = [split_scores(own.model, own.split) for own in scored]
    mean = np.mean(votes, axis=0) if len(votes) > 1 else votes[0]
    name = first.name if len(votes) == 1 else f"vote of {len(votes)}"
    figures = figures_of(name, [*scored], mean)
    rows = [figures.row]
    if len(votes) > 1:
        rows = [*(figures_of(own.name, [own], p).row for own, p in zip(scored, votes, strict=True)), figures.row]
    output = model.network.task.output
    if output == "linear":
        rows.append(mean_row(split, model.labels))
    if baselines:
        rows += baseline_rows(first)
    report = TaskAssessment(
        text=split.name,
        task="tag" if model.network.task.tag else "classify",
        output=output,
        examples=len(split),
        symbols=len(split.examples.ids),
        unknown=split.unknown,
        rows=rows,
        scored=name,
        labels=figures.labels,
        mistakes=figures.mistakes,
        answers=figures.answers,
        numbers=figures.numbers,
        tags=figures.tags,
        spans=figures.spans,
    )
    return report, mean


def check_scorable(scored: Sequence[ScoredModel]) -> None:
    """Raises: TextError without examples or targets, CheckpointError where models cannot vote on these examples."""
    check_voters([own.model for own in scored])
    split = scored[0].split
    targets = split.examples.targets if split.units is None else split.units.targets
    if not present(targets).any():
        raise TextError(f"{split.name}: there is no example with a target that the model knows, so nothing to score")
    for other in scored[1:]:
        if [row.place for row in other.split.rows] != [row.place for row in split.rows]:
            raise CheckpointError(
                f"{other.name}: trained on other examples or another split than {scored[0].name}; name a FILE that is "
                f"new to all of them"
            )


def figures_of(name: str, voters: Sequence[ScoredModel], scores: Array) -> TaskFigures:
    """The figures of probabilities or numbers that voters gave to the examples of the first of them."""
    first = voters[0]
    split, labels, output = first.split, first.model.labels, first.model.network.task.output
    if first.model.network.task.tag:
        train = first.corpus.train if first.corpus else None
        return tagger_figures(name, scores, split, labels, first.model.rules, train)
    if output == "softmax":
        return class_figures(name, scores, split, labels)
    if output == "linear":
        return numeric_figures(name, scores, split, labels)
    return answer_figures(name, scores, split, labels, fitted_thresholds(voters))


def fitted_thresholds(voters: Sequence[ScoredModel]) -> Array:
    """For each yes/no label the threshold with the best F1 on the validation split, (C,).

    It is the one that a model was saved with. A vote is fitted here, if the examples can be read.
    """
    count = len(voters[0].model.labels)
    stored = thresholds_of([own.model for own in voters])
    if len(voters) == 1 and voters[0].model.thresholds:
        return stored
    valid = [own.corpus.valid for own in voters if own.corpus is not None]
    if len(valid) < len(voters) or not len(valid[0]):
        return stored
    scores = np.mean([split_scores(own.model, part) for own, part in zip(voters, valid, strict=True)], axis=0)
    truth = valid[0].examples.targets
    return np.array([best_threshold(truth[:, k], scores[:, k]) for k in range(count)])


def baseline_rows(scored: ScoredModel) -> Iterator[TaskRow]:
    """The rows of the baselines."""
    if scored.corpus is None:
        raise CheckpointError(f"{scored.name}: baselines need the examples that it was trained on")
    if scored.model.network.task.tag:
        return tag_baselines(scored.split, scored.corpus, scored.model.rules)
    output = scored.model.network.task.output
    if output == "softmax":
        return class_baselines(scored.split, scored.corpus)
    return answer_baselines(scored.split, scored.corpus) if output == "sigmoid" else iter(())
