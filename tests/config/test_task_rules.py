"""Rules between keys that concern what is learned: a language, to classify, or to tag."""

from typing import Any

import pytest

from charrnn.config.building import config_from_dict, load_config
from charrnn.config.data_keys import DataConfig
from charrnn.config.keys import Config
from charrnn.errors import ConfigError

CLASSIFY = {"task": "classify", "data": {"path": "a.tsv"}}
TAG = {"task": "tag", "data": {"path": "a.conll"}}
TRANSLATE = {"task": "translate", "data": {"path": "a.tsv"}}


def with_keys(base: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    """A config with some more keys, by dotted names."""
    values: dict[str, Any] = {name: dict(own) if isinstance(own, dict) else own for name, own in base.items()}
    for name, value in keys.items():
        section, _, last = name.rpartition(".")
        (values.setdefault(section, {}) if section else values)[last] = value
    return values


def refused(base: dict[str, Any], keys: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config_from_dict(with_keys(base, keys))
    return [fault.message for fault in caught.value.faults]


LANGUAGE = {"data": {"path": "a.txt"}}
WRONG = [
    (LANGUAGE, {"model.bidirectional": True}, "would see the characters that it is to predict"),
    (LANGUAGE, {"data.format": "tsv"}, "data.format applies only with task: classify | tag"),
    (LANGUAGE, {"data.target": "x"}, "data.target applies only with task: classify | tag"),
    (LANGUAGE, {"model.pooling": "max"}, "model.pooling applies only with task: classify"),
    (LANGUAGE, {"model.input_dropout": 0.1}, "applies only with task: classify | tag"),
    (LANGUAGE, {"train.best": "accuracy"}, "applies only with task: classify | tag"),
    (LANGUAGE, {"data.split": "stratified"}, "data.split: stratified applies only with task: classify | tag"),
    (
        CLASSIFY,
        {"model.cell": "ngram", "model.output": "sigmoid"},
        "gives one of several labels, not model.output",
    ),
    (TAG, {"model.cell": "ngram"}, "model.cell: ngram does not go with task: tag"),
    (CLASSIFY, {"train.seq_length": 5}, "train.seq_length applies only with task: language"),
    (CLASSIFY, {"train.sample_length": 5}, "train.sample_length applies only with task: language"),
    (CLASSIFY, {"data.documents": "line"}, "data.documents applies only with task: language"),
    (CLASSIFY, {"data.split": "contiguous"}, "data.split: contiguous cuts a text"),
    (CLASSIFY, {"data.split": "streams"}, "data.split: streams cuts a text"),
    (CLASSIFY, {"data.split": "column"}, "data.split: column needs data.split_column"),
    (CLASSIFY, {"data.split": "random", "data.split_column": 3}, "does not go with data.split: random"),
    (CLASSIFY, {"data.valid_path": "b.tsv", "data.split_column": 3}, "it does not go with data.valid_path"),
    (CLASSIFY, {"data.split": "stratified", "model.output": "linear"}, "stratified needs one label for each example"),
    (CLASSIFY, {"model.scheme": "bio"}, "model.scheme applies only with task: tag"),
    (TAG, {"model.scheme": "segments", "data.format": "tsv"}, "data.format: tsv has none"),
    (TAG, {"model.scheme": "segments", "data.target": "upos"}, "whose labels follow from the tokens; leave it out"),
    (TAG, {"data.split": "stratified"}, "stratified needs one label for each example"),
    (CLASSIFY, {"data.format": "files", "data.target": 2}, "data.target names a column"),
    (CLASSIFY, {"data.format": "folders", "data.source": "x"}, "data.source names a column"),
    (CLASSIFY, {"data.target": ["a", "b"]}, "model.output: softmax gives one label"),
    (TAG, {"data.target": [2, 3]}, "a label for each symbol is read from one column"),
    (CLASSIFY, {"data.label_separator": ","}, "data.label_separator needs model.output: sigmoid"),
    (
        CLASSIFY,
        {"data.label_separator": ",", "data.target": [1, 2], "model.output": "sigmoid"},
        "separates labels in one cell",
    ),
    (CLASSIFY, {"train.label_smoothing": 0.1, "model.output": "sigmoid"}, "needs model.output: softmax"),
    (CLASSIFY, {"train.class_weights": "balanced", "model.output": "linear"}, "needs model.output: softmax"),
    (CLASSIFY, {"train.best": "auc"}, "does not go with model.output: softmax; use loss or accuracy or macro_f1"),
    (TAG, {"train.best": "macro_f1"}, "does not go with task: tag; use loss or accuracy or span_f1"),
    (CLASSIFY, {"train.best": "accuracy", "data.fractions": [1, 0, 0]}, "there is no validation split"),
    (CLASSIFY, {"data.source": 0}, "data.source: 0 must be at least 1"),
    (CLASSIFY, {"data.target": ["a", 0], "model.output": "sigmoid"}, "must be at least 1"),
    (TAG, {"data.features": 3}, "data.features applies only with task: translate"),
    (LANGUAGE, {"model.attention": "none"}, "model.attention applies only with task: translate"),
    (TRANSLATE, {"data.label_separator": " "}, "data.label_separator applies only with task: classify | tag"),
    (TRANSLATE, {"train.class_weights": "balanced"}, "applies only with task: classify | tag"),
    (TRANSLATE, {"data.split": "stratified"}, "stratified needs one label for each example; use random"),
    (TRANSLATE, {"data.split": "contiguous"}, "use random or column with task: translate"),
    (TRANSLATE, {"data.target": [2, 3]}, "an example has one target; name one column"),
    (TRANSLATE, {"data.format": "files"}, "files has no target for each source; use tsv, csv, jsonl, conll or"),
    (TRANSLATE, {"data.tokens": "byte"}, "byte does not go with task: translate; use char"),
    (TRANSLATE, {"data.too_long": "cut"}, "cut would leave half a target to learn"),
    (TRANSLATE, {"model.attention": "dot"}, "set model.bidirectional to false, or use general"),
    (TRANSLATE, {"model.cell": "ngram"}, "ngram does not go with task: translate"),
    (TRANSLATE, {"train.best": "accuracy"}, "task: translate; use loss or exact or symbol_error"),
    (CLASSIFY, {"train.best": "exact"}, "does not go with model.output: softmax"),
]


@pytest.mark.parametrize(("base", "keys", "message"), WRONG, ids=[str(keys) for _, keys, _ in WRONG])
def test_what_does_not_go_together_is_refused_with_one_fault(base, keys, message):
    (fault,) = refused(base, keys)
    assert message in fault


@pytest.mark.parametrize(
    ("base", "keys"),
    [
        (LANGUAGE, {"model.bidirectional": False}),
        (CLASSIFY, {"data.split_column": "part", "data.split": "column"}),
        (CLASSIFY, {"data.split_column": "part", "train.best": "accuracy", "data.fractions": [1, 0, 0]}),
        (CLASSIFY, {"data.target": ["a"]}),
        (CLASSIFY, {"data.target": ["a", 2], "model.output": "sigmoid", "train.best": "auc"}),
        (CLASSIFY, {"data.label_separator": ";", "model.output": "sigmoid"}),
        (TAG, {"data.label_separator": " ", "train.best": "span_f1", "model.input_dropout": 0.5}),
        (CLASSIFY, {"data.format": "files", "train.label_smoothing": 0.1, "train.class_weights": "balanced"}),
        (TRANSLATE, {"data.source_symbols": "space", "data.features": ["case", 4], "train.best": "symbol_error"}),
        (TRANSLATE, {"model.attention": "dot", "model.bidirectional": False, "train.label_smoothing": 0.1}),
    ],
    ids=str,
)
def test_what_goes_together_is_taken(base, keys):
    config_from_dict(with_keys(base, keys))


@pytest.mark.parametrize(
    ("base", "keys", "split"),
    [
        (LANGUAGE, {}, "contiguous"),
        (CLASSIFY, {}, "stratified"),
        (CLASSIFY, {"model.output": "sigmoid"}, "random"),
        (CLASSIFY, {"model.output": "linear"}, "random"),
        (TAG, {}, "random"),
        (TAG, {"data.split_column": 3}, "column"),
        (CLASSIFY, {"data.split": "random"}, "random"),
    ],
)
def test_the_split_follows_the_task_unless_it_is_given(base, keys, split):
    assert config_from_dict(with_keys(base, keys)).data.split == split


def test_examples_are_read_in_both_directions_unless_told_otherwise():
    for base, both in ((LANGUAGE, None), (CLASSIFY, True), (TAG, True), (TRANSLATE, True)):
        assert config_from_dict(base).model.bidirectional is both
    assert config_from_dict(with_keys(CLASSIFY, {"model.bidirectional": False})).model.bidirectional is False


def test_a_column_is_a_number_or_a_name_and_a_quoted_number_is_a_name(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("task: classify\ndata: {path: a.tsv, source: 2, target: '3'}\n")
    data = load_config(path).data
    assert (data.source, data.target) == (2, "3")
    path.write_text("task: classify\ndata: {path: a.tsv, target: [x, 4, '5']}\nmodel: {output: linear}\n")
    assert load_config(path).data.target == ("x", 4, "5")


def test_the_task_is_the_first_key_and_positional_arguments_are_as_they_were():
    assert next(iter(config_from_dict(LANGUAGE).to_dict())) == "task"
    assert Config(DataConfig("a.txt")).data.path == "a.txt"
    assert Config(DataConfig("a.txt"), task="tag").task == "tag"
