"""`charrnn predict`, `eval` and `report` with translators: what they print, and what they refuse."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn import processes
from charrnn.cli import predicted_rows
from charrnn.errors import CheckpointError, TextError
from charrnn.generation import translating
from charrnn.training.opening import open_run
from tests.support.pair_files import NAMES, pair_config, target_of, write_pairs
from tests.support.processes import HOSTILE, Result, call, commands_to_a_terminal, run_in_terminal

ENOUGH = {"epochs": 40, "learning_rate": 0.02, "eval_every": 240, "log_every": 240}
PLAIN = {"path": "plain.tsv", "source": 1, "target": 2, "features": None}
WORDS = ["ab", "", "dcb", "a"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of translators: one of tables with tags; plain ones of lines; and one without attention."""
    folder = tmp_path_factory.mktemp("translators")
    write_pairs(folder)
    rows = [line.split("\t") for line in (folder / "pairs.tsv").read_text().splitlines()[1:]]
    words = sorted({word for word, _, _ in rows})
    (folder / "plain.tsv").write_text("".join(f"{word}\t{target_of(word, 'F')}\n" for word in words))
    tokens = [f"1\t{word}\t{target_of(word, 'F')}\tX" + "\t_" * 6 + "\n\n" for word in words]
    (folder / "words.conllu").write_text("# a comment\n" + "".join(tokens))
    settings: dict[str, dict[str, Any]] = {
        "tagged": {"model": {"hidden_size": 24}},
        "plain": {"data": PLAIN, "model": {"hidden_size": 24}},
        "other": {"data": {**PLAIN, "empty": "skip"}, "model": {"hidden_size": 16, "cell": "lstm"}},
        "lemmas": {
            "data": {**PLAIN, "path": "words.conllu", "source": None, "target": None},
            "model": {"hidden_size": 24},
        },
        "blind": {"data": PLAIN, "model": {"attention": "none"}, "train": {"epochs": 1, "eval_every": 1}},
    }
    with chdir(folder):
        for name, sections in settings.items():
            own = {**sections, "train": {**ENOUGH, **sections.get("train", {})}}
            run = open_run(pair_config(out=name, **own))
            for _ in run:
                pass
            run.close()
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path) -> Iterator[None]:
    with chdir(folder):
        yield


def predict(*typed: str, lines: list[str] | None = None) -> Result:
    text = "".join(f"{line}\n" for line in (WORDS if lines is None else lines))
    return call("predict", *typed, stdin=text.encode())


def cells(result: Result) -> list[list[str]]:
    assert (result.code, result.err) == (0, "")
    return [line.split("\t") for line in result.text[:-1].split("\n")]


# -- predict ----------------------------------------------------------------------------------------------------------


def test_each_line_gets_its_target_and_its_probability_in_order() -> None:
    found = cells(predict("plain"))
    assert [row[0] for row in found] == WORDS
    assert found[1] == ["", "", ""]
    right = [row[1] == target_of(row[0], "F") for row in found if row[0]]
    assert sum(right) >= 2, found
    assert all(0 < float(row[2]) <= 1 for row in found if row[0])
    assert predict("plain", "--only").text.splitlines() == [row[1] for row in found]
    assert cells(call("predict", "plain", "--text", "ab", "--text", "a\tb"))[0] == found[0]


def test_tags_are_read_from_their_column_and_decide() -> None:
    found = cells(call("predict", "tagged", "pairs.tsv"))
    assert found[0] == ["word", "names", "tag", "prediction", "probability"]
    right = [row[3] == row[1] for row in found[1:]]
    assert len(right) == 60
    assert sum(right) > 40
    forward, backward = cells(predict("tagged", "--format", "tsv", lines=["word\tx\ttag", "ab\t\tF", "ab\t\tR"]))[1:]
    assert (forward[3], backward[3]) == ("ay bee", "bee ay")


def test_the_likeliest_targets_are_different_and_in_order() -> None:
    greedy, top = cells(predict("plain")), cells(predict("plain", "--top", "3"))
    for one, row in zip(greedy, top, strict=True):
        assert len(row) == 7
        if row[0]:
            assert row[1:3] == one[1:] or float(row[2]) >= float(one[2])
            assert len({*row[1::2]}) == 3
            assert [float(p) for p in row[2::2]] == sorted(map(float, row[2::2]), reverse=True)
    assert cells(predict("plain", "--beam", "1")) == greedy
    only = cells(predict("plain", "--top", "3", "--only"))
    assert only == [row[1::2] for row in top]


