"""`charrnn predict` as a process: what it prints for each kind of model and format, and what it refuses."""

import json
import shutil
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from charrnn import processes
from charrnn.cli import predicted_columns, predicted_rows
from charrnn.cli.predicted_sentences import unit_labels, write_sentences
from charrnn.cli.streams import LinesOut
from charrnn.data.rows import Layout
from charrnn.models.loading import load_checkpoint
from tests.support.processes import HOSTILE, Result, call, commands_to_a_terminal, run, run_in_terminal, start
from tests.support.task_runs import (
    MODEL,
    TASKS,
    tokens_file,
    train_task,
    write_tables,
)

FRACTIONS = [0.7, 0.15, 0.15]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model of each kind, its table, and a language model."""
    folder = tmp_path_factory.mktemp("predict")
    write_tables(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, settings in TASKS.items():
            train_task(Path(f"{name}.npz"), {**settings, "data": {**settings["data"], "fractions": FRACTIONS}}, 20)
    return folder


def predict(folder: Path, *typed: Any, stdin: str | bytes = "") -> Result:
    with chdir(folder):
        return call("predict", *map(str, typed), stdin=stdin.encode() if isinstance(stdin, str) else stdin)


def rows(result: Result) -> list[list[str]]:
    """The cells of the lines of a successful command."""
    assert (result.code, result.err) == (0, "")
    assert result.text.endswith("\n")
    return [line.split("\t") for line in result.text[:-1].split("\n")]


# -- what is printed --------------------------------------------------------------------------------------------------


def test_each_line_gets_its_label_and_its_probability_in_order(folder: Path) -> None:
    found = rows(run("predict", "origins.npz", cwd=folder, stdin=b"mnrova\n\nstnini\r\nttrko"))
    assert [row[:2] for row in found] == [["mnrova", "Russian"], ["", ""], ["stnini", "Italian"], ["ttrko", "Japanese"]]
    assert [len(row) for row in found] == [3, 3, 3, 3]
    assert found[1][2] == ""
    assert all(0.34 <= float(row[2]) <= 1 for k, row in enumerate(found) if k != 1)


def test_only_prints_predictions_alone(folder: Path) -> None:
    found = rows(predict(folder, "origins.npz", "--only", stdin="mnrova\n\nstnini\n"))
    assert found == [["Russian"], [""], ["Italian"]]


def test_top_prints_the_likeliest_labels_with_falling_probabilities(folder: Path) -> None:
    (row,) = rows(predict(folder, "origins.npz", "--text", "mnrova", "--top", "2"))
    assert row[:2] == ["mnrova", "Russian"]
    assert len(row) == 5
    assert float(row[2]) > float(row[4])
    (row,) = rows(predict(folder, "origins.npz", "--text", "mnrova", "--top", "9", "--only"))
    assert row[0] == "Russian"
    assert sorted(row) == ["Italian", "Japanese", "Russian"]


def test_json_prints_an_object_for_each_row(folder: Path) -> None:
    result = predict(folder, "origins.npz", "--json", stdin="mnrova\n\né☃\n")
    first, empty, odd = map(json.loads, result.text.splitlines())
    assert (first["text"], first["prediction"]) == ("mnrova", "Russian")
    assert first["probability"] == max(first["probabilities"].values())
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert empty == {"text": "", "prediction": None, "probability": None, "probabilities": {}}
    assert odd["text"] == "é☃"


def test_a_table_keeps_its_rows_and_its_header(folder: Path) -> None:
    lines = (folder / "answers.tsv").read_text().splitlines()
    found = predict(folder, "numbers.npz", "answers.tsv").text.splitlines()
    assert found[0] == f"{lines[0]}\tpredicted count"
    assert [line.rpartition("\t")[0] for line in found] == lines
    counts = [int(line.split("\t")[3]) for line in lines[1:]]
    predicted = [float(line.rpartition("\t")[2]) for line in found[1:]]
    assert max(abs(own - count) for own, count in zip(predicted, counts, strict=True)) < 1


def test_a_row_of_a_table_needs_no_target(folder: Path, tmp_path: Path) -> None:
    header, first, *others = (folder / "answers.tsv").read_text().splitlines()
    cells, table = first.split("\t"), tmp_path / "t.tsv"
    table.write_text("\n".join([header, "\t".join(cells[:-1]), *others]) + "\n")
    _, short, *complete = rows(predict(folder, "numbers.npz", table))
    _, known, *same = rows(predict(folder, "numbers.npz", "answers.tsv"))
    assert (short, complete) == ([*cells[:-1], "", known[-1]], same)
    table.write_text(f"{header}\n{cells[0]}\t{cells[1]}\n")
    result = predict(folder, "numbers.npz", table)  # has_b is no target of this model
    assert (result.code, len(result.lines)) == (2, 1)
    assert "2 cells separated by tabs, but the header has 4; correct the row" in result.err


@pytest.mark.parametrize("typed", [[], ["-"], ["--format", "tsv"], ["--format", "jsonl"], ["nothing"]])
def test_nothing_to_predict_is_refused_in_one_line(typed: list[str], folder: Path) -> None:
    (folder / "nothing").touch()
    result = predict(folder, "origins.npz", *typed)
    assert (result.code, result.text) == (2, "")
    name = "nothing" if typed == ["nothing"] else "standard input"
    assert result.lines == [f"charrnn: {name}: there is no text in it"]


def test_a_column_of_another_table_can_be_named_or_counted(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text('id,name\n1,"mnr, ""ova"\n2,\n')
    for column in ("name", "2"):
        result = predict(folder, "origins.npz", table, "--column", column)
        assert result.code == 0
        lines = result.text.splitlines()
        assert lines[1].startswith('1,"mnr, ""ova",Russian,')
        assert lines[2] == "2,,,"
    assert (
        predict(folder, "origins.npz", table, "--column", "name").text.splitlines()[0]
        == "id,name,prediction,probability"
    )
    piped = predict(folder, "origins.npz", "--format", "tsv", "--column", "2", "--only", stdin="x\tmnrova\n")
    assert rows(piped) == [["Russian"]]


def test_jsonl_gives_jsonl(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text('{"text": "mnrova", "id": [7]}\n\n{"text": null, "x": "\\ud800"}\n')
    result = predict(folder, "origins.npz", file)
    first, empty, missing = result.text.splitlines()
    assert empty == ""
    assert json.loads(first) | {"text": "mnrova", "id": [7], "prediction": "Russian"} == json.loads(first)
    assert json.loads(missing)["prediction"] is None
    assert json.loads(missing)["x"] == "\ud800"
    assert rows(predict(folder, "origins.npz", file, "--only")) == [["Russian"], [""], [""]]


def test_yes_no_labels_are_those_above_a_threshold(folder: Path) -> None:
    found = rows(predict(folder, "answers.npz", stdin="cdbcx\nabcdx\n\n"))
    assert [row[1] for row in found] == ["has_b", "has_a,has_b", ""]
    assert [row[2].count(",") for row in found] == [0, 1, 0]
    assert rows(predict(folder, "answers.npz", "--threshold", "0", "--only", "--text", "cdbcx")) == [["has_a,has_b"]]
    assert rows(predict(folder, "answers.npz", "--threshold", "1", "--only", "--text", "cdbcx")) == [[""]]
    document = json.loads(predict(folder, "answers.npz", "--json", "--text", "cdbcx").text)
    assert document["prediction"] == ["has_b"]
    assert set(document["probabilities"]) == {"has_a", "has_b"}


def test_a_tagger_labels_each_symbol(folder: Path) -> None:
    found = rows(predict(folder, "vowels.npz", stdin="ana men\n\n"))
    assert found[0][:2] == ["ana men", "VCV CVC"]
    assert found[1] == ["", "", ""]
    document = json.loads(predict(folder, "vowels.npz", "--json", "--text", "ma").text)
    assert document["prediction"] == ["C", "V"]
    assert [(own["start"], own["end"], own["label"]) for own in document["units"]] == [(0, 1, "C"), (1, 2, "V")]
    assert "spans" not in document


def test_a_tagger_of_tokens_gives_spans_in_characters_of_the_text(folder: Path) -> None:
    document = json.loads(predict(folder, "tokens.npz", "--json", "--text", "und  Anna Bert sah").text)
    assert document["prediction"] == ["O", "B-PER", "I-PER", "O"]
    assert document["spans"] == [{"start": 5, "end": 14, "label": "PER"}]
    assert rows(predict(folder, "tokens.npz", "--only", "--text", "und Anna")) == [["O B-PER"]]


def test_conllu_gives_the_same_file_with_the_predicted_labels(folder: Path, tmp_path: Path) -> None:
    text = tokens_file(5, seed=3)
    hidden = text.replace("B-PER", "_").replace("I-PER", "_").replace("\tO\t", "\t_\t")
    file = tmp_path / "t.conllu"
    file.write_text(hidden.replace("1\t", "1-2\tx\t_\t_\t_\t_\t_\t_\t_\t_\n1\t", 1))
    result = predict(folder, "tokens.npz", file)
    assert (result.code, result.err) == (0, "")
    assert result.text == text.replace("1\t", "1-2\tx\t_\t_\t_\t_\t_\t_\t_\t_\n1\t", 1)
    (tmp_path / "t.conll").write_text("und\n\n\nAnna\nBert")
    assert predict(folder, "tokens.npz", tmp_path / "t.conll").text == "und\tO\n\n\nAnna\tB-PER\nBert\tI-PER\n"


def test_a_missing_target_column_is_added(
    folder: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "t.conll").write_text("und\n\nAnna\tx\n")
    model = load_checkpoint(folder / "tokens.npz").task_model
    layout = Layout("conll", 1, (4,))
    write_sentences(unit_labels([model]), tmp_path / "t.conll", layout, "utf-8", LinesOut())
    assert capsysbinary.readouterr().out == b"und\t_\t_\tO\n\nAnna\tx\t_\tB-PER\n"


def test_several_models_vote(folder: Path) -> None:
    names = ["origins.npz", "bytes.npz"]
    one, two = (json.loads(predict(folder, name, "--json", "--text", "mnrko").text) for name in names)
    both = json.loads(predict(folder, *names, "--json", "--text", "mnrko").text)
    for label, p in both["probabilities"].items():
        assert p == pytest.approx((one["probabilities"][label] + two["probabilities"][label]) / 2, abs=2e-6)


def test_many_rows_are_shared_out_and_keep_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [line.split("\t")[0] for line in (folder / "origins.tsv").read_text().splitlines()]
    text = "".join(f"{name}\n" for name in names)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(processes, "cores", lambda: 3)
    whole = call("predict", "origins.npz", stdin=text.encode())
    for rows_at_once, all_ready in ((7, True), (7, False), (20, True)):  # waiting for processes, or without their help
        monkeypatch.setattr(predicted_rows, "ROWS_AT_ONCE", rows_at_once)
        monkeypatch.setattr(predicted_rows, "_is_ready", lambda lines, ready=all_ready: ready)
        assert call("predict", "origins.npz", stdin=text.encode()) == whole
    broken = call("predict", "origins.npz", "--format", "jsonl", stdin=b'{"text": "a"}\n' * 50 + b"{\n")
    assert (broken.code, broken.out.count(b"\n")) == (2, 50)
    assert "standard input:51: not valid JSON" in broken.err


# -- what is refused --------------------------------------------------------------------------------------------------

REFUSED = {
    "origins.npz --threshold 0.5": "--threshold applies only to yes/no labels",
    "vowels.npz --top 2": "a tagger predicts a label for each unit",
    "numbers.npz --top 2": "this model predicts numbers",
    "answers.npz --top 1 --threshold 0.1": "--top and --threshold exclude each other",
    "origins.npz --only --json": "--only and --json exclude each other",
    "origins.npz --text a origins.tsv": "--text is read instead of a file",
    "origins.npz --column 2": "--column needs a table",
    "origins.npz origins.tsv --column 0": "columns count from 1",
    "origins.npz origins.tsv --column 9": "origins.tsv:1: 2 cells separated by tabs, but column 9",
    "origins.npz no.txt": "FILE: no.txt does not exist",
    "origins.npz a.txt b.txt": "neither 'a.txt' nor 'b.txt' is a model",
    "no.npz": "no.npz: does not exist",
    "origins.npz vowels.npz": "origins.npz, vowels.npz: models vote only if they predict the same labels",
    "origins.npz names.conllu": "conllu has a label for each token; this model predicts no labels of tokens",
    "vowels.npz names.conllu": "conllu has a label for each token; this model predicts no labels of tokens",
    "tokens.npz names.conllu --json": "leave --json out",
    "tokens.npz names.conllu --column what": "conllu has no column 'what'",
    "origins.npz --threshold nan": "not a number",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_what_does_not_apply_is_refused_in_one_line(typed: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = call("predict", *typed.split(), stdin=b"")
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1), result.err
    assert REFUSED[typed] in result.err


def test_a_model_of_segments_reads_lines_and_no_file_of_tokens(folder: Path) -> None:
    data = {"path": "names.conllu", "fractions": FRACTIONS}
    with chdir(folder):
        train_task(Path("segments.npz"), {"task": "tag", "data": data, "model": {**MODEL, "scheme": "segments"}}, 1)
    (row,) = rows(predict(folder, "segments.npz", "--text", "ab c"))
    assert len(row[1]) == 4
    result = predict(folder, "segments.npz", "names.conllu")
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith(
        "charrnn: this model finds where tokens begin, and conllu has them already; give it lines, or a table"
    )


LANGUAGE_COMMANDS = {
    "sample origins.npz": "origins.npz: this is a classifier, not a language model; use charrnn predict",
    "embed vowels.npz vowels.tsv": "vowels.npz: this is a tagger, not a language model; use charrnn predict",
    "flow origins.npz": "use charrnn eval",
}


@pytest.mark.parametrize("typed", LANGUAGE_COMMANDS)
def test_commands_of_language_models_name_the_right_one(
    typed: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = call(*typed.split())
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1), result.err
    assert LANGUAGE_COMMANDS[typed] in result.err


def test_a_language_model_predicts_nothing_and_names_its_commands(small: Path, folder: Path) -> None:
    for names in (["runs/my"], [folder / "origins.npz", "runs/my"]):
        result = call("predict", *names, "--text", "a", cwd=small)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert "this is a language model; use charrnn sample or charrnn eval" in result.err


def test_a_text_that_needs_too_much_memory_is_refused_with_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(predicted_columns, "MAX_TEXT_BYTES", 100_000)
    result = call("predict", "origins.npz", stdin=b"mnrova\n" + b"x" * 10_000)
    assert result.code == 2
    assert result.out.startswith(b"mnrova\tRussian\t")
    assert "standard input:2: a text of 10,000 characters" in result.err


def test_a_wrong_encoding_is_refused_with_its_place(folder: Path) -> None:
    result = predict(folder, "origins.npz", stdin=b"mnrova\nM\xfcller\n")
    assert (result.code, len(result.lines)) == (2, 1)
    assert "standard input: byte 0xfc at offset 8 (line 2) is not valid utf-8" in result.err


# -- streams ----------------------------------------------------------------------------------------------------------


def test_a_terminal_gets_no_control_characters(folder: Path) -> None:
    for more in ([], ["--json"], ["--top", "2"]):
        result = run_in_terminal("predict", "origins.npz", "--text", HOSTILE, *more, cwd=folder)
        assert result.code == 0
        assert not commands_to_a_terminal(result.text)
        if "--json" in more:
            assert json.loads(result.text)["text"] == HOSTILE


def test_a_pipe_gets_the_row_as_it_is(folder: Path) -> None:
    result = predict(folder, "origins.npz", stdin=HOSTILE)
    assert result.text.startswith(f"{HOSTILE}\t")


def test_a_label_with_a_line_end_does_not_break_the_rows(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"{letter}{k}", "label": f"{letter}\n\t\x1b"}) for letter in "ab" for k in range(20)]
    (tmp_path / "t.jsonl").write_text("".join(f"{line}\n" for line in lines))
    train_task(tmp_path / "m.npz", {"task": "classify", "data": {"path": str(tmp_path / "t.jsonl")}}, 5)
    result = predict(tmp_path, "m.npz", stdin="a1\nb1\n")
    assert [row[1] for row in rows(result)] == ["a\\n\\t\x1b", "b\\n\\t\x1b"]
    shown = run_in_terminal("predict", "m.npz", "--text", "a1", cwd=tmp_path)
    assert not commands_to_a_terminal(shown.text)


@pytest.mark.parametrize("typed", [["--text", "é"], ["answers.tsv"]])
def test_closed_and_full_streams_are_no_tracebacks(typed: list[str], folder: Path) -> None:
    assert run("predict", "origins.npz", *typed, cwd=folder, redirect=">&-") == Result(0, b"", "")
    full = run("predict", "origins.npz", *typed, cwd=folder, redirect=">/dev/full")
    assert (full.code, len(full.lines)) == (1, 1)
    assert "No space left on device" in full.err
    quiet = run("predict", "origins.npz", *typed, cwd=folder, shell='"$@" | :')
    assert (quiet.code, quiet.err) == (0, "")
    ascii_only = run("predict", "origins.npz", *typed, cwd=folder, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert ascii_only.code == 0
    closed = run("predict", "origins.npz", cwd=folder, redirect="<&-")
    assert (closed.code, len(closed.lines)) == (2, 1)
    assert "standard input is closed" in closed.err


def test_a_reader_that_ends_early_ends_the_processes_too(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("mnrova\n" * 60_000)
    with start("predict", folder / "origins.npz", tmp_path / "long.txt", cwd=folder) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("mnrova\tRussian")
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_a_damaged_run_is_one_line(folder: Path, tmp_path: Path) -> None:
    broken = shutil.copy(folder / "origins.npz", tmp_path / "m.npz")
    data = Path(broken).read_bytes()
    Path(broken).write_bytes(data[: len(data) // 2])
    result = predict(tmp_path, "m.npz", "--text", "a")
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
