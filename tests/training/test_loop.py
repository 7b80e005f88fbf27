"""A run: what each step computes, what is kept of it, and that it goes on bit for bit wherever it was stopped."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing, suppress
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charrnn
from charrnn.config.building import config_from_dict
from charrnn.config.keys import Config
from charrnn.data.document_batches import DocumentBatches
from charrnn.data.loading import load_corpus
from charrnn.data.vocab import END
from charrnn.errors import CharrnnError, CheckpointError, DivergedError, RunExistsError, RunInUseError, TextError
from charrnn.evaluation.scoring import Report, score
from charrnn.generation.sampling import generate
from charrnn.models.loading import load, load_checkpoint
from charrnn.models.network import Network
from charrnn.models.transfer import transfer
from charrnn.optim.clipping import clip_, global_norm
from charrnn.optim.rules import Hyper, Optimizer
from charrnn.storage import checkpoint
from charrnn.training import estimate, material, opening
from charrnn.training import loop as train
from charrnn.training.estimate import estimate_run
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from charrnn.training.state import Progress
from tests.support.runs import (
    BEST,
    CONFIG,
    LAST,
    LOG,
    PREVIOUS,
    RUN,
    SAMPLES,
    kept,
    records,
    snapshot,
    timeless,
    without,
)
from tests.support.torture import volume

TALES = (Path(__file__).parents[2] / "data" / "tales.txt").read_text()


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own with a text; nothing waits for a disk, which is the matter of test_files.py."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    Path("text.txt").write_text(TALES[:330])


def tiny(seed: int = 1, out: str = "run", **sections: dict[str, Any]) -> Config:
    """A run of 264 characters in 9 windows an epoch; keys of the sections as given."""
    data = {"path": "text.txt", "fractions": [0.8, 0.1, 0.1]} | sections.get("data", {})
    model = {"cell": "lstm", "hidden_size": 5, "num_layers": 1} | sections.get("model", {})
    plain = {"optimizer": "adam", "learning_rate": 2e-3, "schedule": "constant"}
    sizes = {"seq_length": 8, "batch_size": 4, "epochs": 1, "sample_length": 0}
    how = plain | sizes | sections.get("train", {})
    return config_from_dict({"data": data, "model": model, "train": how, "seed": seed, "out": out})


def finish(run: Run) -> list[Progress]:
    with closing(run):
        return list(run)


def completed(config: Config, **how: Any) -> Run:
    run = open_run(config, **how)
    finish(run)
    return run


def put_back(files: dict[str, bytes], folder: Path = RUN) -> None:
    """Make a folder hold these files and no others."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def parameters(path: Path) -> dict[str, Any]:
    return {name: value.tolist() for name, value in load(path).params.value.items()}


def scripted(monkeypatch: pytest.MonkeyPatch, *losses: float) -> None:
    """Let validation find these losses, one after the other, whatever the network is worth."""
    script = iter(losses)
    monkeypatch.setattr(material, "score", lambda *_, **options: Report(100, 0, 100 * next(script), 100))


# -- what a step computes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("optimizer", "rate"), [("momentum", 0.5), ("adam", 0.01)])
def test_a_run_is_the_plain_loop_and_nothing_more(optimizer, rate):
    config = tiny(train={"epochs": 2, "optimizer": optimizer, "learning_rate": rate, "clip_norm": 0.3})
    run = Run(config)
    network = Network(config.model, run.corpus.vocab)
    network.initialise(np.random.default_rng(config.seed))
    rule = Optimizer(optimizer, network.params.values, Hyper())
    tape, steps = network.tape(8, 4), iter(run)
    for _ in range(2):
        state = network.start(4)  # carried from window to window, zero at the start of an epoch
        for batch in (run.batches[k] for k in range(len(run.batches))):
            loss = network.forward(batch, state, tape)
            network.backward(batch, tape)
            norm = global_norm(network.params.grads)
            clipped = clip_(network.params.grads, norm, 0.3, None)
            progress = next(steps)
            assert (progress.loss, progress.grad_norm, progress.clipped) == (loss, norm, clipped)
            rule.step(network.params.values, network.params.grads, rate, progress.step)
    assert next(steps, None) is None
    np.testing.assert_array_equal(run.network.params.values, network.params.values)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_loss_goes_down(cell):
    Path("text.txt").write_text(TALES[:3000])
    run = Run(tiny(model={"cell": cell, "hidden_size": 16}, train={"max_steps": 60, "learning_rate": 0.02}))
    losses = [progress.loss for progress in run]
    assert losses[0] == pytest.approx(log(run.corpus.vocab.size), rel=0.05)
    assert np.mean(losses[-5:]) < losses[0] - 0.7
    assert run.state.best < losses[0] - 0.5


@pytest.mark.parametrize("length", [40, 41, 47, 331])
@pytest.mark.parametrize(("streams", "window"), [(1, 39), (3, 5), (8, 4), (39, 2)])
def test_every_character_is_a_target_once_in_every_epoch(length, streams, window):
    Path("text.txt").write_text(TALES[:length])
    shape = {"batch_size": streams, "seq_length": window}
    run = Run(tiny(data={"fractions": [1, 0, 0]}, train={"epochs": 3, **shape}))
    finish(run)
    assert run.state.chars == 3 * (length - 1)


@pytest.mark.parametrize(
    ("limits", "steps", "epochs"),
    [
        ({"epochs": 2}, 18, 2),
        ({"epochs": 2, "max_steps": 11}, 11, 2),
        ({"epochs": 2, "max_steps": 900}, 18, 2),
        ({"epochs": None, "max_steps": 5}, 5, 1),
    ],
)
def test_epochs_and_max_steps_whichever_ends_first(limits, steps, epochs):
    seen = finish(Run(tiny(train=limits)))
    assert [progress.step for progress in seen] == list(range(1, steps + 1))
    assert {progress.steps for progress in seen} == {steps}
    assert [progress.epoch for progress in seen] == [1 + step // 9 for step in range(steps)]
    assert {progress.epochs for progress in seen} == {epochs}


def test_warm_up_is_linear():
    rates = [progress.learning_rate for progress in Run(tiny(train={"learning_rate": 0.1, "warmup_steps": 5}))]
    assert rates == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.1, 0.1, 0.1, 0.1])


