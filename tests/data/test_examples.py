"""Examples: every row is in one split with its own symbols and targets, and the facts are counted by hand."""

import json
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.config import load_config
from charrnn.data.example_corpus import ExampleCorpus, build_examples, held_out_examples
from charrnn.data.example_loading import load_examples
from charrnn.data.example_rows import ExampleRules
from charrnn.data.examples import ExampleSplit
from charrnn.data.rows import FileText, Layout
from charrnn.data.text_rules import TextRules
from charrnn.data.vocab import Vocab
from charrnn.errors import TextError
from charrnn.evaluation.units import unit_spellings
from tests.support.strategies import neighbourly
from tests.support.texts import faults

TSV = Layout("tsv")
names = st.text("abcdeé", min_size=1, max_size=3)
tables = st.lists(st.tuples(names, st.sampled_from("XYZ")), max_size=40).map(
    lambda rows: [*rows, *(("filler" + y + str(k), y) for y in "XYZ" for k in range(5))]
)


def tsv(rows: list[Any]) -> str:
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def build(*texts: str, layout: Layout = TSV, task: Any = "classify", **rules: Any) -> ExampleCorpus:
    """The examples of one text, or of those to train, validate and test on."""
    keys = ("path", "valid_path", "test_path")
    files = {key: [FileText(key, text)] for key, text in zip(keys, texts, strict=False)}
    return build_examples(files, ExampleRules(task, layout, **rules))


def sources(split: ExampleSplit, vocab: Vocab) -> list[str]:
    """The text of each example, with an unknown symbol as a replacement character."""
    examples = split.examples
    assert examples.ids.dtype == np.int32
    return [vocab.decode(examples.ids[a:b]) for a, b in zip(examples.bounds, examples.bounds[1:], strict=False)]


def pairs(corpus: ExampleCorpus, split: ExampleSplit) -> list[tuple[str, str]]:
    labels = [corpus.labels.names[k] for k in split.examples.targets]
    return [*zip(sources(split, corpus.vocab), labels, strict=True)]


def held_out_split(text: str, rules: ExampleRules, corpus: ExampleCorpus) -> ExampleSplit:
    return held_out_examples([FileText("x", text)], rules, corpus.vocab, corpus.labels, "x")


def splits(corpus: ExampleCorpus) -> list[ExampleSplit]:
    return [corpus.train, corpus.valid, corpus.test]


@given(table=tables, seed=st.integers(0, 50))
def test_each_row_is_in_one_split_and_equal_sources_stay_together(table: list[tuple[str, str]], seed: int) -> None:
    corpus = build(tsv(table), split="stratified", fractions=(0.6, 0.2, 0.2), split_seed=seed)
    rows = [(row.source, row.targets[0]) for split in splits(corpus) for row in split.rows]  # type: ignore[union-attr]
    assert Counter(rows) == Counter(table)
    assert [row.line for row in corpus.train.rows] == sorted(row.line for row in corpus.train.rows)
    known = [{row.source for row in split.rows} for split in splits(corpus)]  # type: ignore[union-attr]
    assert not known[0] & known[1] | known[0] & known[2] | known[1] & known[2]
    assert {*corpus.labels.names} == {y for row, y in pairs(corpus, corpus.train)} == set("XYZ")
    assert pairs(corpus, corpus.train) == [(row.source, row.targets[0]) for row in corpus.train.rows]  # type: ignore[union-attr]
    for split in splits(corpus):
        wanted = ["".join(c if c in corpus.vocab.symbols else "�" for c in row.source) for row in split.rows]  # type: ignore[union-attr]
        assert sources(split, corpus.vocab) == wanted
        assert split.unknown == "".join(wanted).count("�")
    again = build(tsv(table), split="stratified", fractions=(0.6, 0.2, 0.2), split_seed=seed)
    assert [split.rows for split in splits(again)] == [split.rows for split in splits(corpus)]


