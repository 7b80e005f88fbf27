"""`charrnn train --mpi`: the same bits on any number of ranks, and an end of all when one of them fails."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.processes import ROOT, TALES, call
from tests.support.ranks import MPIEXEC, needs_mpi

TEXT = """\
data: {path: text.txt, fractions: [0.5, 0.5, 0]}
model: {cell: gru, hidden_size: 8, num_layers: 2, dropout: 0.2}
train: {batch_size: 8, seq_length: 16, max_steps: 12, log_every: 2, eval_every: 4, save_every: 6, sample_length: 0,
        shards: 5, workers: 1, clip_norm: 0.3, patience: 1, schedule: {kind: plateau, patience: 1}}
"""
NAMES = """\
data: {path: names.txt, documents: {kind: line}, fractions: [0.5, 0.5, 0]}
model: {cell: rnn, hidden_size: 8, num_layers: 1}
train: {batch_size: 8, seq_length: 16, max_steps: 8, log_every: 2, eval_every: 4, sample_length: 0, shards: 3,
        workers: 1}
"""
LABELS = """\
task: classify
data: {path: names.tsv, fractions: [0.4, 0.6, 0]}
model: {cell: lstm, hidden_size: 8, num_layers: 1, bidirectional: true}
train: {batch_size: 10, max_steps: 12, log_every: 2, eval_every: 4, shards: 4, workers: 1}
"""
PAIRS = """\
task: translate
data: {path: names.tsv, fractions: [0.2, 0.8, 0]}
model: {cell: gru, hidden_size: 8, num_layers: 1}
train: {batch_size: 10, max_steps: 8, log_every: 2, eval_every: 4, shards: 2, workers: 1}
"""
CONFIGS = {"text": TEXT, "names": NAMES, "labels": LABELS, "pairs": PAIRS}
# The command line, in which one rank does something after six steps: ends, stops to answer, fails, gets a signal, or
# loses a bit; or computes all the time as another processor does, which rounds the norm and the figures differently.
DRIVER = """\
import os, signal, sys
from dataclasses import replace
from charrnn.cli.main import main
from charrnn.training import loop, material
Run, Network, TextMaterial = loop.Run, loop.Network, material.TextMaterial
begin, advance, validate, norm = Run.__init__, Run.advance, TextMaterial.validate, loop.global_norm
initialise, what, culprit = Network.initialise, os.environ.get("HAPPENS"), int(os.environ.get("CULPRIT", 1))
def differently(network, rng):
    initialise(network, rng)
    network.params.values *= 1.001
def begin_and(run, *arguments, ranks, **options):
    if what == "processor" and ranks.number == culprit:
        loop.global_norm = lambda grads: 1.001 * norm(grads)
        TextMaterial.validate = lambda *_: replace(validate(*_), figure=9.0 + run.state.step)
        Network.initialise = lambda *_: differently(*_)
    begin(run, *arguments, ranks=ranks, **options)
def advance_and(run):
    progress = advance(run)
    if progress.step == 7 and run.team.ranks.number == culprit and what != "processor":
        if what == "error":
            raise OSError(28, "No space left on device", "x")
        if what == "bit":
            run.network.params.values[3] *= 1.0001
        else:
            os.kill(os.getpid(), getattr(signal, what))
    return progress
if __name__ == "__main__":
    if what:
        Run.__init__, Run.advance = begin_and, advance_and
    main()
"""


def make_project(path):
    """A folder with texts, configs and the driver."""
    (path / "text.txt").write_text(TALES.read_text()[:12000])
    words = [f"{'ab' if k % 3 else 'xy'}{k}" for k in range(1000)]
    (path / "names.txt").write_text("".join(f"{word}\n" for word in words))
    (path / "names.tsv").write_text("".join(f"{word}\t{'two' if word[0] == 'x' else 'one'}\n" for word in words))
    for name, config in CONFIGS.items():
        (path / f"{name}.yaml").write_text(config)
    (path / "driver.py").write_text(DRIVER)
    return path


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path)


def train(project, ranks, *arguments, happens="", culprit=1, expect=0, launcher=True):
    """Train on some ranks; what they wrote on stderr."""
    command = [sys.executable, "driver.py", "train", *arguments]
    if launcher:
        command = [MPIEXEC, "-n", str(ranks), *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HAPPENS": happens, "CULPRIT": str(culprit)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == expect, done.stderr
    return done.stderr


def logged(run):
    """The records of a run, without times."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in own.items() if "second" not in key} for own in records]