def test_cosine_goes_from_the_full_rate_to_its_floor_at_the_last_step():
    schedule = {"kind": "cosine", "floor": 0.2}
    rates = [progress.learning_rate for progress in Run(tiny(train={"learning_rate": 0.1, "schedule": schedule}))]
    assert (rates[0], rates[4], rates[8]) == pytest.approx((0.1, 0.06, 0.02))
    assert rates == sorted(rates, reverse=True)


def test_exponential_falls_with_each_epoch_after_start_epoch():
    schedule = {"kind": "exponential", "factor": 0.5, "start_epoch": 2}
    run = Run(tiny(train={"epochs": 4, "learning_rate": 0.1, "schedule": schedule}))
    rates = {progress.epoch: progress.learning_rate for progress in run}
    assert rates == pytest.approx({1: 0.1, 2: 0.1, 3: 0.05, 4: 0.025})


def test_plateau_falls_when_validation_has_not_improved_down_to_its_floor(monkeypatch):
    scripted(monkeypatch, 3.0, 2.0, 2.1, 2.2, 1.9, 1.9, 1.9, 5.0, 5.0)
    schedule = {"kind": "plateau", "factor": 0.5, "patience": 2, "floor": 0.3}
    seen = list(Run(tiny(train={"learning_rate": 0.1, "eval_every": 1, "schedule": schedule})))
    assert [p.learning_rate for p in seen] == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03])


def test_evaluating_logging_sampling_and_saving_never_disturb_training():
    often = {f"{what}_every": 1 for what in ("eval", "log", "save", "sample")} | {"sample_length": 3}
    rarely = {f"{what}_every": 1000 for what in ("eval", "log", "save", "sample")}
    dropout = {"num_layers": 2, "dropout": 0.5}
    runs = [completed(tiny(out=name, model=dropout, train=how)) for name, how in [("a", often), ("b", rarely)]]
    np.testing.assert_array_equal(runs[0].network.params.values, runs[1].network.params.values)
    assert parameters(Path("a") / LAST) == parameters(Path("b") / LAST)


# -- what is kept -------------------------------------------------------------------------------------------------

FIELDS = [
    *("step", "epoch", "chars", "loss", "bits_per_char", "perplexity"),
    *("valid_loss", "valid_bits_per_char", "valid_perplexity"),
    *("learning_rate", "grad_norm", "clipped", "advice", "seconds", "chars_per_second"),
]


def test_the_log_holds_the_means_since_the_record_before():
    config = tiny(train={"epochs": 2, "log_every": 4, "eval_every": 6, "clip_norm": 0.4, "learning_rate": 0.05})
    seen, chars = [], [0]
    with closing(open_run(config)) as run:
        for progress in run:
            seen.append(progress)
            chars.append(run.state.chars)
    lines = [json.loads(line) for line in (RUN / LOG).read_text().splitlines()]
    assert lines == [progress.record.to_dict() for progress in seen if progress.record]
    assert [line["step"] for line in lines] == [4, 6, 8, 12, 16, 18]
    begin = 0
    for line in lines:
        assert list(line) == FIELDS
        step = line["step"]
        since, begin = seen[begin:step], step
        counts = np.diff(chars)[step - len(since) : step]
        assert (line["epoch"], line["chars"]) == (since[-1].epoch, chars[step])
        assert line["loss"] == pytest.approx(np.average([p.loss for p in since], weights=counts))
        assert line["bits_per_char"] == pytest.approx(line["loss"] / log(2))
        assert line["perplexity"] == pytest.approx(exp(line["loss"]))
        assert line["learning_rate"] == since[-1].learning_rate
        assert line["grad_norm"] == pytest.approx(np.mean([p.grad_norm for p in since]))
        assert line["clipped"] == pytest.approx(np.mean([p.clipped for p in since]))
        assert line["seconds"] >= 0
        if step % 6:
            assert line["valid_loss"] is line["valid_bits_per_char"] is line["valid_perplexity"] is None
            assert line["advice"] is None
        else:
            assert line["valid_bits_per_char"] == pytest.approx(line["valid_loss"] / log(2))
            assert line["valid_perplexity"] == pytest.approx(exp(line["valid_loss"]))
    assert 0 < np.mean([line["clipped"] for line in lines]) < 1, "or the test shows nothing"


def test_the_validation_loss_is_the_score_of_the_validation_split():
    run = completed(tiny())
    report = score(load(RUN / LAST), run.corpus.valid.ids)
    assert records()[-1]["valid_loss"] == report.nats_per_char == run.state.best


def test_the_best_model_is_kept_and_the_complete_state_of_the_last(monkeypatch):
    scripted(monkeypatch, 3.0, 2.0, 2.5)
    states = {}
    with closing(open_run(tiny(train={"eval_every": 3}))) as run:
        for progress in run:
            states[progress.step] = run.network.params.values.copy()
    best, last = load_checkpoint(RUN / BEST), load_checkpoint(RUN / LAST)
    np.testing.assert_array_equal(best.network.params.values, states[6])
    np.testing.assert_array_equal(last.network.params.values, states[9])
    assert set(last.arrays) - set(best.arrays) == {"state", "moments"}
    assert (last.header.training.best, last.header.training.best_step) == (2.0, 6)
    assert load_checkpoint(RUN).path == RUN / BEST


def test_samples_are_written_along_the_way_each_another_text():
    Path("text.txt").write_text(TALES[:330].replace("e", "é"))
    seen = finish(open_run(tiny(train={"sample_every": 4, "sample_length": 30})))
    samples = {f"{p.step:08d}.txt": p.sample for p in seen if p.sample}
    assert list(samples) == ["00000004.txt", "00000008.txt", "00000009.txt"]
    assert {path.name: path.read_text() for path in (RUN / SAMPLES).iterdir()} == samples
    assert len(set(samples.values())) == 3
    assert {len(text) for text in samples.values()} == {30}


def test_samples_are_drawn_at_a_temperature_of_0_8_from_the_network_of_their_step():
    run = open_run(tiny(train={"sample_every": 9, "sample_length": 200}))
    (sample,) = [progress.sample for progress in finish(run) if progress.sample]
    seed = run.config.seed ^ 9 << 20
    drawn = {temp: "".join(generate(run.network, 200, temp=temp, seed=seed)) for temp in (0.7, 0.8, 0.9, 1.0)}
    assert [temp for temp, text in drawn.items() if text == sample] == [0.8]