@pytest.mark.parametrize("split", ["random", "stratified"])
def test_splits_have_their_sizes_and_another_seed_draws_others(split: str) -> None:
    table = [(f"{y}{k}", y) for y, count in (("a", 500), ("b", 37), ("c", 2), ("d", 461)) for k in range(count)]
    drawn = [build(tsv(table), split=split, fractions=(0.8, 0.1, 0.1), split_seed=seed) for seed in (1, 2)]
    for corpus in drawn:
        assert corpus.facts.splits == {"train": 800, "valid": 100, "test": 100}
        if split == "stratified":
            assert corpus.facts.labels["a"] == (400, 50, 50)
            assert corpus.facts.labels["b"] in {(29, 4, 4), (30, 3, 4), (30, 4, 3), (31, 3, 3)}
            assert corpus.facts.labels["c"][0] >= 1
    assert {*drawn[0].test.rows} != {*drawn[1].test.rows}


def test_large_groups_of_equal_sources_do_not_unbalance_a_stratified_split() -> None:
    table = [("same", "a")] * 30 + [(f"x{k}", "a") for k in range(70)] + [(f"y{k}", "b") for k in range(100)]
    for seed in range(20):
        corpus = build(tsv(table), split="stratified", fractions=(0.8, 0.1, 0.1), split_seed=seed)
        assert corpus.facts.splits == {"train": 160, "valid": 20, "test": 20}
        assert corpus.facts.labels == {"a": (80, 10, 10), "b": (80, 10, 10)}


def test_each_class_has_a_training_example_in_a_stratified_split() -> None:
    table = [(f"{y}{k}", y) for y in "abcdefgh" for k in range(2)]
    for seed in range(20):
        corpus = build(tsv(table), split="stratified", fractions=(0.02, 0.49, 0.49), split_seed=seed)
        assert all(train >= 1 for train, _, _ in corpus.facts.labels.values())


def test_a_class_with_few_different_sources_takes_nothing_from_others() -> None:
    table = [(f"a{k % 2}", "a") for k in range(100)] + [(f"b{k}", "b") for k in range(100)]
    corpus = build(tsv(table), split="stratified", fractions=(0.8, 0.1, 0.1))
    assert corpus.facts.labels == {"a": (100, 0, 0), "b": (80, 10, 10)}


def test_a_column_may_name_the_splits() -> None:
    table = [("one", "A", "train"), ("two", "B", "Dev"), ("three", "B", "training"), ("four", "A", "test")]
    corpus = build(tsv(table), layout=Layout("tsv", 1, (2,), 3), split="column")
    assert [sources(split, corpus.vocab) for split in splits(corpus)] == [["one", "three"], ["t�o"], ["�o�r"]]
    (line,) = faults(build, "one\tA\tlater\ntwo\tA\ttrain\n", layout=Layout("tsv", 1, (2,), 3), split="column")
    assert line == "path:1: 'later' names no split; write train, valid or test"
    (line,) = faults(build, "one\tA\ttest\ntwo\tA\ttest\n", layout=Layout("tsv", 1, (2,), 3), split="column")
    assert line == "data.split: no row is in the split train; name another column"


def test_separate_files_are_the_splits() -> None:
    corpus = build("one\tA\ntwo\tB\n", "two\tA\n", "eleven\tB\none\tA\n")
    assert pairs(corpus, corpus.train) == [("one", "A"), ("two", "B")]
    assert pairs(corpus, corpus.valid) == [("two", "A")]
    assert pairs(corpus, corpus.test) == [("e�e�en", "B"), ("one", "A")]
    assert corpus.test.unknown == 2
    assert corpus.facts.seen == {"valid": 1, "test": 1}
    assert corpus.facts.ambiguous == 1
    assert corpus.facts.labels == {"A": (1, 1, 1), "B": (1, 0, 1)}
    assert (corpus.facts.count, corpus.facts.shortest, corpus.facts.median, corpus.facts.longest) == (5, 3, 3, 6)
    held_out = held_out_examples(
        [FileText("x", "two\tB\n")], ExampleRules("classify", TSV), corpus.vocab, corpus.labels, "x"
    )
    assert pairs(corpus, held_out) == [("two", "B")]


