"""Attention by itself: where it may look, and the memory that it takes."""

import numpy as np
import pytest

from charrnn.nn.attention import Attention
from charrnn.nn.params import Params

HIDDEN, SOURCE, TARGET, STREAMS = 32, 40, 30, 16
BUFFERS = 50_000  # bytes that NumPy takes for a while, whatever the sizes
KINDS = ["dot", "general", "additive"]


def make_attention(kind):
    """Attention with random parameters, states, a source, and lengths of which the longest is that of the source."""
    attention = Attention(kind, HIDDEN, HIDDEN if kind == "dot" else 2 * HIDDEN)
    params = Params(attention.shapes())
    rng = np.random.default_rng(0)
    params.values[...] = rng.standard_normal(params.size) / 4
    s = rng.standard_normal((TARGET, STREAMS, HIDDEN), np.float32)
    memory = rng.standard_normal((SOURCE, STREAMS, attention.width), np.float32)
    return attention, params, s, memory, np.arange(SOURCE - STREAMS + 1, SOURCE + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_adds_up_to_one_and_never_looks_beyond_the_end(kind):
    attention, params, s, memory, lengths = make_attention(kind)
    key = attention.keys(params.value, memory)
    found = attention.forward(params.value, s, memory, key, lengths)
    np.testing.assert_allclose(found.weights.sum(axis=2), 1, rtol=1e-6)
    beyond = np.arange(SOURCE) >= lengths[:, None]
    assert not found.weights[np.broadcast_to(beyond[:, None], found.weights.shape)].any()
    assert (found.weights.swapaxes(1, 2)[~beyond] > 0).all()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_memory_that_attention_takes_is_known(kind, training, peak_memory):
    attention, params, s, memory, lengths = make_attention(kind)
    ds, dmemory = np.zeros_like(s), np.zeros_like(memory)

    def both_passes():
        attended = attention.forward(params.value, s, memory, attention.keys(params.value, memory), lengths)
        if training:
            attention.backward(params.value, params.grad, attended.output.copy(), attended, memory, ds, dmemory)

    both_passes()
    taken, said = peak_memory(both_passes), 4 * attention.scalars(SOURCE, TARGET, STREAMS, training)
    doutput = 4 * s.size * training  # the gradient of the output is the caller's
    assert 0.7 * said <= taken - doutput <= said + BUFFERS