def test_a_byte_model_writes_its_samples_as_bytes():
    Path("text.txt").write_bytes(bytes(range(256)) * 2)
    completed(tiny(data={"tokens": "byte"}, train={"sample_length": 40}))
    assert len(next((RUN / SAMPLES).iterdir()).read_bytes()) == 40


def test_the_config_that_is_kept_is_complete_and_reads_back():
    run = completed(tiny())
    assert charrnn.load_config(RUN / CONFIG) == run.config
    assert load_checkpoint(RUN / BEST).config.model == run.config.model


def test_without_a_folder_nothing_is_written():
    before = snapshot(Path())
    sections = {"train": {"eval_every": 2, "save_every": 2, "sample_length": 10}}
    seen = finish(Run(tiny(**sections)))
    assert snapshot(Path()) == before
    assert any(p.record for p in seen)
    assert any(p.sample for p in seen)
    assert not any(p.saved for p in seen)
    kept = open_run(tiny(**sections))
    assert [p.loss for p in seen] == [p.loss for p in finish(kept)]


def test_no_validation_split_is_no_obstacle():
    run = completed(tiny(data={"fractions": [1, 0, 0]}, train={"patience": 1, "eval_every": 3}))
    assert run.state.best is None
    assert {record["valid_loss"] for record in records()} == {None}
    assert not (RUN / BEST).exists()
    assert load_checkpoint(RUN).path == RUN / LAST


def test_a_directory_without_a_checkpoint_is_named():
    RUN.mkdir()
    for path in (RUN, Path("nowhere"), RUN / "nothing.npz"):
        with pytest.raises(CheckpointError, match=str(path)):
            load_checkpoint(path)


# -- the same seed, the same bytes --------------------------------------------------------------------------------

FULL = {
    "model": {"num_layers": 2, "dropout": 0.3},
    "train": {"epochs": 2, "eval_every": 4, "log_every": 3, "sample_length": 20},
}


@pytest.mark.row(4)
def test_time_enters_no_file_but_the_two_fields_of_the_log(monkeypatch):
    found = []
    for tick in (0.001, 123.456789):
        ticks = iter(tick * k for k in range(10**6))
        monkeypatch.setattr(train, "perf_counter", lambda ticks=ticks: next(ticks))
        completed(tiny(**FULL), force=True)
        found.append(kept())
    assert found[0] == found[1]


@pytest.mark.row(4)
def test_the_place_of_a_run_enters_none_of_its_checkpoints(monkeypatch):
    completed(tiny(**FULL))
    here = kept()
    Path("another place").mkdir()
    shutil.copy("text.txt", "another place")
    monkeypatch.chdir("another place")
    completed(tiny(**FULL))
    assert kept() == here
    completed(tiny(**FULL, out="another name"))
    there = kept(Path("another name"))
    assert {name for name in here if here[name] != there[name]} == {CONFIG}


