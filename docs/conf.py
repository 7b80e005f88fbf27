"""The documentation site: Sphinx with MyST and furo. `make site` builds it; every warning is an error."""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from charrnn.version import __version__  # noqa: E402

project = "charrnn"
copyright = "The charrnn authors"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"charrnn {__version__}"
myst_heading_anchors = 3
exclude_patterns = ["*.py"]
REPOSITORY = "https://github.com/charrnn/charrnn/blob/main/"


def link_to_repository(app: Any, docname: str, source: list[str]) -> None:
    """Links to files outside docs/ work in the repository; on the site they lead there."""
    source[0] = re.sub(r"\]\(\.\./([^)]*)\)", rf"]({REPOSITORY}\1)", source[0])


def setup(app: Any) -> None:
    """Rewrite links before pages are read."""
    app.connect("source-read", link_to_repository)
