"""Gradient flow: norms against complex-step derivatives and against networks of known decay; spectra by algebra."""

from typing import Any

import numpy as np
import pytest

from charrnn.arrays import Array
from charrnn.config.model_keys import ModelConfig
from charrnn.data.batches import Batch
from charrnn.data.vocab import END, Vocab
from charrnn.errors import TextError
from charrnn.inspection import gradient_flow as module
from charrnn.inspection.gradient_flow import (
    as_float64,
    flow,
    gradient_norms,
    reach,
    spectra,
    windows,
    windows_of_documents,
)
from charrnn.models.network import Network

VOCAB = Vocab("abcde")
IDS = np.random.default_rng(3).integers(0, 5, 90)


def network_of(dtype: Any = np.float64, **model: Any) -> Network:
    network = Network(ModelConfig(**model), VOCAB, dtype)
    network.params.values[...] = np.random.default_rng(1).standard_normal(network.params.size) * 0.7
    return network


def by_complex_step(network: Network, text: Array, back: int) -> Array:
    """The norm for each layer of d(-ln p(last character)) / d(state `back` steps before), (L,): one stream for each
    number of the state, each moved by a tiny imaginary amount (Squire and Trapp 1998)."""
    copy = Network(network.config, network.vocab, np.complex128)
    copy.params.values[...] = network.params.values
    state = copy.start(1)
    copy.feed(text[: len(text) - 1 - back, None], state)
    size = state.size
    many = np.repeat(state, size, axis=2)  # (L, S, N, H), a stream for each number of the state
    places = np.moveaxis(many, 2, 0).reshape(size, size)  # a copy
    places[np.arange(size), np.arange(size)] += 1e-30j
    many = np.moveaxis(places.reshape(size, *state.shape[:2], state.shape[3]), 0, 2).copy()
    logits = copy.feed(np.repeat(text[len(text) - 1 - back : -1, None], size, axis=1), many)[-1]
    shifted = logits - logits.real.max(axis=1, keepdims=True)
    nats = np.log(np.exp(shifted).sum(axis=1)) - shifted[:, text[-1]]
    gradient = nats.imag.reshape(len(state), -1) / 1e-30
    return np.sqrt((gradient**2).sum(axis=1))


