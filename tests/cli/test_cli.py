"""The commands as a user types them: exit codes, and what goes to stdout and what to stderr."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import charrnn
from charrnn.generation.sampling import Options, generate_batch
from charrnn.storage.files import Lock
from tests.support.processes import (
    CSI,
    ROOT,
    SMALL,
    TALES,
    Result,
    call,
    commands_to_a_terminal,
    environment,
    project,
    run,
    run_in_terminal,
    start,
    train_tiny,
)
from tests.support.torture import volume

COMMANDS = ("train", "bench", "sample", "eval", "compare", "report", "flow", "info", "config")
SCORES = {
    "text", "chars", "unknown_chars", "nats_per_char", "bits_per_char", "bits_per_byte", "perplexity",
    "word_perplexity", "top1", "top5", "intervals", "kinds", "positions", "calibration", "calibration_error",
    "worst", "rows",
}  # fmt: skip
TIMES = {"seconds", "chars_per_second"}
FILES = {"config.yaml", "log.jsonl", "best.npz", "last.npz", "samples", ".lock"}
HOSTILE = "\x1b]0;x\x07 \x9b31m \u202e é☃ "  # titles and colours in two spellings, and text that runs backwards


@dataclass(frozen=True)
class Trained:
    """A run directory, and what was printed while it came about."""

    folder: Path
    said: Result

    @property
    def model(self) -> charrnn.Network:
        return charrnn.load(self.folder)

    @property
    def log(self) -> list[dict[str, float]]:
        return [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Twenty steps on the tales."""
    folder = tmp_path_factory.mktemp("cli") / "tiny"
    return Trained(folder, train_tiny(folder))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with my.yaml, its text, and ten steps on it in runs/my."""
    folder = project(tmp_path_factory.mktemp("small"))
    assert run("train", "my.yaml", "--quiet", cwd=folder) == Result(0, b"", "")
    return folder


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same, but on a text that gives commands to terminals, and watched in one."""
    folder = project(tmp_path_factory.mktemp("odd"), HOSTILE * 200)
    (folder / HOSTILE).write_text(HOSTILE)
    return Trained(folder / "runs" / "my", run_in_terminal("train", "my.yaml", cwd=folder))


