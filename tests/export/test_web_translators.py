"""The page of a translator: in Node and in a browser it writes what `charrnn predict` writes, as probably."""

import json
from pathlib import Path

import numpy as np

from charrnn.data.symbols import Symbols
from charrnn.export.web import web_page
from charrnn.generation.translating import translate_texts
from charrnn.models.loading import SavedModel
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
from tests.support.translators import a_random_translator

SCRIPTS = ("network.js", "sampling.js", "translating.js")
ATTENTION = [("none", True), ("dot", False), ("general", True), ("general", False), ("additive", True)]
TEXTS = ["a", "abx", "cab?bac", "x" * 30]
WRITE = """
  return data.models.map((model) => {
    const translator = new Translator(model), source = new Vocab(model.source), target = new Vocab(model.target);
    return data.texts.map((text) => {
      const ids = sourceSymbols(source, text, model.features.map(() => "V")).map((symbol) => source.id(symbol));
      const most = model.limit.factor * ids.length + model.limit.more;
      const steps = translate(translator, ids, target.symbols.length, most);
      for (;;) {
        const { value, done } = steps.next();
        if (done) return { ...value, names: value.symbols.map(({ id }) => target.symbols[id]) };
      }
    });
  });"""


@needs_node
def test_targets_are_those_of_charrnn_for_every_cell_and_attention() -> None:
    models: list[tuple[SavedModel, str]] = []
    for seed, cell in enumerate(CELLS.values()):
        for attention, both in ATTENTION:
            own = {**cell, "attention": attention, "bidirectional": both}
            models.append((a_random_translator(seed, **own), "float16"))
            models.append((a_random_translator(seed, {"features": 3}, num_layers=1, embedding_size=3, **own), "int8"))
    found = in_node(WRITE, {"models": [document(*each) for each in models], "texts": TEXTS}, SCRIPTS)
    ends = set()
    for (saved, kind), own in zip(models, found, strict=True):
        model = as_on_the_page(saved, kind)
        cells = [["V"]] * len(TEXTS) if saved.translate_model.rules.layout.features else None
        for written, expected in zip(own, translate_texts([model], TEXTS, cells), strict=True):
            (answer,) = expected.hypotheses
            assert (tuple(written["names"]), written["isCut"]) == (answer.symbols, answer.cut)
            np.testing.assert_allclose(written["p"], answer.probability, rtol=1e-9)
            ends.add(answer.cut)
    assert ends == {True, False}


@needs_node
def test_a_source_has_the_symbols_that_it_has_in_charrnn() -> None:
    texts = ["Ab c", " \u00a0é\u2003É\x1cx ", "e\u0301\u0130\ufeff.\u200b", "", " \t\n", "😀\x85ß"]
    cells = [["V; PST", "\x1c3;;\u00a0SG "], ["", ""]]
    rules = [{"normalize": form, "lowercase": lower, "source_symbols": spelling}
             for form in ("none", "nfd") for lower in (False, True) for spelling in ("char", "space")]  # fmt: skip
    models = [a_random_translator(data={**own, "features": [3, 4]}) for own in rules]
    found = in_node(
        "return data.models.map((model) => data.texts.map((text) => data.cells.map((own) =>"
        "  sourceSymbols(new Vocab(model.source), text, own))));",
        {"models": [document(saved, "float16") for saved in models], "texts": texts, "cells": cells},
        SCRIPTS,
    )
    for saved, own in zip(models, found, strict=True):
        source_of = saved.translate_model.rules.source_of
        assert own == [[list(source_of(text, row)) for row in cells] for text in texts]


def hostile_translator() -> SavedModel:
    """A translator whose symbols and columns try to be markup."""
    names = Symbols(tuple(sorted({*SYMBOLS, "</script>", "<script>alert(1)</script>"})))
    columns = {"source": "<b>\"'&", "target": "</h2><script>", "features": ["</script>"]}
    return a_random_translator(200, columns, names, names, num_layers=1, embedding_size=3)


def test_hostile_symbols_and_columns_stay_text() -> None:
    saved = hostile_translator()
    scripts = Scripts(web_page(saved, "page"))
    assert [attributes for tag, attributes in scripts.tags if tag == "script"] == [
        {"type": "application/json", "id": "model"},
        {},
    ]
    _, model, _ = scripts.held
    held = json.loads(model)
    assert tuple(held["source"]["symbols"]) == tuple(held["target"]["symbols"]) == saved.translate_model.target.names
    assert held["features"] == ["</script>"]
    assert not any(tag == "b" for tag, _ in scripts.tags)


@needs_chromium
def test_a_browser_writes_the_same_target_and_its_probability(tmp_path: Path) -> None:
    saved = hostile_translator()
    page = web_page(saved, "page")
    (answers,) = translate_texts([as_on_the_page(saved, "float16")], ["<😀x"], [["V;</script>"]])
    fragment = "text=%3C%F0%9F%98%80x&feature=V;%3C/script%3E"
    assert "<script>" in answers.text
    shown = text_in_browser(page, fragment, "answer", tmp_path)
    assert shown == f"\n</h2><script>\n{answers.text}\nProbability {100 * answers.probability:.1f} %\n"
