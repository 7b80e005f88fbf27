"""A model as a web page: one HTML file that runs it in the browser, without a server and without loading anything.

The page's own files lie in the folder `page`. They are put together here, with the weights in base64. All text of the
model's is JSON in a script that is not run, in which `<` is escaped, or escaped HTML; a Content-Security-Policy allows
the page's own script and style by their hashes and forbids everything else.
"""

import base64
import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from charrnn.errors import visible
from charrnn.evaluation import has_tokens
from charrnn.export.layout import network_of, torch_arrays, vocab_of
from charrnn.export.packing import Packed, kind_for, pack
from charrnn.models import Network, SavedModel, TaskModel

FOLDER = Path(__file__).parent / "page"
TOKENS = {"char": "characters", "byte": "bytes"}


def web_page(saved: SavedModel, title: str) -> str:
    """A page that writes text with a language model, or answers as one types with a classifier or tagger.

    Arguments:
        saved: a network of any task.
        title: the heading of the page.

    Raises:
        CheckpointError: the model is an n-gram.
    """
    network = network_of(saved)
    arrays = torch_arrays(network)
    packed = pack(arrays, kind_for(arrays))
    language = isinstance(network, Network)
    names = ["network.js", "sampling.js", *(["write.js"] if language else ["labelling.js", "label.js"])]
    script = "\n".join(map(_read, names))
    style = _read("page.css")
    heading = "Labels" if saved.config.task == "tag" else "Prediction"
    parts = {
        "policy": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        f"form-action 'none'",
        "title": escape(visible(title, keep="")),
        "about": escape(about(saved, packed)),
        "style": style,
        "main": _filled(_read("write.html" if language else "label.html"), {"heading": heading}),
        "model": json.dumps(model_document(saved, packed), separators=(",", ":")).replace("<", "\\u003c"),
        "script": script,
    }
    return _filled(_read("page.html"), parts)


def about(saved: SavedModel, packed: Packed) -> str:
    """The model in a line."""
    config, vocab = saved.config.model, vocab_of(saved)
    both = isinstance(saved.model, TaskModel) and saved.model.network.task.bidirectional
    return (
        f"{config.cell.upper()}, {config.num_layers} × {config.hidden_size} units{', in both directions' * both}, "
        f"{saved.model.size:,} parameters in {packed.kind}, vocabulary of {vocab.size} {TOKENS[vocab.tokens]}"
    )


def model_document(saved: SavedModel, packed: Packed) -> dict[str, Any]:
    """All that the script needs to know of a model, as JSON data."""
    config, vocab = saved.config, vocab_of(saved)
    task = saved.model.network.task if isinstance(saved.model, TaskModel) else None
    document: dict[str, Any] = {
        "task": config.task,
        "network": {
            "cell": config.model.cell,
            "activation": config.model.activation,
            "reset": config.model.reset,
            "num_layers": config.model.num_layers,
            "bidirectional": bool(task and task.bidirectional),
            "pooling": task.pooling if task else "last",
        },
        "vocab": {
            "symbols": vocab.symbols,
            "has_unknown": vocab.has_unknown,
            "tokens": vocab.tokens,
            "end": vocab.end,
            "normalize": config.data.normalize,
            "lowercase": config.data.lowercase,
        },
        "arrays": packed.table,
        "data": base64.b64encode(packed.data).decode(),
    }
    if isinstance(saved.model, TaskModel):
        labels, rules = saved.model.labels, saved.model.rules
        document["labels"] = {
            "names": labels.names,
            "means": labels.means,
            "deviations": labels.deviations,
            "thresholds": saved.model.thresholds,
            "output": saved.model.network.task.output,
            "tokens": has_tokens(rules),
            "separator": rules.separator if config.task == "tag" else None,
        }
    return document


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls a script or style of this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _filled(template: str, parts: dict[str, str]) -> str:
    """A template with its {{names}} replaced, in one pass: what is put in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
