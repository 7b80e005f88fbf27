"""`charrnn eval`: scores for people and for programs, and the tables that it writes."""

import json
import re
import shutil
from pathlib import Path

import pytest

import charrnn
from tests.support.processes import TALES, Trained, call, run

SCORES = {
    "text", "chars", "unknown_chars", "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity",
    "word_perplexity", "top1", "top5", "intervals", "kinds", "positions", "calibration", "calibration_error",
    "worst", "rows", "nats_per_char_charged",
}  # fmt: skip


def test_eval_scores_the_held_out_split(tiny: Trained) -> None:
    result, numbers = call("eval", tiny.folder), call("eval", tiny.folder, "--json")
    assert (result.code, result.err, numbers.code, numbers.err) == (0, "", 0, "")
    scores = json.loads(numbers.out)
    assert set(scores) == SCORES
    assert (scores["text"], scores["chars"], scores["unknown_chars"]) == ("test split", 10_700, 0)
    assert result.text.splitlines()[0] == "test split: 10,700 characters"
    for unit in ("nats/char", "bits/char", "bits/byte"):
        assert f" {scores[unit.replace('/', '_per_')]:.4f} {unit} " in result.text
    assert re.search(rf"perplexity +{scores['perplexity']:.3f} +95 %: ", result.text)


@pytest.mark.parametrize(("split", "characters"), [("train", 3600), ("valid", 200), ("test", 200)])
def test_every_split_can_be_scored(split: str, characters: int, small: Path) -> None:
    scores = json.loads(call("eval", "runs/my", "--split", split, "--json", cwd=small).out)
    assert (scores["text"], scores["chars"] + scores["unknown_chars"]) == (f"{split} split", characters)
    if split == "valid":
        best = json.loads((small / "runs" / "my" / "log.jsonl").read_text().splitlines()[-1])["valid_loss"]
        assert scores["nats_per_char"] == pytest.approx(best, rel=1e-12)


def test_several_files_are_scored_as_one_text(tiny: Trained, tmp_path: Path) -> None:
    parts = "The fox and", " the ☃ crow"
    for name, part in zip("ab", parts, strict=True):
        (tmp_path / name).write_text(part)
    files = json.loads(call("eval", tiny.folder, "a", "b", "--json", cwd=tmp_path).out)
    stdin = json.loads(call("eval", tiny.folder, "-", "--json", stdin="".join(parts).encode()).out)
    assert (files.pop("text"), stdin.pop("text")) == ("a, b", "-")
    assert files == stdin
    expected = charrnn.score_text(tiny.model, "".join(parts))
    assert (files["chars"], files["unknown_chars"]) == (expected.chars, expected.unknown_chars) == (21, 1)
    assert files["nats_per_char"] == pytest.approx(expected.nats_per_char)


def test_a_byte_model_scores_any_bytes(bytewise: Path) -> None:
    scores = json.loads(run("eval", "runs/my", "-", "--json", cwd=bytewise, stdin=bytes(range(256))).out)
    assert (scores["chars"], scores["unknown_chars"], scores["bits_per_byte"]) == (256, 0, scores["bits_per_char"])


