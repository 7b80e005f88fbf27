"""What a run would take, before it is started: memory by owner, speed from a few real steps, time. Writes nothing."""

from dataclasses import dataclass
from time import perf_counter

from charrnn.blas import one_thread
from charrnn.config import Config
from charrnn.evaluation import score
from charrnn.training.loop import Run
from charrnn.training.resuming import worker_count


@dataclass(frozen=True)
class Estimate:
    """What a run would take, from a few real steps of it."""

    run: Run
    memory: dict[str, int]  # bytes, by owner
    chars_per_second: float
    seconds: float  # the whole run, with its evaluations


def memory(run: Run) -> dict[str, int]:
    """Bytes that a run holds, by owner, beside Python and NumPy."""
    params, corpus, shards = run.network.params, run.corpus, run.team.bounds
    longest = min(run.config.train.seq_length, run.batches.run)
    return {
        "parameters": params.values.nbytes,
        "gradients and moments": params.grads.nbytes * len(shards) + run.team.moments.nbytes,
        "one window": sum(run.network.tape_bytes(longest, stop - first) for first, stop in shards),
        "text": sum(split.ids.nbytes for split in (corpus.train, corpus.valid, corpus.test)),
    }


def speed(run: Run, budget: float) -> float:
    """Characters per second over a few steps of a fresh run: about `budget` seconds, and no fewer than two steps."""
    began = perf_counter()
    for progress in run:
        if progress.step == 1 < run.plan.steps:
            run.stopwatch.restart()  # the first step also warms caches up
        if progress.step >= 2 and perf_counter() - began > budget:
            break
    return run.stopwatch.chars_per_second


def estimate_run(config: Config, budget: float = 3.0) -> Estimate:
    """Measure a few real steps, about `budget` seconds, and write nothing."""
    run = Run(config, workers=worker_count(config))  # without a folder
    held, measured = memory(run), speed(run, budget)
    valid = run.corpus.valid.ids
    some = valid[:20_000]
    began = perf_counter()
    if len(some):
        with one_thread():
            score(run.network, some)
    per_char = (perf_counter() - began) / max(len(some), 1)
    run.close()
    longest = min(config.train.seq_length, run.batches.run)
    trained = run.plan.steps * longest * config.train.batch_size / measured
    evaluations = -(-run.plan.steps // run.plan.eval_every)
    return Estimate(run, held, measured, trained + evaluations * per_char * len(valid))
