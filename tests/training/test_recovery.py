"""Saves by the clock, rollback from divergence, resuming elsewhere, and checkpoints of earlier formats."""

import json
import os
import re
import shutil
from contextlib import closing
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.cli import main as cli
from charrnn.config.building import load_config
from charrnn.config.keys import Config
from charrnn.config.train_keys import TrainConfig
from charrnn.errors import CheckpointError, DivergedError, NewerFormatError, RunExistsError
from charrnn.evaluation.scoring import Report, score_text
from charrnn.generation.sampling import generate
from charrnn.models.loading import load, load_checkpoint
from charrnn.storage import checkpoint
from charrnn.training import loop as train
from charrnn.training import material
from charrnn.training import state as records
from charrnn.training.divergence import MAX_ROLLBACKS
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from charrnn.training.resuming import RESUMABLE_KEYS, SCHEDULE_KEYS
from tests.support.disk import Disk, PowerOff
from tests.support.fixtures import make_release_fixture
from tests.support.fixtures.make_checkpoint_fixture import SAVED, TEXT, fixture_config
from tests.support.processes import CSI, TALES, call, project, run_in_terminal
from tests.support.runs import BEST, LAST, LOG, PREVIOUS, ROLLBACK, kept, snapshot
from tests.support.torture import volume