def test_json_has_the_target_and_all_that_were_asked_for() -> None:
    top = cells(predict("plain", "--top", "2"))
    found = [json.loads(line) for line in predict("plain", "--json", "--top", "2").text.splitlines()]
    assert found[1] == {"text": "", "prediction": None, "probability": None, "hypotheses": []}
    assert (found[0]["prediction"], [own["prediction"] for own in found[0]["hypotheses"]]) == (top[0][1], top[0][1::2])
    assert f"{found[0]['probability']:.4f}" == top[0][2]
    rows = predict("plain", "--format", "jsonl", lines=['{"text": "ab", "n": 1}', ""])
    first, empty = rows.text.splitlines()
    assert json.loads(first) == {"text": "ab", "n": 1, **{k: found[0][k] for k in ("prediction", "probability")}}
    assert empty == ""


def test_a_csv_file_gets_columns_of_its_own() -> None:
    found = predict("plain", "--format", "csv", "--column", "w", "--top", "2", lines=["w,n", '"ab",1'])
    head, row = csv.reader(io.StringIO(found.text))
    assert head == ["w", "n", "prediction 1", "probability 1", "prediction 2", "probability 2"]
    assert row[:3] == ["ab", "1", cells(predict("plain", lines=["ab"]))[0][1]]


def test_several_models_vote_and_their_order_does_not_matter() -> None:
    one, other = predict("plain", "other"), predict("other", "plain")
    assert one == other
    assert one != predict("plain")


def test_many_rows_are_shared_out_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [line.split("\t")[0] for line in Path("plain.tsv").read_text().splitlines()]
    monkeypatch.setattr(processes, "cores", lambda: 2)
    whole = predict("plain", lines=words)
    monkeypatch.setattr(predicted_rows, "ROWS_AT_ONCE", 9)
    assert predict("plain", lines=words) == whole


def test_a_target_that_is_cut_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "MAX_FACTOR", 0)
    monkeypatch.setattr(translating, "MAX_MORE", 1)
    result = predict("plain", "--json", lines=["a", "dcb", "cbd"])
    first, *cut = [json.loads(line) for line in result.text.splitlines()]
    assert first.get("cut") is None
    assert [own["cut"] for own in cut] == [True, True]
    assert all(own["prediction"] in NAMES.values() for own in cut)
    reason = "what is written reached the bound on length and was cut"
    assert result.lines == [f"charrnn: standard input:2 and 1 other row: {reason}"]


def test_what_is_written_cannot_command_a_terminal() -> None:
    Path("hostile.txt").write_text(HOSTILE + "\n")
    shown = run_in_terminal("predict", "plain", "hostile.txt", cwd=Path.cwd())
    assert shown.code == 0
    assert not commands_to_a_terminal(shown.text.replace("\r\n", "\n"))


REFUSED = {
    "plain --threshold 0.5": "--threshold applies only to yes/no labels",
    "plain --format conllu": "this model was trained on tsv, so no column is known to take what it writes",
    "lemmas words.conllu --top 2": "conllu gives the same file with its labels; leave --top out",
    "plain --beam 0": "0 is not in the range",
    "tagged": "this model also reads the columns of data.features (tag); give it a table",
    "tagged --text ab": "this model also reads the columns of data.features (tag); give it a table",
    "tagged plain.tsv": "plain.tsv:1: no column is called 'word'",
    "plain tagged": "plain, tagged: models vote only if they read the same columns",
    "plain --only --json": "--only and --json exclude each other",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_predicted_is_one_line(words: str) -> None:
    result = predict(*words.split())
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1) or result.code == 1
    assert REFUSED[words] in result.err


def test_a_file_of_tokens_gets_what_is_written_in_its_target_column() -> None:
    text = Path("words.conllu").read_text()
    result = call("predict", "lemmas", "words.conllu")
    assert (result.code, result.err) == (0, "")
    before, after = text.splitlines(), result.text.splitlines()
    assert len(before) == len(after)
    changed = 0
    for line, own in zip(before, after, strict=True):
        cells, found = line.split("\t"), own.split("\t")
        assert [*found[:2], *found[3:]] == [*cells[:2], *cells[3:]]
        changed += len(cells) > 2 and found[2] == cells[2]
    assert changed > 40  # of 60 tokens


# -- eval -------------------------------------------------------------------------------------------------------------


