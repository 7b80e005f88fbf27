"""The benchmarks run: a tiny measurement from end to end, in a copy of their folder, and the picture of a result."""

import importlib
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import chain
from pathlib import Path

import pytest

from charrnn.config import config_from_dict
from charrnn.config.building import load_config
from tests.support.processes import ROOT, TIMEOUT, environment

TINY = ["--cells", "rnn", "--sizes", "1x128", "--repeats", "1", "--seconds", "0.01"]


def measure(folder, *words):
    """Run a copy of bench.py below a folder, without peers."""
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=shutil.ignore_patterns("results", "__pycache__"))
    (folder / "docs" / "pictures").mkdir(parents=True)
    command = [sys.executable, folder / "benchmarks" / "bench.py", *words, "--peers", ""]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=TIMEOUT, cwd=folder)


@pytest.mark.skipif(sys.platform == "win32", reason="bench.py waits for pipes with select")
def test_a_tiny_measurement_gives_a_table_a_file_and_the_picture(tmp_path):
    done = measure(tmp_path, "training", "start", *TINY)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "benchmarks" / "results" / "bench.json").read_text())
    assert list(results) == ["about", "training", "start"]
    (row,) = results["training"]
    assert (row["cell"], row["size"]) == ("rnn", "1x128")
    assert row["ceiling"] > 0
    assert row["charrnn"]["chars_per_second"] > 0
    assert not {"torch one-hot", "torch embedding", "jax"} & set(row)
    assert all(0 < seconds < TIMEOUT for seconds in results["start"].values())
    assert "training, char/s, " in done.stdout
    assert f"{row['charrnn']['chars_per_second']:,.0f}" in done.stdout
    ElementTree.parse(tmp_path / "docs" / "pictures" / "speed.svg")


def test_an_unknown_size_is_refused(tmp_path):
    done = measure(tmp_path, "training", "--sizes", "1x128,9x9")
    assert done.returncode == 2
    assert done.stderr.endswith("argument --sizes: no such word: 9x9; choose from 2x128,1x128,1x256,2x512\n")


