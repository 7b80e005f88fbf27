"""Shards and workers: the same gradient as the whole batch, the same bits for any number of processes, a clean end."""

import os
import signal
import subprocess
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from charrnn.config.data_keys import DataConfig
from charrnn.config.keys import Config
from charrnn.config.model_keys import ModelConfig
from charrnn.config.train_keys import TrainConfig
from charrnn.data.batches import Batches
from charrnn.errors import CharrnnError
from charrnn.models.network import Network
from charrnn.parallel import shards
from charrnn.parallel import team as parallel
from charrnn.parallel.needs import COUNTING, check_memory
from charrnn.parallel.shards import auto_shards
from charrnn.parallel.team import Team
from charrnn.processes import run_in_processes
from charrnn.training.loop import Run
from tests.support.teams import IDS, LENGTH, STREAMS, VOCAB, make_team


def trained(team: Team, steps: int = 9) -> tuple[list[float], np.ndarray, ...]:
    """Losses, last gradient, parameters, moments and state of a few steps, over the end of an epoch."""
    losses = []
    for step in range(steps):
        losses.append(team.forward_backward(step))
        team.update(0.1, step + 1)
    params = team.network.params
    return losses, params.grads.copy(), params.values.copy(), team.moments.copy(), team.state


@pytest.mark.parametrize("shards", [1, 2, 3, 4, 6])
def test_shards_add_up_to_the_gradient_of_the_whole_batch(shards):
    team = make_team(shards)
    whole = Network(team.network.config, VOCAB)
    whole.params.values[...] = team.network.params.values
    batches, state = Batches(IDS, STREAMS, LENGTH), whole.start(STREAMS)
    tape = whole.tape(LENGTH, STREAMS)
    for step in range(len(batches)):
        loss = float(whole.forward(batches[step], state, tape))
        whole.backward(batches[step], tape)
        assert team.forward_backward(step) == pytest.approx(loss, abs=1e-6)
        np.testing.assert_allclose(team.network.params.grads, whole.params.grads, atol=2e-6)
        np.testing.assert_allclose(team.state, state, atol=1e-6)


def test_the_last_window_counts_only_real_targets():
    batches = Batches(IDS, STREAMS, LENGTH)
    for window in range(len(batches)):
        batch = batches[window]
        inside = batch.x.size if batch.weight is None else int(batch.weight.sum())
        assert batch.count == inside == batches.count(window)
        assert batches.window(window, 0, 2).count == batch.count


@pytest.mark.row(4)
@pytest.mark.parametrize(("cell", "dropout"), [("lstm", 0.3), ("gru", 0.0)])
def test_any_number_of_workers_gives_the_same_bits(cell, dropout):
    results = []
    for workers in (1, 2, 3):
        team = make_team(4, workers, dropout, cell)
        assert team.workers == workers
        results.append(trained(team))
        team.close()
    for losses, *arrays in results[1:]:
        assert losses == results[0][0]
        for found, wanted in zip(arrays, results[0][1:], strict=True):
            np.testing.assert_array_equal(found, wanted)


def place(number: int) -> tuple[int, int]:
    """What a call returns, and where it was made."""
    return number * number, os.getpid()


class SecondOfTwoRanks:
    """This rank, as the second one; the first has made the same number of calls, or one more."""

    number, size = 1, 2

    def gather_objects(self, found: list[Any]) -> list[Any]:
        return [[(-1, 0)] * 3, found]


def test_calls_are_shared_out_over_ranks_and_workers_and_their_results_are_in_order():
    team = make_team(2, workers=2)
    here, there = os.getpid(), team.processes[0].pid
    assert team.spread(place, range(5)) == [(0, here), (1, there), (4, here), (9, there), (16, here)]
    team.ranks = SecondOfTwoRanks()
    assert team.spread(place, range(5)) == [(-1, 0), (1, here), (-1, 0), (9, there), (-1, 0)]
    assert team.spread(place, [7]) == [(49, here)]  # too little to share: each rank makes the call itself
    team.close()


def test_the_state_can_be_taken_out_and_put_back():
    team = make_team(4)
    team.forward_backward(0)
    state = team.state
    after = team.forward_backward(1)
    team.state = state
    assert team.forward_backward(1) == after


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_worker_that_dies_ends_the_run_with_one_clear_line():
    team = make_team(2, workers=2)
    team.forward_backward(0)
    os.kill(team.processes[0].pid, signal.SIGKILL)
    team.processes[0].join()
    with pytest.raises(CharrnnError, match=r"worker process ended unexpectedly .*--resume") as error:
        team.forward_backward(1)
    assert "\n" not in str(error.value)
    team.close()


def starved(*arguments: Any) -> None:
    """The life of a worker for which there is no memory at its first step."""

    def refuse(*_: Any) -> None:
        raise MemoryError

    shards.Shard.forward_backward = refuse
    shards.work(*arguments)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("shards", [2, 5])
