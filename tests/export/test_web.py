"""The page of a model: it computes what charrnn computes, in Node and in a browser, and text of the model's stays text.

The script of the page runs in 64 bits on rounded weights; so does the network that it is compared with.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
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
from charrnn.export.layout import network_of, own_arrays, torch_arrays
from charrnn.export.packing import kind_for, pack, rounded, scales
from charrnn.export.web import FOLDER, model_document, web_page
from charrnn.generation.sampling import Options
from charrnn.models.header import Header
from charrnn.models.loading import SavedModel
from charrnn.models.network import Network
from charrnn.models.task_model import TaskModel
from charrnn.models.task_network import TaskNetwork
from tests.conftest import CELLS
from tests.support.task_runs import TASKS, train_task, write_tables
from tests.support.web_sampler import written

NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node")
HOSTILE = "</script><!--&lt;\"'\n\t\u2028\u2029\x00é漢😀`${}]]>"
SYMBOLS = "".join(dict.fromkeys(HOSTILE))  # each once; </script> is still whole


def language(vocab: Vocab, seed: int = 0, scale: float = 1.5, **model: Any) -> SavedModel:
    """A random language model with weights of this standard deviation."""
    sizes = {"hidden_size": 5, "num_layers": 2}
    config = config_from_dict({"data": {"path": "x.txt"}, "model": sizes | model})
    network = Network(config.model, vocab)
    network.params.values[...] = scale * np.random.default_rng(seed).standard_normal(network.params.size)
    return SavedModel(network, Header(config, vocab), {}, Path("x.npz"))


def as_on_the_page(saved: SavedModel, kind: Any) -> Any:
    """The model in 64 bits with the weights that the page has."""
    model: Any = saved.model
    if isinstance(model, TaskModel):
        network: Any = TaskNetwork(model.config.model, model.network.task, np.float64)
    else:
        network = Network(model.config, model.vocab, np.float64)
    for name, array in own_arrays(rounded(torch_arrays(network_of(saved)), kind), network.config).items():
        network.params.value[name][...] = array
    return replace(model, network=network) if isinstance(model, TaskModel) else network


def document(saved: SavedModel, kind: Any) -> dict[str, Any]:
    return model_document(saved, pack(torch_arrays(network_of(saved)), kind))


def in_node(body: str, data: Any, names: tuple[str, ...] = ("network.js", "sampling.js", "labelling.js")) -> Any:
    """What a function of `data` with this body returns, with the scripts of the page."""
    assert NODE
    scripts = "\n".join((FOLDER / name).read_text() for name in names)
    read = "const data = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    program = f"{scripts}\n{read}\nconsole.log(JSON.stringify((() => {{ {body} }})()));"
    done = subprocess.run([NODE, "-e", program], input=json.dumps(data), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@needs_node
def test_logits_are_those_of_charrnn_for_every_cell_and_both_types_of_weights() -> None:
    vocab = Vocab("abcdefg")
    models = [
        (language(vocab, embedding_size=embedding, **cell), kind)
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


class Scripts(HTMLParser):
    """Collects the elements of a page: the tags with their attributes, and what its scripts and styles hold."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.held: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style") and data.strip():
            self.held.append(data)


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


def text_in_browser(page: str, fragment: str, element: str, folder: Path) -> str:
    """What an element of a page holds after a few seconds in Chromium, as text."""
    assert CHROMIUM
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
    options.append(f"--user-data-dir={folder}/profile")
    command = [CHROMIUM, *options, "--dump-dom", f"{path.as_uri()}#{fragment}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return Element(done.stdout, element).text


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


class Element(HTMLParser):
    """The text of the element of a page that has an id."""

    def __init__(self, html: str, id_: str) -> None:
        super().__init__()
        self.id, self.depth, self.text = id_, 0, ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += self.depth > 0 or ("id", self.id) in attrs

    def handle_endtag(self, tag: str) -> None:
        self.depth -= self.depth > 0

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.text += data


@given(arrays_of.arrays(np.float32, (3, 4), elements=st.integers(-(10**6), 10**6).map(lambda k: k * 1e-3)))
def test_int8_is_off_by_at_most_half_a_step(matrix: Any) -> None:
    unpacked = rounded({"m": matrix}, "int8")["m"]
    assert np.all(np.abs(unpacked.astype(float) - matrix) <= 0.5001 * scales(matrix))


def test_large_models_and_large_weights_get_int8() -> None:
    assert kind_for({"m": np.ones((1000, 2000), np.float32)}) == "float16"
    assert kind_for({"m": np.ones((1000, 2001), np.float32)}) == "int8"
    assert kind_for({"m": np.full((2, 2), 1e5, np.float32)}) == "int8"
