"""The attention that is shown: the weights of the pass of training, for the symbols that were written."""

import numpy as np
import pytest

from charrnn.data.pair_batches import padded_pairs
from charrnn.data.pairs import PairExamples
from charrnn.inspection.attention import attention_maps
from tests.generation.test_translating_networks import SOURCE, TARGET, a_translator


@pytest.mark.parametrize("kind", ["general", "additive"])
def test_maps_hold_the_weights_of_the_pass_of_training(kind: str) -> None:
    model = a_translator(3, attention=kind, num_layers=2)
    sources, targets = [tuple("cab"), tuple("a"), tuple("bb")], [("x",), ("y", "x", "y"), ()]
    maps = attention_maps(model, sources, targets)
    batch = padded_pairs(PairExamples(*SOURCE.encode(sources), *TARGET.encode(targets)), np.arange(3), TARGET.last_id)
    tape = model.network.tape(3, 4, 3)
    model.network.forward(batch, tape)
    assert tape.attended is not None
    for k, (found, source, target) in enumerate(zip(maps, sources, targets, strict=True)):
        assert (found.source, found.written) == (source, target)
        assert (found.source_text, found.written_text) == ("".join(source), "".join(target))
        weights = np.array(found.weights)
        assert weights.shape == (len(target) + 1, len(source))
        np.testing.assert_allclose(weights, tape.attended.weights[k, : len(weights), : len(source)], atol=1e-6)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