@pytest.mark.parametrize(("layers", "skips"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize("embedding", [None, 2])
def test_norms_are_those_of_derivatives(
    cell: dict[str, Any], layers: int, skips: bool, embedding: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_STEPS_BACK", 9)
    monkeypatch.setattr(module, "WARM_UP", 5)
    sizes = {"hidden_size": 4, "num_layers": layers, "embedding_size": embedding}
    network = network_of(**cell, **sizes, skip_connections=skips)
    text, warm = windows(IDS)
    assert (text.shape, warm) == ((15, module.POSITIONS), 5 - 2)  # a quarter of a short window at most
    found = gradient_norms(network, IDS)
    assert found.shape == (layers, 14 - warm)
    for k in (1, 2, 5, 11):
        norms = [by_complex_step(network, column, k) for column in text.T]
        np.testing.assert_allclose(found[:, k - 1], np.median(norms, axis=0), rtol=1e-9)


def linear(weight: float) -> Network:
    """One unit that keeps `weight` of itself and never meets a slope but 1."""
    network = Network(ModelConfig(cell="rnn", activation="relu", hidden_size=1, num_layers=1), VOCAB)
    network.params.value["weight_ih_l0"][...] = 1
    network.params.value["weight_hh_l0"][...] = weight
    network.params.value["output_weight"][...] = np.linspace(-1, 1, 5) * 1e-6  # so that it does not matter where it is
    return network


@pytest.mark.parametrize(("weight", "far"), [(0.5, 8), (0.9, 45), (1.0, None), (1.05, None)])
def test_a_gradient_vanishes_and_explodes_as_the_weight_says(weight: float, far: int | None) -> None:
    """Above 1 exploding, below it vanishing: the first k with weight^(k-1) < 1 % is where it has faded."""
    found = flow(linear(weight), np.tile(IDS, 10))
    norms = np.array(found.norms[0])
    assert len(norms) == 300
    np.testing.assert_allclose(norms[1:] / norms[:-1], weight, rtol=1e-6)
    assert found.reach == [far]
    assert found.weights[0].radius == pytest.approx(weight)
    assert found.weights[0].singular == [pytest.approx(weight)]


def test_an_overflow_is_a_result_and_no_error() -> None:
    assert not np.isfinite(flow(linear(1e9), np.tile(IDS, 10)).norms).all()


def test_reach_is_the_first_step_below_a_hundredth() -> None:
    assert reach(np.array([1, 0.5, 0.009, 5])) == 3
    assert reach(np.array([1, 0.5, 0.01])) is None


def test_the_spectra_of_known_matrices_are_right() -> None:
    network = network_of(cell="lstm", hidden_size=3, num_layers=2)
    turn = np.array([[0, -2, 0], [2, 0, 0], [0, 0, 1.0]])  # eigenvalues 2i, -2i, 1
    shift = np.array([[0, 9, 0], [0, 0, 5], [0, 0, 0.0]])  # nilpotent: no eigenvalue but 0, singular values 9, 5, 0
    network.params.value["weight_hh_l1"][0] = turn
    network.params.value["weight_hh_l1"][3] = shift
    found = {(w.layer, w.gate): w for w in spectra(network)}
    assert list(found) == [(layer, gate) for layer in (0, 1) for gate in "ifog"]
    assert found[1, "i"].radius == pytest.approx(2)
    assert found[1, "i"].singular == pytest.approx([2, 2, 1])
    assert found[1, "g"].radius == pytest.approx(0, abs=1e-4)
    assert found[1, "g"].singular == pytest.approx([9, 5, 0])


def test_watching_states_changes_no_gradient_of_the_parameters(cell: dict[str, Any]) -> None:
    network = as_float64(network_of(np.float32, **cell, hidden_size=4, num_layers=2))
    text = IDS[:80].reshape(10, 8)
    batch = Batch(text[:-1], text[1:], None, 72, fresh=True)
    grads = []
    for watched in (False, True):
        tape = network.tape(9, 8)
        gradients = [np.zeros((len(memory.states), 9, 8, 4)) for memory in tape.stack.layers]
        network.forward(batch, network.start(8), tape)
        network.backward(batch, tape, gradients if watched else None)
        grads.append(network.params.grads.copy())
    np.testing.assert_array_equal(*grads)


@pytest.mark.parametrize("length", [2, 3, 5, 401, 402])
def test_short_texts_get_shorter_windows(length: int) -> None:
    ids = np.resize(IDS, length)
    text, warm = windows(ids)
    assert text.shape == (min(length, 401), module.POSITIONS)
    norms = gradient_norms(network_of(cell="gru", hidden_size=3, num_layers=1), ids)
    assert norms.shape == (1, min(length, 401) - 1 - warm)
    assert np.isfinite(norms).all()


# -- documents ----------------------------------------------------------------------------------------------------

DOCUMENTS = Vocab("abcde" + END, end=END)


def documents_of(*sizes: int) -> Array:
    """Documents of random letters, of these sizes without their ends."""
    rng = np.random.default_rng(7)
    return np.concatenate([[*rng.integers(0, 5, size), DOCUMENTS.end_id] for size in sizes])


@pytest.mark.parametrize("sizes", [(3, 700, 9), (500,), (9, 8, 7), tuple(range(2, 60))])
def test_windows_lie_inside_documents(sizes: tuple[int, ...]) -> None:
    ids = documents_of(*sizes)
    text, warm = windows_of_documents(ids, DOCUMENTS.end_id)
    length = min(401, sorted(sizes)[-module.POSITIONS :][0] + 1)
    assert text.shape == (length, module.POSITIONS)
    assert not (text[:-1] == DOCUMENTS.end_id).any()
    assert 0 <= warm < length - 1


def test_a_gradient_is_followed_back_within_a_document() -> None:
    network = Network(ModelConfig(cell="gru", hidden_size=3, num_layers=2), DOCUMENTS)
    network.params.values[...] = np.random.default_rng(1).standard_normal(network.params.size) * 0.7
    ids = documents_of(400)  # as long as a window: all windows are this document
    found = flow(network, ids)
    stream = Network(network.config, Vocab("abcde" + END), np.float64)
    stream.params.values[...] = network.params.values
    tape, state = stream.tape(300, 1), as_float64(network).start(1)
    stream.feed(ids[:100, None], state)
    weight = np.zeros((300, 1))
    weight[-1] = 1
    batch = Batch(ids[100:-1, None], ids[101:, None], weight, 1, fresh=False)
    gradients = [np.zeros((1, 300, 1, 3)) for _ in range(2)]
    stream.forward(batch, state, tape)
    stream.backward(batch, tape, gradients)
    expected = np.sqrt((np.array(gradients) ** 2).sum(axis=(1, 4)))[:, ::-1, 0]
    np.testing.assert_allclose(found.norms, expected, rtol=1e-9, atol=1e-300)


def test_documents_that_are_too_short_are_one_clear_line() -> None:
    network = Network(ModelConfig(cell="rnn", hidden_size=3, num_layers=1), DOCUMENTS)
    with pytest.raises(TextError, match="documents of the held-out text are too short"):
        flow(network, documents_of(1, 1, 1))