def test_a_changed_text_is_refused_as_the_held_out_split(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    (tmp_path / "text.txt").write_text(TALES.read_text()[1:4001])
    result = call("eval", "runs/my", cwd=tmp_path)
    assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
    assert "the text has changed" in result.err
    assert "name a FILE" in result.err
    assert call("eval", "runs/my", "text.txt", cwd=tmp_path).code == 0


def test_windows_are_said_and_do_not_go_with_what_carries_the_state_on(small: Path) -> None:
    whole = json.loads(call("eval", "runs/my", "--json", cwd=small).out)
    scores = json.loads(call("eval", "runs/my", "--window", "20", "--json", cwd=small).out)
    assert (scores["window"], scores["chars"]) == (20, whole["chars"])
    assert scores["nats_per_char"] > whole["nats_per_char"]
    assert ", in windows of 20, each from a fresh state" in call("eval", "runs/my", "--window", 20, cwd=small).text
    for option in (["--baselines"], ["--dynamic"], ["--html", "page.html"]):
        result = call("eval", "runs/my", "--window", 20, *option, cwd=small)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert f"--window and {option[0]} exclude each other" in result.err
    assert not (small / "page.html").exists()


def numbers_of(line: str) -> list[str]:
    return re.findall(r"[-+]?\d[\d,.]*", line)


def test_eval_prints_the_figures_of_its_json(small: Path, tmp_path: Path) -> None:
    """Every figure of the report for people is the one for programs, rounded."""
    ngram = tmp_path / "ngram"
    assert call("train", "my.yaml", "--set", "model.cell=ngram", "--out", ngram, cwd=small).code == 0
    typed = ["eval", "runs/my", ngram, "--baselines", "--novelty", "--dynamic", "sgd"]
    result, scores = call(*typed, cwd=small), json.loads(call(*typed, "--json", cwd=small).out)
    assert (result.code, result.err) == (0, "")
    lines = {re.split(r"  +", line.strip())[0]: line for line in result.text.splitlines()}
    assert lines["perplexity"].split()[1] == f"{scores['perplexity']:.3f}"
    low, high = scores["intervals"]["perplexity"]
    assert lines["perplexity"].endswith(f"95 %: {low:.3f} to {high:.3f}")
    assert f"{scores['word_perplexity']:,.0f}" in lines["word perplexity"]
    assert f" {scores['top1']:.1%} " in lines["top-1 accuracy"]
    assert f" {scores['top5']:.1%} " in lines["top-5 accuracy"]
    names = [row["name"] for row in scores["rows"]]
    assert [name.split(" (")[0] for name in names[:4]] == ["lstm 1 x 8", "7-gram, kneser-ney", "mixture", "lstm 1 x 8"]
    assert names[3].endswith("dynamic (sgd)")
    assert names[4:7] + names[8:] == ["mixture, dynamic (sgd)", "uniform", "unigram", "xz -9e", "bzip2 -9"]
    for row in scores["rows"]:
        shown = lines[row["name"]]
        assert f" {row['nats_per_char']:.4f} " in shown
        assert f" {row['bits_per_char']:.3f} " in shown
        if "interval" in row:
            assert f" {row['interval'][0]:.3f} to {row['interval'][1]:.3f} " in shown
    weights = next(line for line in result.text.splitlines() if "weights of the mixture" in line)
    assert all(f"{each['weight']:.3f} {each['name']}" in weights for each in scores["weights"])
    assert sum(each["weight"] for each in scores["weights"]) == pytest.approx(1)
    for kind in scores["kinds"]:
        wanted = [f"{kind['chars']:,}", f"{kind['nats_per_char']:.4f}", f"{100 * kind['share']:.1f}"]
        assert numbers_of(lines[kind["kind"]]) == wanted
    assert [p["last"] for p in scores["positions"]] == [1, 2, 4, 8, 16, 32, 50]
    read = next(line for line in result.text.splitlines() if line.startswith("  nats/char"))
    assert numbers_of(read) == [f"{p['nats_per_char']:.3f}" for p in scores["positions"]]
    assert numbers_of(lines["confidence"]) == [f"{100 * b['sure']:.0f}" for b in scores["calibration"]]
    assert numbers_of(lines["accuracy"]) == [f"{100 * b['right']:.0f}" for b in scores["calibration"]]
    assert f"expected calibration error {scores['calibration_error']:.1%}" in result.text
    assert numbers_of(lines["not in training text"]) == [f"{100 * n['new']:.1f}" for n in scores["novelty"]["new"]]
    longest = f"{scores['novelty']['longest']:,} of {scores['chars']} characters"
    assert f"occurs in the training text: {longest}" in result.text
    for passage in scores["worst"]:
        assert f"[{passage['text']}]".replace("\n", "⏎") in result.text


def test_tables_of_characters_and_lines_are_complete_and_never_overwrite_a_file(small: Path, tmp_path: Path) -> None:
    chars, lines = tmp_path / "chars.tsv", tmp_path / "lines.tsv"
    options = ["--per-char", chars, "--per-line", lines, "--json"]
    scores = json.loads(call("eval", "runs/my", "--split", "train", *options, cwd=small).out)
    rows = [line.split("\t") for line in chars.read_text().splitlines()]
    assert len(rows) == 1 + scores["chars"]
    assert sum(float(row[2]) for row in rows[1:]) / scores["chars"] == pytest.approx(scores["bits_per_char"], abs=1e-5)
    rows = [line.split("\t") for line in lines.read_text().splitlines()]
    assert "\n".join(row[4] for row in rows[1:]) == (small / "text.txt").read_text()[:3600].removesuffix("\n")
    before = chars.read_bytes()
    for bad, reason in ((chars, "exists already"), (tmp_path / "no" / "where.tsv", "there is no folder")):
        result = call("eval", "runs/my", "--per-char", bad, cwd=small)
        assert (result.code, result.out, len(result.lines)) == (2, b"", 1)
        assert reason in result.err
    assert chars.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"chars.tsv", "lines.tsv"}