RUN = Path("runs/my")
CONFIG = """\
data: {path: text.txt}
model: {cell: rnn, activation: relu, hidden_size: 16, num_layers: 1}
train: {batch_size: 4, seq_length: 16, max_steps: 30, log_every: 2, eval_every: 10, save_every: 10, sample_length: 0,
        optimizer: sgd, clip_norm: null, learning_rate: 0.1, schedule: constant}
"""
STEEP = {"learning_rate": 3.0, "on_divergence": "rollback"}  # diverges at step 6; half of it does not


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a text and a config; nothing waits for a disk."""
    monkeypatch.chdir(project(tmp_path, TALES.read_text()[:4000], CONFIG))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def config(**keys: Any) -> Config:
    whole = load_config("my.yaml")
    return replace(whole, train=replace(whole.train, **keys))


def finish(run: Run) -> Run:
    with closing(run):
        list(run)
    return run


def log() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RUN / LOG).read_text().splitlines()]


# -- saves by the clock -------------------------------------------------------------------------------------------


class Hours:
    """A clock on which each look takes `tick` seconds."""

    def __init__(self, tick: float) -> None:
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def test_the_clock_calls_for_saves_and_changes_no_byte_of_the_end(monkeypatch):
    rare = {"save_every": 1000, "eval_every": 1000}
    finish(open_run(config(**rare, save_minutes=None)))
    without = kept(RUN)
    for tick, minutes in [(10.0, 5.0), (10.0, 1.0), (1000.0, 0.001)]:
        monkeypatch.setattr(train, "perf_counter", Hours(tick))
        with closing(open_run(config(**rare, save_minutes=minutes), force=True)) as run:
            saved = [progress.step for progress in run if progress.saved]
        assert len(saved) > 1
        found = kept(RUN)
        assert {name for name in without if found[name] != without[name]} == {"config.yaml"}
    assert saved == list(range(1, 31))
    assert load_checkpoint(RUN / PREVIOUS).step == 29


def test_a_run_goes_on_from_a_save_that_the_clock_called_for(monkeypatch):
    rare = config(save_every=1000, eval_every=7, save_minutes=1.0)
    finish(open_run(rare))
    unbroken = kept(RUN)
    monkeypatch.setattr(train, "perf_counter", Hours(15.0))
    with closing(open_run(rare, force=True)) as run:
        for progress in run:
            if progress.saved and progress.step > 10:
                break
    assert progress.step < 30
    with closing(open_run(rare, resume=True)) as run:
        assert run.state.step == progress.step
        list(run)
    assert kept(RUN) == unbroken


@pytest.mark.parametrize("remains", ["the end", "another seed", "another text", "a damaged file", "before a save"])
def test_a_best_model_without_a_state_is_replaced_only_if_the_same_run_would_write_it_again(remains):
    steps = 10 if remains in ("another seed", "another text", "before a save") else 30
    finish(open_run(config(max_steps=steps, patience=None)))
    for name in (LAST, PREVIOUS):
        (RUN / name).unlink(missing_ok=True)
    if remains == "a damaged file":
        (RUN / BEST).write_bytes(b"nothing")
    if remains == "another text":
        Path("text.txt").write_text(Path("text.txt").read_text().swapcase())
    again = replace(config(), seed=2) if remains == "another seed" else config()
    before = snapshot(RUN)
    if remains in ("a damaged file", "before a save"):
        finish(open_run(again, resume=True))
        assert load_checkpoint(RUN / LAST).step == 30
        return
    with pytest.raises(
        RunExistsError, match=r"holds a model, best\.npz, and no state to resume; replace it with --force"
    ):
        open_run(again, resume=True)
    assert snapshot(RUN) == before
    finish(open_run(again, force=True))


# -- divergence ---------------------------------------------------------------------------------------------------


def trip(monkeypatch: pytest.MonkeyPatch, *steps: int, times: int = 1) -> None:
    """Let the loss be no number at some steps, until the learning rate has been halved so many times."""
    step = Run._step

    def trips(run: Run) -> Any:
        if run.state.step + 1 in steps and run.state.halvings < times:
            raise run._diverged(f"loss {nan}", run.state.step + 1)
        return step(run)

    monkeypatch.setattr(Run, "_step", trips)


@pytest.mark.row(14)
@pytest.mark.parametrize("name", ["weight_hh_l0", "bias_l0", "output_weight"])
def test_the_array_of_the_largest_gradient_is_named(name, monkeypatch):
    gradient = train.Team.forward_backward

    def explodes(team: Any, step: int) -> float:
        loss = gradient(team, step)
        if step == 5:
            team.network.params.grad[name].flat[0] = np.inf
        return loss

    monkeypatch.setattr(train.Team, "forward_backward", explodes)
    with pytest.raises(DivergedError, match=rf"at step 6: loss .*, gradient norm inf, .*largest gradient in {name};"):
        finish(open_run(config()))
    assert not (RUN / LAST).exists()


@pytest.mark.row(14)
@pytest.mark.parametrize("saves", [{"save_every": 1}, {"save_every": 1000, "eval_every": 1000}])
def test_nothing_that_is_not_finite_outlives_its_step(saves):
    run = open_run(config(**saves))
    steps = iter(run)
    next(steps)
    own = run.team._own
    own.optimizer.step = lambda values, *_: values.__setitem__(0, np.nan)  # type: ignore[method-assign]
    with closing(run), pytest.raises(DivergedError, match="step 2: parameters that are not finite"):
        next(steps)


@pytest.mark.row(14)
def test_a_run_that_diverges_rolls_back_halves_its_rate_and_says_so():
    said = call("train", "my.yaml", *(f"--set=train.{key}={value}" for key, value in STEEP.items()))
    assert said.code == 0
    (note,) = [line for line in said.lines if "diverged" in line]
    assert re.match(r"note: diverged at step 6: loss .*, largest gradient in \w+; back at step 0, .* rate 1\.5$", note)
    records = log()
    (at,) = [k for k, record in enumerate(records) if "rollback" in record]
    assert [record["step"] for record in records[: at + 2]] == [2, 4, 0, 2]  # what came before stays
    assert records[at]["learning_rate"] == 1.5
    assert {record["learning_rate"] for record in records[at + 1 :]} == {1.5}
    training = load_checkpoint(RUN / LAST).header.training
    assert (training.step, training.halvings, training.rollbacks) == (30, 1, 0)


def test_a_terminal_shows_why_a_run_rolled_back(tmp_path):
    said = run_in_terminal(
        "train", "my.yaml", *(f"--set=train.{key}={value}" for key, value in STEEP.items()), cwd=tmp_path
    )
    assert said.code == 0
    assert "note: diverged at step 6: " in CSI.sub("", said.text)


@pytest.mark.row(14)
def test_a_run_rolls_back_to_its_beginning_where_nothing_is_saved_yet(monkeypatch):
    trip(monkeypatch, 3)
    run = open_run(config(on_divergence="rollback"))
    first = run.network.params.values.copy()
    steps = [next(iter(run)) for _ in range(3)]
    assert [progress.step for progress in steps] == [1, 2, 1]
    assert [bool(progress.rollback) for progress in steps] == [False, False, True]
    assert steps[2].learning_rate == 0.05
    np.testing.assert_array_equal(load(RUN / ROLLBACK).params.values, first)
    finish(run)


@pytest.mark.row(14)
def test_after_five_rollbacks_in_a_row_the_run_stops_and_its_checkpoint_is_good(monkeypatch):
    trip(monkeypatch, 16, times=99)
    with pytest.raises(DivergedError, match="diverged at step 16"):
        finish(open_run(config(on_divergence="rollback")))
    assert [record["step"] for record in log() if "rollback" in record] == [10] * MAX_ROLLBACKS
    last = load_checkpoint(RUN / LAST)
    assert (last.step, last.header.training.halvings) == (10, MAX_ROLLBACKS)
    assert call("train", "my.yaml", "--resume", "--set", "train.on_divergence=rollback").code == 4


@pytest.mark.row(14)
def test_a_state_that_is_on_its_way_to_divergence_is_not_returned_to():
    """It is saved shortly before, when the loss is finite and far above that of guessing already."""
    run = finish(open_run(config(**STEEP, save_every=5)))
    assert [record["step"] for record in log() if "rollback" in record] == [0]
    assert run.state.step == 30


def test_rollbacks_count_anew_after_a_save(monkeypatch):
    trip(monkeypatch, 6, times=3)
    trip(monkeypatch, 15, times=7)
    finish(open_run(config(on_divergence="rollback")))
    training = load_checkpoint(RUN / LAST).header.training
    assert (training.step, training.halvings, training.rollbacks) == (30, 7, 0)


def test_the_best_model_outlives_a_rollback(monkeypatch):
    trip(monkeypatch, 14)
    losses = iter([2.0, 1.5, 1.0, 1.2, *[3.0] * 99])  # evaluated every third step; the best comes before the rollback
    monkeypatch.setattr(material, "score", lambda *_, **options: Report(1, 0, next(losses), 1))
    run = finish(open_run(config(on_divergence="rollback", save_every=20, eval_every=3, patience=None)))
    assert (run.state.best, run.state.best_step) == (1.0, 9)
    assert load_checkpoint(RUN / BEST).step == 9


@pytest.mark.row(3)
def test_a_run_that_rolls_back_may_be_stopped_after_every_step(tried):
    steep = config(**STEEP)
    finish(open_run(steep))
    unbroken = kept(RUN)
    lives = 0
    run = open_run(steep, force=True)
    while not run.finished:
        with closing(run):
            if not run.advance().saved:
                run.save()  # as a signal does
        run, lives = open_run(steep, resume=True), lives + 1
        assert lives < 100, "it goes round in a circle"
    run.close()
    assert lives >= 30

    assert kept(RUN) == unbroken
    tried(lives)


@pytest.mark.row(1, 14)
def test_a_run_that_rolls_back_may_end_with_the_machine_at_any_call(tried):
    steep = config(**STEEP, max_steps=10)
    with Disk(power=True).mounted() as disk:
        finish(open_run(steep))
    unbroken = kept(RUN)
    calls = range(1, len(disk.calls) + 1, volume(3, 1))
    tried(len(calls))
    for fails in calls:
        shutil.rmtree(RUN)
        started = None
        with Disk(fails, power=True).mounted():
            try:
                started = open_run(steep)
                list(started)
            except PowerOff:
                pass
            finally:
                if started:
                    started.close()
        finish(open_run(steep, resume=True))
        assert kept(RUN) == unbroken, fails


def test_a_run_that_stopped_may_be_resumed_with_rollback(monkeypatch):
    trip(monkeypatch, 16)
    assert call("train", "my.yaml").code == 4
    assert call("train", "my.yaml", "--resume").code == 4
    assert call("train", "my.yaml", "--resume", "--set", "train.on_divergence=rollback").code == 0
    assert [record["step"] for record in log() if "rollback" in record] == [10]


def test_a_run_without_a_folder_has_nothing_to_roll_back_to(monkeypatch):
    trip(monkeypatch, 6)
    with pytest.raises(DivergedError):
        list(Run(config(on_divergence="rollback")))


# -- resuming elsewhere -------------------------------------------------------------------------------------------


@pytest.fixture
def stopped() -> Path:
    """A run after 8 of its steps."""
    with closing(open_run(config())) as run:
        next(progress for progress in run if progress.step == 10)
    return RUN / LAST


def rewrite(path: Path, **versions: Any) -> None:
    header, arrays = checkpoint.load(path)
    plain = {name: value for name, value in header.items() if name not in ("format", "version")}
    checkpoint.save(path, plain | {"versions": plain["versions"] | versions}, arrays)


@pytest.mark.parametrize(
    ("name", "then"), [("kernel", "Z80"), ("threads", 7), ("numpy", "1.0"), ("charrnn", "0.0.1"), ("blas", "\x1b[2J")]
)
def test_another_environment_is_said_in_one_line_and_exact_refuses_it(name, then, stopped):
    said = call("train", "my.yaml", "--resume", "--exact", "--set", "train.max_steps=11")
    assert said.code == 0
    assert "last bit" not in said.err
    rewrite(stopped, **{name: then})
    before = snapshot(RUN)
    said = call("train", "my.yaml", "--resume", "--exact")
    assert (said.code, said.out, len(said.lines)) == (2, b"", 1)
    shown = str(then).replace("\x1b", "\\x1b")
    assert f"{name} was {shown}, now " in said.err
    assert "--exact refuses" in said.err
    assert snapshot(RUN) == before
    said = call("train", "my.yaml", "--resume")
    assert said.code == 0
    (note,) = [line for line in said.lines if "last bit" in line]
    assert note.startswith(f"note: {name} was {shown}, now ")


@pytest.mark.parametrize("versions", [None, "new", []])
def test_a_checkpoint_that_does_not_say_what_computed_it_is_another_environment(versions, stopped):
    header, arrays = checkpoint.load(stopped)
    plain = {name: value for name, value in header.items() if name not in ("format", "version")}
    checkpoint.save(stopped, plain | {"versions": versions}, arrays)
    assert "kernel was unknown" in call("train", "my.yaml", "--resume", "--exact").err


def test_the_number_of_workers_is_no_other_environment(stopped):
    said = call("train", "my.yaml", "--resume", "--exact", "--set", "train.workers=2")
    assert (said.code, "last bit" in said.err) == (0, False)


def test_exact_goes_with_resume():
    assert call("train", "my.yaml", "--exact").code == 2


@pytest.mark.parametrize(
    ("kind", "key", "said"),
    [
        ("cosine", "max_steps", True),
        ("cosine", "eval_every", False),
        ("plateau", "eval_every", True),
        ("constant", "max_steps", False),
    ],
)
def test_a_change_that_bends_the_learning_rate_is_said(kind, key, said):
    schedule = f"train.schedule={kind}"
    with closing(open_run(load_config("my.yaml", [schedule]))) as run:
        next(progress for progress in run if progress.step == 10)
    found = call("train", "my.yaml", "--resume", "--set", schedule, "--set", f"train.{key}=15")
    assert found.code == 0
    line = f"note: train.{key} changed: under train.schedule {kind} that means other learning rates from here on"
    assert (line in found.lines) == said
    assert {key for keys in SCHEDULE_KEYS.values() for key in keys} < RESUMABLE_KEYS


def test_what_may_change_is_listed_where_something_else_did_and_in_the_help_and_the_guide(stopped):
    said = call("train", "my.yaml", "--resume", "--set", "train.learning_rate=1")
    assert f"only these may change: {', '.join(sorted(RESUMABLE_KEYS))}" in said.err
    help_text = cli.cli.commands["train"].help or ""
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    for key in RESUMABLE_KEYS:
        assert key in help_text
        assert f"`{key}`" in guide


# -- formats of earlier versions ----------------------------------------------------------------------------------

FOLDER = Path(__file__).parents[1] / "support" / "fixtures"
FIXTURES = sorted(path for path in FOLDER.glob("format-*.npz") if path.stem.count("-") == 1)
RELEASES = sorted(path for path in FOLDER.glob("format-*-*.npz"))


def test_there_is_a_checkpoint_of_every_format_up_to_this_one():
    assert [path.name for path in FIXTURES] == [f"format-{n}.npz" for n in range(1, checkpoint.VERSION + 1)]
    assert all(path.stat().st_size < 20_000 for path in FIXTURES)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_checkpoint_of_an_earlier_format_samples_scores_and_goes_on(path):
    assert len("".join(generate(load(path), length=20))) == 20
    assert score_text(load(path), TEXT).nats_per_char == pytest.approx(2.575055, abs=1e-4)
    Path("text.txt").write_text(TEXT)
    whole = finish(open_run(replace(fixture_config(), out="whole")))
    Path("run").mkdir()
    shutil.copy(path, "run/last.npz")
    with closing(open_run(fixture_config(), resume=True)) as run:
        assert run.state.step == SAVED
        list(run)
    np.testing.assert_allclose(run.network.params.values, whole.network.params.values, atol=1e-5)


@pytest.mark.parametrize("path", RELEASES, ids=lambda path: path.stem)
def test_a_run_of_a_released_version_goes_on_as_it_would_have_there(path):
    """With its losses everywhere; to the last bit where BLAS kernel, NumPy and its vector instructions are the same."""
    assert path.stat().st_size < 20_000
    Path("text.txt").write_text(make_release_fixture.TEXT)
    Path("run").mkdir()
    shutil.copy(path, "run/last.npz")
    shutil.copy(path.with_suffix(".jsonl"), "run/log.jsonl")
    continued = make_release_fixture.continuation()
    outcomes = json.loads(path.with_suffix(".json").read_text())
    for outcome in outcomes:
        assert continued["losses"] == pytest.approx(outcome["losses"], abs=1e-6)
    computed_with = {name: continued[name] for name in ("kernel", "numpy", "simd")}
    same = [outcome for outcome in outcomes if computed_with.items() <= outcome.items()]
    assert [continued] * len(same) == same
    steps = [json.loads(line)["step"] for line in Path("run/log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, make_release_fixture.STEPS + 1)), "the log goes on where it ended"


def test_there_is_a_run_of_the_released_version_to_go_on_with():
    assert [path.stem for path in RELEASES] == ["format-1-0.2.0"]


def test_a_newer_format_is_refused_by_name_and_nothing_stands_in_for_it(stopped, monkeypatch):
    shutil.copy(stopped, RUN / PREVIOUS)
    (RUN / BEST).unlink()
    monkeypatch.setattr(checkpoint, "VERSION", 2)
    rewrite(stopped)
    monkeypatch.setattr(checkpoint, "VERSION", 1)
    before = snapshot(RUN)
    for command in (["train", "my.yaml", "--resume"], ["info", "runs/my/last.npz"], ["sample", "runs/my"]):
        said = call(*command)
        assert (said.code, said.out, len(said.lines)) == (2, b"", 1)
        assert "format version 2 is newer than this charrnn reads (1); upgrade charrnn" in said.err
    assert snapshot(RUN) == before
    with pytest.raises(NewerFormatError):
        load_checkpoint(RUN / LAST)


def test_a_checkpoint_lists_only_so_many_evaluations(monkeypatch):
    monkeypatch.setattr(records, "MAX_HISTORY", 5)
    run = finish(open_run(config(eval_every=2)))
    assert [step for step, *_ in run.state.history] == [22, 24, 26, 28, 30]


def test_the_clock_enters_no_header():
    assert load_config("my.yaml", ["train.save_minutes=3"]).train.save_minutes == 3
    finish(open_run(config(save_minutes=3.0)))
    assert load_checkpoint(RUN / LAST).config.train.save_minutes == TrainConfig.save_minutes


def test_all_that_is_damaged_is_refused_with_the_newest_named(stopped):
    for name in (LAST, PREVIOUS):
        (RUN / name).write_bytes(b"nothing")
    before = snapshot(RUN)
    with pytest.raises(CheckpointError, match=str(RUN / LAST)):
        open_run(config(), resume=True)
    assert snapshot(RUN) == before
