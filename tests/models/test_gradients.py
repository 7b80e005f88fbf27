"""Gradients against derivatives taken numerically: every parameter of every composition of the layers.

The complex step (Squire and Trapp 1998), Im f(x + ih) / h, has no cancellation, so it is exact to the last few digits.
"""

from dataclasses import replace

import numpy as np
import pytest

from charrnn.config.keys import ModelConfig

pytestmark = pytest.mark.row(15)
TINY = 1e-30


def relative_error(found, wanted):
    largest = max(np.abs(found).max(), np.abs(wanted).max())
    assert largest > 0, "a gradient of nothing but zeros proves nothing"
    return np.abs(found - wanted).max() / largest


def worst_error(toy, batch, numeric):
    """The largest relative error of any parameter array of toy's gradient."""
    params = toy.network.params
    toy.gradient(batch)
    wanted = params.views(numeric)
    return max(relative_error(params.grad[name], wanted[name]) for name in wanted)


def complex_step(toy, batch):
    """The derivative of the loss for each parameter of a complex toy."""
    values = toy.network.params.values
    numeric = np.zeros(values.size)
    for i in range(values.size):
        values.imag[i] = TINY
        numeric[i] = toy.forward(batch)[0].imag / TINY
        values.imag[i] = 0
    return numeric


def central_differences(toy, batch, step=1e-5):
    values = toy.network.params.values
    numeric = np.zeros(values.size)
    for i in range(values.size):
        value = values[i]
        values[i] = value + step
        above = toy.forward(batch)[0]
        values[i] = value - step
        numeric[i] = (above - toy.forward(batch)[0]) / (2 * step)
        values[i] = value
    return numeric


def test_every_gradient_of_every_composition_agrees_with_the_complex_step(composition, make_toy):
    real, imaginary = make_toy(composition), make_toy(composition, np.complex128)
    for batch in (real.full, real.short):  # on one tape, so that the short window lies on what the full one left
        assert worst_error(real, batch, complex_step(imaginary, batch)) <= 1e-9


def test_gradients_agree_with_central_differences(cell, make_toy):
    toy = make_toy(ModelConfig(**cell, hidden_size=3, num_layers=2, embedding_size=2, dropout=0.4))
    for batch in (toy.full, toy.short):
        assert worst_error(toy, batch, central_differences(toy, batch)) <= 1e-6


def assert_slopes_agree(make_toy, config, **sizes):
    """Along random directions through all parameters at once, where each in turn would take too long."""
    toy, imaginary = (make_toy(config, dtype, **sizes) for dtype in (np.float64, np.complex128))
    for batch in (toy.full, toy.short):
        gradient = toy.gradient(batch)
        for seed in range(3):
            direction = np.random.default_rng(seed).standard_normal(gradient.size)
            imaginary.network.params.values.imag[...] = TINY * direction
            slope = imaginary.forward(batch)[0].imag / TINY
            assert gradient @ direction == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("vocab_size", [2, 257])  # each character often; most characters never
@pytest.mark.parametrize("embedding_size", [None, 3])
def test_gradients_hold_for_few_and_for_many_characters(cell, embedding_size, vocab_size, make_toy):
    config = ModelConfig(**cell, hidden_size=3, num_layers=1, embedding_size=embedding_size)
    assert_slopes_agree(make_toy, config, vocab_size=vocab_size, streams=5, length=40)


def test_gradients_hold_at_everyday_sizes(cell, make_toy):
    config = ModelConfig(**cell, hidden_size=32, num_layers=2, embedding_size=16, dropout=0.2)
    assert_slopes_agree(make_toy, config, vocab_size=60, streams=8, length=30)


def test_a_forward_that_drops_nothing_has_the_gradient_of_one_without_dropout(cell, make_toy):
    config = ModelConfig(**cell, hidden_size=3, num_layers=3, dropout=0.4)
    toy, plain = make_toy(config), make_toy(replace(config, dropout=0.0))
    toy.gradient(toy.full)  # leaves masks on the tape
    toy.network.forward(toy.full, toy.start.copy(), toy.tape, rng=None)
    toy.network.backward(toy.full, toy.tape)
    np.testing.assert_array_equal(toy.network.params.grads, plain.gradient(plain.full))