def test_a_report_is_for_people_and_for_programs() -> None:
    result = call("eval", "tagged", "--baselines")
    assert (result.code, result.err) == (0, "")
    for words in ("test split: 9 examples, ", "; greedy", "exact", "wrong", "symbol errors", "the source itself",
                  "its most frequent target, else itself", "not seen in training"):  # fmt: skip
        assert words in result.text, words
    document = json.loads(call("eval", "tagged", "--baselines", "--json").text)
    assert [row["name"] for row in document["rows"]] == [
        "tagged",
        "the source itself",
        "its most frequent target, else itself",
        "joint 1-gram",
    ]
    assert document["rows"][0]["exact"] == 1 - document["rows"][0]["word_error"]
    assert sum(own["count"] for own in document["groups"][-2:]) == 9


def test_pairs_that_lack_something_are_counted_where_they_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "gaps.tsv").write_text("ab\tay bee\nab\t\n")
    result = call("eval", "other", str(tmp_path / "gaps.tsv"))
    assert result.code == 0
    assert result.err == "charrnn: pairs that lack something are left out, as data.empty of the model says: 1\n"
    assert "gaps.tsv: 1 example" in result.text


def test_files_are_scored_as_well_with_a_row_for_each(tmp_path: Path) -> None:
    (tmp_path / "new.tsv").write_text("ab\tay bee\nab\tx\n")
    table = tmp_path / "table.tsv"
    result = call("eval", "plain", str(tmp_path / "new.tsv"), "--per-example", str(table), "--json", "--beam", "3")
    document = json.loads(result.text)
    assert (document["examples"], document["sources"], document["unwritable"], document["beam"]) == (2, 1, 1, 3)
    (row,) = document["rows"]
    assert row["any_target"] in (0, 1)
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    assert lines[0] == ["place", "text", "truth", "predicted", "probability", "edits", "symbols"]
    assert [own[2] for own in lines[1:]] == ["ay bee", "x"]
    assert row["exact"] == sum(own[5] == "0" for own in lines[1:]) / 2


def test_several_models_are_scored_side_by_side_and_vote() -> None:
    result = call("eval", "plain", "other")
    assert result.code == 0, result.err
    assert re.search(r"^ +vote of 2 ", result.text, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("plain --novelty", "--novelty does not apply to a translator"),
        ("plain --split test plain.tsv", "--split names a part of the run's own text"),
        ("plain nothing.tsv", "there is no example in it"),
    ],
)
def test_what_cannot_be_scored_is_one_line(words: str, reason: str) -> None:
    Path("nothing.tsv").write_text("")
    result = call("eval", *words.split())
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert reason in result.err


# -- report and library -----------------------------------------------------------------------------------------------


def test_a_page_shows_where_the_model_looks(tmp_path: Path) -> None:
    for name, maps in (("plain", True), ("blind", False)):
        page = tmp_path / f"{name}.html"
        result = call("report", name, "--out", str(page))
        assert result.code == 0, result.err
        text = page.read_text()
        assert ("Where it looks" in text) == maps
        assert (" looks at " in text) == maps
        for heading in ("Training", "Evaluation", "Confused symbols", "Surest mistakes", "Configuration"):
            assert heading in text or (maps and heading in ("Confused symbols", "Surest mistakes")), heading
        assert "<script" not in text
    result = call("report", "plain", "--unit", "1:1")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "--unit shows a unit along a text, for language models only" in result.err


def test_the_library_writes_what_the_command_prints() -> None:
    model = charrnn.load("plain")
    found = charrnn.predict(model, WORDS, beam=3, top=2)
    assert isinstance(model, charrnn.TranslateModel)
    assert [own.text for own in found] == [row[1] for row in cells(predict("plain", "--beam", "3", "--top", "2"))]
    assert [len(own.hypotheses) for own in found] == [2, 0, 2, 2]
    tagged = charrnn.load("tagged")
    assert charrnn.predict(tagged, ["ab"], features=[["R"]])[0].text == "bee ay"
    with pytest.raises(TextError, match=r"1 text and its features: .* reads feature columns \(tag\)"):
        charrnn.predict(tagged, ["ab"])
    with pytest.raises(TextError, match="1 text and its features"):
        charrnn.predict(tagged, ["ab"], features=[["R", "S"]])
    with pytest.raises(CheckpointError, match="models vote only if"):
        charrnn.predict([model, tagged], ["ab"])
