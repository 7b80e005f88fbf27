"""Training and sampling give the bits of 0.2.0 where the same BLAS kernel and the same NumPy compute."""

import json
from pathlib import Path

import pytest

from charrnn.nn import products
from tests.support.fixtures.make_bits_fixture import NETWORKS, TILED, computed_with, train

OUTCOMES = json.loads((Path(__file__).parents[1] / "support" / "fixtures" / "bits-0.2.json").read_text())


@pytest.mark.parametrize("tile", [0, TILED], ids=["whole products", "tiled products"])
@pytest.mark.parametrize("name", NETWORKS)
def test_training_and_sampling_give_the_bits_of_the_first_release(name, tile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(products, "MAX_UNPACKED_MULTIPLIES", tile)
    here = computed_with() | {"tile": tile}
    stored = [outcome["networks"][name] for outcome in OUTCOMES if here.items() <= outcome.items()]
    if not stored:
        pytest.skip(f"0.2.0 was not run with NumPy {here['numpy']}, {here['simd']} and BLAS kernel {here['kernel']}")
    assert train(name) == stored[0]


def test_bits_are_stored_for_whole_and_for_tiled_products_under_three_kernels():
    assert {(outcome["kernel"], outcome["tile"]) for outcome in OUTCOMES} == {
        (kernel, tile) for kernel in ("Haswell", "Sandybridge", "Katmai") for tile in (0, TILED)
    }
