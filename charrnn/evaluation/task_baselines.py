"""The baselines of a report on a classifier or tagger, each as a row; see label_baselines.py for the models themselves.

Shapes: n examples, C labels or columns, U units of a tagger.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array
from charrnn.data import ExampleCorpus, ExampleRules, Examples, ExampleSplit, Labels, has_span_labels
from charrnn.evaluation.label_baselines import (
    TaggedWords,
    majority,
    most_frequent_by_unit,
    most_frequent_by_word,
)
from charrnn.evaluation.label_metrics import label_figures
from charrnn.evaluation.longest_match import longest_match_labels
from charrnn.evaluation.rank_metrics import best_threshold
from charrnn.evaluation.spans import span_figures
from charrnn.evaluation.tag_metrics import NO_WORD
from charrnn.evaluation.task_figures import (
    answer_figures,
    class_figures,
    count_tags,
    label_measures,
    numeric_figures,
    split_words,
    tag_measures,
)
from charrnn.evaluation.task_results import TaskRow
from charrnn.evaluation.units import has_tokens, unit_spellings
from charrnn.models import NGramClassifier, choose_order

MAX_ORDER = 8  # of n-grams


def mean_row(split: ExampleSplit, labels: Labels) -> TaskRow:
    """The row of always predicting the mean of the training split, for numbers."""
    numbers = np.tile(np.array(labels.means), (len(split), 1))
    return numeric_figures("mean of the training split", numbers, split, labels).row


def class_baselines(split: ExampleSplit, corpus: ExampleCorpus) -> Iterator[TaskRow]:
    """The most frequent label, and an n-gram model for each label."""
    train, names = corpus.train.examples, corpus.labels.names
    truth = split.examples.targets
    common = majority(train.targets, len(names))
    found = label_figures(truth, np.full(len(truth), common), names)
    yield TaskRow(f"always {names[common]}", label_measures(found))
    model = choose_order(corpus.vocab, train, corpus.valid.examples, len(names), MAX_ORDER).model
    p = np.exp(model.log_p(split.examples.ids, split.examples.bounds))
    yield class_figures(f"n-grams of order {model.order}, Bayes' rule", p, split, corpus.labels).row


def answer_baselines(split: ExampleSplit, corpus: ExampleCorpus) -> Iterator[TaskRow]:
    """For each yes/no label an n-gram model of those who say yes, and one of those who say no."""
    valid = corpus.valid
    scores, thresholds = [], []
    for k in range(len(corpus.labels)):
        answers, held_out = _of_label(corpus.train.examples, k), _of_label(valid.examples, k)
        model = choose_order(corpus.vocab, answers, held_out, 2, MAX_ORDER).model
        scores.append(_p_yes(model, split))
        thresholds.append(best_threshold(valid.examples.targets[:, k], _p_yes(model, valid)) if len(valid) else 0.5)
    p = np.stack(scores, axis=1)
    yield answer_figures("n-grams, Bayes' rule", p, split, corpus.labels, np.array(thresholds)).row


def _of_label(examples: Examples, label: int) -> Examples:
    """The examples for which a yes/no label is given, with the answer, 1 or 0, as their target."""
    own = examples.chosen(np.flatnonzero(~np.isnan(examples.targets[:, label])))
    return replace(own, targets=own.targets[:, label].astype(np.int64))


def _p_yes(model: NGramClassifier, split: ExampleSplit) -> Array:
    p: Array = np.exp(model.log_p(split.examples.ids, split.examples.bounds)[:, 1])
    return p


def tag_baselines(split: ExampleSplit, corpus: ExampleCorpus, rules: ExampleRules) -> Iterator[TaskRow]:
    """The most frequent label of each unit; the most frequent labels of each word, if a word is several units; and for
    segments the longest match with the training words.
    """
    train, test = _tagged_words(corpus.train, rules), _tagged_words(split, rules)
    spelled = unit_spellings(split, rules)
    units, names = split.units, corpus.labels.names
    assert units is not None
    tokens = has_tokens(rules)
    baselines = {"token" if tokens else "symbol": most_frequent_by_unit}
    if not tokens:
        baselines["word"] = most_frequent_by_word

    def row(name: str, predicted: Array) -> TaskRow:
        tags = count_tags(predicted == units.targets, spelled, split, rules, None)
        spans = span_figures(units.targets, predicted, units.example, names) if has_span_labels(names) else None
        return TaskRow(name, tag_measures(tags, spans, tokens))

    for what, labels_of in baselines.items():
        predicted = [label for own in labels_of(train, test, len(names)) for label in own]
        yield row(f"most frequent label of each {what}", np.array(predicted, np.int64))
    if rules.scheme == "segments":
        yield row("longest match with the training words", longest_match_labels(split, corpus, rules))


def _tagged_words(split: ExampleSplit, rules: ExampleRules) -> TaggedWords:
    """The words of a split with their units and labels, in order; a blank between them is a word too."""
    assert split.units is not None
    spelled = unit_spellings(split, rules)
    of_unit = split_words(spelled, split, rules).of_unit
    first = np.ones(len(of_unit), bool)
    first[1:] = (of_unit[1:] != of_unit[:-1]) | (of_unit[1:] == NO_WORD)
    starts = np.flatnonzero(first).tolist()
    edges = [*starts, len(of_unit)]
    targets = split.units.targets.tolist()
    ranges = [*pairwise(edges)]
    units = [spelled[begin:stop] for begin, stop in ranges]
    return TaggedWords(["".join(own) for own in units], units, [tuple(targets[begin:stop]) for begin, stop in ranges])
