"""Dropout of recurrent weights and of outputs: their derivatives, what they leave out, and what they leave alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig
from charrnn.nn.weight_dropout import WeightDropout
from tests.models.test_gradients import TINY, complex_step, worst_error
from tests.support.tasks import HIDDEN, TASKS, make_task_toy

DROPS: dict[str, Any] = {"dropout": 0.3, "output_dropout": 0.2, "recurrent_dropout": 0.3}
ALONE = [{"output_dropout": 0.3}, {"recurrent_dropout": 0.5}]
SKIPS: dict[str, Any] = {**DROPS, "num_layers": 3, "skip_connections": True}


@pytest.mark.parametrize("drops", [*ALONE, {**DROPS, "num_layers": 2, "embedding_size": 2}, SKIPS])
def test_gradients_agree_with_the_complex_step(cell, drops, make_toy):
    config = ModelConfig(**cell, **{"num_layers": 1, "hidden_size": 5, **drops})
    real, imaginary = (make_toy(config, dtype, documents=True) for dtype in (np.float64, np.complex128))
    for batch in (real.full, real.short):
        assert worst_error(real, batch, complex_step(imaginary, batch)) <= 1e-9


@pytest.mark.parametrize("name", ["last-softmax-both", "mean-linear-one", "tag-weighted-both"])
def test_gradients_of_tasks_agree_with_slopes(cell, name):
    config = ModelConfig(**cell, hidden_size=HIDDEN, num_layers=2, **DROPS)
    toy, imaginary = (make_task_toy(config, TASKS[name], dtype) for dtype in (np.float64, np.complex128))
    for real_batch, batch in ((toy.full, imaginary.full), (toy.short, imaginary.short)):
        gradient = toy.gradient(real_batch)
        direction = np.random.default_rng(2).standard_normal(gradient.size)
        imaginary.network.params.values.imag[...] = TINY * direction
        assert gradient @ direction == pytest.approx(imaginary.forward(batch).imag / TINY, rel=1e-9)


def test_a_dropped_network_is_a_network_of_the_dropped_weights(cell, make_toy):
    """Without other dropout, the loss is that of a plain network with the same recurrent matrices."""
    config = ModelConfig(**cell, hidden_size=3, num_layers=2, dropout=0.0, recurrent_dropout=0.5)
    toy, plain = make_toy(config), make_toy(replace(config, recurrent_dropout=0.0))
    loss, state = toy.forward(toy.full)
    assert loss != plain.forward(plain.full)[0]
    for name, value in toy.tape.dropping.value.items():
        plain.network.params.value[name][...] = value
    plain_loss, plain_state = plain.forward(plain.full)
    assert loss == plain_loss
    np.testing.assert_array_equal(state, plain_state)


def test_the_share_of_dropped_weights_is_the_rate_and_the_rest_is_scaled_up():
    values = {"weight_hh_l0": np.ones((3, 50, 50), np.float32), "weight_ih_l0": np.ones((3, 50, 50), np.float32)}
    dropout = WeightDropout(0.3, values)
    first = dropout.draw(np.random.default_rng(0))["weight_hh_l0"].copy()
    assert (first == 0).mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_allclose(first[first != 0], 1 / 0.7, rtol=1e-6)
    assert dropout.value["weight_ih_l0"] is values["weight_ih_l0"]
    assert values["weight_hh_l0"].all()
    assert (dropout.draw(np.random.default_rng(1))["weight_hh_l0"] != first).any()


@pytest.mark.parametrize("skips", [False, True])
def test_nothing_is_dropped_without_a_generator(skips, make_toy):
    config = ModelConfig(cell="gru", hidden_size=3, num_layers=2, skip_connections=skips, **DROPS)
    toy, plain = make_toy(config), make_toy(replace(config, dropout=0.0, output_dropout=0.0, recurrent_dropout=0.0))
    toy.forward(toy.full)  # leaves masks behind
    for other in (toy, plain):
        state = other.start.copy()
        other.loss = other.network.forward(other.full, state, other.tape)
        other.network.backward(other.full, other.tape)
    assert toy.loss == plain.loss
    np.testing.assert_array_equal(toy.network.params.grads, plain.network.params.grads)


def test_with_skip_connections_the_sum_of_all_layers_is_dropped_once(make_toy):
    config = ModelConfig(cell="gru", hidden_size=3, num_layers=3, output_dropout=0.4, skip_connections=True)
    toy = make_toy(config)
    toy.forward(toy.full)
    total = sum(memory.output for memory in toy.tape.stack.layers)
    kept = toy.tape.h != 0
    assert 0.2 < kept.mean() < 0.9
    np.testing.assert_allclose(toy.tape.h[kept], total.reshape(kept.shape)[kept] / 0.6, rtol=1e-12)


def test_the_memory_of_a_tape_is_known_in_advance(make_toy):
    config = ModelConfig(cell="lstm", hidden_size=3, num_layers=2, **DROPS)
    toy = make_toy(config)
    plain = make_toy(replace(config, output_dropout=0.0, recurrent_dropout=0.0))
    more = toy.network.tape_bytes(4, 3) - plain.network.tape_bytes(4, 3)
    assert more == 8 * 2 * (2 * 4 * 3 * 3 + 4 * 3 * 3)  # two copies of U in two layers, and of the outputs