def test_labels_that_cannot_be_learnt_are_refused_with_their_places() -> None:
    lines = faults(build, "one\tA\ntwo\tA\nthree\tC\n", "four\tB\nfive\tB\n")
    assert lines == ["path:3: the label 'C' has no other example; add some, or remove the row"]
    lines = faults(build, "one\tA\ntwo\tA\n", "three\tA\nfour\tB\n", "five\tB\nsix\tC\nseven\tC\n")
    assert lines == [
        f"{place}: the label '{name}' has no example in the training split; add examples, or use data.split: stratified"
        for place, name in (("valid_path:2", "B"), ("test_path:2", "C"))
    ]
    corpus = build("one\tA\ntwo\tB\nthree\tA\nfour\tB\n", fractions=(1, 0, 0))
    rules = ExampleRules("classify", TSV)
    (line,) = faults(held_out_split, "a\tC\n", rules, corpus)
    assert line == "x:1: the model does not know the label 'C'; its labels are 'A', 'B'"


def test_all_faults_are_reported_at_once() -> None:
    lines = faults(build, "one\t\n\tA\nlong one\tA\nthree\n", max_length=5)
    assert [line.split(";")[0] for line in lines] == [
        "path:1: the target is empty",
        "path:2: the source is empty",
        "path:4: 1 cell separated by tabs, but column 2 is needed",
        "path:3: 8 symbols, more than data.max_length 5",
        "path:3: the label 'A' has no other example",
    ]


def test_an_empty_file_holds_no_example() -> None:
    (line,) = faults(build, "")
    assert line.startswith("data.path: there is no example in it")
    (line,) = faults(build, "long\tA\nlonger\tA\n", max_length=2, too_long="skip")
    assert line.startswith("data.path: there is no example in it")
    (line,) = faults(build, "one\tA\none\tA\n")
    assert line.startswith("data.path: 2 examples cannot be divided into splits")


def test_what_is_empty_is_left_out_if_asked() -> None:
    text = "a\tx\n\tx\nb\t\n\nc\n d\tx\n"
    assert [line.split(":")[1] for line in faults(build, text)] == ["2", "3", "4", "5"]
    assert all(line.endswith(", or set data.empty to skip") for line in faults(build, text))
    corpus = build(text, empty="skip", fractions=(1, 0, 0))
    assert pairs(corpus, corpus.train) == [("a", "x"), (" d", "x")]
    assert (corpus.facts.empty, corpus.facts.count) == (4, 2)
    assert build("a\t\nb\t1\n\t0\nc\t0\n", output="sigmoid", empty="skip", fractions=(1, 0, 0)).facts.count == 3
    held_out = held_out_split(text, ExampleRules("classify", TSV, empty="skip"), corpus)
    assert sources(held_out, corpus.vocab) == ["a", " d"]
    (line,) = faults(build, "a\nb\n", empty="skip")
    assert line.startswith("path: no row has a column 2")
    (line,) = faults(build, "a\t\nb\t\n", empty="skip")
    assert line.startswith("data.path: there is no example in it")


def test_a_record_without_a_key_is_left_out_if_asked_and_a_file_without_the_key_is_refused() -> None:
    text = '{"s": "a", "t": "x"}\n{"s": "b"}\n{"t": "x"}\n{"s": "c", "t": "x"}\n'
    layout = Layout("jsonl", "s", ("t",))
    lines = faults(build, text, layout=layout)
    assert [line.split(":")[1] for line in lines] == ["2", "3"]
    assert all(line.endswith(", or set data.empty to skip") for line in lines)
    corpus = build(text, layout=layout, empty="skip", fractions=(1, 0, 0))
    assert pairs(corpus, corpus.train) == [("a", "x"), ("c", "x")]
    assert corpus.facts.empty == 2
    (line,) = faults(build, text, layout=Layout("jsonl", "s", ("z",)), empty="skip")
    assert line.startswith("path: no row has the key 'z'; the keys are 's', 't'")


def test_what_is_empty_in_a_file_that_a_model_reads_cannot_be_left_out_by_a_key() -> None:
    corpus = build("a\tx\nb\tx\n", fractions=(1, 0, 0))
    (line,) = faults(held_out_split, "a\t\n", ExampleRules("classify", TSV), corpus)
    assert line == "x:1: the target is empty; fill it in, or remove the row"