def test_a_worker_without_memory_is_one_clear_line_and_no_traceback(shards, monkeypatch, capfd):
    monkeypatch.setattr(parallel, "work", starved)
    team = make_team(shards, workers=2)
    with pytest.raises(CharrnnError, match=r"^a worker process ran out of memory; .*--resume") as error:
        team.forward_backward(0)
    assert "\n" not in str(error.value)
    team.close()
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_workers_outlive_ctrl_c_and_end_with_their_parents_pipe():
    team = make_team(2, workers=2)
    process = team.processes[0]
    team.forward_backward(0)
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    team.forward_backward(1)
    team.close()
    assert process.exitcode == 0


def test_no_more_workers_than_shards():
    team = make_team(2, workers=5)
    assert team.workers == 2
    team.close()


def test_auto_shards_leaves_small_models_whole_and_follows_the_processors(monkeypatch):
    for count, expected in ((1, 1), (2, 2), (3, 2), (4, 4), (64, 4)):
        monkeypatch.setattr(shards, "cores", lambda count=count: count)
        assert auto_shards(250_000, 50, 50) == expected
        assert auto_shards(5_000, 16, 32) == 1


FAILS = """
import sys
from tests.support.teams import make_team

if __name__ == "__main__":
    sys.modules["kept"] = team = make_team(2, workers=2)  # by what outlives this module
    team.forward_backward(0)
    raise LookupError("mine")
"""


def test_a_program_that_fails_with_its_workers_at_hand_ends(tmp_path):
    """Python waits for its processes at its end, and they for the end of their pipe."""
    (tmp_path / "fails.py").write_text(FAILS)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(tmp_path / "fails.py")]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=30, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("LookupError: mine")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc")
def test_processes_that_answered_leave_no_file_open():
    held = []
    for _ in range(3):
        assert run_in_processes(pow, [(2, 3), (2, 4)]) == [8, 16]
        held.append(len(os.listdir("/proc/self/fd")))
    assert held[1] == held[2]  # the first call may start what stays


def test_gradients_are_added_in_the_order_of_the_shards():
    """In float32, 1 + 1e8 - 1e8 is 0 from left to right, and 1 from right to left."""
    team = make_team(3)
    for grad, value in zip(team._grads, (1.0, 1e8, -1e8), strict=True):
        grad[...] = value
    team._own.forward_backward = lambda step: [0.0, 0.0, 0.0]  # type: ignore[method-assign]
    team.forward_backward(0)
    assert (team.network.params.grads == 0).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_cannot_fit_into_memory_is_refused_before_memory_is_taken(workers, monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PHYS_PAGES": 256, "SC_PAGE_SIZE": 4096}[name])
    monkeypatch.setattr(parallel, "shared", lambda *_: pytest.fail("memory was taken"))
    config = Config(
        DataConfig("-"),
        ModelConfig(cell="lstm", hidden_size=300, num_layers=2),
        TrainConfig(batch_size=4, seq_length=8, shards=2, weight_decay=0.0),
    )
    with pytest.raises(CharrnnError, match=r"need about .* GB of memory, and this machine has 0\.0; lower model"):
        Team(config, VOCAB, IDS, workers)


@pytest.mark.parametrize(
    "keys",
    [{}, {"dropout": 0.1, "output_dropout": 0.2, "recurrent_dropout": 0.3}, {"ngram": 3, "skip_connections": True}],
)
def test_the_memory_check_counts_vectors_tape_and_folds(monkeypatch, keys):
    """It passes a machine that holds just as much as vectors, one tape and the counting take, and no less."""
    config = Config(
        DataConfig("-"),
        ModelConfig(cell="lstm", hidden_size=9, num_layers=2, **keys),
        TrainConfig(batch_size=4, seq_length=8, shards=2, weight_decay=0.0),
    )
    network = Network(config.model, VOCAB)
    needed = 4 * network.size * (1 + 2 + 2) + network.tape_bytes(8, 4) + COUNTING * len(IDS) * ("ngram" in keys)
    for pages, fits in ((needed, True), (needed - 1, False)):
        monkeypatch.setattr(os, "sysconf", lambda name, pages=pages: pages if name == "SC_PHYS_PAGES" else 1)
        with nullcontext() if fits else pytest.raises(CharrnnError):
            check_memory(config, VOCAB, IDS)


def blas_threads(_: int) -> list[int]:
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_processes_compute_with_one_blas_thread():
    threads = run_in_processes(blas_threads, [(0,), (1,)])
    assert threads == [[1] * len(threads[0])] * 2
    assert threads[0]


def test_training_computes_with_one_blas_thread_whatever_the_session_allows(tmp_path, monkeypatch):
    """Seen from inside a step, while the limit that these tests work under is lifted."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("the miller counts the sacks. " * 20)
    train = TrainConfig(batch_size=2, seq_length=5, max_steps=1, sample_length=0)
    run = Run(Config(DataConfig("text.txt"), ModelConfig(cell="lstm", hidden_size=3, num_layers=2), train))
    seen: list[list[int]] = []
    compute = run.team.forward_backward
    run.team.forward_backward = lambda step: seen.append(blas_threads(0)) or compute(step)  # type: ignore[method-assign]
    with threadpool_limits(3), closing(run):
        before = blas_threads(0)
        run.advance()
    assert max(before) > 1
    assert seen == [[1] * len(before)]
