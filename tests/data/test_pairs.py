"""Pairs: every row is in one split with its own symbols on both sides, and faults have their places."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import config_from_dict
from charrnn.data.example_loading import load_pairs, pair_rules_of
from charrnn.data.pair_corpus import PairCorpus, build_pairs, held_out_pairs
from charrnn.data.pair_rows import PairRules
from charrnn.data.pairs import PairSplit
from charrnn.data.rows import FileText, Layout
from charrnn.data.symbols import NO_SYMBOL, Symbols
from charrnn.data.text_rules import TextRules
from charrnn.errors import TextError
from tests.support.texts import faults

words = st.text("abcé", min_size=1, max_size=3)
targets = st.lists(st.sampled_from(["t͡ʃ", "a", "ʁ"]), min_size=1, max_size=3).map(" ".join)
tables = st.lists(st.tuples(words, targets), max_size=30).map(lambda rows: [*rows, *((f"x{k}", "a") for k in range(9))])


def tsv(rows: list[Any]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def build(*texts: str, layout: Layout | None = None, **rules: Any) -> PairCorpus:
    keys = ("path", "valid_path", "test_path")
    files = {key: [FileText(key, text)] for key, text in zip(keys, texts, strict=False)}
    return build_pairs(files, PairRules(layout or Layout("tsv"), **rules))


def decoded(split: PairSplit, corpus: PairCorpus) -> list[tuple[list[str], list[str]]]:
    """The symbols of both sides by their ids, with ? for one that is unknown."""
    own = split.examples
    sides = ((own.ids, own.bounds, corpus.source), (own.target_ids, own.target_bounds, corpus.target))
    spelled = []
    for ids, bounds, symbols in sides:
        names = [*symbols.names, "?"]  # the unknown id is the last one, or -1
        flat = [names[k] for k in ids]
        spelled.append([flat[bounds[k] : bounds[k + 1]] for k in range(len(own))])
    return [*zip(*spelled, strict=True)]


@given(table=tables, seed=st.integers(0, 50))
def test_each_row_is_in_one_split_with_its_symbols_and_equal_sources_stay_together(
    table: list[tuple[str, str]], seed: int
) -> None:
    corpus = build(tsv(table), target_symbols="space", fractions=(0.6, 0.2, 0.2), split_seed=seed)
    splits = [corpus.train, corpus.valid, corpus.test]
    assert Counter((row.source, row.targets[0]) for split in splits for row in split.rows) == Counter(table)
    held = [{row.source for row in split.rows} for split in splits]
    assert not (held[0] & held[1] | held[0] & held[2] | held[1] & held[2])
    for split in splits:
        unknown = 0
        for row, (source, target), truth in zip(split.rows, decoded(split, corpus), split.targets, strict=True):
            assert source == [c if c in corpus.source.names else "?" for c in row.source]
            assert target == [s if s in corpus.target.names else "?" for s in row.targets[0].split(" ")]
            assert list(truth) == row.targets[0].split(" ")
            unknown += source.count("?")
        assert split.unknown == unknown
        assert split.unwritable == sum("?" in target for _, target in decoded(split, corpus))
    assert (corpus.train.unknown, corpus.train.unwritable) == (0, 0)


def test_the_facts_are_those_counted_by_hand() -> None:
    corpus = build("ab\tx y\nab\tx\nabc\tz\n", "ab\tw\nd\tw x\n", target_symbols="space")
    assert corpus.facts.splits == {"train": 3, "valid": 2, "test": 0}
    assert (corpus.facts.sources, corpus.facts.targets) == ((1, 2, 3), (1, 1, 2))
    assert (corpus.facts.seen, corpus.facts.ambiguous) == ({"valid": 1, "test": 0}, 1)
    assert (corpus.valid.unknown, corpus.valid.unwritable) == (1, 2)
    assert corpus.valid.examples.target_ids.tolist() == [NO_SYMBOL, NO_SYMBOL, corpus.target.names.index("x")]


def test_tags_are_read_after_the_source_and_are_no_characters() -> None:
    layout = Layout("tsv", "lemma", ("form",), features=("tags", "more"))
    text = "lemma\tform\ttags\tmore\ngo\twent\tV;PST\t\nVV\tVVs\tN\tPL x\n"
    corpus = build(text, text, layout=layout)
    assert corpus.train.sources == [("g", "o", "<V>", "<PST>"), ("V", "V", "<N>", "<PL>", "<x>")]
    assert corpus.source == Symbols(("<N>", "<PL>", "<PST>", "<V>", "<x>", "V", "g", "o"))


def test_the_same_source_with_other_tags_is_another_source() -> None:
    rows = "".join(f"go\tgoes{k}\tT{k}\n" for k in range(20))
    corpus = build(rows, layout=Layout("tsv", features=(3,)), fractions=(0.5, 0.5, 0))
    assert (len(corpus.train), len(corpus.valid), corpus.facts.ambiguous) == (10, 10, 0)


def test_both_sides_are_folded_and_tags_are_not() -> None:
    rules = PairRules(Layout("tsv"), target_symbols="space", text=TextRules("char", "nfd", True))
    assert rules.source_of("É", ["V"]) == ("e", "\u0301", "<V>")
    assert rules.target_of("É  B ") == ("e\u0301", "b")


def test_rare_source_symbols_are_unknown_and_rare_target_symbols_are_kept() -> None:
    corpus = build("aab\txxy\n", "b\ty\n", min_count=2)
    assert (corpus.source.names, corpus.target.names) == (("a",), ("x", "y"))
    assert (corpus.train.unknown, corpus.valid.unknown) == (1, 1)


@pytest.mark.parametrize(
    ("text", "rules", "message"),
    [
        ("a\tb\nc\n", {}, "path:2: 1 cell separated by tabs, but column 2 is needed"),
        ("\tb\n", {}, "path:1: the source is empty; remove the row"),
        ("a\t\n", {}, "path:1: the target is empty; fill it in, or remove the row"),
        ("a\t \n", {"target_symbols": "space"}, "path:1: the target is empty"),
        (" \ta\n", {"source_symbols": "space"}, "path:1: the source is blank; remove the row"),
        ("abc\tb\n", {"max_length": 2}, "path:1: 3 symbols, more than data.max_length 2; raise it, or set"),
        ("a\tbcde\n", {"max_length": 2}, "path:1: 4 symbols, more than data.max_length 2"),
        ("a\tb\n", {}, "data.path: 1 example cannot be divided into splits"),
        ("abc\tb\n", {"max_length": 2, "too_long": "skip"}, "no example in it that can be used"),
        ("a\tb\tx\na\tb\ttrain\n", {"layout": Layout("tsv", split=3), "split": "column"}, "path:1: 'x' names no split"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_place(text: str, rules: dict[str, Any], message: str) -> None:
    (fault,) = faults(lambda: build(text, **rules))
    assert message in fault


def test_long_pairs_are_skipped_if_asked() -> None:
    corpus = build("abc\tb\na\tb\n", "a\tb\n", max_length=2, too_long="skip")
    assert (len(corpus.train), corpus.facts.skipped) == (1, 1)


def test_a_row_without_a_source_or_a_target_is_left_out_if_asked() -> None:
    corpus = build("a\tb\n\tb\nc\t\nd\n \tb\n", source_symbols="space", empty="skip", fractions=(1, 0, 0))
    assert ([row.place for row in corpus.train.rows], corpus.facts.empty) == (["path:1"], 4)


def test_a_token_without_a_column_is_left_out_of_its_sentence_if_asked() -> None:
    layout = Layout("conll", features=(3,))
    text = "daß\na\tb\tX\nc\td\ne\tf\tY\n"
    lines = faults(lambda: build(text, layout=layout))
    assert lines[0] == (
        "path:1: 1 column separated by tabs, but column 2 is needed; complete the line, or set data.empty to skip"
    )
    corpus = build(text, layout=layout, empty="skip", fractions=(1, 0, 0))
    assert ([row.place for row in corpus.train.rows], corpus.facts.empty) == (["path:2", "path:4"], 2)


def test_held_out_pairs_are_read_in_the_symbols_of_a_model() -> None:
    rules = PairRules(Layout("tsv"))
    split = held_out_pairs([FileText("x", "ac\tyz\n")], rules, Symbols(("a", "b")), Symbols(("y",)), "x")
    assert split.examples.ids.tolist() == [0, 2]
    assert (split.examples.target_ids.tolist(), split.targets) == ([0, -1], [("y", "z")])
    assert (split.unknown, split.unwritable) == (1, 1)
    with pytest.raises(TextError, match="x:1: the target is empty"):
        held_out_pairs([FileText("x", "ac\t\n")], rules, Symbols(("a",)), Symbols(("y",)), "x")


@pytest.mark.parametrize(("ending", "line"), [("jsonl", '{"source": "a%d", "target": "b"}\n'), ("csv", '"a%d","b"\n')])
def test_a_config_names_the_files_and_the_format_its_columns(tmp_path: Any, ending: str, line: str) -> None:
    path = tmp_path / f"pairs.{ending}"
    path.write_text("".join(line % k for k in range(10)))
    config = config_from_dict({"task": "translate", "data": {"path": str(path), "fractions": [0.8, 0.2, 0]}})
    corpus = load_pairs(config)
    assert (len(corpus.train), len(corpus.valid)) == (8, 2)
    assert (corpus.target.names, [*corpus.fingerprint]) == (("b",), ["path"])
    assert pair_rules_of(config).layout.format == ending


CONLLU = "# a comment\n1\tWent\tgo\tVERB\t_\tTense=Past\t_\t_\t_\t_\n2-3\tits\t_\t_\t_\t_\t_\t_\t_\t_\n\n"


def test_a_token_of_a_sentence_is_a_pair_with_its_tags() -> None:
    layout = Layout("conllu", "form", ("lemma",), features=("upos", 6))
    corpus = build(CONLLU, CONLLU, layout=layout)
    assert corpus.train.sources == [(*"Went", "<VERB>", "<Tense=Past>")]
    assert (corpus.train.targets, corpus.train.rows[0].place) == ([("g", "o")], "path:2")


@pytest.mark.parametrize(
    ("text", "layout", "message"),
    [
        ("a\tb\n", Layout("conll", features=(3,)), "path:1: no column 3, which data.features names; complete the line"),
        ("a\tb\n", Layout("conll", features=("x",)), "data.features: conll has no column 'x'; give its number"),
        ("a\t\n", Layout("conll"), "path:1: the token or its label is empty"),
    ],
)
def test_a_token_that_cannot_be_used_is_one_line(text: str, layout: Layout, message: str) -> None:
    assert message in faults(lambda: build(text, layout=layout))[0]


def test_tokens_of_a_config_are_read_with_its_usual_columns(tmp_path: Any) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU + CONLLU.replace("Went", "Goes"))
    values: Any = {"path": str(path), "fractions": [0.5, 0.5, 0]}
    assert load_pairs(config_from_dict({"task": "translate", "data": values})).train.targets == [("g", "o")]
    with pytest.raises(TextError, match="conllu has no column for it; leave it out"):
        load_pairs(config_from_dict({"task": "translate", "data": {"path": str(path), "split_column": 3}}))
