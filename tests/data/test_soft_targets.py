"""Soft targets: a character and what teachers expected in its place, in the batches of texts and of documents."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.data.document_batches import make_batches
from charrnn.data.soft_targets import SoftTargets

SIZE = 5


@given(st.floats(0, 1, exclude_min=True), st.integers(0, 2**32))
def test_a_soft_target_is_the_mixture_of_the_character_and_the_prediction(share, seed):
    rng = np.random.default_rng(seed)
    exact = rng.dirichlet(np.full(SIZE, 0.3), 20)
    positions, targets = rng.integers(0, 20, (2, 3)), rng.integers(0, SIZE, (2, 3)).astype(np.uint8)
    soft = SoftTargets(exact.astype(np.float16), share).of(positions, targets)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(soft, (1 - share) * np.eye(SIZE)[targets] + share * exact[positions], atol=2e-3)
    np.testing.assert_allclose(soft.sum(axis=-1), 1, rtol=1e-6)


@given(st.sampled_from([None, 0]), st.integers(1, 4), st.integers(1, 9))
def test_every_batch_has_the_predictions_of_its_own_targets(end_id, streams, length):
    ids = np.random.default_rng(streams).integers(0, SIZE, 60).astype(np.uint8)
    ids[-1] = 0
    known = np.random.default_rng(1).dirichlet(np.ones(SIZE), len(ids)).astype(np.float16)
    known[:, 0] = np.arange(len(ids)) / 128  # says where a row stands
    known[:, 1:] *= ((1 - known[:, 0]) / known[:, 1:].sum(axis=1))[:, None]
    batches = make_batches(ids, end_id, streams, length, 3, soft=SoftTargets(known, 1.0))
    seen = []
    for window in range(len(batches)):
        batch = batches.window(window, 0, streams, epoch=1)
        used = np.ones(batch.y.shape, bool) if batch.weight is None else batch.weight > 0
        positions = np.rint(batch.soft[used][:, 0] * 128).astype(int)
        np.testing.assert_array_equal(batch.y[used], ids[positions])
        seen += positions.tolist()
    assert sorted(seen) == list(range(end_id is None, len(ids)))
