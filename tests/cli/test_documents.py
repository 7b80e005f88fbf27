"""Models of documents on the command line: eval, embed, info, the header of a run, flow and report."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import charrnn
from charrnn.data.vocab import END
from tests.support.processes import SMALL, TALES, call, project, run

NAMES = ["Anna", "Bert", "Carla", "Dora", "Emil", "Fritz", "Gerda", "Hans", "Ida", "Jan"] * 12
LINES = SMALL.replace("text.txt", "text.txt, documents: line, fractions: [0.8, 0.1, 0.1]")
POEMS = LINES.replace("documents: line", "documents: paragraph").replace("text.txt", "poems.txt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks of lines, of paragraphs and of paragraphs in bytes, and an n-gram of lines."""
    names = [f"{name}{k}" for k, name in enumerate(NAMES)]
    folder = project(tmp_path_factory.mktemp("documents"), "\n".join([*names, "", names[0], ""]), LINES, "lines.yaml")
    (folder / "poems.yaml").write_text(POEMS)
    (folder / "bytes.yaml").write_text(POEMS.replace("data: {", "data: {tokens: byte, "))
    (folder / "poems.txt").write_text(TALES.read_text()[:9000])
    for name in ("lines", "poems", "bytes"):
        assert call("train", f"{name}.yaml", "--quiet", cwd=folder).code == 0
    ngram = ["--set", "model.cell=ngram", "--set", "model.order=3", "--out", "runs/ngram", "--quiet"]
    assert call("train", "lines.yaml", *ngram, cwd=folder).code == 0
    return folder


@pytest.mark.parametrize("name", ["lines", "poems", "bytes", "ngram"])
def test_eval_says_what_a_document_costs(folder: Path, name: str) -> None:
    typed = ["eval", f"runs/{name}", "--baselines", "--novelty"]
    result, numbers = call(*typed, cwd=folder), call(*typed, "--json", cwd=folder)
    assert (result.code, result.err, numbers.code, numbers.err) == (0, "", 0, "")
    scores = json.loads(numbers.out)
    assert scores["nats_per_document"] * scores["documents"] == pytest.approx(scores["nats_per_char"] * scores["chars"])
    assert scores["worst"] == []
    assert scores["worst_documents"][0].keys() == {"number", "chars", "nats", "nats_per_char", "text"}
    assert scores["novelty"]["documents"].keys() == {"count", "in_training", "duplicates"}
    assert all("nats_per_document" in row for row in scores["rows"])
    head = f"test split: {scores['documents']} documents, {scores['chars']:,} characters with their ends"
    assert result.text.startswith(head)
    assert f"{scores['nats_per_document']:.3f} nats/document" in result.text
    assert "worst documents" in result.text
    assert "worst passages" not in result.text
    assert END not in result.text + numbers.out.decode()
    assert "\\uffff" not in numbers.out.decode()


