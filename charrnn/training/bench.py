"""How fast this machine works on a config: training with each number of workers, evaluation and sampling.

Training stands beside its ceiling: the speed that it would have if a step were its matrix products and nothing else, of
the same shapes, on as many processes at once. It trains a network that is thrown away, and writes nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any

import numpy as np

from charrnn.arrays import Array, zeros
from charrnn.blas import one_thread
from charrnn.config import Config, DataConfig, ModelConfig
from charrnn.data import Corpus, Split, Vocab, load_corpus
from charrnn.evaluation import score
from charrnn.generation import Options, generate_batch
from charrnn.models import LanguageModel
from charrnn.nn import Stack, deep_product, make_cell, ready, tall_product, window_product
from charrnn.processes import cores, run_in_processes
from charrnn.training.estimate import memory, speed
from charrnn.training.loop import Run
from charrnn.training.resuming import with_shards

VOCABULARY = 65  # of the random text, where no config names another
SIDE_BY_SIDE = 32  # texts that are sampled at once


@dataclass(frozen=True)
class Row:
    """Training with a number of workers."""

    workers: int
    chars_per_second: float
    ceiling: float  # characters per second
    memory: int  # bytes, beside Python and NumPy
    epoch_seconds: float


@dataclass(frozen=True)
class Bench:
    """All that was measured; speeds in characters per second, evaluation and sampling in one process."""

    rows: list[Row]
    auto: int  # workers that `train.workers: auto` would take
    evaluation: float
    sampling: float
    sampling_batch: float  # of SIDE_BY_SIDE texts, all together

    @property
    def best(self) -> Row:
        """The fastest row."""
        return max(self.rows, key=lambda row: row.chars_per_second)


def random_corpus(vocab_size: int, size: int) -> Corpus:
    """A text of `size` characters drawn evenly, for measuring where content does not matter."""
    ids = np.random.default_rng(0).integers(0, vocab_size, size).astype(np.min_scalar_type(vocab_size - 1))
    vocab = Vocab("".join(map(chr, range(0x4E00, 0x4E00 + vocab_size))))
    return Corpus(vocab, Split("train", ids), Split("valid", ids[:0]), Split("test", ids[:0]), size, 0, {})


def measure(config: Config | None, budget: float = 2.0) -> Bench:
    """Measure a config, or the default one on random text, for about `budget` seconds for each figure.

    Raises TextError where the config's text cannot be read.
    """
    corpus = load_corpus(config) if config else random_corpus(VOCABULARY, 1_000_000)
    config = config or Config(DataConfig("-"))
    streams, length = config.train.batch_size, config.train.seq_length
    auto = with_shards(config, corpus).train.shards or 1
    most = min(cores(), config.train.shards or streams)
    rows = []
    for workers in [*(2**k for k in range(9) if 2**k < most), most]:
        train = replace(config.train, shards=config.train.shards or workers, epochs=None, max_steps=1 << 40)
        run = Run(replace(config, train=replace(train, eval_every=1 << 40, sample_length=0)), corpus, workers=workers)
        measured, held = speed(run, budget), sum(memory(run).values())
        run.close()
        top = ceiling(config.model, corpus.vocab.size, streams, min(length, run.batches.run), workers, budget)
        rows.append(Row(workers, measured, top, held, len(corpus.train) / measured))
    network, ids = run.network, corpus.train.ids
    with one_thread():
        sampling, batch = (sampling_speed(network, num, budget) for num in (1, SIDE_BY_SIDE))
        some = ids[: max(1000, int(rows[0].chars_per_second * budget))]
        evaluation = _rate(lambda: score(network, some).chars, budget)
    return Bench(rows, min(auto, cores()), evaluation, sampling, batch)


def sampling_speed(model: LanguageModel, num: int, budget: float) -> float:
    """Characters per second of `num` texts that are drawn side by side."""
    drawn = generate_batch(model, Options(length=0), num)
    return _rate(lambda: len(list(islice(drawn, num))), budget)


def _rate(work: Callable[[], int], budget: float) -> float:
    """Characters per second of `work`, which returns how many it did; the first time does not count."""
    work()
    done, began = 0, perf_counter()
    while not done or perf_counter() - began < budget:
        done += work()
    return done / (perf_counter() - began)


# -- the ceiling --------------------------------------------------------------------------------------------------


# How often a step does it; the product; how many multiplications that takes.
Work = tuple[int, Callable[[], Any], int]


def products(model: ModelConfig, vocab_size: int, streams: int, length: int) -> Iterator[Work]:
    """The matrix products of one training step of N streams and T steps, on arrays of the same shapes."""

    def dense(*shape: int) -> Array:
        return zeros(shape, np.float32)

    rows, hidden = streams * length, model.hidden_size
    cell = make_cell(model.cell, model.activation, model.reset)
    stack = Stack(cell, vocab_size, model.embedding_size, hidden, model.num_layers, 0.0)
    for name, factor in (item for layer in stack.layers for item in layer.factors(length, streams).items()):
        k, d, c, steps = factor.count, factor.depth, factor.columns, length if name == "W" else 1
        scratch, size = dense(max(factor.summands(streams, True), k * d * c)), k * d * c
        for cut, count, deep, wide in ((factor.forth, k, d, c), (factor.back, 1, k * c, d)):
            room, out = dense(*cut.shape(count, deep, wide)), dense(steps, count, streams, wide)
            arguments = cut, dense(steps, streams, deep), room, out, scratch
            multiply = ready(*arguments) if steps == 1 else partial(window_product, *arguments)
            yield length // steps, multiply, steps * streams * size
        yield 1, partial(deep_product, dense(rows, d), dense(rows, k * c), list(dense(k, d, c)), scratch), rows * size
    h, logits, output = dense(rows, hidden), dense(rows, vocab_size), dense(hidden, vocab_size)
    size = rows * output.size
    yield 1, partial(tall_product, h, output, out=logits), size
    yield 1, partial(np.matmul, h.T, logits, out=output), size
    yield 1, partial(tall_product, logits, output.T, out=h), size


def _steps_per_second(model: ModelConfig, vocab_size: int, streams: int, length: int, budget: float) -> float:
    """How many steps' products this process does in a second."""
    with one_thread():
        work = list(products(model, vocab_size, streams, length))

        def step() -> int:
            for times, multiply, _ in work:
                for _ in range(times):
                    multiply()
            return 1

        return _rate(step, budget)


def ceiling(model: ModelConfig, vocab_size: int, streams: int, length: int, workers: int, budget: float) -> float:
    """Characters per second of a training step's products alone, its streams shared out over so many processes."""
    asked = [(model, vocab_size, -(-streams // workers), length, budget)] * workers
    rates: list[float] = run_in_processes(_steps_per_second, asked)
    return min(rates) * streams * length
