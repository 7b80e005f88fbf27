"""Sphinx settings: `make site` builds the pages in this folder into build/site."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCE = PROJECT["urls"]["Source"]

project = "charrnn"
author = PROJECT["authors"][0]["name"]
version = release = re.findall(r'__version__ = "(.+)"', (ROOT / "charrnn" / "version.py").read_text())[0]

extensions = ["myst_parser"]
myst_heading_anchors = 3
smartquotes = False  # it would turn --resume into an en dash
html_theme = "furo"
html_title = f"charrnn {version}"
html_theme_options = {"source_repository": SOURCE, "source_branch": "main", "source_directory": "docs/"}
html_show_copyright = False


def link_to_repository(app: Any, docname: str, source: list[str]) -> None:
    """Let links that leave this folder, such as ../configs/tiny.yaml, lead to the repository."""
    source[0] = re.sub(r"(?<=\]\()\.\./", f"{SOURCE}/blob/main/", source[0])


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", link_to_repository)
