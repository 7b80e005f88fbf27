"""The exported page of a model beside the model: its scripts in Node, the whole page in Chromium, and its elements.

The scripts compute in 64 bits on rounded weights; so does the model that as_on_the_page() gives.
"""

import json
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.export.layout import network_of, own_arrays, torch_arrays
from charrnn.export.packing import pack, rounded
from charrnn.export.web import FOLDER, model_document
from charrnn.models.loading import SavedModel
from charrnn.models.network import Network
from charrnn.models.task_model import TaskModel
from charrnn.models.translate_model import TranslateModel

SYMBOLS = "".join(dict.fromkeys("</script><!--&lt;\"'\n\t\u2028\u2029\x00é漢😀`${}]]>"))  # hostile ones, each once
NODE = shutil.which("node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node")


def as_on_the_page(saved: SavedModel, kind: Any) -> Any:
    """The model in 64 bits with the weights that the page has."""
    model: Any = saved.model
    if isinstance(model, TaskModel | TranslateModel):
        kind_of_network: Any = type(model.network)
        network: Any = kind_of_network(model.config.model, model.network.task, np.float64)
    else:
        network = Network(model.config, model.vocab, np.float64)
    for name, array in own_arrays(rounded(torch_arrays(network_of(saved)), kind), network.config).items():
        network.params.value[name][...] = array
    return network if isinstance(model, Network) else replace(model, network=network)


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