@pytest.mark.parametrize("peers", [False, True])
def test_the_picture_shows_a_bar_for_each_speed_and_the_better_input_of_pytorch(peers, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    picture = importlib.import_module("picture")
    speeds = {"charrnn": 3000.0}
    if peers:
        speeds |= {"torch one-hot": 1500.0, "torch embedding": 2000.0, "jax": 1000.0}
    row = {"cell": "lstm", "size": "2x128"} | {name: {"chars_per_second": speed} for name, speed in speeds.items()}
    root = ElementTree.fromstring(picture.draw([row], {"charrnn": "1.2.3", "torch": "2.0", "jax": "0.1"}))
    svg = "{http://www.w3.org/2000/svg}"
    widths = {
        bar.get("class"): float(bar.get("width")) for bar in root.findall(f"{svg}rect") if bar.get("width") != "11"
    }
    said = [text.text for text in root.findall(f"{svg}text")]
    assert "LSTM 2 × 128" in said
    assert "charrnn 1.2.3" in said
    if peers:
        assert list(widths) == ["charrnn", "torch", "jax"]
        assert widths["charrnn"] / widths["torch"] == pytest.approx(1.5, rel=0.01)
        assert widths["charrnn"] / widths["jax"] == pytest.approx(3, rel=0.01)
        assert "3,000 (1.50×)" in said
    else:
        assert list(widths) == ["charrnn"]


def test_the_defaults_are_measured_beside_an_ngram_on_text_that_no_run_has_seen(tmp_path):
    shutil.copytree(
        ROOT / "benchmarks", tmp_path / "benchmarks", ignore=shutil.ignore_patterns("results", "__pycache__")
    )
    text = ROOT / "data" / "tales.txt"
    command = [
        sys.executable,
        tmp_path / "benchmarks" / "defaults.py",
        "--text",
        f"tales={text}",
        "--text",
        "short=a.txt",
    ]
    (tmp_path / "a.txt").write_text("too short")
    command += ["--sizes", "3000", "--configs", "ngram"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=2 * TIMEOUT, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (result,) = (tmp_path / "benchmarks" / "results" / "defaults" / "tales-3000").glob("ngram-*.json")
    loss = json.loads(result.read_text())["report"]
    assert 1.5 < loss < 3.5
    *_, row = done.stdout.splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["tales", "3,000", *[""] * 5, f"{loss:.3f}", ""]


def test_what_a_measured_search_is_given_and_what_is_held_out_have_nothing_in_common(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    tuning = importlib.import_module("tuning")
    words = [f"name{k}" for k in range(4000)]
    (tmp_path / "a.txt").write_text("\n".join([*words, *words[:99]]))
    (tmp_path / "b.csv").write_text("".join(f'"{word},",1\n' for word in ["smiles", *words, *words]))
    (tmp_path / "c").mkdir()
    for number, name in enumerate(("one", "two")):
        (tmp_path / "c" / f"{name}.txt").write_text("\n".join(words[number::2] * 2))
    for material in (
        tuning.names("a.txt", tmp_path),
        tuning.molecules("b.csv", tmp_path),
        tuning.origins("c", tmp_path),
    ):
        given, held = material.given.splitlines(), material.held.splitlines()
        assert len({*given, *held}) == len(given) + len(held) == 4000
        assert len(held) > 500
    text = tuning.prefix("a.txt", 100, tmp_path)
    assert (text.given + text.held).startswith("name0\nname1\n")
    assert (len(text.given), len(text.held)) == (100, 10_000)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2])
def test_classifiers_of_charrnn_and_pytorch_do_the_same_job(cell, layers, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    examples = importlib.import_module("examples")
    size = examples.ExampleSize(layers, hidden=8, batch=4, shortest=2, longest=9)
    ours, theirs = examples.CharrnnExamples(cell, size, 1), examples.TorchExamples(cell, size, 1)
    assert size.chars == pytest.approx(ours.run.material.chars_per_step)
    assert ours.step() == pytest.approx(theirs.step(), abs=1e-5)
    for _ in range(2):  # the first steps of Adam turn the rounding of tiny gradients into whole steps
        assert ours.step() == pytest.approx(theirs.step(), abs=5e-3)


@pytest.mark.parametrize(
    ("molecule", "balanced"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", True),  # aspirin
        ("C[N+](C)(C)C", True),
        ("C%12CCCCC%12", True),
        ("[13CH4]", True),  # a mass is no ring
        ("C1CC", False),
        ("CC(C", False),
        ("C)C(", False),
        ("[NH4+", False),
        ("C%12CC%13", False),
    ],
)
def test_brackets_and_rings_of_molecules_are_checked(molecule, balanced, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    assert importlib.import_module("smiles").is_balanced(molecule) is balanced


def test_a_ladder_names_keys_that_exist_and_says_which_of_two_runs_is_better(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    ladder = importlib.import_module("ladder")
    load_config("tiny", [*ladder.PLAIN, "model.num_layers=2", *chain(*(ladder.TECHNIQUES[k] for k in ladder.DEFAULT))])
    for settings in (ladder.PLAIN, *ladder.TECHNIQUES.values()):
        load_config("tiny", [*settings, "model.num_layers=2"])
    worse = {"difference": 0.2, "interval": [0.1, 0.3]}
    rows = [{"run": "better", "nats_per_char": 1.0, "seconds": 5.0}, {"run": "b", "nats_per_char": 1.2, "seconds": 5.0}]
    for own, reference, shown in [("better", "b", "-0.2000  -0.3000 to -0.1000"), ("b", "better", "+0.2000  +0.1000")]:
        monkeypatch.setattr(ladder, "charrnn", lambda *words: json.dumps({"runs": [rows[0], rows[1] | worse]}))
        ladder.Ladder("text.txt", Path(), [], [], 1)._row("teacher alone", own, reference)
        assert shown in capsys.readouterr().out


def test_a_ladder_compares_each_technique_alone_and_left_out_with_another_run(monkeypatch, capsys, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    ladder = importlib.import_module("ladder")

    def answer(command, *words):
        if command == "compare":
            assert words[0] != words[1]  # which charrnn refuses
            worse = {"difference": 0.5, "interval": [0.4, 0.6]}
            rows = [{"run": run, "nats_per_char": 1.0, "seconds": 5.0} for run in words[:2]]
            return json.dumps({"runs": [rows[0], rows[1] | worse]})
        return json.dumps({"nats_per_char": 2.0} if command == "eval" else {})

    monkeypatch.setattr(ladder, "charrnn", answer)
    ladder.Ladder("text.txt", tmp_path, ["skip", "ngram"], [], 1).print()
    _, *rows = [line[:28].strip() for line in capsys.readouterr().out.splitlines()]
    assert rows == ["none", "skip alone", "ngram alone", "all", "all but skip", "all but ngram"]


def test_a_ladder_with_teachers_and_an_ngram_is_refused_before_anything_is_trained(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    ladder = importlib.import_module("ladder")
    monkeypatch.setattr(ladder, "charrnn", lambda *words: pytest.fail("it was run"))
    monkeypatch.setattr(sys, "argv", ["ladder.py", "--text", "a=a.txt", "--only", "dropout,ngram,teacher"])
    with pytest.raises(SystemExit):
        ladder.main()
    assert capsys.readouterr().err.endswith("--only: teacher does not go with ngram; leave one of them out\n")


def test_sets_with_published_figures_have_configs_that_are_valid(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    for own in importlib.import_module("published").TABLE.values():
        config_from_dict(json.loads(json.dumps(own.config)))


def test_rows_that_no_config_can_read_are_rewritten(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    published = importlib.import_module("published")
    (tmp_path / "isarcasm").mkdir()
    lines = "".join(f'{k},"so\n{k}",1\n' for k in range(10))
    (tmp_path / "isarcasm" / "train.En.csv").write_text(f",tweet,sarcastic\n{lines}10,,0\n")
    (tmp_path / "isarcasm" / "test_A.En.csv").write_text("text,sarcastic\nyes,0\n")
    config = json.loads(published.written("sarcasm", tmp_path, tmp_path / "out").read_text())
    rows = Path(config["data"]["path"]).read_text("utf-8").splitlines()
    assert rows[8:] == ["so 8\t1\ttrain", "so 9\t1\tvalid", "\t0\ttrain", "yes\t0\ttest"]


def test_every_wrong_unit_counts_as_one_that_has_several_labels(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    report = {"tags": {"units": {"count": 100}, "ambiguous": {"count": 40}}}
    assert importlib.import_module("published").of_ambiguous(report, {"units": 0.99}) == pytest.approx(39 / 40)


def test_minutes_to_reach_a_loss_give_a_table_a_file_and_a_picture(tmp_path):
    shutil.copytree(
        ROOT / "benchmarks", tmp_path / "benchmarks", ignore=shutil.ignore_patterns("results", "__pycache__")
    )
    (tmp_path / "my.txt").write_text("the cat sat on the mat and the dog sat on the cat. " * 400)
    script = [
        sys.executable,
        tmp_path / "benchmarks" / "reach.py",
        tmp_path / "my.txt",
        "--picture",
        tmp_path / "a.svg",
    ]
    tiny = [
        "--losses",
        "9,1e-9",
        "--epochs",
        "1",
        "--hidden-size",
        "4",
        "--threads",
        "1",
        "--candidates",
        "charrnn-ngram",
    ]
    done = subprocess.run([*script, *tiny], env=environment(), capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| charrnn-ngram \| \d+\.\d \| not in \d+\.\d \| \d\.\d{4} \|", done.stdout)
    curves = json.loads((tmp_path / "benchmarks" / "results" / "reach.json").read_text())["curves"]
    assert all(0 < minutes < TIMEOUT and 0 < loss < 9 for minutes, loss in curves["charrnn-ngram"])
    assert len(ElementTree.parse(tmp_path / "a.svg").findall(".//{http://www.w3.org/2000/svg}polyline")) == 1