def test_a_sentence_with_an_empty_token_or_label_is_left_out_whole() -> None:
    text = "a\tX\nb\tY\n\na\tX\nb\nc\n\nb\t\na\tY\n\nb\tX\n"
    corpus = build(text, task="tag", layout=Layout("conll"), empty="skip", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab) == ["a b", "b"]
    assert corpus.facts.empty == 2
    assert [line.split(":")[1] for line in faults(build, text, task="tag", layout=Layout("conll"))] == ["5", "6", "8"]


def test_long_examples_are_cut_or_skipped() -> None:
    text = "123456\tA\n123\tB\n12345\tA\n1\tB\n"
    corpus = build(text, max_length=4, too_long="cut", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab) == ["1234", "123", "1234", "1"]
    assert (corpus.facts.cut, corpus.facts.skipped, corpus.facts.longest) == (2, 0, 4)
    corpus = build(text + "7\tA\n8\tA\n", max_length=4, too_long="skip", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab) == ["123", "1", "7", "8"]
    assert (corpus.facts.cut, corpus.facts.skipped) == (0, 2)


def test_sources_that_are_equal_once_cut_or_folded_stay_together() -> None:
    table = [(text + str(k), y) for k in range(9) for y, text in (("a", "Same start "), ("b", "SAME START"))]
    table += [(f"{k}", y) for k in range(50) for y in "ab"]
    corpus = build(tsv(table), max_length=10, too_long="cut", text=TextRules(lowercase=True))
    texts = [{*sources(split, corpus.vocab)} for split in splits(corpus)]
    assert sum("same start" in own for own in texts) == 1
    assert corpus.facts.seen == {"valid": 0, "test": 0}


@pytest.mark.parametrize("normalize", ["none", "nfc", "nfd", "nfkc", "nfkd"])
def test_text_is_folded_and_spelled_as_characters_or_bytes(normalize: str) -> None:
    word = "É\u0301ﬁ가"
    wanted = word.lower() if normalize == "none" else unicodedata.normalize(normalize.upper(), word.lower())
    for tokens in ("char", "byte"):
        rules = TextRules(tokens, normalize, True)  # type: ignore[arg-type]
        corpus = build(f"{word}\tA\n" * 2, text=rules, fractions=(1, 0, 0))
        (text, _) = sources(corpus.train, corpus.vocab)
        assert text == (wanted if tokens == "char" else wanted.encode().decode("latin-1"))
        assert corpus.vocab.has_unknown
        assert corpus.vocab.size == (257 if tokens == "byte" else len(set(wanted)) + 1)


@given(text=neighbourly, normalize=st.sampled_from(["nfc", "nfd", "nfkc", "nfkd"]))
def test_normal_forms_are_those_of_the_whole_text(text: str, normalize: str) -> None:
    assert TextRules("char", normalize).fold(text) == unicodedata.normalize(normalize.upper(), text)


def test_rare_symbols_become_the_unknown_one() -> None:
    corpus = build("aab\tA\nac\tA\n", fractions=(1, 0, 0), min_count=2)
    assert sources(corpus.train, corpus.vocab) == ["aa�", "a�"]
    assert corpus.train.unknown == 2


def test_several_yes_or_no_columns_may_have_gaps() -> None:
    text = "id,x,p,q\n1,a,1,no\n2,b,,YES\n3,c,0, \n4,d,False,1.0\n"
    layout = Layout("csv", "x", ("q", "p"))
    corpus = build(text, layout=layout, output="sigmoid", fractions=(1, 0, 0))
    assert corpus.labels.names == ("q", "p")
    np.testing.assert_array_equal(corpus.train.examples.targets, [[0, 1], [1, np.nan], [np.nan, 0], [1, 0]])
    assert corpus.facts.labels == {"q": (2, 0, 0), "p": (1, 0, 0)}
    lines = faults(build, text + "5,e,maybe,2\n", layout=layout, output="sigmoid")
    assert [line.split(";")[0] for line in lines] == [
        "path:6: '2' is neither yes nor no",
        "path:6: 'maybe' is neither yes nor no",
    ]
    lines = faults(build, "x,p\na,1\nb,\n", layout=Layout("csv", "x", ("p",)), output="sigmoid", fractions=(1, 0, 0))
    assert lines == ["data.target: no row of the training split says no in column 'p'"]


