"""The head with a gate: its loss is that of the mixture; its derivatives are those of this and the network's own."""

from typing import Any

import numpy as np
import pytest

from charrnn.arrays import Array
from charrnn.nn.gated import GatedCharacter

ROWS, HIDDEN, SIZE = 5, 3, 4
HEAD = GatedCharacter(HIDDEN, SIZE)
RNG = np.random.default_rng(0)
VALUE = {name: RNG.normal(size=shape) for name, shape in HEAD.shapes().items()}
H = RNG.normal(size=(ROWS, HIDDEN))
TARGETS = RNG.integers(0, SIZE, ROWS)
COUNTED = np.log(RNG.uniform(0.01, 0.9, ROWS))
WEIGHT = RNG.uniform(0.5, 2, ROWS)


def losses(value: dict[str, Array], h: Array) -> Array:
    return HEAD.mixed_loss_(HEAD.scores(value, h), TARGETS, COUNTED)


def minimised(value: dict[str, Array], h: Array) -> Array:
    return losses(value, h) + HEAD.loss_(HEAD.scores(value, h), TARGETS)


def gradients() -> tuple[dict[str, Array], Array]:
    scores = HEAD.scores(VALUE, H)
    HEAD.mixed_loss_(scores, TARGETS, COUNTED)
    grad, dh = {name: np.empty_like(value) for name, value in VALUE.items()}, np.empty_like(H)
    HEAD.backward(VALUE, grad, H, scores, TARGETS, WEIGHT, dh)
    return grad, dh


def test_the_loss_is_that_of_the_mixed_probabilities() -> None:
    for row in range(ROWS):
        scores = [sum(H[row, i] * VALUE["output_weight"][i, k] for i in range(HIDDEN)) for k in range(SIZE + 1)]
        scores = [score + VALUE["output_bias"][k] for k, score in enumerate(scores)]
        gate = 1 / (1 + np.exp(-scores[SIZE]))
        own = np.exp(scores[TARGETS[row]]) / sum(np.exp(score) for score in scores[:SIZE])
        mixed = gate * own + (1 - gate) * np.exp(COUNTED[row])
        assert losses(VALUE, H)[row] == pytest.approx(-np.log(mixed), rel=1e-12)


def test_derivatives_agree_with_complex_steps() -> None:
    grad, dh = gradients()
    for name, array, exact in [*((n, VALUE[n], grad[n]) for n in VALUE), ("h", H, dh)]:
        for index in np.ndindex(array.shape):
            moved = array.astype(complex)
            moved[index] += 1e-30j
            value, h = ({**VALUE, name: moved}, H) if name != "h" else (VALUE, moved)
            value = {key: own.astype(complex) for key, own in value.items()}
            step = (WEIGHT * minimised(value, h.astype(complex)).imag).sum() / 1e-30
            assert exact[index] == pytest.approx(step, rel=1e-9, abs=1e-12), (name, index)


def test_losses_and_derivatives_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    weight, bias, h = (torch.tensor(own, requires_grad=True) for own in (*VALUE.values(), H))
    scores = h @ weight + bias
    gate = torch.sigmoid(scores[:, -1])
    own = torch.softmax(scores[:, :-1], 1)[torch.arange(ROWS), torch.tensor(TARGETS)]
    loss: Any = -(gate * own + (1 - gate) * torch.tensor(np.exp(COUNTED))).log()
    (torch.tensor(WEIGHT) * (loss - own.log())).sum().backward()  # type: ignore[no-untyped-call]
    np.testing.assert_allclose(losses(VALUE, H), loss.detach().numpy(), rtol=1e-12)
    grad, dh = gradients()
    for mine, theirs in ((grad["output_weight"], weight), (grad["output_bias"], bias), (dh, h)):
        assert theirs.grad is not None
        np.testing.assert_allclose(mine, theirs.grad.numpy(), rtol=1e-10, atol=1e-14)


def test_a_network_learns_even_where_the_gate_is_shut() -> None:
    scores = np.array([[0.3, 0.1, -0.2, -50]])
    HEAD.mixed_loss_(scores, np.array([1]), np.array([-0.1]))
    own = np.exp([0.3, 0.1, -0.2]) / np.exp([0.3, 0.1, -0.2]).sum()
    np.testing.assert_allclose(scores[0, :-1], own - [0, 1, 0], rtol=1e-12)


@pytest.mark.parametrize("gate", [-1e4, -30, 30, 1e4])
def test_nothing_overflows_where_the_gate_is_shut_or_open(gate: float) -> None:
    scores = np.array([[200, 0, 0, gate]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        nats = GatedCharacter(1, 3).mixed_loss_(scores, np.array([1]), np.array([-2], np.float32))
    own, other = -np.logaddexp(0, -gate) - 200, -np.logaddexp(0, gate) - 2
    np.testing.assert_allclose(nats, -np.logaddexp(own, other), rtol=1e-5)
    assert np.isfinite(scores).all()
