"""A model as a web page: one HTML file that runs it in the browser, without a server and without loading anything.

The page's own files lie in the folder `page`. They are put together here, with the weights in base64. All text of the
model's is JSON in a script that is not run, in which `<` is escaped, or escaped HTML; a Content-Security-Policy allows
the page's own script and style by their hashes and forbids everything else.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from charrnn.config import DataConfig
from charrnn.errors import visible
from charrnn.evaluation import has_tokens
from charrnn.export.layout import alone, network_of, torch_arrays, vocab_of
from charrnn.export.packing import Packed, kind_for, pack
from charrnn.generation import MAX_FACTOR, MAX_MORE
from charrnn.models import SavedModel, TaskModel, TranslateModel

FOLDER = Path(__file__).parent / "page"
TOKENS = {"char": "characters", "byte": "bytes"}
LABELS = ("label.html", "labelling.js", "answering.js", "label.js")
FILES = {  # of each task: what the page shows, and its own scripts
    "language": ("write.html", "write.js"),
    "classify": LABELS,
    "tag": LABELS,
    "translate": ("translate.html", "translating.js", "answering.js", "translate.js"),
}


def web_page(saved: SavedModel, title: str) -> str:
    """A page that writes text with a language model, or answers as one types with a model of another task.

    Arguments:
        saved: a network of any task; of one with an n-gram inside, the page holds the network alone.
        title: the heading of the page.

    Raises:
        CheckpointError: the model is an n-gram.
    """
    saved = alone(saved)
    arrays = torch_arrays(network_of(saved))
    packed = pack(arrays, kind_for(arrays))
    main, *scripts = FILES[saved.config.task]
    script = "\n".join(map(_read, ["network.js", "sampling.js", *scripts]))
    style = _read("page.css")
    parts = {
        "policy": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        f"form-action 'none'",
        "title": escape(visible(title, keep="")),
        "about": escape(about(saved, packed)),
        "style": style,
        "main": _filled(_read(main), headings(saved)),
        "model": json.dumps(model_document(saved, packed), separators=(",", ":")).replace("<", "\\u003c"),
        "script": script,
    }
    return _filled(_read("page.html"), parts)


def headings(saved: SavedModel) -> dict[str, str]:
    """What the parts of the page are called, as HTML. A translator names them by the columns that it was trained on."""
    if not isinstance(saved.model, TranslateModel):
        return {"heading": "Labels" if saved.config.task == "tag" else "Prediction"}
    layout = saved.layout
    columns = {"source": (layout.source, "Text"), "target": (layout.targets[0], "Translation")}
    return {
        name: escape(visible(column, keep="") if isinstance(column, str) else default)
        for name, (column, default) in columns.items()
    }


def about(saved: SavedModel, packed: Packed) -> str:
    """The model in a line."""
    config, model = saved.config.model, saved.model
    size = f"{config.cell.upper()}, {config.num_layers} × {config.hidden_size} units"
    if isinstance(model, TranslateModel):
        both, symbols = (
            model.network.task.bidirectional,
            f"{len(model.source.names)} source and {len(model.target.names)} target symbols",
        )
    else:
        both = isinstance(model, TaskModel) and model.network.task.bidirectional
        symbols = f"vocabulary of {vocab_of(saved).size} {TOKENS[vocab_of(saved).tokens]}"
    return f"{size}{', in both directions' * both}, {model.size:,} parameters in {packed.kind}, {symbols}"


def model_document(saved: SavedModel, packed: Packed) -> dict[str, Any]:
    """All that the script needs to know of a model, as JSON data."""
    config, model = saved.config, saved.model
    network: dict[str, Any] = {
        "cell": config.model.cell,
        "activation": config.model.activation,
        "reset": config.model.reset,
        "num_layers": config.model.num_layers,
        "skip_connections": config.model.skip_connections,
    }
    document: dict[str, Any] = {
        "task": config.task,
        "network": network,
        "arrays": packed.table,
        "data": base64.b64encode(packed.data).decode(),
    }
    if isinstance(model, TranslateModel):
        network["bidirectional"] = model.network.task.bidirectional
        return document | translator_document(model)
    task = model.network.task if isinstance(model, TaskModel) else None
    network |= {"bidirectional": bool(task and task.bidirectional), "pooling": task.pooling if task else "last"}
    document["vocab"] = symbols_document(config.data, **asdict(vocab_of(saved)))
    if isinstance(model, TaskModel):
        labels, rules = model.labels, model.rules
        document["labels"] = {
            "names": labels.names,
            "means": labels.means,
            "deviations": labels.deviations,
            "thresholds": model.thresholds,
            "output": model.network.task.output,
            "tokens": has_tokens(rules),
            "separator": rules.separator if config.task == "tag" else None,
        }
    return document


def translator_document(model: TranslateModel) -> dict[str, Any]:
    """The symbols, feature columns and greatest length of a translator. A column without a name has its number."""
    rules, data = model.rules, model.config.data
    sides = {
        "source": symbols_document(data, model.source.names, has_unknown=True, tokens=rules.source_symbols),
        "target": symbols_document(data, model.target.names, has_unknown=False, tokens=rules.target_symbols),
    }
    features = [column if isinstance(column, str) else f"Column {column}" for column in rules.layout.features]
    return sides | {"features": features, "limit": {"factor": MAX_FACTOR, "more": MAX_MORE}}


def symbols_document(
    data: DataConfig, symbols: Sequence[str], has_unknown: bool, tokens: str, end: str = ""
) -> dict[str, Any]:
    """The symbols that a model knows, and how a text becomes them: by characters, by bytes, or between blanks."""
    return {
        "symbols": symbols,
        "has_unknown": has_unknown,
        "tokens": tokens,
        "end": end,
        "normalize": data.normalize,
        "lowercase": data.lowercase,
    }


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls a script or style of this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _filled(template: str, parts: dict[str, str]) -> str:
    """A template with its {{names}} replaced, in one pass: what is put in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