def test_one_cell_may_hold_several_labels() -> None:
    text = "a\tred; blue\nb\t\nc\tblue;red;blue;\nd\t green\ne\tgreen\n"
    corpus = build(text, output="sigmoid", separator=";", fractions=(1, 0, 0))
    assert corpus.labels.names == ("blue", "green", "red")
    np.testing.assert_array_equal(
        corpus.train.examples.targets, [[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 0]]
    )
    assert corpus.facts.labels == {"blue": (2, 0, 0), "green": (2, 0, 0), "red": (2, 0, 0)}
    (line,) = faults(build, text + "f\tred;pink\n", output="sigmoid", separator=";")
    assert line.startswith("path:6: the label 'pink' has no other example")


@given(values=st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=2, max_size=20))
@example([1.0, 3.0, None])
def test_numbers_are_standardised_and_restored(values: list[float | None]) -> None:
    given = [value for value in values if value is not None]
    text = tsv([(f"s{k}", "" if value is None else repr(value), k) for k, value in enumerate(values)])
    layout = Layout("tsv", 1, (3, 2))
    if len({*given}) < 2 or np.ptp(given) < 1e-3:
        return
    corpus = build(text, layout=layout, output="linear", fractions=(1, 0, 0))
    targets = corpus.train.examples.targets
    np.testing.assert_allclose(np.nanmean(targets, 0), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(targets, 0), 1, atol=1e-6)
    wanted = [[k, np.nan if value is None else value] for k, value in enumerate(values)]
    np.testing.assert_allclose(corpus.labels.restore(targets), wanted, rtol=1e-9, atol=1e-6)
    assert corpus.facts.labels == {"3": (len(values), 0, 0), "2": (len(given), 0, 0)}


def test_means_are_those_of_the_training_split_alone() -> None:
    corpus = build("a\t1\nb\t3\n", "c\t100\n", output="linear")
    assert corpus.labels.means == (2.0,)
    assert corpus.labels.deviations == (1.0,)
    assert corpus.valid.examples.targets.tolist() == [[98.0]]


@pytest.mark.parametrize("cell", ["1,5", "1_000", "nan", "inf", "1e999", "eins", "0x1"])
def test_what_is_no_finite_number_is_refused(cell: str) -> None:
    (line,) = faults(build, f"a\t1\nb\t{cell}\n", output="linear")
    assert (
        line == f"path:2: '{cell}' is not a finite number; write one such as -3.5, or leave it empty if it is missing"
    )


@pytest.mark.parametrize(("cells", "state"), [(("2", "2.0"), "all equal"), (("", ""), "missing")])
def test_numbers_without_a_spread_are_refused(cells: tuple[str, str], state: str) -> None:
    (line,) = faults(build, "a\t{}\nb\t{}\n".format(*cells), output="linear", fractions=(1, 0, 0))
    assert line == f"data.target: the numbers of column '2' are {state} in the training split"


def test_a_task_needs_targets_of_its_kind() -> None:
    (line,) = faults(build, "a\nb\n", layout=Layout.usual("lines"))
    assert line.startswith("data.target: these examples have no targets")
    (line,) = faults(build, "a\tA\tB\n", layout=Layout("tsv", 1, (2, 3)))
    assert line.startswith("data.target: 2 columns, but labels are read from one")
    (line,) = faults(build, "a\tA\n", layout=Layout("conll"))
    assert line.startswith("data.format: conll has a label for each token; set task to tag")
    (line,) = faults(build, "a\n", layout=Layout.usual("files"), task="tag")
    assert line.startswith("data.format: files has no label for each symbol")
    (line,) = faults(build, CONLL, layout=Layout("conll", split=3), task="tag", split="column")
    assert line == "data.split: conll has no column for it here; use random"
    (line,) = faults(build, "a\t1\nb\t2\n", output="linear", split="stratified")
    assert line.startswith("data.split: stratified needs one label for each example")


# -- tag ----------------------------------------------------------------------------------------------------------