def outcome(run):
    """What must not depend on the ranks: both checkpoints, and the log."""
    return {"last": (run / "last.npz").read_bytes(), "best": (run / "best.npz").read_bytes(), "log": logged(run)}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The outcomes of runs without MPI, by config."""
    project = make_project(tmp_path_factory.mktemp("alone"))
    for config in CONFIGS:
        train(project, 1, f"{config}.yaml", "--out", config, launcher=False)
    return {config: outcome(project / config) for config in CONFIGS}


@needs_mpi
@pytest.mark.parametrize(
    ("config", "ranks", "workers"), [("text", 2, 2), ("text", 3, 1), ("names", 3, 1), ("labels", 4, 1), ("pairs", 2, 1)]
)
def test_any_number_of_ranks_writes_what_a_run_without_mpi_does(project, alone, config, ranks, workers):
    train(project, ranks, f"{config}.yaml", "--mpi", "--out", "run", "--set", f"train.workers={workers}")
    assert outcome(project / "run") == alone[config]


@needs_mpi
@pytest.mark.parametrize(
    ("happens", "culprit", "code", "line"),
    [
        ("SIGKILL", 1, 9, ""),
        ("error", 1, 1, "charrnn: x: No space left on device"),
        ("SIGSTOP", 0, 1, "charrnn: no answer of another rank for 5 s"),
        ("SIGUSR1", 1, 138, "saved at step 8"),
    ],
)
def test_what_happens_to_one_rank_ends_all_and_the_run_continues_to_the_same_bytes(
    project, alone, happens, culprit, code, line
):
    run = ["text.yaml", "--mpi", "--out", "run"]
    wait = ["--mpi-wait", "5"] if happens == "SIGSTOP" else []
    assert line in train(project, 2, *run, *wait, happens=happens, culprit=culprit, expect=code)
    train(project, 3, *run, "--resume")
    assert (project / "run" / "last.npz").read_bytes() == alone["text"]["last"]


@needs_mpi
def test_the_norm_and_the_validation_figures_of_rank_0_count_for_all(project, alone):
    """Else the parameters drift apart, and one rank stops early, or halves its learning rate, without the others."""
    train(project, 2, "text.yaml", "--mpi", "--out", "run", "--mpi-wait", "30", happens="processor")
    assert outcome(project / "run") == alone["text"]


@needs_mpi
def test_ranks_whose_parameters_differ_save_nothing_and_say_so_in_one_line(project, alone):
    shown = train(project, 3, "text.yaml", "--mpi", "--out", "run", happens="bit", culprit=2, expect=1)
    lines = {line for line in shown.splitlines() if line.startswith("charrnn: ")}
    assert len(lines) == 1
    assert "the parameters of rank 2 are not those of rank 0" in lines.pop()
    train(project, 2, "text.yaml", "--mpi", "--out", "run", "--resume")
    assert (project / "run" / "last.npz").read_bytes() == alone["text"]["last"]


@needs_mpi
def test_several_processes_without_mpi_or_unconnected_ones_or_too_many_are_refused(project, monkeypatch):
    assert "add --mpi" in train(project, 2, "text.yaml", "--out", "run", expect=1)
    assert "for 6 ranks" in train(project, 6, "text.yaml", "--mpi", "--out", "run", expect=1)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    assert "does not connect them" in train(project, 1, "text.yaml", "--mpi", "--out", "run", expect=1)
    assert not (project / "run" / "last.npz").exists()


def measured(project, *arguments):
    """What two ranks print on stdout, without a word on stderr."""
    command = [MPIEXEC, "-n", "2", sys.executable, "driver.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (project / "runs").exists()
    return done.stdout


@needs_mpi
def test_a_dry_run_on_ranks_says_once_whether_they_pay_and_writes_nothing(project):
    shown = measured(project, "train", "text.yaml", "--mpi", "--dry-run")
    exchange, step, ranks = re.findall(r"^(?:exchange|step|ranks): .*", shown, re.MULTILINE)
    assert re.fullmatch(r"exchange: [\d.]+ ms a step \([\d,]+ MB/s to each rank, latency [\d,]+ us\)", exchange)
    assert re.fullmatch(r"step: [\d.]+ ms computing, [\d.]+ ms exchange, [\d.]+ ms waiting for other ranks", step)
    assert re.search(r"ms on rank 0 alone, [\d.e-]+ times as fast: 2 ranks (pay|do not pay) at this batch", ranks)


@needs_mpi
def test_bench_on_ranks_gives_the_same_figures(project):
    found = json.loads(measured(project, "bench", "labels.yaml", "--mpi", "--json", "--seconds", "0.1"))
    assert found["ranks"] == 2
    assert 0 < found["computing"] < found["step_chars"] / found["together"]
    assert min(found["alone"], found["exchange"], found["bytes_per_second"], found["latency"]) > 0
    assert measured(project, "bench", "text.yaml", "--mpi", "--seconds", "0.1").count("ranks: a step takes") == 1


@needs_mpi
def test_bench_needs_a_config_and_two_ranks(project):
    assert "name its CONFIG" in call("bench", "--mpi").err
    command = [MPIEXEC, "-n", "1", sys.executable, "driver.py", "bench", "text.yaml", "--mpi"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "start two or more" in done.stderr


@needs_mpi
def test_ranks_with_another_config_are_refused_in_one_line(project):
    once = [sys.executable, "driver.py", "train", "text.yaml", "--mpi", "--out", "run"]
    done = subprocess.run(
        [MPIEXEC, "-n", "1", *once, ":", "-n", "1", *once, "--set", "train.clip_norm=3"],
        cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("charrnn: ")]
    assert done.returncode != 0
    assert len(set(lines)) == 1  # the other rank says the same if the end reaches it late
    assert "MPI_Abort" not in done.stderr
    assert "train.clip_norm is 0.3 on rank 0, 3.0 on rank 1" in lines[0]


def test_an_endless_wait_is_refused_before_mpi_begins(project):
    assert "1<=x<=1000000" in call("train", "text.yaml", "--mpi", "--mpi-wait", "inf").err.replace(".0", "")


def test_a_launcher_is_noticed_without_mpi4py(project, monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "3")
    assert "started 3 processes without --mpi" in train(project, 1, "text.yaml", launcher=False, expect=1)


def test_sigusr1_saves_and_ends_a_run(project):
    (project / "one.py").write_text(DRIVER.replace("run.team.ranks.number", "1"))
    (project / "one.py").replace(project / "driver.py")
    shown = train(
        project, 1, "text.yaml", "--out", "run", happens="SIGUSR1", expect=128 + signal.SIGUSR1, launcher=False
    )
    assert "saved at step 7" in shown
