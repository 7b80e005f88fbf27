"""The report on translators, of a toy that copies: its figures counted by hand."""

import json

import numpy as np
import pytest

from charrnn.data.pair_rows import PairRules
from charrnn.data.rows import Layout
from charrnn.display.translation_lines import translation_lines
from charrnn.errors import CheckpointError, TextError
from charrnn.evaluation import joint_ngram
from charrnn.evaluation.translation_assessment import ScoredTranslator, assess_translation
from charrnn.evaluation.translation_losses import target_losses
from charrnn.evaluation.translation_results import TranslationAssessment
from charrnn.evaluation.translation_tsv import per_pair
from tests.support.translators import a_copier, pairs

TRAIN = "abc\tABC\nabx\tABY\na\tA\na\tA\na\tB\nx\tX\n"
TEST = "ab\tAB\nx\tX\na\tA\nb\tBB\nc\tC\nc\tA\n"  # the toy writes AB, Y, A, B, C, C
RULES = PairRules(Layout("tsv"))


def scored(test: str = TEST, name: str = "toy", sure: float = 0.8) -> ScoredTranslator:
    corpus = pairs(TRAIN, "", test)
    return ScoredTranslator(name, a_copier(sure), corpus.test, corpus)


def measures(report: TranslationAssessment, name: str) -> dict[str, float]:
    row = next(row for row in report.rows if row.name == name)
    return {own.name: own.value for own in row.measures}


def test_what_is_written_is_counted_as_by_hand() -> None:
    report, answers = assess_translation([scored()])
    assert [own.text for own in answers] == ["AB", "Y", "A", "B", "C", "C"]
    found = measures(report, "toy")
    assert found["exact"] == 3 / 6
    assert found["word_error"] == 3 / 6
    assert found["symbol_error"] == 3 / 8
    assert found["any_target"] == 3 / 5  # c has two targets
    steps, wrong = 14, 3  # ends included; the toy would have Y for X, an end for the second B, and C for A
    assert found["loss"] == pytest.approx(-((steps - wrong) * np.log(0.8) + wrong * np.log(0.04)) / steps)
    assert (report.examples, report.sources, report.symbols, report.cut) == (6, 5, 7, 0)
    assert [(own.name, own.count, own.exact) for own in report.groups] == [
        ("1 symbol", 5, 2 / 5),
        ("2 symbols", 1, 1),
        ("seen in training", 2, 1 / 2),
        ("not seen in training", 4, 2 / 4),
    ]
    assert {(own.truth, own.predicted): own.count for own in report.replacements} == {
        ("X", "Y"): 1, ("B", ""): 1, ("A", "C"): 1
    }  # fmt: skip
    assert [(own.text, own.truth, own.predicted) for own in report.mistakes] == [
        ("x", "X", "Y"), ("b", "BB", "B"), ("c", "A", "C")
    ]  # fmt: skip
    assert report.mistakes[0].probability == pytest.approx(0.64)
    assert report.mistakes[0].place == "test_path:2"


def test_baselines_copy_the_source_or_remember_its_most_frequent_target() -> None:
    report, _ = assess_translation([scored("ab\tab\nx\tX\na\tA\na\tB\n")], baselines=True)
    assert measures(report, "the source itself")["exact"] == 1 / 4
    assert measures(report, "its most frequent target, else itself")["exact"] == 3 / 4
    assert [row.name for row in report.rows][3:] == []  # no validation split chooses a joint n-gram
    with pytest.raises(CheckpointError, match="toy: baselines need the examples"):
        assess_translation([ScoredTranslator("toy", a_copier(), pairs(TRAIN).train)], baselines=True)


def test_a_joint_ngram_that_validation_pairs_chose_is_a_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = pairs(TRAIN, "a\tA\n", "a\tA\nx\tA\n")
    report, _ = assess_translation([ScoredTranslator("toy", a_copier(), corpus.test, corpus)], baselines=True)
    assert report.rows[-1].name.startswith("joint ")
    assert measures(report, report.rows[-1].name)["exact"] == 1 / 2
    monkeypatch.setattr(joint_ngram, "MAX_UNITS", 1)
    without, _ = assess_translation([ScoredTranslator("toy", a_copier(), corpus.test, corpus)], baselines=True)
    assert [row.name for row in without.rows] == [row.name for row in report.rows[:-1]]


def test_several_models_are_scored_one_by_one_and_as_a_vote() -> None:
    report, answers = assess_translation([scored(name="a", sure=0.9), scored(name="b", sure=0.3)])
    assert [own.name for own in report.rows] == ["a", "b", "vote of 2"]
    assert report.scored == "vote of 2"
    assert answers[0].probability == pytest.approx(0.6**3)
    with pytest.raises(CheckpointError, match="b: trained on other examples"):
        assess_translation([scored(), ScoredTranslator("b", a_copier(), pairs("y\tY\n", "", "q\tQ\n").test)])


def test_the_loss_leaves_out_symbols_that_the_model_cannot_write() -> None:
    corpus = pairs(TRAIN, "", "ab\tA?\n")
    assert corpus.test.unwritable == 1
    losses, counts = target_losses([a_copier()], [corpus.test.examples])
    assert counts.tolist() == [2]
    assert losses.tolist() == pytest.approx([-2 * np.log(0.8)])


def test_nothing_to_score_is_one_line() -> None:
    with pytest.raises(TextError, match="test: there is no example in it"):
        assess_translation([scored("")])


def test_the_report_is_json_and_lines_that_hide_nothing_and_obey_nothing() -> None:
    report, _ = assess_translation([scored("ab\tAB\nx\tX\x1b[2J\n")])
    document = json.loads(json.dumps(report.to_dict()))
    assert document["task"] == "translate"
    assert document["rows"][0]["exact"] == 1 / 2
    assert document["groups"][-1]["name"] == "not seen in training"
    text = "\n".join(translation_lines(report))
    assert "\x1b" not in text
    assert "1 target with a symbol that the model cannot write" in text
    for expected in ("test: 2 examples, 3 symbols; greedy", "exact", "wrong", "symbol errors", "surest mistakes"):
        assert expected in text, expected


def test_the_table_has_a_row_for_each_pair() -> None:
    own = scored("ab\tAB\nx\tX\\\x1b\n")
    _, answers = assess_translation([own])
    table = "".join(per_pair(own.model, own.split, answers)).splitlines()
    assert table[1:] == [
        "test_path:1\tab\tAB\tAB\t0.512000\t0\t2",
        "test_path:2\tx\tX\\\\\\x1b\tY\t0.640000\t3\t3",
    ]