def test_symbols_may_be_separated_by_the_character_nul(tmp_path: Path) -> None:
    table, path = tmp_path / "lengths.tsv", tmp_path / "lengths.yaml"
    table.write_text('a\0"e\0r\tā\0"ē\0r\r\n"e\0a\t"e\0a\r\n', newline="")
    path.write_text(f'task: tag\ndata: {{path: "{table}", label_separator: "\\0", fractions: [1, 0, 0]}}\n')
    config = load_config(path)
    path.write_text(config.to_yaml())
    assert load_config(path) == config
    corpus = load_examples(config)
    assert unit_labels(corpus, corpus.train) == [("a", "ā"), ('"e', '"ē'), ("r", "r"), ('"e', '"e'), ("a", "a")]


def unit_labels(corpus: ExampleCorpus, split: ExampleSplit) -> list[tuple[str, str]]:
    """Each unit with the label at its first symbol; all its symbols have that one."""
    assert split.units is not None
    ids, targets = split.examples.ids, split.examples.targets
    found = []
    for (start, stop), label, k in zip(split.units.bounds, split.units.targets, split.units.example, strict=True):
        assert {*targets[start:stop].tolist()} == {label}
        assert split.examples.bounds[k] <= start < stop <= split.examples.bounds[k + 1]
        found.append((corpus.vocab.decode(ids[start:stop]), corpus.labels.names[label]))
    return found


@given(rows=st.lists(st.lists(st.tuples(st.sampled_from("abcé"), st.sampled_from("XYZ ")), min_size=1), min_size=1))
def test_symbols_of_equally_long_sequences_are_paired(rows: list[list[tuple[str, str]]]) -> None:
    text = tsv([("".join(x for x, _ in row), "".join(y for _, y in row)) for row in rows])
    corpus = build(text, task="tag", fractions=(1, 0, 0))
    assert unit_labels(corpus, corpus.train) == [pair for row in rows for pair in row]
    assert (corpus.train.examples.targets >= 0).all()
    counts = Counter(y for row in rows for _, y in row)
    assert corpus.facts.labels == {y: (counts[y], 0, 0) for y in sorted(counts)}


def test_symbols_may_be_separated_and_of_several_characters() -> None:
    text = 'a|"b|c\tA|"B|C\n'
    corpus = build(text, task="tag", separator="|", fractions=(1, 0, 0))
    assert unit_labels(corpus, corpus.train) == [("a", "A"), ('"b', '"B'), ("c", "C")]
    assert sources(corpus.train, corpus.vocab) == ['a"bc']


def test_rows_without_a_label_for_each_symbol_are_refused() -> None:
    lines = faults(build, "abc\tAB\nab\tAB\na\tAB\n", task="tag")
    assert lines[0] == "path:1: the source 'abc' has 3 symbols, but 'AB' has 2 labels; give one label for each symbol"
    assert lines[1].startswith("path:3: the source 'a' has 1 symbols")
    (line,) = faults(build, "a||b\tA|B|C\n", task="tag", separator="|")
    assert line.startswith("path:1: a symbol or label is empty in 'a||b'")


CONLL = "New\tB\nYork\tI\n.\tO\n\nHi\tO\n"


def test_tokens_are_spelled_out_and_blanks_between_them_have_no_label() -> None:
    corpus = build(CONLL, layout=Layout("conll"), task="tag", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab) == ["New York .", "Hi"]
    assert unit_labels(corpus, corpus.train) == [("New", "B"), ("York", "I"), (".", "O"), ("Hi", "O")]
    blanks = [k for k, i in enumerate(corpus.train.examples.ids) if corpus.vocab.decode([int(i)]) == " "]
    assert np.flatnonzero(corpus.train.examples.targets == -1).tolist() == blanks
    assert corpus.labels.names == ("B", "I", "O")


def test_conllu_says_where_no_blank_follows() -> None:
    line = "{}\t{}\t_\t{}\t_\t_\t0\troot\t_\t{}\n"
    tokens = [(1, "Hi", "INTJ", "SpaceAfter=No"), (2, "!", "PUNCT", "_"), (3, "You", "PRON", "_")]
    text = "".join(line.format(*token) for token in tokens)
    corpus = build(text, layout=Layout.usual("conllu"), task="tag", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab) == ["Hi! You"]


