"""What a run would take, before it is started: memory by owner, speed from a few real steps, time. Writes nothing."""

from dataclasses import dataclass
from time import perf_counter

from charrnn.config import Config
from charrnn.evaluate import score
from charrnn.machine import one_thread
from charrnn.train import Run, processes


@dataclass(frozen=True)
class Estimate:
    """What a run would take, from a few real steps of it."""

    run: Run
    memory: dict[str, int]  # bytes, by owner
    chars_per_second: float
    seconds: float  # the whole run, with its evaluations


def estimate(config: Config, budget: float = 3.0) -> Estimate:
    """Measure a few real steps (about `budget` seconds, and no fewer than two) and write nothing."""
    run = Run(config, workers=processes(config))  # without a folder
    params, moments = run.network.params, run.team.moments
    corpus = run.corpus
    longest = min(config.train.seq_length, run.batches.run)
    shards = [stop - first for first, stop in run.team.bounds]
    memory = {
        "parameters": params.values.nbytes,
        "gradients and moments": params.grads.nbytes * len(shards) + moments.nbytes,
        "one window": sum(run.network.tape_bytes(longest, streams) for streams in shards),
        "text": sum(split.ids.nbytes for split in (corpus.train, corpus.valid, corpus.test)),
    }
    began = perf_counter()
    for progress in run:
        if progress.step == 1 < run.steps:
            run.restart_clock()  # the first step also warms caches up
        if progress.step >= 50 or (progress.step >= 2 and perf_counter() - began > budget):
            break
    some = corpus.valid.ids[:20_000]
    began = perf_counter()
    if len(some):
        with one_thread():
            score(run.network, some)
    per_char = (perf_counter() - began) / max(len(some), 1)
    run.close()
    trained = run.steps * longest * config.train.batch_size / run.chars_per_second
    evaluations = -(-run.steps // run.eval_every)
    seconds = trained + evaluations * per_char * len(corpus.valid)
    return Estimate(run, memory, run.chars_per_second, seconds)
