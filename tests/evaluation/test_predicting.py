"""Predictions for texts as they are given: folding, units and their places, votes, empty texts."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

import charrnn
from charrnn.data.example_rows import ExampleRules
from charrnn.data.rows import Layout
from charrnn.data.text_rules import TextRules
from charrnn.errors import CheckpointError
from charrnn.evaluation.predicting import Prediction, predict, predicted_spans
from charrnn.evaluation.units import spell_units, unit_labels, unit_spellings
from charrnn.models import TaskModel
from tests.support.task_runs import answers_table, symbols_table, tokens_file, train_task

TOKENS = ("B-PER", "I-PER", "O")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TaskModel]:
    """Taggers of symbols, in characters and in bytes; a tagger of tokens; yes/no labels and numbers."""
    folder = tmp_path_factory.mktemp("predicting")
    (folder / "vowels.tsv").write_text(symbols_table())
    (folder / "names.conllu").write_text(tokens_file())
    (folder / "answers.tsv").write_text(answers_table())
    answers: dict[str, Any] = {"path": str(folder / "answers.tsv"), "source": "word"}
    settings: dict[str, dict[str, Any]] = {
        "chars": {"task": "tag", "data": {"path": str(folder / "vowels.tsv")}},
        "bytes": {"task": "tag", "data": {"path": str(folder / "vowels.tsv"), "tokens": "byte"}},
        "tokens": {"task": "tag", "data": {"path": str(folder / "names.conllu"), "target": "xpos"}},
        "answers": {
            "task": "classify",
            "data": {**answers, "target": ["has_a", "has_b"]},
            "model": {"hidden_size": 16, "num_layers": 1, "output": "sigmoid"},
        },
        "numbers": {
            "task": "classify",
            "data": {**answers, "target": "count"},
            "model": {"hidden_size": 16, "num_layers": 1, "output": "linear"},
        },
    }
    return {
        name: train_task(folder / f"{name}.npz", {**own, "data": {**own["data"], "fractions": [0.7, 0.15, 0.15]}}).model
        for name, own in settings.items()
    }


def test_no_segment_begins_or_ends_with_a_blank_in_a_text_or_a_split(tmp_path: Path) -> None:
    """Also where the model has learned nothing, reads bytes, or votes with one that reads characters."""
    (tmp_path / "names.conllu").write_text(tokens_file())
    data: dict[str, Any] = {"path": str(tmp_path / "names.conllu"), "fractions": [0.7, 0.15, 0.15]}
    runs = {
        tokens: train_task(
            tmp_path / f"{tokens}.npz",
            {
                "task": "tag",
                "data": {**data, "tokens": tokens},
                "model": {"hidden_size": 4, "num_layers": 1, "scheme": "segments"},
            },
            epochs=0,
        )
        for tokens in ("char", "byte")
    }
    texts = ["Anna  sah der Bert und sah", " und\u00a0der ", "a", " "]
    both = [run.model for run in runs.values()]
    found = [
        ("".join(own.labels), text)
        for voters in (*both, both)
        for own, text in zip(predict(voters, texts), texts, strict=True)
    ]
    for run in runs.values():
        units = run.corpus.test.units
        assert units is not None
        p = np.random.default_rng(0).dirichlet(np.ones(3), len(units))
        labels = unit_labels(p, run.corpus.test, run.model.labels.names, run.model.rules)
        spelled = "".join(unit_spellings(run.corpus.test, run.model.rules))
        found.append(("".join(run.model.labels.names[k] for k in labels), spelled))
    assert sum(len(labels) for labels, _ in found) > 200
    for labels, text in found:
        tokens = [text[match.start() : match.end()] for match in re.finditer("BI*", labels)]
        assert [token.strip() for token in tokens] == tokens
        assert len(labels) == len(text)
        assert all((own == "O") <= symbol.isspace() for own, symbol in zip(labels, text, strict=True))


def test_the_library_computes_with_one_thread(models: dict[str, TaskModel], monkeypatch: pytest.MonkeyPatch) -> None:
    model, threads = models["answers"], []
    ask = model.predict

    def watched(texts: Any) -> Any:
        threads.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return ask(texts)

    monkeypatch.setattr(model, "predict", watched)
    with threadpool_limits(2, "blas"):
        predict(model, ["abba"])
    assert threads == [1]


def test_the_library_reads_a_saved_model(models: dict[str, TaskModel], tmp_path: Path) -> None:
    (found,) = charrnn.predict(models["answers"], ["abba"])
    assert isinstance(found, charrnn.Prediction)
    assert found.labels == ("has_a", "has_b")
    assert found.label == "has_a"
    assert [*found.probabilities] == ["has_a", "has_b"]


def test_a_threshold_decides_which_labels_hold(models: dict[str, TaskModel]) -> None:
    p = models["answers"].predict(["abba"])
    low, high = np.sort(np.asarray(p)[0])
    (found,) = predict(models["answers"], ["abba"], threshold=(low + high) / 2)
    assert len(found.labels) == 1
    assert predict(models["answers"], ["abba"], threshold=0.0)[0].labels == ("has_a", "has_b")


def test_numbers_are_in_their_own_unit(models: dict[str, TaskModel]) -> None:
    for found, count in zip(predict(models["numbers"], ["bcdbx", "abcax", "aaaax"]), (0, 2, 4), strict=True):
        assert found.probabilities["count"] == pytest.approx(count, abs=0.6)
        assert found.labels == ()


@pytest.mark.parametrize("name", ["chars", "tokens", "answers", "numbers"])
def test_an_empty_text_has_an_empty_prediction_wherever_it_stands(name: str, models: dict[str, TaskModel]) -> None:
    alone = predict(models[name], ["ana men"])[0]
    for texts in ([""], ["", "ana men", ""], []):
        found = predict(models[name], texts)
        assert len(found) == len(texts)
        for text, own in zip(texts, found, strict=True):
            assert own.labels == (alone.labels if text else ())
            assert len(own.scores) == (len(alone.scores) if text else 0)
            assert (own.label, own.probabilities) == ("", {}) if not text else own.label == alone.label


def test_a_tagger_says_where_its_units_are_in_the_text(models: dict[str, TaskModel]) -> None:
    (found,) = predict(models["tokens"], [" und  Anna\tBert"])
    assert found.labels == ("O", "B-PER", "I-PER")
    assert found.places == ((1, 4), (6, 10), (11, 15))
    (span,) = predicted_spans(found)
    assert (span.type, span.start, span.stop) == ("PER", 6, 15)


def test_spans_of_adjacent_units_are_parted_by_their_first_labels() -> None:
    labels = ("B-PER", "B-PER", "I-PER", "O")
    places = tuple((2 * k, 2 * k + 1) for k in range(4))
    found = predicted_spans(Prediction(labels, np.zeros((4, 3)), TOKENS, places))
    assert [(own.start, own.stop) for own in found] == [(0, 1), (2, 5)]
    assert predicted_spans(Prediction((), np.zeros((0, 3)), TOKENS)) == []


def test_models_of_characters_and_of_bytes_vote(models: dict[str, TaskModel]) -> None:
    text = "anä mén i"
    one, two = (predict(models[name], [text])[0] for name in ("chars", "bytes"))
    for order in (("chars", "bytes"), ("bytes", "chars")):
        (both,) = predict([models[name] for name in order], [text])
        assert np.abs(both.scores - (one.scores + two.scores) / 2).max() < 1e-6
        assert len(both.labels) == len(text)
        assert both.places == one.places


def test_taggers_that_fold_in_other_ways_do_not_vote(models: dict[str, TaskModel]) -> None:
    other = replace(models["chars"], rules=replace(models["chars"].rules, text=TextRules(lowercase=True)))
    with pytest.raises(CheckpointError, match="read text in the same way"):
        predict([models["chars"], other], ["a"])
    with pytest.raises(CheckpointError, match="the same labels"):
        predict([models["chars"], models["tokens"]], ["a"])
    with pytest.raises(CheckpointError, match="no model"):
        predict([], ["a"])


def test_a_language_model_predicts_no_labels(tmp_path: Path) -> None:
    model: Any = charrnn.Vocab("ab")
    with pytest.raises(CheckpointError, match="language model"):
        predict(model, ["a"])


def symbol_rules(separator: str | None = None, **text: Any) -> ExampleRules:
    return ExampleRules("tag", Layout("tsv"), separator=separator, text=TextRules(**text))


letters = st.text(st.sampled_from("aB é\u0301\u0323ﬁİ가\u1100\u1161☃"), max_size=8)


@given(letters, st.sampled_from(["none", "nfc", "nfd", "nfkc", "nfkd"]), st.booleans(), st.booleans())
def test_the_places_of_symbols_lie_in_the_text_and_hold_what_was_folded(
    source: str, form: str, lower: bool, as_bytes: bool
) -> None:
    rules = symbol_rules(normalize=form, lowercase=lower, tokens="byte" if as_bytes else "char")
    found = spell_units(source, rules)
    folded = rules.text.fold(source)
    assert found.text == rules.text.spell(folded)
    assert len(found.bounds) == len(found.places) == len(folded)
    for symbol, (first, stop), (begin, end) in zip(folded, found.bounds, found.places, strict=True):
        assert found.text[first:stop] == rules.text.spell(symbol)
        assert 0 <= begin < end <= len(source)
        assert symbol in rules.text.fold(source[begin:end])
    assert [place[0] for place in found.places] == sorted(place[0] for place in found.places)


def test_a_normal_form_that_joins_characters_gives_the_place_of_all_of_them() -> None:
    assert spell_units("ae\u0301b", symbol_rules(normalize="nfc")).places == ((0, 1), (1, 3), (3, 4))
    assert spell_units("aéb", symbol_rules(normalize="nfd")).places == ((0, 1), (1, 2), (1, 2), (2, 3))
    assert spell_units("B\u0301ḄC", symbol_rules(lowercase=True)).places == ((0, 1), (1, 2), (2, 3), (3, 4))


def test_separated_symbols_have_the_places_between_separators() -> None:
    found = spell_units("ab_c__d", symbol_rules("_"))
    assert found.places == ((0, 2), (3, 4), (6, 7))
    assert (found.text, found.bounds) == ("abcd", ((0, 2), (2, 3), (3, 4)))