def test_candidates_on_standard_input_are_scored_line_by_line(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "out.tsv"
    candidates = ["Anna1", "Zz☃", "Anna1", "B\\ert"]
    stdin = "\r\n".join(candidates).encode() + b"\n\n"
    result = call("eval", "runs/lines", "-", "--per-document", table, "--json", cwd=folder, stdin=stdin)
    assert (result.code, result.err) == (0, "")
    scores = json.loads(result.out)
    head, *rows = [line.split("\t") for line in table.read_text().splitlines()]
    known = set(charrnn.load(folder / "runs" / "lines").vocab.symbols)
    assert head == ["document", "chars", "nats", "nats_per_char", "unknown", "text"]
    assert [row[4] for row in rows] == [str(sum(c not in known for c in name)) for name in candidates]
    kept = ["".join(c for c in name if c in known) for name in candidates]
    assert [row[5] for row in rows] == [name.replace("\\", "\\\\") for name in kept]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    model = charrnn.load(folder / "runs" / "lines")
    assert [float(row[2]) for row in rows] == pytest.approx(
        [charrnn.score_text(model, name).nats for name in kept], abs=1e-4
    )
    assert scores["documents"] == 4
    assert scores["nats_per_char_charged"] > scores["nats_per_char"]
    again = call("eval", "runs/lines", "-", "--per-document", table, cwd=folder, stdin=stdin)
    assert (again.code, again.out, len(again.lines)) == (2, b"", 1)
    assert "exists already" in again.err


def test_unknown_characters_are_charged_on_the_terminal_only_where_there_are_some(folder: Path) -> None:
    for text, charged in ((b"Anna1\n", False), ("Ann☃".encode(), True)):
        result = call("eval", "runs/lines", "-", cwd=folder, stdin=text)
        assert ("charged for" in result.text) is charged
    assert result.text.startswith("-: 1 document, 4 characters with their ends, 1 unknown to the model; ")


def test_a_mixture_of_models_of_documents(folder: Path) -> None:
    for split in ("test", "valid"):
        result = call("eval", "runs/lines", "runs/ngram", "--split", split, "--json", cwd=folder)
        assert (result.code, result.err) == (0, "")
        rows = json.loads(result.out)["rows"]
        assert [row["name"].split(" (")[0] for row in rows] == ["lstm 1 x 8", "3-gram, kneser-ney", "mixture"]
        assert all("nats_per_document" in row for row in rows)


def test_models_that_tell_documents_apart_in_other_ways_are_not_mixed(folder: Path) -> None:
    (folder / "even.txt").write_text("".join(f"{k:03}\n" for k in range(200)))  # any draw has as many characters
    for seed in "07":
        ngram = ["--set", "model.cell=ngram", "--set", "model.order=2", "--set", "data.path=even.txt", "--quiet"]
        seeded = ["--set", f"data.split_seed={seed}", "--out", f"runs/seed{seed}"]
        assert call("train", "lines.yaml", *ngram, *seeded, cwd=folder).code == 0
    for first, other, reason in (
        ("lines", "poems", "another vocabulary"),
        ("seed0", "seed7", "another text or split"),
    ):
        result = call("eval", f"runs/{first}", f"runs/{other}", cwd=folder)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert reason in result.err


def test_novelty_counts_the_documents_of_a_file_that_stand_in_the_training_text(folder: Path, tmp_path: Path) -> None:
    train = json.loads(call("eval", "runs/lines", "--split", "train", "--novelty", "--json", cwd=folder).out)["novelty"]
    assert train["documents"]["in_training"] == train["documents"]["count"]
    (tmp_path / "samples.txt").write_text("Zzzz\nAnnaBert\nAnnaBert\n")
    typed = ["eval", "runs/lines", tmp_path / "samples.txt", "--novelty"]
    found = json.loads(call(*typed, "--json", cwd=folder).out)["novelty"]["documents"]
    assert found == {"count": 3, "in_training": 0, "duplicates": 1}
    assert "documents that also stand in the training text: 0 of 3 (0.0%); 1 repeats" in call(*typed, cwd=folder).text


def test_dynamic_evaluation_and_tables_of_documents_are_refused_where_they_make_no_sense(
    folder: Path, small: Path, tmp_path: Path
) -> None:
    dynamic = call("eval", "runs/lines", "--dynamic", cwd=folder)
    stream = call("eval", "runs/my", "--per-document", tmp_path / "x.tsv", cwd=small)
    for result, reason in ((dynamic, "each by itself"), (stream, "--per-document needs a model of documents")):
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert reason in result.err
    assert not (tmp_path / "x.tsv").exists()


def test_a_page_of_documents_shows_no_raw_end(folder: Path, tmp_path: Path) -> None:
    for name in ("poems", "bytes"):
        page = tmp_path / f"{name}.html"
        assert call("eval", f"runs/{name}", "--html", page, cwd=folder).code == 0
        text = page.read_text()
        assert "Worst documents" in text
        assert "nats/document" in text
        assert "␃" in text
        assert END not in text
        result = call("report", f"runs/{name}", "--out", tmp_path / f"{name}-report.html", cwd=folder)
        assert (result.code, result.err) == (0, "")
        text = (tmp_path / f"{name}-report.html").read_text()
        assert "Gradient flow" in text
        assert END not in text


# -- before a run, and what it holds ------------------------------------------------------------------------------


def test_the_header_of_a_run_counts_its_documents(folder: Path) -> None:
    dry, ngram = (call("train", "lines.yaml", "--dry-run", *more, cwd=folder)
                  for more in ([], ["--set", "model.cell=ngram"]))  # fmt: skip
    line = (
        "documents: 121 (train 97, valid 12, test 12) of 4 to 8 characters, median 6; 1 repeats an earlier one; "
        "0 of the 24 held-out ones also stand in the training text; 1 empty left out"
    )
    for result in (dry, ngram):
        assert (result.code, result.err) == (0, "")
        assert line in result.text.splitlines()
    again = ["--set", "data.split=contiguous", "--set", "data.fractions=[0.9,0.1,0]"]
    seen = call("train", "lines.yaml", "--dry-run", *again, cwd=folder).text
    assert "; 1 of the 12 held-out ones also stands in the training text" in seen
    assert "documents:" not in call("train", "lines.yaml", "--dry-run", "--set", "data.documents=none",
                                   "--set", "data.split=contiguous", cwd=folder).text  # fmt: skip


def test_info_names_the_symbol_that_ends_a_document(folder: Path) -> None:
    lines, poems = (call("info", f"runs/{name}", cwd=folder).text for name in ("lines", "poems"))
    assert "documents    each ends with a newline" in lines
    assert "documents    each ends with a symbol of its own, one of the vocabulary, shown as ␃" in poems
    assert END not in poems
    assert "\\uffff" not in poems


# -- gradient flow and states -------------------------------------------------------------------------------------


def test_flow_stays_within_documents_and_says_if_they_are_too_short(folder: Path) -> None:
    result = call("flow", "runs/poems", "runs/lines", "poems.yaml", "--json", cwd=folder)
    assert (result.code, result.err) == (0, "")
    assert [len(each["norms"][0]) for each in json.loads(result.out)][1] < 9
    (folder / "short.txt").write_text("a\nb\n" * 40)
    config = LINES.replace("text.txt", "short.txt").replace("line,", "line, split: contiguous,")
    (folder / "short.yaml").write_text(config)
    assert call("train", "short.yaml", "--quiet", cwd=folder).code == 0
    result = call("flow", "runs/short", cwd=folder)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert "documents of the held-out text are too short" in result.err
    result = call("report", "runs/short", cwd=folder)
    assert (result.code, len(result.lines)) == (0, 1)
    assert "without units and gradients" in result.err
    assert "Worst documents" in (folder / "runs" / "short" / "report.html").read_text()


def test_embed_prints_a_row_for_each_document_and_writes_the_same_as_arrays(folder: Path, tmp_path: Path) -> None:
    names = ["Anna1", "Jan", "Anna1"]
    stdin = "\n".join(names).encode()
    printed = run("embed", "runs/lines", "-", cwd=folder, stdin=stdin)
    assert (printed.code, printed.err) == (0, "")
    rows = [line.split("\t") for line in printed.text.splitlines()]
    expected = charrnn.embed(charrnn.load(folder / "runs" / "lines"), names)
    np.testing.assert_allclose(np.array([row[2:] for row in rows[1:]], float), expected, atol=1e-6)
    (tmp_path / "names.txt").write_bytes(stdin)
    for ending in ("npy", "npz", "tsv"):
        out = tmp_path / f"states.{ending}"
        result = run("embed", "runs/lines", tmp_path / "names.txt", "--out", out, cwd=folder)
        assert (result.code, result.out, result.err) == (0, b"", "")
    assert (tmp_path / "states.tsv").read_bytes() == printed.out
    states = np.load(tmp_path / "states.npy")
    np.testing.assert_allclose(states, expected, atol=1e-6)
    arrays = np.load(io.BytesIO((tmp_path / "states.npz").read_bytes()))
    np.testing.assert_array_equal(arrays["states"], states)
    np.testing.assert_array_equal(arrays["begins"], [0, 1, 2])


def test_embed_gives_a_row_for_each_character_and_one_for_a_whole_stream(folder: Path, small: Path) -> None:
    result = call("embed", "runs/lines", "-", "--each", "character", cwd=folder, stdin=b"Jan\nIda\n")
    assert [line.split("\t")[:2] for line in result.text.splitlines()[1:]] == [
        ["1", "1"], ["1", "2"], ["1", "3"], ["2", "1"], ["2", "2"], ["2", "3"],
    ]  # fmt: skip
    for each, rows in (("document", 1), ("character", 9)):
        result = call("embed", "runs/my", "-", "--each", each, cwd=small, stdin="The\nfo☃e \n".encode())
        assert (result.code, len(result.text.splitlines())) == (0, 1 + rows)
        assert result.lines == ["charrnn: characters that the model does not know are left out: 1"]


def test_embed_refuses_in_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken.npy").write_bytes(b"mine")
    (tmp_path / "empty.txt").write_bytes(b"")
    for typed, reason in (
        (["runs/ngram", "text.txt"], "this is an n-gram, which has no weights, units or gradients; name a network"),
        (["runs/lines", "text.txt", "--out", tmp_path / "taken.npy"], "exists already"),
        (["runs/lines", "text.txt", "--out", tmp_path / "states.csv"], "must end in .npy, .npz or .tsv"),
        (["runs/lines", "text.txt", "--out", ""], "is empty"),
        (["runs/lines", "none.txt"], "none.txt"),
        (["runs/lines", tmp_path / "empty.txt"], "empty.txt"),
    ):
        result = call("embed", *typed, cwd=folder)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1), reason
        assert reason in result.err
    assert (tmp_path / "taken.npy").read_bytes() == b"mine"