@pytest.fixture(scope="session")
def bytewise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a byte model that has learnt to write é, which is two bytes."""
    config = SMALL.replace("data: {", "data: {tokens: byte, ").replace("max_steps: 10", "max_steps: 80")
    folder = project(tmp_path_factory.mktemp("bytes"), "é" * 2000, config)
    assert run("train", "my.yaml", "--quiet", "--set", "train.learning_rate=0.05", cwd=folder).code == 0
    return folder


# -- train --------------------------------------------------------------------------------------------------------


def test_training_prints_plain_lines_on_stderr_and_nothing_on_stdout(tiny: Trained) -> None:
    said = tiny.said
    assert (said.code, said.out) == (0, b"")
    assert not commands_to_a_terminal(said.err)
    assert [line.split()[1] for line in said.lines if line.startswith("step ")] == ["5/20", "10/20", "15/20", "20/20"]


def test_the_opening_names_text_model_plan_and_machine(tiny: Trained) -> None:
    assert [line.partition(":")[0] for line in tiny.said.lines[:4]] == ["text", "model", "training", "machine"]


def test_the_end_says_how_it_went_and_names_the_next_commands(tiny: Trained) -> None:
    best = tiny.log[-1]["valid_loss"]
    assert any(line.startswith(f"Best validation loss {best:.4f} nats") for line in tiny.said.lines)
    commands = [f"sample {tiny.folder}", f"eval {tiny.folder} --baselines", f"report {tiny.folder}"]
    assert tiny.said.lines[-3:] == [f"next:  charrnn {command}" for command in commands]


def test_a_run_directory_holds_config_log_checkpoints_and_samples(tiny: Trained) -> None:
    assert {path.name for path in tiny.folder.iterdir()} == FILES
    assert len((tiny.folder / "samples" / "00000020.txt").read_text()) == 300


def test_the_log_has_one_record_for_each_interval(tiny: Trained) -> None:
    assert [record["step"] for record in tiny.log] == [5, 10, 15, 20]
    assert set(tiny.log[0]) == TIMES | {
        "step", "epoch", "chars", "loss", "bits_per_char", "perplexity", "learning_rate", "grad_norm", "clipped",
        "valid_loss", "valid_bits_per_char", "valid_perplexity", "advice",
    }  # fmt: skip


def test_the_resolved_config_trains_the_same_model_again_and_quiet_prints_nothing(
    tiny: Trained, tmp_path: Path
) -> None:
    said = run("train", tiny.folder / "config.yaml", "--out", tmp_path / "again", "--quiet")
    again = Trained(tmp_path / "again", said)
    assert said == Result(0, b"", "")
    timeless = [[{k: v for k, v in record.items() if k not in TIMES} for record in each.log] for each in (tiny, again)]
    assert timeless[0] == timeless[1]
    assert (again.folder / "last.npz").read_bytes() == (tiny.folder / "last.npz").read_bytes()


def test_training_leaves_no_file_open(tmp_path: Path) -> None:
    said = run("train", "my.yaml", "--quiet", cwd=project(tmp_path), PYTHONWARNINGS="default::ResourceWarning")
    assert said == Result(0, b"", "")


def test_a_dry_run_prints_what_a_run_would_take_and_writes_nothing(tmp_path: Path) -> None:
    before = sorted(project(tmp_path).rglob("*"))
    said = run("train", "my.yaml", "--dry-run", cwd=tmp_path)
    assert (said.code, said.err) == (0, "")
    vocabulary = len(set(TALES.read_text()[:3600]))
    parameters = 4 * 8 * (vocabulary + 8 + 1) + (8 + 1) * vocabulary
    for expected in (
        rf"text: 4,000 characters \(train 3,600, valid \d+, test \d+\), vocabulary {vocabulary}",
        rf"model: lstm 1 x 8, {parameters:,} parameters",
        r"memory: about [\d.]+ [kM]B \(parameters ",
        r"speed: [\d,]+ char/s measured",
        r"time: about \d+s for all 10 steps",
        r"nothing was trained or written$",
    ):
        assert re.search(expected, said.text), said.text
    assert sorted(tmp_path.rglob("*")) == before


TOO_FAST = ["--set", "train.learning_rate=1", "--set", "train.eval_every=2"]


def test_what_goes_wrong_is_said_once_while_training_with_what_to_try_and_kept_in_the_log(tmp_path: Path) -> None:
    said = run("train", "my.yaml", *TOO_FAST, cwd=project(tmp_path))
    log = Trained(tmp_path / "runs" / "my", said).log
    sentence = re.compile(r"Learning rate too high: .*; try train\.learning_rate=0\.1\.")
    places = [k for k, line in enumerate(said.lines) if sentence.fullmatch(line)]
    assert said.code == 0
    assert [record["step"] for record in log if record["advice"]] == [4, 6, 8, 10]
    assert [record["advice"] for record in log if record["valid_loss"] is None] == [None]
    assert said.lines[places[0] - 1].startswith("step 4/10"), "two evaluations agree"
    assert len(places) == 2
    assert said.lines[places[1] - 1].startswith("Best validation loss"), "and again at the end"
    assert said.lines[places[1] : -3] == log[-1]["advice"]


def test_resuming_a_finished_run_says_so_and_changes_nothing(tiny: Trained) -> None:
    before = (tiny.folder / "last.npz").read_bytes()
    said = run("train", tiny.folder / "config.yaml", "--resume")
    assert (said.code, said.out) == (0, b"")
    assert said.lines[-1].startswith("this run is finished")
    assert (tiny.folder / "last.npz").read_bytes() == before


def test_resume_starts_where_there_is_nothing_to_resume_and_options_win_over_the_config(tmp_path: Path) -> None:
    options = ["--set", "train.max_steps=3", "--set", "model={hidden_size: 6, num_layers: 2}", "--set", "seed=4"]
    said = run("train", "my.yaml", *options, "--seed", "5", "--out", "here", "--resume", cwd=project(tmp_path))
    assert (said.code, said.out) == (0, b"")
    assert "nothing to resume yet: starting from the beginning" in said.lines
    kept = yaml.safe_load((tmp_path / "here" / "config.yaml").read_text())
    assert (kept["train"]["max_steps"], kept["seed"], kept["out"]) == (3, 5, "here")
    assert (kept["model"]["hidden_size"], kept["model"]["num_layers"], kept["train"]["batch_size"]) == (6, 2, 4)


def test_fine_tuning_reports_the_characters_that_differ_and_goes_to_runs_and_the_configs_name(
    tiny: Trained, tmp_path: Path
) -> None:
    project(tmp_path, TALES.read_text()[:4000].replace("e", "é"), name="finer.yaml")
    said = run("train", "finer.yaml", "--set", "model.hidden_size=32", "--init-from", tiny.folder, cwd=tmp_path)
    assert (said.code, said.out) == (0, b"")
    old, new = (set(charrnn.load(path).vocab.symbols) for path in (tiny.folder, tmp_path / "runs" / "finer"))
    assert new - old == {"é"}
    assert f"vocabulary: new 'é', no longer there {''.join(sorted(old - new))!r}" in said.lines


@pytest.mark.parametrize("name", ["a ☃\nand 😀", "-it's"])
def test_a_run_directory_may_have_any_name(name: str, tmp_path: Path) -> None:
    said = run("train", "my.yaml", "--set", "train.max_steps=1", f"--out={name}", cwd=project(tmp_path))
    assert said.code == 0, said.err
    assert {path.name for path in (tmp_path / name).iterdir()} == FILES
    assert run("info", "--", name, cwd=tmp_path).code == 0


# -- sample -------------------------------------------------------------------------------------------------------

FILTERS = {"temp": 0.2, "top_k": 6, "top_p": 0.8, "min_p": 0.4, "repetition_penalty": 3, "length": 300}
SAMPLES = {  # what is typed, the prime that is shown, and what the library is asked for
    "the defaults": ("", "", {}),
    "a seed": ("--seed 7", "", {"seed": 7}),
    "a prime": ("--prime Once", "Once", {"prime": "Once"}),
    "a hidden prime": ("--prime Once --hide-prime", "", {"prime": "Once"}),
    "a prime from a file": ("--prime-file prime.txt", "In a file\n", {"prime": "In a file\n"}),
    "a prime from stdin": ("--prime-file -", "On stdin", {"prime": "On stdin"}),
    "unknown characters skipped": ("--prime s☃o --unknown skip", "s☃o", {"prime": "so"}),
    "unknown characters replaced": ("--prime s☃o --unknown replace", "s☃o", {"prime": "s o"}),
    "all filters": (" ".join(f"--{k.replace('_', '-')} {v}" for k, v in FILTERS.items()), "", FILTERS),
    "temperature 0, for which no seed counts": ("--temp 0 --seed 5", "", {"temp": 0, "seed": 6}),
    "no length but an end": ("--length 0 --until e", "", {"length": 0, "until": "e"}),
}


@pytest.mark.parametrize(("typed", "prime", "asked"), SAMPLES.values(), ids=SAMPLES)
def test_sample_writes_the_text_and_nothing_else(
    typed: str, prime: str, asked: dict[str, object], tiny: Trained, tmp_path: Path
) -> None:
    (tmp_path / "prime.txt").write_text("In a file\n")
    said = run("sample", tiny.folder, "--length", "40", *typed.split(), cwd=tmp_path, stdin=b"On stdin")
    options = {"length": 40, "temp": 0.8, **asked}
    written = "".join(charrnn.generate(tiny.model, **options))
    assert len(written) == options["length"] or written.endswith("e")
    assert said == Result(0, (prime + written).encode(), "")


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_counts(name: str, tiny: Trained) -> None:
    fewer = {key: value for key, value in FILTERS.items() if key != name}
    assert list(charrnn.generate(tiny.model, **fewer)) != list(charrnn.generate(tiny.model, **FILTERS))


def test_another_seed_writes_another_text(tiny: Trained) -> None:
    assert len({"".join(charrnn.generate(tiny.model, length=40, seed=seed)) for seed in range(5)}) == 5


def test_several_texts_stand_in_order_with_an_empty_line_between(tiny: Trained) -> None:
    said = run("sample", tiny.folder, "--num", "3", "--length", "20", "--prime", "The ", "--seed", "2")
    texts = ["The "] * 3
    for stream, character in generate_batch(tiny.model, Options(length=20, temp=0.8), 3, "The ", 2):
        texts[stream] += character
    assert said == Result(0, ("\n\n".join(texts) + "\n").encode(), "")


@pytest.mark.parametrize("way", ["typed", "from stdin"])
def test_a_byte_model_reads_and_writes_any_bytes(way: str, bytewise: Path) -> None:
    every = bytes(range(1, 256)) if way == "typed" else bytes(range(256))  # no command line holds a zero
    prime = ["--prime", os.fsdecode(every)] if way == "typed" else ["--prime-file", "-"]
    said = run("sample", "runs/my", *prime, "--length", "30", cwd=bytewise, stdin=every)
    assert (said.code, said.out[: len(every)], len(said.out), said.err) == (0, every, len(every) + 30, "")


def test_a_byte_model_scores_any_bytes(bytewise: Path) -> None:
    scores = json.loads(run("eval", "runs/my", "-", "--json", cwd=bytewise, stdin=bytes(range(256))).out)
    assert (scores["chars"], scores["unknown_chars"], scores["bits_per_byte"]) == (256, 0, scores["bits_per_char"])


@pytest.mark.row(18)
@pytest.mark.parametrize("part", range(4))
def test_a_reader_that_has_enough_of_many_samples_is_no_error(part: int, tiny: Trained, tried: Any) -> None:
    count = volume(10, 50)
    tried(count)
    for seed in range(count * part, count * part + count):
        said = run("sample", tiny.folder, "--length", "0", "--seed", seed, shell='"$@" | head -c 10')
        assert (said.code, len(said.out), said.err) == (0, 10, "")


@pytest.mark.row(18)
def test_a_reader_that_has_enough_is_no_error(tiny: Trained) -> None:
    with start("sample", tiny.folder, "--length", "0") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.read(10)
        process.stdout.close()
        assert (len(first), process.stderr.read(), process.wait()) == (10, "", 0)


# -- eval and info ------------------------------------------------------------------------------------------------


def test_eval_scores_the_held_out_split(tiny: Trained) -> None:
    said, numbers = run("eval", tiny.folder), run("eval", tiny.folder, "--json")
    assert (said.code, said.err, numbers.code, numbers.err) == (0, "", 0, "")
    scores = json.loads(numbers.out)
    assert set(scores) == SCORES
    assert (scores["text"], scores["chars"], scores["unknown_chars"]) == ("test split", 10_700, 0)
    assert said.text.splitlines()[0] == "test split: 10,700 characters"
    for unit in ("nats/char", "bits/char", "bits/byte"):
        assert f" {scores[unit.replace('/', '_per_')]:.4f} {unit} " in said.text
    assert re.search(rf"perplexity +{scores['perplexity']:.3f} +95 %: ", said.text)


@pytest.mark.parametrize(("split", "characters"), [("train", 3600), ("valid", 200), ("test", 200)])
def test_every_split_can_be_scored(split: str, characters: int, small: Path) -> None:
    scores = json.loads(run("eval", "runs/my", "--split", split, "--json", cwd=small).out)
    assert (scores["text"], scores["chars"] + scores["unknown_chars"]) == (f"{split} split", characters)
    if split == "valid":
        best = json.loads((small / "runs" / "my" / "log.jsonl").read_text().splitlines()[-1])["valid_loss"]
        assert scores["nats_per_char"] == pytest.approx(best, rel=1e-12)


def test_several_files_are_scored_as_one_text(tiny: Trained, tmp_path: Path) -> None:
    parts = "The fox and", " the ☃ crow"
    for name, part in zip("ab", parts, strict=True):
        (tmp_path / name).write_text(part)
    files = json.loads(run("eval", tiny.folder, "a", "b", "--json", cwd=tmp_path).out)
    stdin = json.loads(run("eval", tiny.folder, "-", "--json", stdin="".join(parts).encode()).out)
    assert (files.pop("text"), stdin.pop("text")) == ("a, b", "-")
    assert files == stdin
    expected = charrnn.score_text(tiny.model, "".join(parts))
    assert (files["chars"], files["unknown_chars"]) == (expected.chars, expected.unknown_chars) == (21, 1)
    assert files["nats_per_char"] == pytest.approx(expected.nats_per_char)


def test_a_text_that_has_changed_is_not_taken_for_the_held_out_split(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    (tmp_path / "text.txt").write_text(TALES.read_text()[1:4001])
    said = run("eval", "runs/my", cwd=tmp_path)
    assert (said.code, said.out, len(said.lines)) == (2, b"", 1)
    assert "the text has changed" in said.err
    assert "name a FILE" in said.err
    assert run("eval", "runs/my", "text.txt", cwd=tmp_path).code == 0


def numbers_of(line: str) -> list[str]:
    return re.findall(r"[-+]?\d[\d,.]*", line)


def test_eval_prints_what_its_json_holds(small: Path) -> None:
    """Every figure of the report for people is the one for programs, rounded."""
    options = ["eval", "runs/my", "runs/ngram", "--baselines", "--novelty", "--dynamic", "sgd"]
    assert run("train", "my.yaml", "--set", "model.cell=ngram", "--out", "runs/ngram", "--force", cwd=small).code == 0
    said, told = run(*options, cwd=small), json.loads(run(*options, "--json", cwd=small).out)
    assert (said.code, said.err) == (0, "")
    lines = {re.split(r"  +", line.strip())[0]: line for line in said.text.splitlines()}
    assert lines["perplexity"].split()[1] == f"{told['perplexity']:.3f}"
    low, high = told["intervals"]["perplexity"]
    assert lines["perplexity"].endswith(f"95 %: {low:.3f} to {high:.3f}")
    assert f"{told['word_perplexity']:,.0f}" in lines["word perplexity"]
    assert f" {told['top1']:.1%} " in lines["top-1 accuracy"]
    assert f" {told['top5']:.1%} " in lines["top-5 accuracy"]
    names = [row["name"] for row in told["rows"]]
    assert [name.split(" (")[0] for name in names[:4]] == ["lstm 1 x 8", "7-gram, kneser-ney", "mixture", "lstm 1 x 8"]
    assert names[3].endswith("dynamic (sgd)")
    assert names[4:6] + names[7:] == ["uniform", "unigram", "xz -9e", "bzip2 -9"]
    for row in told["rows"]:
        shown = lines[row["name"]]
        assert f" {row['nats_per_char']:.4f} " in shown
        assert f" {row['bits_per_char']:.3f} " in shown
        if "interval" in row:
            assert f" {row['interval'][0]:.3f} to {row['interval'][1]:.3f} " in shown
    weights = next(line for line in said.text.splitlines() if "weights of the mixture" in line)
    assert all(f"{each['weight']:.3f} {each['name']}" in weights for each in told["weights"])
    assert sum(each["weight"] for each in told["weights"]) == pytest.approx(1)
    for kind in told["kinds"]:
        wanted = [f"{kind['chars']:,}", f"{kind['nats_per_char']:.4f}", f"{100 * kind['share']:.1f}"]
        assert numbers_of(lines[kind["kind"]]) == wanted
    assert [p["last"] for p in told["positions"]] == [1, 2, 4, 8, 16, 32, 50]
    read = next(line for line in said.text.splitlines() if line.startswith("  nats/char"))
    assert numbers_of(read) == [f"{p['nats_per_char']:.3f}" for p in told["positions"]]
    assert numbers_of(lines["confidence"]) == [f"{100 * b['sure']:.0f}" for b in told["calibration"]]
    assert numbers_of(lines["accuracy"]) == [f"{100 * b['right']:.0f}" for b in told["calibration"]]
    assert f"expected calibration error {told['calibration_error']:.1%}" in said.text
    assert numbers_of(lines["not in training text"]) == [f"{100 * n['new']:.1f}" for n in told["novelty"]["new"]]
    assert f"occurs in the training text: {told['novelty']['longest']:,} of {told['chars']} characters" in said.text
    for passage in told["worst"]:
        assert f"[{passage['text']}]".replace("\n", "⏎") in said.text


def test_tables_of_characters_and_lines_are_written_whole_and_never_over_anything(small: Path, tmp_path: Path) -> None:
    chars, lines = tmp_path / "chars.tsv", tmp_path / "lines.tsv"
    options = ["--per-char", chars, "--per-line", lines, "--json"]
    told = json.loads(run("eval", "runs/my", "--split", "train", *options, cwd=small).out)
    rows = [line.split("\t") for line in chars.read_text().splitlines()]
    assert len(rows) == 1 + told["chars"]
    assert sum(float(row[2]) for row in rows[1:]) / told["chars"] == pytest.approx(told["bits_per_char"], abs=1e-5)
    rows = [line.split("\t") for line in lines.read_text().splitlines()]
    assert "\n".join(row[4] for row in rows[1:]) == (small / "text.txt").read_text()[:3600].removesuffix("\n")
    before = chars.read_bytes()
    for bad, reason in ((chars, "exists already"), (tmp_path / "no" / "where.tsv", "there is no folder")):
        said = run("eval", "runs/my", "--per-char", bad, cwd=small)
        assert (said.code, said.out, len(said.lines)) == (2, b"", 1)
        assert reason in said.err
    assert chars.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"chars.tsv", "lines.tsv"}


def test_an_n_gram_is_trained_sampled_scored_and_shown_by_the_same_commands(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    train = ["train", "my.yaml", "--set", "model.cell=ngram", "--set", "model.order=5", "--out", "runs/n"]
    dry = run(*train, "--dry-run", cwd=tmp_path)
    assert (dry.code, dry.err, (tmp_path / "runs/n").exists()) == (0, "", False)
    assert dry.text.splitlines()[-1] == "nothing was written"
    said = run(*train, cwd=tmp_path)
    assert (said.code, said.out) == (0, b"")
    loss = json.loads((tmp_path / "runs/n/log.jsonl").read_text())["valid_loss"]
    assert f"Validation loss {loss:.4f} nats per character." in said.lines
    assert said.lines[-2:] == ["next:  charrnn sample runs/n", "next:  charrnn eval runs/n"]
    assert run(*train, cwd=tmp_path).code == 2
    assert run(*train, "--force", "--quiet", cwd=tmp_path) == Result(0, b"", "")
    again = run(*train, "--resume", cwd=tmp_path)
    assert (again.code, again.out) == (0, b"")
    assert again.lines == ["this run is finished (an n-gram has no steps to continue); --force counts it again"]
    assert len(run("sample", "runs/n", "--length", "40", cwd=tmp_path).text) == 40
    assert json.loads(run("eval", "runs/n", "--json", cwd=tmp_path).out)["rows"][0]["name"] == "5-gram, kneser-ney"
    assert "5-gram, kneser-ney, " in run("info", "runs/n", cwd=tmp_path).text
    assert json.loads(run("info", "runs/n", "--json", cwd=tmp_path).out)["characters"] > 1000


def test_compare_shows_runs_beside_one_another(small: Path) -> None:
    assert run("train", "my.yaml", "--set", "model.hidden_size=9", "--out", "runs/nine", "--force", cwd=small).code == 0
    said, told = (
        run("compare", "runs/my", "runs/nine", cwd=small),
        run("compare", "runs/my", "runs/nine", "--json", cwd=small),
    )
    assert (said.code, said.err, told.code, told.err) == (0, "", 0, "")
    found = json.loads(told.out)
    first, second = found["runs"]
    assert found["differing"]["model.hidden_size"] in ([8, 9], [9, 8])
    lines = said.text.splitlines()
    assert lines[1].split()[:3] == [first["run"], f"{first['valid_loss']:.4f}", f"{first['nats_per_char']:.4f}"]
    assert f"{second['difference']:+.4f}" in lines[2]
    assert f"{second['interval'][0]:+.4f} to {second['interval'][1]:+.4f}" in lines[2]
    better = f"{first['run']} is better than {second['run']} by more than noise."
    equal = f"{first['run']} and {second['run']} do not differ by more than noise."
    assert (better if second["beyond_noise"] else equal) in lines


def test_info_shows_what_a_checkpoint_holds(tiny: Trained) -> None:
    said = run("info", tiny.folder / "last.npz")
    assert (said.code, said.err) == (0, "")
    for expected in (
        rf"^{re.escape(str(tiny.folder))}/last.npz$",
        rf"model +lstm 1 x 32, {tiny.model.params.size:,} parameters",
        r"vocabulary +60 chars: ",
        r"trained +20 steps, 10,240 characters",
        r"best +[\d.]+ nats/char on validation, at step 20",
        rf"versions +charrnn {charrnn.__version__}, numpy ",
        r"max_steps: 20",
    ):
        assert re.search(expected, said.text, re.MULTILINE), said.text


def test_info_json_is_one_object(tiny: Trained) -> None:
    said = run("info", tiny.folder, "--json")
    told = json.loads(said.out)
    assert (said.code, said.err) == (0, "")
    assert told["parameters"] == tiny.model.params.size
    assert told["vocab"]["symbols"] == tiny.model.vocab.symbols
    assert told["config"]["train"]["max_steps"] == told["training"]["step"] == 20


def test_reading_takes_no_lock(small: Path) -> None:
    lock = Lock(small / "runs" / "my")
    try:
        assert run("sample", "runs/my", "--length", "1", cwd=small).code == 0
    finally:
        lock.close()


# -- config, help, version, completion ----------------------------------------------------------------------------


def test_config_prints_a_valid_config_that_is_the_shipped_reference() -> None:
    said = run("config")
    assert (said.code, said.err) == (0, "")
    first, _, rest = said.text.partition("\n")
    written, _, shipped = (ROOT / "configs" / "reference.yaml").read_text().partition("\n")
    assert rest == shipped, "`make docs` writes it anew"
    assert written == "# yaml-language-server: $schema=charrnn.schema.json"
    assert first.replace((ROOT / "configs").as_uri() + "/", "") == written
    assert charrnn.load_config(ROOT / "configs" / "reference.yaml").data.path == "shipped:tales.txt"


def test_the_schema_is_json_and_the_shipped_one() -> None:
    said = run("config", "--schema")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["properties"].keys() == {"data", "model", "train", "seed", "out"}
    assert said.text == (ROOT / "configs" / "charrnn.schema.json").read_text(), "`make docs` writes it anew"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_begins_with_an_example_to_copy(command: str) -> None:
    words = [command] if command else []
    said = call(*words, "-h")
    assert said == call(*words, "--help")
    assert (said.code, said.err) == (0, "")
    usage, purpose, example, *_ = re.split(r"\n\s*\n", said.text)
    assert usage.startswith(" ".join(["Usage: charrnn", *words]))
    assert purpose.rstrip().endswith(".")
    assert example.split()[:2] == ["charrnn", command or "train"]


def test_charrnn_alone_shows_its_help() -> None:
    said = run()
    assert said.code in (0, 2)  # as older and newer versions of click have it
    assert (said.text + said.err).strip() == run("--help").text.strip()


def test_version_names_what_a_bug_report_needs() -> None:
    said = run("--version")
    assert (said.code, said.err) == (0, "")
    version = re.escape(charrnn.__version__)
    pattern = rf"charrnn {version} \(Python [\d.]+\S*, NumPy \S+, \w+ ?\S*, kernel \S+, \d+ threads?.*\)\n"
    assert re.fullmatch(pattern, said.text)


@pytest.mark.parametrize(("typed", "code"), [("--help", 0), ("train -h", 0), ("config", 0), ("train faulty.yaml", 2)])
def test_help_and_config_errors_wait_neither_for_numpy_nor_for_rich(typed: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "faulty.yaml").write_text("dat: {path: text.txt}\n")
    command = [sys.executable, "-X", "importtime", "-m", "charrnn", *typed.split()]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert done.returncode == code
    assert "click" in imported
    assert not imported & {"numpy", "rich", "threadpoolctl"}


def test_the_shell_gets_a_script_that_completes_commands() -> None:
    said = run(_CHARRNN_COMPLETE="bash_source")
    assert (said.code, said.err) == (0, "")
    assert "_CHARRNN_COMPLETE=bash_complete" in said.text
    assert run(_CHARRNN_COMPLETE="bash_complete", COMP_WORDS="charrnn sam", COMP_CWORD="1").text == "plain,sample\n"


# -- terminals ----------------------------------------------------------------------------------------------------


def test_a_terminal_gets_a_live_panel_and_then_plain_sentences(odd: Trained) -> None:
    shown = CSI.sub("", odd.said.text)
    assert odd.said.code == 0
    assert shown != odd.said.text
    for expected in ("╭", "runs/my", "10 of 10", "nats/char", "bits/char", "perplexity", "char/s", "gradient norm"):
        assert expected in shown
    assert shown.splitlines()[-1] == "next:  charrnn report runs/my"


def test_the_panel_ends_with_what_goes_wrong(tmp_path: Path) -> None:
    shown = run_in_terminal("train", "my.yaml", *TOO_FAST, cwd=project(tmp_path)).text
    panel = CSI.sub("", shown).rpartition("╭")[2].partition("╰")[0]
    assert "│ Learning rate too high: " in panel


def test_control_characters_of_a_text_do_not_reach_the_terminal_while_training(odd: Trained) -> None:
    sample = (odd.folder / "samples" / "00000010.txt").read_text()
    assert {"\x1b", "\x07", "\x9b"} <= set(sample), "the model must write what must not be shown"
    assert "\\x1b" in odd.said.text
    assert not commands_to_a_terminal(CSI.sub("", odd.said.text)) - {"\r"}


@pytest.mark.row(8)
@pytest.mark.parametrize(
    "typed",
    [
        ["sample", "runs/my", "--prime", HOSTILE + "\x1b[2J", "--unknown", "skip"],
        ["sample", "runs/my", "--prime", "\x1b[2J"],
        ["info", "runs/my"],
        ["eval", "runs/my", HOSTILE],
        ["report", "runs/my", "--out", HOSTILE + ".html"],
        ["flow", "runs/my", HOSTILE],
        ["info", "missing" + HOSTILE],
        ["train", HOSTILE + ".yaml"],
        ["train", "my.yaml", "--set", "data.path=" + HOSTILE],
    ],
    ids=lambda typed: " ".join(typed).replace(HOSTILE, "HOSTILE").replace("\x1b", "ESC"),
)
def test_no_command_and_no_error_passes_control_characters_on_to_a_terminal(typed: list[str], odd: Trained) -> None:
    shown = run_in_terminal(*typed, cwd=odd.folder.parents[1]).out.decode(errors="backslashreplace")
    assert shown
    assert not commands_to_a_terminal(shown)


def test_a_byte_model_shows_whole_characters_in_a_terminal(bytewise: Path) -> None:
    typed = ["sample", "runs/my", "--temp", "0", "--length", "8", "--prime", "é"]
    assert run(*typed, cwd=bytewise).text == "ééééé", "the model must have learnt its text"
    assert run_in_terminal(*typed, cwd=bytewise).text == "ééééé\n"


@pytest.mark.row(18)
def test_a_dumb_terminal_gets_plain_lines(small: Path, tmp_path: Path) -> None:
    said = run_in_terminal("train", "my.yaml", "--out", tmp_path / "run", cwd=small, TERM="dumb")
    assert said.code == 0
    assert "step 5/10" in said.text
    assert not commands_to_a_terminal(said.text)


@pytest.mark.row(18)
def test_a_terminal_of_one_column_does_no_harm(small: Path, tmp_path: Path) -> None:
    said = run_in_terminal("train", "my.yaml", "--out", tmp_path / "run", cwd=small, columns=1, COLUMNS="1", LINES="1")
    assert said.code == 0
    assert (tmp_path / "run" / "last.npz").exists()
    assert run("train", "--help", COLUMNS="1").code == 0


def test_no_color_means_no_colour(small: Path, tmp_path: Path) -> None:
    said = run_in_terminal("train", "my.yaml", "--out", tmp_path / "run", cwd=small, NO_COLOR="1")
    styles = {number for style in re.findall(r"\x1b\[([0-9;]*)m", said.text) for number in style.split(";")}
    assert "╭" in said.text
    assert not {style for style in styles if len(style) > 1}, "30 to 48 and 90 to 107 are colours"


# -- streams ------------------------------------------------------------------------------------------------------


def test_a_log_file_gets_plain_lines_even_where_colour_is_forced(small: Path, tmp_path: Path) -> None:
    looks = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}
    said = run("train", "my.yaml", "--out", tmp_path / "run", cwd=small, **looks)
    assert said.code == 0
    assert not commands_to_a_terminal(said.err)
    assert any(line.startswith("step 5/10") for line in said.lines)


@pytest.mark.row(18)
@pytest.mark.parametrize(
    "typed",
    [
        ["train", "my.yaml", "--init-from", "runs/my", "--out", "é"],
        ["sample", "runs/my", "--prime", "é☃", "--length", "9"],
        ["eval", "runs/my", HOSTILE],
        ["report", "runs/my"],
        ["flow", "runs/my", "my.yaml"],
        ["info", "runs/my"],
    ],
    ids=lambda typed: typed[0],
)
def test_streams_that_take_only_ascii_are_no_obstacle(typed: list[str], odd: Trained, tmp_path: Path) -> None:
    shutil.copytree(odd.folder.parents[1], tmp_path, dirs_exist_ok=True)
    said = run(*typed, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert said.code == 0, said.err
    if typed[0] == "sample":
        assert said.text.startswith("é☃")


@pytest.mark.row(18)
def test_no_locale_is_no_obstacle(odd: Trained) -> None:
    said = run("info", "runs/my", cwd=odd.folder.parents[1], LC_ALL="C")
    assert (said.code, said.err) == (0, "")


@pytest.mark.row(18)
@pytest.mark.parametrize("redirect", ["2>&-", "<&- >&- 2>&-"])
def test_training_needs_no_streams(redirect: str, small: Path, tmp_path: Path) -> None:
    said = run("train", "my.yaml", "--out", tmp_path / "run", cwd=small, redirect=redirect)
    trained = Trained(tmp_path / "run", said)
    assert trained.said.code == 0
    assert trained.model.params.size
    assert [record["step"] for record in trained.log] == [5, 10]


@pytest.mark.row(18)
@pytest.mark.parametrize("typed", ["sample runs/my --length 9", "info runs/my", "--help"])
def test_a_closed_stdout_is_no_obstacle(typed: str, small: Path) -> None:
    assert run(*typed.split(), cwd=small, redirect=">&-") == Result(0, b"", "")


@pytest.mark.row(18)
@pytest.mark.parametrize("typed", ["sample runs/my --length 9", "info runs/my"])
def test_a_full_disk_behind_stdout_is_one_line(typed: str, small: Path) -> None:
    said = run(*typed.split(), cwd=small, redirect="> /dev/full")
    assert (said.code, len(said.lines)) == (1, 1)
    assert "No space left" in said.err
