"""Measured speed: of the right work, on any number of workers; no test here depends on how fast anything is."""

import json

import numpy as np
import pytest

from charrnn.config.building import config_from_dict
from charrnn.config.data_keys import DataConfig
from charrnn.config.keys import Config
from charrnn.config.model_keys import ModelConfig
from charrnn.config.train_keys import TrainConfig
from charrnn.errors import TextError
from charrnn.models.network import Network, build_stack
from charrnn.nn import products
from charrnn.nn.workload import step_products
from charrnn.training import bench
from tests.support.processes import run


def flops(config, vocab_size, streams, length):
    """Operations of a step as the products report them, checked against the shapes of their arrays."""
    reported = counted = 0
    for product in step_products(build_stack(config, vocab_size), vocab_size, streams, length):
        multiply = product.multiply
        multiply()  # the shapes fit
        reported += 2 * product.times * product.multiplications
        names = {products.window_product: ("", "a", "", "out"), products.deep_product: ("a", "", "out")}
        given = dict(zip(names.get(multiply.func, ("a", "", "out")), multiply.args, strict=False)) | multiply.keywords
        a, out = given["a"], given["out"]
        if multiply.func is products.deep_product:  # it sums over the rows
            multiplications = sum(matrix.size for matrix in out) * len(a)
        else:
            multiplications = out.size * a.shape[-1]
        counted += 2 * product.times * multiplications
    assert reported == counted
    return reported


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
@pytest.mark.parametrize("embedding", [None, 6])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_ceiling_counts_every_product_of_a_step_once(cell, gates, embedding, layers):
    """Per character: each weight takes part in one multiplication forward and two back, look-ups in none."""
    config = ModelConfig(cell=cell, hidden_size=5, num_layers=layers, embedding_size=embedding)
    weights = gates * 25 * layers + gates * 25 * (layers - 1) + gates * 5 * (embedding or 0) + 5 * 7
    assert flops(config, 7, 4, 3) == 4 * 3 * 3 * 2 * weights


def test_random_text_knows_its_characters():
    corpus = bench.random_corpus(300, 2000)
    assert (len(corpus.train), corpus.vocab.size, corpus.train.ids.dtype) == (2000, 300, np.uint16)
    assert corpus.train.ids.max() < 300


@pytest.mark.parametrize(("shards", "workers"), [(None, [1, 2, 3]), (2, [1, 2]), (1, [1])])
def test_every_number_of_workers_gets_a_row(shards, workers, monkeypatch):
    monkeypatch.setattr(bench, "cores", lambda: 3)
    config = Config(
        DataConfig("-"),
        ModelConfig(cell="lstm", hidden_size=4, num_layers=2),
        TrainConfig(batch_size=6, seq_length=5, shards=shards),
    )
    monkeypatch.setattr(bench, "load_corpus", lambda config: bench.random_corpus(9, 500))
    found = bench.measure(config, budget=0.01)
    assert [row.workers for row in found.rows] == workers
    assert found.best.chars_per_second == max(row.chars_per_second for row in found.rows)
    for row in found.rows:
        assert min(row.chars_per_second, row.ceiling, row.memory) > 0
        assert row.epoch_seconds == pytest.approx(500 / row.chars_per_second)
    assert min(found.evaluation, found.sampling, found.sampling_batch) > 0


def test_without_a_config_the_network_alone_is_measured_on_random_text(monkeypatch):
    seen = []
    monkeypatch.setattr(bench, "RANDOM_CHARS", 3000)
    monkeypatch.setattr(bench, "sampling_speed", lambda model, *_: seen.append(model) or 1.0)
    for name, measured in (("cores", lambda: 1), ("ceiling", lambda *_: 1.0)):
        monkeypatch.setattr(bench, name, measured)
    bench.measure(None, budget=0.01)
    assert [type(model) for model in seen] == [Network, Network]


def test_a_missing_text_is_reported():
    with pytest.raises(TextError, match=r"no\.txt does not exist"):
        bench.measure(config_from_dict({"data": {"path": "no.txt"}}))


def test_the_command_prints_a_table_or_json_and_writes_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("the cat sat on the mat. " * 50)
    (tmp_path / "c.yaml").write_text(
        "data: {path: a.txt}\nmodel: {hidden_size: 8}\ntrain: {batch_size: 4, seq_length: 10}"
    )
    before = sorted(tmp_path.iterdir())
    plain = run("bench", "c.yaml", "--seconds", "0.1", cwd=tmp_path)
    assert (plain.code, plain.err) == (0, "")
    assert all(part in plain.text for part in ("machine: ", "workers", "of the ceiling", "auto takes"))
    figures = json.loads(
        run("bench", "c.yaml", "--set", "train.shards=1", "--seconds", "0.1", "--json", cwd=tmp_path).out
    )
    assert figures["rows"][0]["workers"] == 1
    assert sorted(tmp_path.iterdir()) == before


def test_set_without_a_config_is_refused(tmp_path):
    refused = run("bench", "--set", "train.epochs=1", cwd=tmp_path)
    assert (refused.code, "name one" in refused.err) == (2, True)
