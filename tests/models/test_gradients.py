"""Gradients against derivatives taken numerically: every parameter of every composition of the layers.

The complex step (Squire and Trapp 1998), Im f(x + ih) / h, has no cancellation, so it is exact to the last few digits.
"""

from dataclasses import replace

import numpy as np
import pytest

from charrnn.config.model_keys import ModelConfig

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


@pytest.mark.parametrize("documents", [False, True])
def test_every_gradient_of_a_network_with_teachers_agrees_with_the_complex_step(documents, make_toy):
    config = ModelConfig(cell="gru", hidden_size=3, num_layers=2, dropout=0.4)
    real, imaginary = (make_toy(config, dtype, documents=documents) for dtype in (np.float64, np.complex128))
    for batch in (real.full, real.short):
        soft = np.random.default_rng(2).dirichlet(np.ones(5), batch.y.shape)
        taught = replace(batch, soft=soft)
        assert worst_error(real, taught, complex_step(imaginary, taught)) <= 1e-9
        assert real.forward(taught)[0] != real.forward(batch)[0]


# -- documents that begin inside a window -------------------------------------------------------------------------


def test_gradients_of_every_composition_hold_where_documents_begin_inside_windows(composition, make_toy):
    for seed in range(2):
        assert_slopes_agree(make_toy, composition, seed=seed, documents=True)


def test_every_gradient_of_a_cell_agrees_with_the_complex_step_where_documents_begin(cell, make_toy):
    config = ModelConfig(**cell, hidden_size=3, num_layers=2, embedding_size=2, dropout=0.4)
    real, imaginary = (make_toy(config, dtype, documents=True) for dtype in (np.float64, np.complex128))
    for batch in (real.full, real.short):
        assert worst_error(real, batch, complex_step(imaginary, batch)) <= 1e-9


def gradients_of_states(toy, batch):
    """The gradient of the loss for the state before each step, (L, S, T, N, H)."""
    network, length = toy.network, len(batch.x)
    layers, states, streams, hidden = toy.start.shape
    found = [np.full((states, length, streams, hidden), np.nan) for _ in range(layers)]
    toy.forward(batch)
    network.backward(batch, toy.tape, found)
    return np.array(found)


@pytest.mark.parametrize("documents", [False, True])
def test_the_gradient_of_the_state_before_a_window_agrees_with_the_complex_step(cell, make_toy, documents):
    config = ModelConfig(**cell, hidden_size=3, num_layers=2, embedding_size=2, dropout=0.4)
    real, imaginary = (make_toy(config, dtype, documents=documents) for dtype in (np.float64, np.complex128))
    for batch in (real.full, real.short):
        found, wanted = gradients_of_states(real, batch)[:, :, 0], np.zeros(real.start.shape)
        for place in np.ndindex(wanted.shape):
            imaginary.start.imag[place] = TINY
            wanted[place] = imaginary.forward(batch)[0].imag / TINY
            imaginary.start.imag[place] = 0
        assert relative_error(found, wanted) <= 1e-9


def test_no_gradient_passes_the_beginning_of_a_document(composition, make_toy):
    toy = make_toy(composition, documents=True)
    for batch in (toy.full, toy.short):
        found = gradients_of_states(toy, batch)
        assert not found[:, :, batch.begins].any()
        assert found[:, :, ~batch.begins].any()
    weight = np.zeros(toy.full.x.shape)
    weight[3] = 1  # so that the loss is that of the last step alone
    begins = np.zeros(weight.shape, bool)
    begins[2] = True
    found = gradients_of_states(toy, replace(toy.full, weight=weight, begins=begins))
    assert not found[:, :, :3].any()
    assert found[:, :, 3].any()


def test_a_model_of_documents_that_reads_one_stream_has_the_gradient_of_a_model_of_streams(composition, make_toy):
    """As those do that look at gradients far back, or adapt to a text while they read it."""
    toy, plain = make_toy(composition, documents=True), make_toy(composition)
    toy.gradient(toy.full)  # leaves documents on the tape
    for batch in (plain.full, plain.short):
        assert toy.forward(batch)[0] == plain.forward(batch)[0]
        np.testing.assert_array_equal(toy.gradient(batch), plain.gradient(batch))


def test_a_forward_that_drops_nothing_has_the_gradient_of_one_without_dropout(cell, make_toy):
    config = ModelConfig(**cell, hidden_size=3, num_layers=3, dropout=0.4)
    toy, plain = make_toy(config), make_toy(replace(config, dropout=0.0))
    toy.gradient(toy.full)  # leaves masks on the tape
    toy.network.forward(toy.full, toy.start.copy(), toy.tape, rng=None)
    toy.network.backward(toy.full, toy.tape)
    np.testing.assert_array_equal(toy.network.params.grads, plain.gradient(plain.full))
