"""Gradients of networks that classify or tag, against derivatives taken numerically and against plain loops."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig
from tests.conftest import CELLS
from tests.models.test_gradients import TINY, relative_error
from tests.support import naive_tasks
from tests.support.tasks import HIDDEN, TASKS, make_task_toy

ENCODERS = {
    "x1": {"num_layers": 1},
    "x1-embedding": {"num_layers": 1, "embedding_size": 2},
    "x2-wide-embedding": {"num_layers": 2, "embedding_size": 7},
    "x2-dropout": {"num_layers": 2, "dropout": 0.4},
    "x3-embedding-dropout": {"num_layers": 3, "dropout": 0.4, "embedding_size": 2},
}
TOLERANCE = 1e-9
COMPOSITIONS = {  # every cell with every task; the encoders take turns, and each meets every cell and every task
    f"{cell}-{encoder}-{task}": (ModelConfig(**CELLS[cell], hidden_size=HIDDEN, **ENCODERS[encoder]), TASKS[task])
    for (i, cell), (j, task) in product(enumerate(CELLS), enumerate(TASKS))
    for encoder in [[*ENCODERS][(i + j) % len(ENCODERS)]]
}


@pytest.mark.parametrize(("config", "task"), COMPOSITIONS.values(), ids=COMPOSITIONS)
def test_gradients_agree_with_slopes_along_random_directions(config, task):
    toy, imaginary = (make_task_toy(config, task, dtype) for dtype in (np.float64, np.complex128))
    for real_batch, batch in ((toy.full, imaginary.full), (toy.short, imaginary.short)):
        gradient = toy.gradient(real_batch)
        assert np.isfinite(gradient).all()
        for seed in range(2):
            direction = np.random.default_rng(seed).standard_normal(gradient.size)
            imaginary.network.params.values.imag[...] = TINY * direction
            slope = imaginary.forward(batch).imag / TINY
            assert gradient @ direction == pytest.approx(slope, rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("encoder", "name"),
    [("x1-embedding", "last-softmax-both"), ("x2-dropout", "max-sigmoid-both"), ("x2-dropout", "mean-linear-one"),
     ("x1-embedding", "tag-weighted-both"), ("x2-dropout", "tag-weighted-both")],
)  # fmt: skip
def test_the_gradient_of_every_parameter_agrees_with_the_complex_step(cell, encoder, name):
    config = ModelConfig(**cell, hidden_size=HIDDEN, **ENCODERS[encoder])
    toy, imaginary = (make_task_toy(config, TASKS[name], dtype) for dtype in (np.float64, np.complex128))
    values = imaginary.network.params.values
    for real_batch, batch in ((toy.full, imaginary.full), (toy.short, imaginary.short)):
        numeric = np.zeros(values.size)
        for i in range(values.size):
            values.imag[i] = TINY
            numeric[i] = imaginary.forward(batch).imag / TINY
            values.imag[i] = 0
        toy.gradient(real_batch)
        params = toy.network.params
        wanted = params.views(numeric)
        assert max(relative_error(params.grad[key], wanted[key]) for key in wanted) <= TOLERANCE


@pytest.mark.parametrize(("config", "task"), COMPOSITIONS.values(), ids=COMPOSITIONS)
def test_losses_and_predictions_agree_with_plain_loops(config, task):
    task = replace(task, input_dropout=0.0)
    toy = make_task_toy(config, task)
    value = toy.network.params.value
    for examples, batch in zip(toy.examples, (toy.full, toy.short), strict=True):
        for seed in (None, 1):
            loss = toy.forward(batch, seed)
            masks = [mask[: len(batch.x)] for mask in toy.tape.encoder.masks] if seed else []
            assert loss == pytest.approx(naive_tasks.loss(config, task, value, examples, masks), rel=1e-12)
        predicted = toy.network.predict(batch)
        for n, length in enumerate(batch.lengths):
            rows = naive_tasks.scores(config, task, value, batch.x[:length, n])
            wanted = [naive_tasks.predict(task, row) for row in rows]
            found = predicted[:length, n] if task.tag else predicted[n : n + 1]
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)