@pytest.mark.parametrize(
    ("length", "wanted"), [(9, "New York"), (8, "New York"), (7, "New"), (3, "New"), (10, "New York .")]
)
def test_a_sentence_is_cut_between_tokens(length: int, wanted: str) -> None:
    layout = Layout("conll")
    corpus = build(CONLL, layout=layout, task="tag", max_length=length, too_long="cut", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab)[0] == wanted
    assert corpus.facts.cut == (length < 10)
    corpus = build(CONLL, layout=layout, task="tag", max_length=2, too_long="cut", fractions=(1, 0, 0))
    assert sources(corpus.train, corpus.vocab) == ["Hi"]
    assert corpus.facts.skipped == 1


def test_a_tag_may_be_missing_in_training_and_unknown_ones_do_not_count() -> None:
    corpus = build("ab\tAB\n", "ab\tAC\n", task="tag")
    assert corpus.labels.names == ("A", "B", "C")
    assert corpus.facts.labels == {"A": (1, 1, 0), "B": (1, 0, 0), "C": (0, 1, 0)}
    held_out = held_out_examples(
        [FileText("x", "abc\tADB\n")], ExampleRules("tag", TSV), corpus.vocab, corpus.labels, "x"
    )
    assert held_out.examples.targets.tolist() == [0, -1, 1]
    assert held_out.unknown == 1


def test_bytes_of_a_symbol_share_its_label() -> None:
    corpus = build("aé\tAB\n", task="tag", text=TextRules("byte"), fractions=(1, 0, 0))
    assert corpus.train.examples.targets.tolist() == [0, 1, 1]
    assert corpus.train.units is not None
    assert corpus.train.units.bounds.tolist() == [[0, 1], [1, 3]]


def test_jsonl_gives_the_same_examples_as_tsv() -> None:
    table = [(f"é{k}", "AB"[k % 2]) for k in range(30)]
    text = "".join(json.dumps({"label": y, "text": x}) + "\n" for x, y in table)
    one, other = build(tsv(table)), build(text, layout=Layout.usual("jsonl"))
    assert one.facts == other.facts
    for split, twin in zip(splits(one), splits(other), strict=True):
        np.testing.assert_array_equal(split.examples.ids, twin.examples.ids)
        np.testing.assert_array_equal(split.examples.targets, twin.examples.targets)


def test_facts_count_the_inputs_with_different_targets() -> None:
    table = [("a", "X"), ("a", "Y"), ("a", "X"), ("b", "X"), ("b", "X"), ("c", "Y")]
    by_source = defaultdict(set)
    for x, y in table:
        by_source[x].add(y)
    corpus = build(tsv(table), fractions=(1, 0, 0))
    assert corpus.facts.ambiguous == sum(len(own) > 1 for own in by_source.values()) == 1


def test_tokens_are_segments_of_their_text() -> None:
    """Each character begins a token, continues it, or is a blank between two; none stands at the end."""
    words = [("nhà", "_"), ("a b", "SpaceAfter=No"), (".", "_")]
    text = "".join(f"{k}\t{form}\t_\t_\t_\t_\t_\t_\t_\t{misc}\n" for k, (form, misc) in enumerate(words, 1))
    for tokens in ("char", "byte"):
        rules = ExampleRules(
            "tag", Layout("conllu", "form", ()), text=TextRules(tokens), scheme="segments", fractions=(1, 0, 0)
        )
        corpus = build_examples({"path": [FileText("a.conllu", text)]}, rules)
        assert corpus.labels.names == ("B", "I", "O")
        units = corpus.train.units
        assert units is not None
        assert "".join(corpus.labels.names[k] for k in units.targets) == "BIIOBIIB"
        assert "".join(unit_spellings(corpus.train, rules)) == "nhà a b."
    rules = ExampleRules("tag", Layout("tsv"), scheme="segments")
    with pytest.raises(TextError, match=r"tsv has no tokens, as model\.scheme: segments needs; use conll or conllu"):
        build_examples({"path": [FileText("a.tsv", "ab\tBI\n")]}, rules)
