"""What a run would take, before it is started: memory, speed and time, from a few real steps.

It writes nothing, and the network that it trains is discarded.
"""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from charrnn.blas import one_thread
from charrnn.config import Config
from charrnn.data import Corpus
from charrnn.evaluation import score
from charrnn.parallel import Ranks, ngram_bytes
from charrnn.training.agreeing import check_ranks
from charrnn.training.corpora import read_corpus
from charrnn.training.defaults import settled
from charrnn.training.gain import Gain, measure_gain
from charrnn.training.loop import Run
from charrnn.training.opening import DEFAULT_DIRECTORY, read_origin
from charrnn.training.resuming import with_shards, worker_count
from charrnn.training.teaching import read_teachers

# Characters of the validation split that are scored to time an evaluation.
TIMED_CHARS = 20_000


@dataclass(frozen=True)
class Estimate:
    """What a run would take.

    Attributes:
        run: the run, a few steps old and closed.
        memory: bytes by owner, beside Python and NumPy.
        chars_per_second: the speed of its steps.
        seconds: the whole run, evaluations included; samples and saves are not.
        gain: what several machines gain; None for a single one.
    """

    run: Run
    memory: dict[str, int]
    chars_per_second: float
    seconds: float
    gain: Gain | None = None


def memory(run: Run) -> dict[str, int]:
    """Return the bytes that a run holds by owner, beside Python and NumPy."""
    params, material, shards = run.network.params, run.material, run.team.bounds
    return {
        "parameters": params.values.nbytes,
        "gradients and moments": params.grads.nbytes * len(shards) + run.team.moments.nbytes,
        "one window" if material.draws_samples else "one batch": sum(
            material.tape_bytes(run.network, stop - first) for first, stop in shards
        ),
        "text": material.ids_bytes + run.teachers.nbytes(run.corpus),
        **({"n-gram": ngram_bytes(run.config, len(run.corpus.train))} if run.config.model.ngram else {}),
    }


def speed(run: Run, budget: float) -> float:
    """Train for a few steps and return the characters per second.

    Arguments:
        run: a fresh run.
        budget: seconds to spend, about; two steps are done at least.
    """
    began = perf_counter()
    for progress in run:
        if progress.step == 1 < run.plan.steps:
            run.stopwatch.restart()  # the first step also warms up the caches
            run.team.exchange_seconds = 0.0
        if progress.step >= 2 and run.team.agree("stop", perf_counter() - began > budget):
            break
    return run.stopwatch.chars_per_second


def evaluation_seconds(run: Run) -> float:
    """Return the seconds of one evaluation; of a text, extrapolated from the beginning of the validation split."""
    if not isinstance(run.corpus, Corpus):
        began = perf_counter()
        with one_thread():
            run.material.validate(run.network, run.team.spread)
        return perf_counter() - began
    valid = run.corpus.valid.ids
    timed = valid[:TIMED_CHARS]
    if not len(timed):
        return 0.0
    with one_thread():
        run.model.predict(run.model.start())  # an n-gram inside is counted once, not in each evaluation
        began = perf_counter()
        score(run.model, timed, parts=len(run.team.bounds), spread=run.team.spread)
    return (perf_counter() - began) / len(timed) * len(valid)


def estimate_run(
    config: Config,
    budget: float = 3.0,
    ranks: Ranks | None = None,
    exact: bool = False,
    init_from: str | Path | None = None,
) -> Estimate:
    """Estimate a run from about `budget` seconds of its steps, and write nothing.

    Arguments:
        config: the settings.
        budget: seconds.
        ranks: all machines of the run, which estimate it together; None for a single one.
        exact: refuse ranks with other software or processors.
        init_from: a checkpoint whose parameters to begin with (fine-tuning).

    Raises:
        TextError: the text cannot be read or is too small.
        CharrnnError: the run does not fit into memory, or the ranks do not fit together.
        CheckpointError, ConfigError: as by open_run().
    """
    origin = read_origin(config, init_from)
    start_from = origin.network if origin else None
    corpus = read_corpus(config)
    teachers = read_teachers(config, corpus, Path(config.out or DEFAULT_DIRECTORY))
    complete = with_shards(settled(config, corpus, start_from=start_from), corpus)
    notes = check_ranks(complete, corpus, teachers, ranks, exact) if ranks else []
    workers = worker_count(config)
    run = Run(config, corpus, start_from=start_from, workers=workers, ranks=ranks, teachers=teachers)
    run.notes = notes
    held = memory(run)
    chars_per_second = speed(run, budget)
    one_evaluation = evaluation_seconds(run)
    run.close()
    gain = _gain(run, ranks, chars_per_second, budget) if ranks and ranks.size > 1 else None
    steps_seconds = run.plan.steps * run.material.chars_per_step / chars_per_second
    evaluations = -(-run.plan.steps // run.plan.eval_every)
    return Estimate(run, held, chars_per_second, steps_seconds + evaluations * one_evaluation, gain)


def _gain(run: Run, ranks: Ranks, together: float, budget: float) -> Gain:
    """What all ranks gain over rank 0 alone, which trains for `budget` seconds while the others wait."""
    alone = 0.0
    if ranks.number == 0:
        single = Run(run.config, run.corpus, workers=worker_count(run.config), teachers=run.teachers)
        alone = speed(single, budget)
        single.close()
    alone, together = run.team.of_rank_0(alone, together)
    exchanging = run.team.exchange_seconds / run.stopwatch.elapsed
    return measure_gain(ranks, run.network.params.size, alone, together, run.material.chars_per_step, exchanging)
