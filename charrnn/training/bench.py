"""Speed of this machine on a config: training with each number of workers, evaluation and sampling.

The speed of training is compared with its ceiling: the matrix products of a step alone, of the same shapes, on as many
processes at once. The networks that are trained here are discarded, and nothing is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter

import numpy as np

from charrnn.blas import one_thread
from charrnn.config import Config, DataConfig, ModelConfig
from charrnn.data import Corpus, Split, Vocab, load_corpus
from charrnn.errors import ConfigError
from charrnn.evaluation import score
from charrnn.generation import Options, generate_batch
from charrnn.models import LanguageModel, build_stack
from charrnn.nn import step_products
from charrnn.processes import cores, run_in_processes
from charrnn.training.defaults import settled
from charrnn.training.estimate import memory, speed
from charrnn.training.loop import Run
from charrnn.training.resuming import with_shards

# Size of the vocabulary and of the random text that stands for a config without one.
RANDOM_VOCAB_SIZE = 65
RANDOM_CHARS = 1_000_000

# Texts that are sampled at once, for the speed of a batch.
SIDE_BY_SIDE = 32

# Fewest characters that are scored to time the evaluation.
MIN_TIMED_CHARS = 1000

# More steps than any measurement takes.
ENDLESS = 1 << 40


@dataclass(frozen=True)
class Row:
    """Training with one number of workers.

    Attributes:
        workers: processes.
        chars_per_second: the speed of training.
        ceiling: characters per second of the matrix products alone.
        memory: bytes, beside Python and NumPy.
        epoch_seconds: the time of one epoch.
    """

    workers: int
    chars_per_second: float
    ceiling: float
    memory: int
    epoch_seconds: float


@dataclass(frozen=True)
class Bench:
    """All that was measured. Speeds are in characters per second; evaluation and sampling are those of one process.

    Attributes:
        rows: training, one row for each number of workers, fewest first.
        auto: the number of workers that `train.workers: auto` would take.
        evaluation: the speed of scoring.
        sampling: the speed of one text.
        sampling_batch: the speed of SIDE_BY_SIDE texts, all together.
    """

    rows: list[Row]
    auto: int
    evaluation: float
    sampling: float
    sampling_batch: float

    @property
    def best(self) -> Row:
        """The fastest row."""
        return max(self.rows, key=lambda row: row.chars_per_second)


def random_corpus(vocab_size: int, size: int) -> Corpus:
    """Return a training text of `size` characters drawn uniformly, for measurements that do not depend on content."""
    ids = np.random.default_rng(0).integers(0, vocab_size, size).astype(np.min_scalar_type(vocab_size - 1))
    vocab = Vocab("".join(map(chr, range(0x4E00, 0x4E00 + vocab_size))))
    return Corpus(vocab, Split("train", ids), Split("valid", ids[:0]), Split("test", ids[:0]), size, 0, {})


def measure(config: Config | None, budget: float = 2.0) -> Bench:
    """Measure training, evaluation and sampling.

    Arguments:
        config: the settings; None measures the default network on random text.
        budget: seconds for each figure, about.

    Raises:
        TextError: the text of the config cannot be read.
        ConfigError: the config is that of a classifier or tagger.
    """
    if config and config.task != "language":
        raise ConfigError(f"task: {config.task}: only language models are measured here; use charrnn train --dry-run")
    corpus = load_corpus(config) if config else random_corpus(RANDOM_VOCAB_SIZE, RANDOM_CHARS)
    if config is None:  # random text has many times the n-grams of any other, so there is none inside
        config = Config(DataConfig("-"), ModelConfig(ngram=0))
    config = settled(config, corpus)
    auto = with_shards(config, corpus).train.shards or 1
    most = min(cores(), config.train.shards or config.train.batch_size)
    rows = []
    for workers in [*(2**k for k in range(9) if 2**k < most), most]:
        run = _endless_run(config, corpus, workers)
        rows.append(_row(run, corpus, workers, budget))
    timed = corpus.train.ids[: max(MIN_TIMED_CHARS, int(rows[0].chars_per_second * budget))]
    model = run.model  # that of the last run
    with one_thread():
        sampling = sampling_speed(model, 1, budget)
        sampling_batch = sampling_speed(model, SIDE_BY_SIDE, budget)
        evaluation = _rate(lambda: score(model, timed).chars, budget)
    return Bench(rows, min(auto, cores()), evaluation, sampling, sampling_batch)


def _endless_run(config: Config, corpus: Corpus, workers: int) -> Run:
    """A run with a shard for each worker, unless the config says otherwise, that only trains."""
    train = replace(
        config.train,
        shards=config.train.shards or workers,
        epochs=None,
        max_steps=ENDLESS,
        eval_every=ENDLESS,
        sample_length=0,
    )
    return Run(replace(config, train=train), corpus, workers=workers)


def _row(run: Run, corpus: Corpus, workers: int, budget: float) -> Row:
    """Measure one number of workers, and close the run."""
    train = run.config.train
    chars_per_second = speed(run, budget)
    held = sum(memory(run).values())
    run.close()
    length = min(train.seq_length, run.batches.stream_length)
    limit = ceiling(run.config.model, corpus.vocab.size, train.batch_size, length, workers, budget)
    return Row(workers, chars_per_second, limit, held, len(corpus.train) / chars_per_second)


def sampling_speed(model: LanguageModel, num: int, budget: float) -> float:
    """Return the characters per second of `num` texts drawn side by side, all together, for about `budget` seconds."""
    drawn = generate_batch(model, Options(length=0), num)
    return _rate(lambda: len(list(islice(drawn, num))), budget)


def _rate(work: Callable[[], int], budget: float) -> float:
    """The characters or steps per second of `work`, which returns how many it did; its first call does not count."""
    work()
    done, began = 0, perf_counter()
    while not done or perf_counter() - began < budget:
        done += work()
    return done / (perf_counter() - began)


# -- the ceiling ------------------------------------------------------------------------------------------------------


def _steps_per_second(model: ModelConfig, vocab_size: int, streams: int, length: int, budget: float) -> float:
    """The number of steps per second, in this process, of which only the matrix products are computed."""
    with one_thread():
        products = list(step_products(build_stack(model, vocab_size), vocab_size, streams, length))

        def step() -> int:
            for product in products:
                for _ in range(product.times):
                    product.multiply()
            return 1

        return _rate(step, budget)


def ceiling(model: ModelConfig, vocab_size: int, streams: int, length: int, workers: int, budget: float) -> float:
    """Return the characters per second of the matrix products of a training step alone.

    Arguments:
        model: the model.
        vocab_size: characters that it knows.
        streams: streams of a batch, divided among the workers.
        length: characters of each stream in a window.
        workers: processes at once.
        budget: seconds to measure, about.
    """
    shares = [(model, vocab_size, -(-streams // workers), length, budget)] * workers
    rates: list[float] = run_in_processes(_steps_per_second, shares)
    return min(rates) * streams * length
