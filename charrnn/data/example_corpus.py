"""A config's examples, ready to train on: read, checked, split, with the vocabulary and labels of the training split.

    classify   rows -> split -> vocabulary, labels -> ids, targets for each example
    tag        rows or sentences -> units -> split -> vocabulary, labels -> ids, a label for each symbol

Shapes: n examples.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from charrnn.arrays import Array
from charrnn.data.corpus import SPLIT_OF_KEY
from charrnn.data.example_rows import ExampleRows, ExampleRules, read_example_rows
from charrnn.data.example_splits import SPLIT_NAMES, group_equal, read_splits, split_examples, split_stratified
from charrnn.data.examples import ExampleSplit, classified_split, tagged_split, vocabulary_of
from charrnn.data.rows import Faults, FileText
from charrnn.data.tagging import tag_labels
from charrnn.data.targets import Labels, ReadTargets, check_labels, fit_labels, note_single_labels, read_targets
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError

PerSplit = tuple[int, int, int]  # train, valid, test


@dataclass(frozen=True)
class ExampleFacts:
    """What the header of a run says about its examples. Lengths are in symbols.

    Attributes:
        count: examples of all splits.
        shortest, median, longest: their lengths.
        splits: the examples of each split.
        labels: by label, the examples of each split that have it; for tag its units; for numbers, by column, how many
            there are.
        seen: for each split but train, how many of its inputs also stand in training.
        ambiguous: different inputs that stand in the files with different targets.
        cut, skipped: examples that were too long.
        empty: examples that were left out because they lacked a source or a target.
    """

    count: int
    shortest: int
    median: int
    longest: int
    splits: dict[str, int]
    labels: dict[str, PerSplit]
    seen: dict[str, int]
    ambiguous: int
    cut: int
    skipped: int
    empty: int = 0


@dataclass(frozen=True)
class ExampleCorpus:
    """Examples that are ready to train on.

    Attributes:
        vocab: the symbols of the training split.
        labels: what the targets stand for.
        train, valid, test: the splits.
        facts: what was read.
        fingerprint: the SHA-256 of the files of each key, where they were read from files.
    """

    vocab: Vocab
    labels: Labels
    train: ExampleSplit
    valid: ExampleSplit
    test: ExampleSplit
    facts: ExampleFacts
    fingerprint: Mapping[str, str] = field(default_factory=dict)


def build_examples(files: Mapping[str, Sequence[FileText]], rules: ExampleRules) -> ExampleCorpus:
    """Make the splits of a config's files.

    Arguments:
        files: the texts of each path of the data section, by key; all of `path` is for training if there are others.
        rules: how they are read and split.

    Raises:
        TextError: what is wrong, a line for each fault with its place; or there is too little to split.
    """
    faults = Faults(rules.empty)
    by_key = {key: read_example_rows(files[key], rules, faults) for key in SPLIT_OF_KEY if key in files}
    rows = ExampleRows()
    for own in by_key.values():
        rows = rows.joined(own)
    targets = _read_targets(rows, rules, faults)
    if targets is not None:
        note_single_labels(rows.table_rows(), targets, faults)
    faults.check()
    if not len(by_key["path"]):
        raise TextError("data.path: there is no example in it that can be used; give it some")
    chosen = _chosen(by_key, rows, targets, rules, faults)
    faults.check()
    labels = _labels(rows, targets, chosen[0], rules, faults)
    faults.check()
    parts = [rows.chosen(own) for own in chosen]
    vocab = vocabulary_of(parts[0].texts, rules.text.tokens, rules.min_count)
    train, valid, test = (
        _split(name, part, targets and targets.chosen(own), vocab, labels, rules)
        for name, part, own in zip(SPLIT_NAMES, parts, chosen, strict=True)
    )
    return ExampleCorpus(
        vocab, labels, train, valid, test, _facts(rows, targets, labels, parts, chosen, len(faults.left_out))
    )


def held_out_examples(
    files: Sequence[FileText], rules: ExampleRules, vocab: Vocab, labels: Labels, name: str
) -> ExampleSplit:
    """Read examples in the vocabulary and labels of a model; `name` is what reports call them.

    Raises:
        TextError: what is wrong, a line for each fault with its place, such as a label that the model does not know.
    """
    faults = Faults.of_model(rules.empty)
    rows = read_example_rows(files, rules, faults)
    targets = _read_targets(rows, rules, faults)
    if targets is not None:
        check_labels(rows.table_rows(), targets, labels, faults)
    faults.check()
    return replace(_split(name, rows, targets, vocab, labels, rules), empty=len(faults.left_out))


def _read_targets(rows: ExampleRows, rules: ExampleRules, faults: Faults) -> ReadTargets | None:
    """The targets of whole examples; None for tag."""
    if rules.task == "tag":
        return None
    return read_targets(rows.table_rows(), rules.output, rules.separator, faults)


def _chosen(
    by_key: Mapping[str, ExampleRows],
    rows: ExampleRows,
    targets: ReadTargets | None,
    rules: ExampleRules,
    faults: Faults,
) -> tuple[Array, Array, Array]:
    """The positions among all rows that train, validate and test."""
    if len(by_key) > 1:
        sizes = [len(by_key.get(key, ())) for key in SPLIT_OF_KEY]
        first, second, third = np.cumsum(sizes).tolist()
        return np.arange(first), np.arange(first, second), np.arange(second, third)
    if rules.split == "column":
        if rules.layout.split is None or rules.layout.format not in ("tsv", "csv", "jsonl"):
            raise TextError(f"data.split: {rules.layout.format} has no column for it here; use random")
        return read_splits(rows.table_rows(), faults)
    groups = group_equal(rows.texts)
    if rules.split == "random":
        return split_examples(groups, rules.fractions, rules.split_seed)
    if rules.output != "softmax" or targets is None or targets.names is None:
        raise TextError("data.split: stratified needs one label for each example; use random")
    classes = group_equal([name for (name,) in targets.names])
    return split_stratified(groups, classes, rules.fractions, rules.split_seed)


def _labels(
    rows: ExampleRows, targets: ReadTargets | None, chosen: Array, rules: ExampleRules, faults: Faults
) -> Labels:
    """What the targets stand for. Faults say what the training split, the rows at `chosen`, does not have."""
    if targets is None:
        return tag_labels(rows.tagged)
    train = np.zeros(len(rows), bool)
    train[chosen] = True
    columns = [*map(str, rules.layout.targets)]
    return fit_labels(rows.table_rows(), targets, train, columns, rules.output, faults)


def _split(
    name: str, rows: ExampleRows, targets: ReadTargets | None, vocab: Vocab, labels: Labels, rules: ExampleRules
) -> ExampleSplit:
    if targets is None:
        return tagged_split(name, rows, vocab, labels)
    return classified_split(name, rows, targets, vocab, labels, rules.output)


def _facts(
    rows: ExampleRows,
    targets: ReadTargets | None,
    labels: Labels,
    parts: Sequence[ExampleRows],
    chosen: Sequence[Array],
    empty: int,
) -> ExampleFacts:
    lengths = np.array([len(text) for text in rows.texts])
    train = set(parts[0].texts)
    counts = [
        _label_counts(part, targets and targets.chosen(own), labels) for part, own in zip(parts, chosen, strict=True)
    ]
    keys = targets.keys() if targets is not None else [own.labels for own in rows.tagged]
    different = {*zip(rows.texts, keys, strict=True)}
    targets_of = Counter(text for text, _ in different)
    return ExampleFacts(
        count=len(rows),
        shortest=int(lengths.min()),
        median=int(np.median(lengths)),
        longest=int(lengths.max()),
        splits={name: len(part) for name, part in zip(SPLIT_NAMES, parts, strict=True)},
        labels={name: (counts[0][name], counts[1][name], counts[2][name]) for name in labels.names},
        seen={
            name: sum(text in train for text in part.texts)
            for name, part in zip(SPLIT_NAMES[1:], parts[1:], strict=True)
        },
        ambiguous=sum(count > 1 for count in targets_of.values()),
        cut=rows.cut,
        skipped=rows.skipped,
        empty=empty,
    )


def _label_counts(rows: ExampleRows, targets: ReadTargets | None, labels: Labels) -> Counter[str]:
    """How often each label occurs; of yes/no columns, how often they say yes; of others, how many numbers they hold."""
    if targets is None:
        return Counter(chain.from_iterable(own.labels for own in rows.tagged))
    if targets.values is None:
        return Counter(chain.from_iterable(targets.names or ()))
    counted = ~np.isnan(targets.values) if labels.means else targets.values == 1
    return Counter(dict(zip(labels.names, counted.sum(0).tolist(), strict=True)))