@pytest.mark.row(4)
def test_another_process_with_other_surroundings_writes_the_same_bytes(tmp_path):
    completed(tiny(**FULL))
    Path("elsewhere").mkdir()
    shutil.copy("text.txt", "elsewhere")
    shutil.copy(RUN / CONFIG, "elsewhere/my.yaml")
    surroundings = {"PYTHONHASHSEED": "12345", "TZ": "Asia/Kathmandu", "LC_ALL": "C"}
    path = [str(Path(charrnn.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    package = {"PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-m", "charrnn", "train", "my.yaml", "--quiet"]
    subprocess.run(command, cwd="elsewhere", env=os.environ | surroundings | package, check=True, capture_output=True)
    assert kept(Path("elsewhere/run")) == kept()


@pytest.mark.row(4)
def test_any_number_of_workers_writes_the_same_bytes(tried):
    Path("text.txt").write_text(TALES[:2000])
    found = []
    for workers in (1, 2, 4, 1):
        run = completed(tiny(**FULL | {"train": {**FULL["train"], "shards": 4}}), workers=workers, force=True)
        assert run.team.workers == workers
        found.append(kept())
    assert found[1:] == found[:-1]
    tried(len(found))


def test_another_seed_gives_another_model():
    values = [completed(tiny(seed, out=str(seed))).network.params.values for seed in (1, 2)]
    assert not np.array_equal(*values)


# -- going on -----------------------------------------------------------------------------------------------------


AHEAD = 4  # steps that a resumed run goes on before it is compared: over the next record, evaluation or sample


def goes_on_from_steps(config: Config, stride: int = 1) -> Run:
    """After a step the run is saved, takes up to three steps more, and dies in the middle of a line of its log.

    Every `stride`-th step is tried, with the first and the last. Some steps after it went on, all that it holds is what
    the unbroken run held there; so it is at the end, then.
    """
    with closing(open_run(config)) as run:
        states = [snapshot()]
        for _ in run:
            run.save()
            states.append(snapshot())
    for step in sorted({1, *range(run.plan.steps, 0, -stride)}):
        dead = {LOG: b"", **states[min(step + 3, run.plan.steps)]}
        put_back(without({**dead, LOG: dead[LOG] + b'{"step": 9', LAST: states[step][LAST]}, PREVIOUS))
        with closing(open_run(config, resume=True)) as again:
            assert again.state.step == step
            while not again.finished and again.state.step < step + AHEAD:
                again.advance()
            again.save()
        later = states[again.state.step]
        found = {
            name: data for name, data in snapshot().items() if name in later
        }  # not what came after it, then undone
        assert timeless(found) == timeless(later), f"resumed at step {step}"
    return run


STRIDE = volume(5, 1)  # 5 shares no factor with the intervals below or the length of an epoch: it meets them all
STEPS = {"log_every": 2, "eval_every": 7, "sample_every": 11, "sample_length": 3, "save_every": 1000, "max_steps": 60}


PLAIN, DEEP = {"num_layers": 1}, {"num_layers": 2, "dropout": 0.3}  # layers
STOPPED = [("adam", DEEP), ("momentum", PLAIN), ("adam", PLAIN), ("momentum", DEEP)]


@pytest.mark.row(3)
@pytest.mark.parametrize(("optimizer", "layers"), STOPPED[: volume(2, 4)])
def test_a_run_stopped_at_any_step_goes_on_bit_for_bit(cell, optimizer, layers, tried):
    Path("text.txt").write_text(TALES[:300])
    how = {"optimizer": optimizer, "learning_rate": 0.01, "shards": 2, "epochs": None}
    run = goes_on_from_steps(tiny(model={**cell, **layers}, train={**STEPS, **how}), STRIDE)
    assert (run.plan.steps, len(run.batches)) == (60, 8)
    tried(run.plan.steps // STRIDE)


def test_what_was_made_of_the_validation_loss_goes_on_too(monkeypatch):
    def erratic(network: Network, *_: Any, **options: Any) -> Report:
        """Up and down, and another number if but one bit of the parameters is another."""
        return Report(1, 0, 3 + np.sin(1e4 * network.params.values.sum(dtype=np.float64)), 1)

    monkeypatch.setattr(material, "score", erratic)
    schedule = {"kind": "plateau", "patience": 2, "factor": 0.7}
    how = {**STEPS, "eval_every": 1, "max_steps": 24, "schedule": schedule, "patience": 8}
    run = goes_on_from_steps(tiny(train=how))
    assert run.state.plateau.rate < 1


def test_resuming_where_there_is_nothing_starts_from_the_beginning():
    completed(tiny(**FULL), resume=True)
    first = kept()
    (RUN / LAST).unlink()  # a run that died before its first save
    completed(tiny(**FULL), resume=True)
    assert kept() == first


def test_resuming_a_finished_run_does_nothing():
    completed(tiny(**FULL))
    before = snapshot()
    with closing(open_run(tiny(**FULL), resume=True)) as run:
        assert run.finished
        assert list(run) == []
    assert snapshot() == before


def test_more_epochs_carry_a_finished_run_on():
    completed(tiny(train={"epochs": 1, "log_every": 3}))
    completed(tiny(train={"epochs": 2, "log_every": 3}), resume=True)
    assert [(record["step"], record["epoch"]) for record in records()] == [(3 * k, 1 + k // 4) for k in range(1, 7)]
    whole = Run(tiny(train={"epochs": 2}))
    finish(whole)
    np.testing.assert_array_equal(load(RUN / LAST).params.values, whole.network.params.values)


def test_the_clock_goes_on_where_it_stood(monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr(train, "perf_counter", lambda: next(ticks))
    completed(tiny(train={"log_every": 1}))
    completed(tiny(train={"log_every": 1, "epochs": 2}), resume=True)
    seconds = [json.loads(line)["seconds"] for line in (RUN / LOG).read_text().splitlines()]
    assert seconds == list(range(1, 19))


# -- documents ----------------------------------------------------------------------------------------------------

NAMES = "".join(f"{first}{middle}{last}\n" for first in "abcd" for middle in ("el", "o", "ari") for last in "nst")
DOCUMENTS = {"documents": "line", "fractions": [0.8, 0.1, 0.1]}


@pytest.fixture
def names() -> None:
    """36 names as lines, and one that is longer than several windows."""
    Path("text.txt").write_text(NAMES + "x" + "yzyzz" * 7)


@pytest.mark.row(3)
@pytest.mark.parametrize("layers", [PLAIN, DEEP], ids=["plain", "dropout"])
def test_a_run_on_documents_stopped_at_any_step_goes_on_bit_for_bit(cell, layers, tried, names):
    how = {"learning_rate": 0.01, "shards": 2, "epochs": None, "max_steps": 24}
    stride = volume(3, 1)
    run = goes_on_from_steps(tiny(data=DOCUMENTS, model={**cell, **layers}, train={**STEPS, **how}), stride)
    assert run.plan.steps >= 3 * len(run.batches), "or no epoch ends on the way"
    tried(run.plan.steps // stride)


@pytest.mark.row(4)
def test_any_number_of_workers_writes_the_same_bytes_for_documents(tried, names):
    found = []
    for workers in (1, 2, 4):
        sections = FULL | {"data": DOCUMENTS, "train": {**FULL["train"], "shards": 4}}
        run = completed(tiny(**sections), workers=workers, force=True)
        assert run.team.workers == workers
        found.append(kept())
    assert found[1:] == found[:-1]
    tried(len(found))


def test_a_run_on_documents_is_the_plain_loop_over_batches_of_another_order_in_each_epoch():
    Path("text.txt").write_text("".join(f"{'abcde'[k % 5]}{'xyz' * (7 * k % 9)}{k}\n" for k in range(13)))
    config = tiny(data=DOCUMENTS, train={"epochs": 3, "optimizer": "sgd", "learning_rate": 0.1, "clip_norm": None})
    run = Run(config)
    vocab, ids = run.corpus.vocab, run.corpus.train.ids
    batches, network = DocumentBatches(ids, vocab.end_id, 4, 8, config.seed), Network(config.model, vocab)
    network.initialise(np.random.default_rng(config.seed))
    tape, steps, seen, chars = network.tape(8, 4), iter(run), [], 0
    assert len({tuple(batches.count(k, epoch) for k in range(len(batches))) for epoch in range(3)}) > 1
    for epoch in range(3):
        state = network.stack.state(4, network.dtype)
        for batch in (batches.window(k, 0, 4, epoch) for k in range(len(batches))):
            loss = network.forward(batch, state, tape)
            network.backward(batch, tape)
            network.params.values[...] -= np.float32(0.1) * network.params.grads
            progress, chars = next(steps), chars + batch.count
            assert progress.loss == loss
            assert run.state.chars == chars
        seen.append(batches.window(0, 0, 4, epoch).y.tolist())
    assert next(steps, None) is None
    assert chars == 3 * len(ids)
    assert seen[0] != seen[1] != seen[2]
    np.testing.assert_allclose(run.network.params.values, network.params.values, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_loss_of_documents_goes_down_to_what_their_beginnings_leave_open(cell):
    """Each is sure once its first letter is read: four letters, four documents that are equally frequent."""
    Path("text.txt").write_text("".join(f"{letter}{letter.upper()}..\n" for letter in "abcd") * 16)
    Path("held out.txt").write_text("aA..\nbB..\ncC..\ndD..\n")
    data = {"documents": "line", "fractions": [0.9, 0.05, 0.05], "valid_path": "held out.txt"}
    how = {"epochs": None, "max_steps": 300, "learning_rate": 0.02, "eval_every": 300}
    run = Run(tiny(data=data, model={"cell": cell, "hidden_size": 16}, train=how))
    finish(run)
    assert run.state.best == pytest.approx(log(4) / 5, rel=0.03)


@pytest.mark.parametrize(
    ("old", "new"), [("none", "paragraph"), ("paragraph", "none"), ("none", "line"), ("line", "none")]
)
def test_a_network_of_a_stream_goes_on_as_one_of_documents_and_the_other_way_round(old, new):
    """What both know is taken over; the end of paragraphs is new to one, and unknown to the other."""
    text = NAMES.replace("t\n", "t\n\n")
    Path("text.txt").write_text(text)
    first = completed(tiny(data={"documents": old, "fractions": [0.8, 0.2, 0]}))
    run = Run(tiny(data={"documents": new, "fractions": [0.8, 0.2, 0]}), load_corpus(tiny(data={"documents": new})))
    transfer(first.network, run.network)
    theirs, ours = first.corpus.vocab, run.corpus.vocab
    both = sorted({*theirs.symbols} & {*ours.symbols})
    assert "\n" in both
    assert ((END in theirs.symbols), (END in ours.symbols)) == (old == "paragraph", new == "paragraph")
    rows = [vocab.encode("".join(both)) for vocab in (theirs, ours)]
    np.testing.assert_array_equal(
        run.network.params.value["output_weight"][:, rows[1]], first.network.params.value["output_weight"][:, rows[0]]
    )
    RUN.rename("first")
    again = completed(tiny(data={"documents": new, "fractions": [0.8, 0.2, 0]}), init_from="first")
    assert again.corpus.vocab.end == {"none": "", "line": "\n", "paragraph": END}[new]
    assert again.state.step == again.plan.steps
    assert np.isfinite(again.network.params.values).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.documents.kind", {"documents": {"separator": "n\n"}}),
        ("data.split_seed", {"split_seed": 2}),
        ("data.split", {"split": "contiguous"}),
    ],
)
def test_a_run_on_documents_is_not_resumed_with_others(key, value, names):
    completed(tiny(data=DOCUMENTS))
    with pytest.raises(CheckpointError, match=rf"\b{key} was .*, now "):
        open_run(tiny(data=DOCUMENTS | value), resume=True)


CHANGES = {
    "seed": {"seed": 2},
    "data.lowercase": {"data": {"lowercase": True}},
    "data.fractions": {"data": {"fractions": [0.8, 0.2, 0]}},
    "model.cell": {"model": {"cell": "gru"}},
    "model.hidden_size": {"model": {"hidden_size": 6}},
    "model.num_layers": {"model": {"num_layers": 2}},
    "model.forget_bias": {"model": {"forget_bias": 2.0}},
    "train.batch_size": {"train": {"batch_size": 5}},
    "train.seq_length": {"train": {"seq_length": 9}},
    "train.shards": {"train": {"shards": 2}},
    "train.optimizer": {"train": {"optimizer": "sgd"}},
    "train.learning_rate": {"train": {"learning_rate": 0.01}},
    "train.schedule.kind": {"train": {"schedule": {"kind": "cosine"}}},
    "train.warmup_steps": {"train": {"warmup_steps": 3}},
    "train.clip_norm": {"train": {"clip_norm": None}},
    "train.betas": {"train": {"betas": [0.8, 0.9]}},
}


@pytest.mark.parametrize("key", CHANGES)
def test_a_changed_key_is_refused_by_name_and_nothing_is_touched(key):
    completed(tiny())
    before = snapshot()
    with pytest.raises(CheckpointError, match=rf"\b{key} was .*, now .*--init-from"):
        open_run(tiny(**CHANGES[key]), resume=True)
    assert snapshot() == before


def test_all_changed_keys_are_named_at_once():
    completed(tiny())
    with pytest.raises(CheckpointError, match=r"model\.hidden_size was 5, now 7; .*train\.learning_rate was 0\.002"):
        open_run(tiny(model={"hidden_size": 7}, train={"learning_rate": 1}), resume=True)


def test_what_decides_only_when_to_look_and_when_to_stop_may_change():
    looks = {f"{what}_every": 5 for what in ("log", "eval", "save", "sample")} | {"sample_length": 5}
    completed(tiny())
    RUN.rename("moved")
    ends = {"epochs": 5, "max_steps": 12, "patience": 5}
    completed(tiny(out="moved", train={**looks, **ends, "workers": 1}), resume=True)
    assert records(Path("moved"))[-1]["step"] == 12


@pytest.mark.row(10)
def test_a_changed_text_is_refused_and_nothing_is_touched():
    completed(tiny())
    before = snapshot()
    for text in (TALES[:329] + "?", TALES[:331], TALES[1:331]):
        Path("text.txt").write_text(text)
        with pytest.raises(CheckpointError, match="text has changed"):
            open_run(tiny(), resume=True)
    assert snapshot() == before


def test_a_changed_validation_text_is_refused_too():
    Path("valid.txt").write_text(TALES[300:400])
    config = tiny(data={"valid_path": "valid.txt", "fractions": [0.9, 0.05, 0.05]})
    completed(config)
    Path("valid.txt").write_text(TALES[301:401])
    with pytest.raises(CheckpointError, match="text has changed"):
        open_run(config, resume=True)


NO_STATE = {
    "no moments": lambda header, arrays: (header, without(arrays, "moments")),
    "no carried state": lambda header, arrays: (header, without(arrays, "state")),
    "moments of another size": lambda header, arrays: (header, arrays | {"moments": arrays["moments"][:1]}),
    "no counters": lambda header, arrays: (without(header, "training"), arrays),
    "counters that are a list": lambda header, arrays: (header | {"training": [1, 2]}, arrays),
    "no plateau": lambda header, arrays: (header | {"training": without(header["training"], "plateau")}, arrays),
    "a counter too many": lambda header, arrays: (header | {"training": header["training"] | {"more": 1}}, arrays),
}


@pytest.mark.parametrize("change", NO_STATE.values(), ids=NO_STATE)
def test_a_checkpoint_without_the_state_of_a_run_is_not_resumed(change):
    completed(tiny())
    header, arrays = change(*checkpoint.load(RUN / LAST))
    checkpoint.save(RUN / LAST, header, arrays)
    before = snapshot()
    with pytest.raises(CheckpointError, match=rf"{LAST}: damaged"):
        open_run(tiny(), resume=True)
    assert snapshot() == before


def test_the_best_checkpoint_is_not_mistaken_for_the_last():
    completed(tiny())
    shutil.copy(RUN / BEST, RUN / LAST)
    with pytest.raises(CheckpointError, match="state is missing"):
        open_run(tiny(), resume=True)


DAMAGED_LOGS = {
    "a record is missing": lambda data: b"".join(data.splitlines(keepends=True)[1:]),
    "the last one is torn": lambda data: data[:-30],
    "its newline is missing": lambda data: data[:-1],
    "nothing but zeros": lambda data: b"\0" * len(data),
    "nothing": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGED_LOGS.values(), ids=DAMAGED_LOGS)
def test_a_log_that_does_not_hold_what_the_checkpoint_counts_on_is_not_built_upon(damage):
    completed(tiny(train={"log_every": 2}))
    (RUN / LOG).write_bytes(damage((RUN / LOG).read_bytes()))
    before = snapshot()
    with pytest.raises(CharrnnError, match=LOG):
        open_run(tiny(train={"log_every": 2}), resume=True)
    assert snapshot() == before


def test_the_log_is_on_disk_before_a_checkpoint_counts_on_it(monkeypatch):
    events: list[str] = []

    def fsync(descriptor: int) -> None:
        for path in (RUN / LOG, RUN / f".{LAST}.tmp"):
            with suppress(OSError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    events.append(path.name)

    with closing(open_run(tiny(train={"log_every": 1, "save_every": 3, "eval_every": 1000}))) as run:
        monkeypatch.setattr(os, "fsync", fsync)
        list(run)
    assert events == [LOG, f".{LAST}.tmp"] * 3


# -- stopping early -----------------------------------------------------------------------------------------------


def stops_early(patience: int | None) -> Config:
    return tiny(train={"epochs": 3, "eval_every": 3, "patience": patience})


def test_training_stops_when_patience_runs_out(monkeypatch):
    scripted(monkeypatch, 3.0, 2.0, 2.5, 2.0)
    seen = finish(open_run(stops_early(2)))
    last = load_checkpoint(RUN / LAST)
    assert [len(seen), seen[-1].saved, last.header.training.step, records()[-1]["step"]] == [12, True, 12, 12]
    assert last.header.training.stopped
    assert load_checkpoint(RUN / BEST).header.training.step == 6


def test_patience_counts_from_the_latest_improvement(monkeypatch):
    scripted(monkeypatch, 3.0, 3.1, 2.9, 3.0, 2.8, 2.9, 2.9)
    assert len(finish(Run(stops_early(2)))) == 21


def test_a_raised_patience_carries_a_stopped_run_on_and_the_same_one_does_not(monkeypatch):
    scripted(monkeypatch, 3.0, 2.0, 2.5, 2.5)
    completed(stops_early(2))
    assert finish(open_run(stops_early(2), resume=True)) == []
    scripted(monkeypatch, 2.4, 2.3)
    assert len(finish(open_run(stops_early(4), resume=True))) == 6
    scripted(monkeypatch, 2.2, 2.2, 2.2)
    assert len(finish(open_run(stops_early(None), resume=True))) == 9
    whole = Run(tiny(data={"fractions": [0.8, 0, 0.2]}, train={"epochs": 3}))
    finish(whole)
    np.testing.assert_array_equal(load(RUN / LAST).params.values, whole.network.params.values)


def test_a_worse_model_never_takes_the_place_of_the_best_not_even_after_a_resume(monkeypatch):
    scripted(monkeypatch, 2.0, 2.5)
    with closing(open_run(tiny(train={"eval_every": 3, "save_every": 1}))) as run:
        for progress in run:
            if progress.step == 5:
                break
    best = (RUN / BEST).read_bytes()
    scripted(monkeypatch, 2.4, 2.3)
    again = completed(tiny(train={"eval_every": 3, "save_every": 1}), resume=True)
    assert (again.state.best, again.state.best_step) == (2.0, 3)
    assert (RUN / BEST).read_bytes() == best


# -- divergence ---------------------------------------------------------------------------------------------------


def assert_diverges(run: Run, by: int = 10**6) -> str:
    """The run ends in one error by step `by`, without a warning; all that it left behind is finite and whole."""
    users = np.errstate(over="warn", invalid="warn", divide="warn")  # and a warning fails the test
    with closing(run), users, pytest.raises(DivergedError) as error:
        list(run)
    assert run.state.step <= by
    for path in (RUN / LAST, RUN / BEST):
        if path.exists():
            assert np.isfinite(load(path).params.values).all()
    if (RUN / LOG).exists():
        assert all(isinstance(record["loss"], float) for record in records())
    return str(error.value)


@pytest.mark.row(14)
@pytest.mark.parametrize("cell", [{"cell": "rnn", "activation": "relu"}, {"cell": "rnn"}, {"cell": "lstm"}])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rate", [1e6, 1e37])
def test_an_absurd_learning_rate_ends_the_run_and_keeps_the_last_checkpoint(cell, optimizer, rate):
    how = {"learning_rate": rate, "optimizer": optimizer, "eval_every": 2, "save_every": 1, "epochs": 5}
    message = assert_diverges(open_run(tiny(model=cell, train=how)))
    assert f"learning rate {rate:g}" in message
    assert "train.learning_rate" in message


@pytest.mark.row(14)
@pytest.mark.parametrize("poison", [np.nan, np.inf, 3e38])
def test_poisoned_weights_end_the_run_in_their_step(poison):
    run = open_run(tiny(train={"save_every": 1}))
    steps = iter(run)
    next(steps)
    run.network.params.value["output_bias"][3] = poison
    message = assert_diverges(run, by=1)
    assert "step 2" in message
    assert str(RUN / LAST) in message
    assert load_checkpoint(RUN / LAST).header.training.step == 1


@pytest.mark.row(14)
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_poisoned_moments_end_the_run_before_they_are_saved(optimizer):
    run = open_run(tiny(train={"optimizer": optimizer, "save_every": 2, "eval_every": 100}))
    steps = iter(run)
    next(steps), next(steps)
    before = (RUN / LAST).read_bytes()
    run.team.moments[-1, 7] = np.inf
    assert_diverges(run, by=4)
    assert (RUN / LAST).read_bytes() == before


@pytest.mark.row(14)
@pytest.mark.parametrize("found", [float("nan"), float("inf")])
def test_a_validation_loss_that_is_no_number_is_divergence_too(found, monkeypatch):
    scripted(monkeypatch, found)
    assert_diverges(open_run(tiny()), by=9)
    assert not (RUN / BEST).exists()


# -- run directories ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LAST, BEST, LOG, CONFIG])
def test_what_is_there_is_not_replaced_unasked(name):
    RUN.mkdir()
    (RUN / name).write_text("precious")
    with pytest.raises(RunExistsError, match=r"--resume.*--force.*--out"):
        open_run(tiny())
    assert snapshot() == {name: b"precious"}


def test_a_file_in_the_place_of_the_directory_is_named():
    RUN.write_text("precious")
    for how in ({}, {"resume": True}, {"force": True}):
        with pytest.raises(RunExistsError, match="file"):
            open_run(tiny(), **how)
    assert RUN.read_text() == "precious"


def test_force_replaces_the_files_of_the_run_and_no_others():
    completed(tiny(train={"epochs": 2, "sample_length": 10}))
    foreign = {"notes.md": b"mine", "samples/favourites.txt": b"mine", "other.npz": b"mine", "old/best.npz": b"mine"}
    put_back(snapshot() | foreign)
    completed(tiny(train={"sample_length": 10}), force=True)
    found = kept()
    assert {name: found.pop(name) for name in foreign} == foreign
    completed(tiny(out="fresh", train={"sample_length": 10}))
    fresh = kept(Path("fresh"))
    assert set(found) == set(fresh)
    assert all(found[name] == fresh[name] for name in (LAST, BEST, LOG))


def test_nothing_is_replaced_by_a_run_that_cannot_begin():
    completed(tiny())
    before = snapshot()
    Path("short.txt").write_text("too short")
    for path in ("missing.txt", "short.txt"):
        with pytest.raises(TextError):
            open_run(tiny(data={"path": path}), force=True)
    with pytest.raises(CheckpointError):
        open_run(tiny(), init_from="missing.npz", force=True)
    assert snapshot() == before
    with pytest.raises(TextError):
        open_run(tiny(data={"path": "missing.txt"}, out="new"))
    assert not Path("new").exists()


@pytest.mark.parametrize("how", [{}, {"resume": True}])
def test_a_run_that_another_trainer_began_meanwhile_is_not_replaced(how, monkeypatch):
    """The other one comes and goes while this one still reads its text."""
    read = opening.read_corpus

    def slowly(*arguments: Any) -> Any:
        monkeypatch.setattr(opening, "read_corpus", read)
        completed(tiny(seed=2))
        return read(*arguments)

    monkeypatch.setattr(opening, "read_corpus", slowly)
    with pytest.raises((RunExistsError, CheckpointError)):
        open_run(tiny(), **how)
    assert load_checkpoint(RUN / LAST).config.seed == 2


def test_a_directory_has_one_trainer_at_a_time_and_any_number_of_readers():
    with closing(open_run(tiny(train={"save_every": 1, "eval_every": 1}))) as run:
        next(iter(run))
        before = snapshot()
        for how in ({"resume": True}, {"force": True}):
            with pytest.raises(RunInUseError):
                open_run(tiny(train={"save_every": 1, "eval_every": 1}), **how)
        assert snapshot() == before
        assert load(RUN).params.size
    completed(tiny(train={"save_every": 1, "eval_every": 1}), resume=True)


def test_a_directory_is_given_free_when_a_run_cannot_begin():
    completed(tiny())
    with pytest.raises(CheckpointError):
        open_run(tiny(seed=2), resume=True)
    completed(tiny(), resume=True)


def test_leftovers_of_a_killed_run_are_swept():
    config = tiny(train={"sample_length": 10})
    completed(config)
    before = set(snapshot())
    for name in (f".{LAST}.tmp", f".{BEST}.tmp", f"{SAMPLES}/.00000009.txt.tmp"):
        (RUN / name).write_text("half")
    completed(config, resume=True)
    assert set(snapshot()) == before


# -- fine-tuning --------------------------------------------------------------------------------------------------

OLD_TEXT, NEW_TEXT = "abcdefgh " * 40, "cdefghij!" * 40  # i, j and ! are new; a, b and the space no longer there
SHARED = "cdefgh"


def trained(**model: Any) -> Network:
    """A model of the old text, in old/, unlike a fresh one in all of its parameters."""
    Path("text.txt").write_text(OLD_TEXT)
    completed(tiny(out="old", model=model, train={"learning_rate": 0.05}))
    Path("text.txt").write_text(NEW_TEXT)
    return load("old")


@pytest.mark.parametrize("embedding", [None, 3])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_rows_of_shared_characters_are_carried_over_and_new_ones_are_fresh(cell, embedding):
    model = {"cell": cell, "embedding_size": embedding, "num_layers": 2}
    old = trained(**model)
    fresh = Run(tiny(model=model)).network
    with closing(open_run(tiny(model=model), init_from="old")) as run:
        new = run.network
    assert (run.added, run.removed) == ("!ij", " ab")
    by_character = {"output_weight": 1, "output_bias": 0} | ({"embedding": 0} if embedding else {"weight_ih_l0": 1})
    for name, value in new.params.value.items():
        if name not in by_character:
            np.testing.assert_array_equal(value, old.params.value[name], name)
            continue
        axis = by_character[name]
        for symbol in new.vocab.symbols:
            source = old if symbol in SHARED else fresh
            there = source.params.value[name].take(source.vocab.symbols.index(symbol), axis)
            np.testing.assert_array_equal(value.take(new.vocab.symbols.index(symbol), axis), there, f"{name} {symbol}")


def test_the_forget_bias_that_was_learnt_is_not_reset():
    old = trained(forget_bias=3.0)
    with closing(open_run(tiny(model={"forget_bias": 1.0}), init_from="old/best.npz")) as run:
        np.testing.assert_array_equal(run.network.params.value["bias_l0"], old.params.value["bias_l0"])
    assert old.params.value["bias_l0"].max() > 2


def test_fine_tuning_goes_on_learning_and_resumes_like_any_run():
    trained()
    config = tiny(train={"epochs": 2, "save_every": 4})
    completed(config, init_from="old")
    whole = kept()
    shutil.rmtree(RUN)
    with closing(open_run(config, init_from="old")) as run:
        for progress in run:
            if progress.step == 7:
                break
    shutil.rmtree("old")  # the same line can be typed again, though that is gone by now
    completed(config, init_from="old", resume=True)
    assert kept() == whole


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("cell", {"cell": "gru"}, {"cell": "lstm"}),
        ("hidden_size", {"hidden_size": 4}, {"hidden_size": 5}),
        ("num_layers", {"num_layers": 2}, {"num_layers": 1}),
        ("embedding_size", {"embedding_size": 3}, {"embedding_size": None}),
        ("activation", {"cell": "rnn", "activation": "relu"}, {"cell": "rnn"}),
        ("reset", {"cell": "gru", "reset": "before"}, {"cell": "gru"}),
    ],
)
def test_another_architecture_is_refused_by_name(key, old, new):
    trained(**old)
    with pytest.raises(CheckpointError, match=rf"model\.{key} {list(old.values())[-1]}.*set it to"):
        open_run(tiny(model=new), init_from="old")
    assert not RUN.exists() or set(snapshot()) <= {".lock"}


def test_bytes_are_not_carried_over_to_characters():
    Path("text.txt").write_text(OLD_TEXT)
    completed(tiny(out="old", data={"tokens": "byte"}))
    with pytest.raises(CheckpointError, match="tokens"):
        open_run(tiny(), init_from="old")


RARE = {"min_count": 3}  # characters that occur once or twice become the unknown one


def test_the_unknown_character_is_carried_over_to_the_unknown_character_alone():
    Path("text.txt").write_text(OLD_TEXT + "?" + OLD_TEXT)
    completed(tiny(out="old", data=RARE, train={"learning_rate": 0.05}))
    old = load("old")
    Path("text.txt").write_text(NEW_TEXT)
    fresh = Run(tiny(data=RARE)).network
    with closing(open_run(tiny(data=RARE), init_from="old")) as run:
        new = run.network
    assert (run.added, run.removed) == ("!ij", " ab")
    bias = new.params.value["output_bias"]
    assert bias[-1] == old.params.value["output_bias"][-1]
    for symbol in run.added:
        at = new.vocab.symbols.index(symbol)
        assert bias[at] == fresh.params.value["output_bias"][at], "a character that is new begins fresh"
    completed(tiny(out="plain"), init_from="old")  # to a model without an unknown character


def test_a_model_without_an_unknown_character_passes_on_to_one_with_it():
    old = trained()
    Path("text.txt").write_text(NEW_TEXT + "?" + NEW_TEXT)
    fresh = Run(tiny(data=RARE)).network
    with closing(open_run(tiny(data=RARE), init_from="old")) as run:
        new = run.network
    assert new.vocab.has_unknown
    assert not old.vocab.has_unknown
    assert new.params.value["output_bias"][-1] == fresh.params.value["output_bias"][-1]


# -- before a run -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 2])
def test_an_estimate_trains_a_little_writes_nothing_and_adds_up(shards):
    before = snapshot(Path())
    config = tiny(model={"num_layers": 2}, train={"epochs": 7, "shards": shards, "workers": 1})
    found = estimate_run(config, budget=0)
    assert snapshot(Path()) == before
    run = found.run
    assert run.plan.steps == 63
    assert found.chars_per_second > 0
    assert found.seconds >= run.plan.steps * 8 * 4 / found.chars_per_second
    params, moments, corpus = run.network.params, run.team.moments, run.corpus
    assert found.memory["parameters"] == params.values.nbytes == 4 * params.size
    assert found.memory["gradients and moments"] == shards * params.grads.nbytes + moments.nbytes
    assert found.memory["text"] == sum(len(split) for split in (corpus.train, corpus.valid, corpus.test))
    shard = 4 // shards
    tape = run.network.tape(8, shard)
    assert found.memory["one window"] == shards * (tape.stack.nbytes + tape.scores.nbytes)


@pytest.mark.parametrize(
    ("length", "fractions", "valid"),
    [(330, [0.8, 0.1, 0.1], 32), (330, [1, 0, 0], 0), (50_000, [0.01, 0.99, 0], 48_981)],
)
def test_an_estimate_is_the_time_of_all_steps_and_of_all_evaluations(monkeypatch, length, fractions, valid):
    """At 1000 trained characters a second and 0.01 s for each character that is evaluated."""
    Path("text.txt").write_text((TALES * 2)[:length])
    clock = [100.0]

    def slow_score(model: Any, ids: Any, **options: Any) -> None:
        clock[0] += 0.01 * len(ids)

    monkeypatch.setattr(estimate, "speed", lambda run, budget: 1000.0)
    monkeypatch.setattr(estimate, "score", slow_score)
    monkeypatch.setattr(estimate, "perf_counter", lambda: clock[0])
    config = tiny(data={"fractions": fractions}, train={"epochs": None, "max_steps": 45, "eval_every": 10})
    assert len(load_corpus(config).valid) == valid
    training, evaluations = 45 * 8 * 4 / 1000, 5  # the last step evaluates too
    assert estimate_run(config).seconds == pytest.approx(training + evaluations * 0.01 * valid)
    assert clock[0] <= 100 + 0.01 * 20_000, "of a long text, a part is evaluated"


@pytest.mark.parametrize("fractions", [[0.8, 0.1, 0.1], [1, 0, 0]])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_estimate_needs_no_more_than_the_run_has(steps, fractions):
    config = tiny(data={"fractions": fractions}, train={"max_steps": steps})
    assert estimate_run(config, budget=0).seconds > 0
