"""The page of a model: it computes what charrnn computes, in Node and in a browser, and the model's text stays text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from charrnn.config import config_from_dict
from charrnn.data.vocab import Vocab
from charrnn.evaluation import predict
from charrnn.export.packing import kind_for, rounded, scales
from charrnn.export.web import web_page
from charrnn.generation.sampling import Options
from charrnn.models.header import Header
from charrnn.models.loading import SavedModel
from charrnn.models.network import Network
from tests.conftest import CELLS
from tests.support.exported_pages import (
    SYMBOLS,
    Scripts,
    as_on_the_page,
    document,
    in_node,
    needs_chromium,
    needs_node,
    text_in_browser,
)
from tests.support.task_runs import TASKS, train_task, write_tables
from tests.support.web_sampler import written


def language(vocab: Vocab, seed: int = 0, scale: float = 1.5, **model: Any) -> SavedModel:
    """A random language model with weights of this standard deviation."""
    sizes = {"hidden_size": 5, "num_layers": 2, "ngram": 0}
    config = config_from_dict({"data": {"path": "x.txt"}, "model": sizes | model})
    network = Network(config.model, vocab)
    network.params.values[...] = scale * np.random.default_rng(seed).standard_normal(network.params.size)
    return SavedModel(network, Header(config, vocab), {}, Path("x.npz"))


@needs_node
def test_logits_are_those_of_charrnn_for_every_cell_and_both_types_of_weights() -> None:
    vocab = Vocab("abcdefg")
    models = [
        (language(vocab, embedding_size=embedding, skip_connections=embedding is None, **cell), kind)
        for cell in CELLS.values()
        for embedding in (None, 3)
        for kind in ("float16", "int8")
    ]
    ids = np.random.default_rng(1).integers(0, vocab.size, 20)
    found = in_node(
        "return data.models.map((model) => { const network = new Network(model);"
        "return data.ids.map((id) => Array.from(network.read(id))); });",
        {"models": [document(*each) for each in models], "ids": ids.tolist()},
    )
    for each, logits in zip(models, found, strict=True):
        network = as_on_the_page(*each)
        expected = network.feed(ids[:, None], network.start(1))[:, 0]
        np.testing.assert_allclose(logits, expected, atol=1e-9)


WRITTEN = [  # vocabulary, prime, options
    (Vocab("\n abcde"), "", Options(60, 0.0)),
    (Vocab("\n abcde"), "abc", Options(200, 0.8)),
    (Vocab(SYMBOLS), "<", Options(200, 1.2)),
    (Vocab("abcdefgh", has_unknown=True), "ab", Options(200, 1.0, top_k=3)),
    (Vocab("abcdefgh"), "", Options(200, 1.5, top_p=0.7)),
    (Vocab("abcdefgh"), "", Options(200, 1.0, top_k=6, top_p=0.9, min_p=0.1, until="gg")),
    (Vocab("\nabcd", end="\n"), "a", Options(0, 1.0)),
    (Vocab("\nabcd", end="\n"), "", Options(0, 1.0)),
    (Vocab.of_bytes(), "é", Options(50, 1.0)),
    (Vocab("abc", has_unknown=True), "", Options(200, 4.0)),
    (Vocab("abcdefgh"), "", Options(200, 4.0, min_p=0.3)),
]


@needs_node
def test_texts_are_those_of_a_second_sampler_character_for_character() -> None:
    models = [language(vocab, seed) for seed, (vocab, _, _) in enumerate(WRITTEN)]
    tasks = [
        {
            "model": document(saved, "float16"),
            "prime": prime,
            "seed": 2**40 + 7,
            "options": {"length": o.length, "temp": o.temp, "topK": o.top_k, "topP": o.top_p, "minP": o.min_p}
            | {"until": o.until},
        }
        for saved, (_, prime, o) in zip(models, WRITTEN, strict=True)
    ]
    found = in_node(
        "return data.map(({ model, prime, seed, options }) => {"
        "  const network = new Network(model), vocab = new Vocab(model.vocab);"
        "  const ids = vocab.spell(vocab.fold(prime)).map((symbol) => vocab.id(symbol));"
        "  const events = write(network, vocab, ids, options, new Random(seed));"
        "  return Array.from(events, ({ id }) => vocab.symbols[id]).join('');"
        "});",
        tasks,
    )
    expected = [
        written(as_on_the_page(saved, "float16"), prime, options, 2**40 + 7)
        for saved, (_, prime, options) in zip(models, WRITTEN, strict=True)
    ]
    assert found == expected
    assert sum(map(len, expected[:5])) == 860
    assert expected[5].endswith("gg")
    assert len(expected[5]) < 200
    assert 0 < len(expected[7]) < 860


@needs_node
def test_predictions_are_those_of_charrnn_for_every_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    variants = {name: dict(settings) for name, settings in TASKS.items()}
    for name, pooling in (("bytes", "max"), ("numbers", "mean")):
        variants[name]["model"] = {"hidden_size": 4, "num_layers": 2, "embedding_size": 3, "pooling": pooling} | (
            {"output": "linear"} if name == "numbers" else {}
        )
    variants["vowels"]["model"] = {"hidden_size": 4, "num_layers": 1, "bidirectional": False}
    runs = [train_task(tmp_path / f"{name}.npz", settings, epochs=1).saved for name, settings in variants.items()]
    texts = ["x", "minaé Anna  ova", "Bert sah\tdie"]
    found = in_node(
        "return data.models.map((model) => {"
        "  const network = new Network(model), vocab = new Vocab(model.vocab);"
        "  return data.texts.map((text) => {"
        "    const steps = (model.task === 'tag' ? tag : classify)(network, vocab, model.labels, text);"
        "    for (;;) { const { value, done } = steps.next(); if (done) return model.task === 'tag'"
        "      ? value.map(({ p }) => Array.from(p)) : Array.from(value); }"
        "  });"
        "});",
        {"models": [document(saved, "int8") for saved in runs], "texts": texts},
    )
    for saved, own in zip(runs, found, strict=True):
        expected = predict(as_on_the_page(saved, "int8"), texts)
        for prediction, scores in zip(expected, own, strict=True):
            np.testing.assert_allclose(scores, prediction.scores, atol=1e-9)


@needs_node
def test_a_label_is_chosen_from_its_own_threshold_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    saved = train_task(tmp_path / "answers.npz", TASKS["answers"], epochs=2).saved
    texts = ["abcdx", "ccddx", "aaaay", "bbbbz", "dcdcz"]
    exact = as_on_the_page(saved, "float16")
    middle = np.median([prediction.scores for prediction in predict(exact, texts)], axis=0) + 1e-6
    saved.model = replace(saved.task_model, thresholds=tuple(middle.tolist()))
    found = in_node(
        "const network = new Network(data.model), vocab = new Vocab(data.model.vocab), { labels } = data.model;"
        "return data.texts.map((text) => {"
        "  const steps = classify(network, vocab, labels, text);"
        "  for (;;) { const { value, done } = steps.next(); if (done) return chosenLabels(value, labels); }"
        "});",
        {"model": document(saved, "float16"), "texts": texts},
    )
    names = saved.task_model.labels.names
    chosen = [tuple(names[k] for k in own) for own in found]
    assert chosen == [own.labels for own in predict(as_on_the_page(saved, "float16"), texts)]
    assert chosen != [own.labels for own in predict(exact, texts)]  # with 0.5 for all of them


def test_a_hostile_vocabulary_and_title_stay_text_and_the_page_loads_nothing() -> None:
    saved = language(Vocab(SYMBOLS))
    title = "{{script}}</title><script>alert(1)</script>"
    page = web_page(saved, title)
    scripts = Scripts(page)
    assert [attributes for tag, attributes in scripts.tags if tag == "script"] == [
        {"type": "application/json", "id": "model"},
        {},
    ]
    style, model, script = scripts.held
    assert json.loads(model)["vocab"]["symbols"] == SYMBOLS
    assert "{{script}}&lt;/title&gt;" in page
    policy = next(attributes["content"] or "" for tag, attributes in scripts.tags if "http-equiv" in attributes)
    for text in (style, script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not [attributes for _, attributes in scripts.tags if attributes.keys() & {"src", "srcset", "style"}]
    assert not re.search(r"https?:|url\(|@import|innerHTML|document\.write|eval\(", page)


@needs_chromium
def test_a_browser_writes_the_same_text(tmp_path: Path) -> None:
    saved = language(Vocab(SYMBOLS), hidden_size=8)
    settings = "prime=%3C&temp=0.7&length=150&seed=5&pace=1000000"
    shown = text_in_browser(web_page(saved, "page"), settings, "text", tmp_path)
    expected = written(as_on_the_page(saved, "float16"), "<", Options(150, 0.7), 5)
    assert shown.replace("␀", "\0") == "<" + expected


@needs_chromium
@pytest.mark.parametrize(("name", "element"), [("origins", "bars"), ("vowels", "units")])
def test_a_browser_shows_the_same_labels(
    name: str, element: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path)
    saved = train_task(tmp_path / "model.npz", TASKS[name], epochs=2).saved
    shown = text_in_browser(web_page(saved, "page"), "text=mina%20tem", element, tmp_path)
    (prediction,) = predict(as_on_the_page(saved, "float16"), ["mina tem"])
    if name == "vowels":
        pairs = zip("mina tem", prediction.labels, strict=True)
        assert shown == "".join(pair for pair in map("".join, pairs)).replace(" ", "␣")
    else:
        likeliest = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
        assert shown == "".join(f"{label}{100 * p:.1f} %" for label, p in likeliest)


@given(arrays_of.arrays(np.float32, (3, 4), elements=st.integers(-(10**6), 10**6).map(lambda k: k * 1e-3)))
def test_int8_is_off_by_at_most_half_a_step(matrix: Any) -> None:
    unpacked = rounded({"m": matrix}, "int8")["m"]
    assert np.all(np.abs(unpacked.astype(float) - matrix) <= 0.5001 * scales(matrix))


def test_large_models_and_large_weights_get_int8() -> None:
    assert kind_for({"m": np.ones((1000, 2000), np.float32)}) == "float16"
    assert kind_for({"m": np.ones((1000, 2001), np.float32)}) == "int8"
    assert kind_for({"m": np.full((2, 2), 1e5, np.float32)}) == "int8"
