"""A config's pairs, ready to train on: read, checked, split, with the symbols of the training split.

    rows -> symbols of both sides -> split -> ids of both sides

Equal sources are never separated, however many targets they have.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from charrnn.arrays import Array
from charrnn.data.corpus import SPLIT_OF_KEY
from charrnn.data.example_splits import SPLIT_NAMES, group_equal, read_splits, split_examples
from charrnn.data.pair_rows import PairRows, PairRules, read_pair_rows
from charrnn.data.pairs import PairExamples, PairSplit
from charrnn.data.rows import Faults, FileText
from charrnn.data.symbols import NO_SYMBOL, Symbols, symbols_of
from charrnn.errors import TextError

Lengths = tuple[int, int, int]  # the shortest, the median and the longest


@dataclass(frozen=True)
class PairFacts:
    """What the header of a run says about its pairs. Lengths are in symbols.

    Attributes:
        count: pairs of all splits.
        sources, targets: the lengths of both sides.
        splits: the pairs of each split.
        seen: for each split but train, how many of its sources also stand in training.
        ambiguous: different sources that stand in the files with different targets.
        skipped: pairs that were too long.
        empty: pairs that were left out because they lacked a source or a target.
    """

    count: int
    sources: Lengths
    targets: Lengths
    splits: dict[str, int]
    seen: dict[str, int]
    ambiguous: int
    skipped: int
    empty: int = 0


@dataclass(frozen=True)
class PairCorpus:
    """Pairs that are ready to train on.

    Attributes:
        source, target: the symbols of both sides in the training split.
        train, valid, test: the splits.
        facts: what was read.
        fingerprint: the SHA-256 of the files of each key, where they were read from files.
    """

    source: Symbols
    target: Symbols
    train: PairSplit
    valid: PairSplit
    test: PairSplit
    facts: PairFacts
    fingerprint: Mapping[str, str] = field(default_factory=dict)


def build_pairs(files: Mapping[str, Sequence[FileText]], rules: PairRules) -> PairCorpus:
    """Make the splits of a config's files.

    Arguments:
        files: the texts of each path of the data section, by key; all of `path` is for training if there are others.
        rules: how they are read and split.

    Raises:
        TextError: what is wrong, a line for each fault with its place; or there is too little to split.
    """
    faults = Faults(rules.empty)
    by_key = {key: read_pair_rows(files[key], rules, faults) for key in SPLIT_OF_KEY if key in files}
    faults.check()
    rows = PairRows()
    for own in by_key.values():
        rows = rows.joined(own)
    if not len(by_key["path"]):
        raise TextError("data.path: there is no example in it that can be used; give it some")
    chosen = _chosen(by_key, rows, rules, faults)
    faults.check()
    parts = [rows.chosen(own) for own in chosen]
    source = symbols_of(parts[0].sources, rules.min_count)
    target = symbols_of(parts[0].targets)
    train, valid, test = (_split(name, own, source, target) for name, own in zip(SPLIT_NAMES, parts, strict=True))
    return PairCorpus(source, target, train, valid, test, _facts(rows, parts, len(faults.left_out)))


def held_out_pairs(
    files: Sequence[FileText], rules: PairRules, source: Symbols, target: Symbols, name: str
) -> PairSplit:
    """Read pairs in the symbols of a model; `name` is what reports call them.

    Raises:
        TextError: what is wrong, a line for each fault with its place.
    """
    faults = Faults.of_model(rules.empty)
    rows = read_pair_rows(files, rules, faults)
    faults.check()
    return replace(_split(name, rows, source, target), empty=len(faults.left_out))


def _chosen(
    by_key: Mapping[str, PairRows], rows: PairRows, rules: PairRules, faults: Faults
) -> tuple[Array, Array, Array]:
    """The positions among all rows that train, validate and test."""
    if len(by_key) > 1:
        sizes = [len(by_key.get(key, ())) for key in SPLIT_OF_KEY]
        first, second, third = np.cumsum(sizes).tolist()
        return np.arange(first), np.arange(first, second), np.arange(second, third)
    if rules.split == "column":
        return read_splits(rows.rows, faults)
    return split_examples(group_equal(rows.sources), rules.fractions, rules.split_seed)


def _split(name: str, rows: PairRows, source: Symbols, target: Symbols) -> PairSplit:
    ids, bounds = source.encode(rows.sources)
    target_ids, target_bounds = target.encode(rows.targets, NO_SYMBOL)
    missing = np.flatnonzero(target_ids == NO_SYMBOL)
    unwritable = len(np.unique(np.searchsorted(target_bounds, missing, side="right")))
    return PairSplit(
        name=name,
        examples=PairExamples(ids, bounds, target_ids, target_bounds),
        rows=rows.rows,
        sources=rows.sources,
        targets=rows.targets,
        unknown=int((ids == source.last_id).sum()),
        unwritable=unwritable,
    )


def _facts(rows: PairRows, parts: Sequence[PairRows], empty: int) -> PairFacts:
    train = set(parts[0].sources)
    targets_of = Counter(source for source, _ in {*zip(rows.sources, rows.targets, strict=True)})
    return PairFacts(
        count=len(rows),
        sources=_lengths(rows.sources),
        targets=_lengths(rows.targets),
        splits={name: len(part) for name, part in zip(SPLIT_NAMES, parts, strict=True)},
        seen={
            name: sum(source in train for source in part.sources)
            for name, part in zip(SPLIT_NAMES[1:], parts[1:], strict=True)
        },
        ambiguous=sum(count > 1 for count in targets_of.values()),
        skipped=rows.skipped,
        empty=empty,
    )


def _lengths(spelled: Sequence[Sequence[str]]) -> Lengths:
    lengths = np.array([len(own) for own in spelled])
    return int(lengths.min()), int(np.median(lengths)), int(lengths.max())
