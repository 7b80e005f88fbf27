"""Pages as a browser takes them apart, and the check that nothing in them is alive."""

import re
from html.parser import HTMLParser
from pathlib import Path

ATTACK = (
    "</script><img src=x onerror=alert(1)>\"'><svg onload=alert(2)>&lt;b&gt;</i></style><style>*{}</style>\x0b\u202e\n"
)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "table", "tr", "th", "td", "pre",
    "i", "mark", "sub", "details", "summary", "svg", "g", "path", "text", "circle", "rect",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "tabindex", "data-g", "style", "xmlns", "role",
    "aria-label", "viewbox", "width", "height", "x", "y", "text-anchor", "d", "transform", "cx", "cy", "r",
    "fill-opacity",
}  # fmt: skip


class Page(HTMLParser):
    """A page as a browser would take it apart: its tags, attributes, rows of tables and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.guesses: list[str] = []
        self.words, self.cell = "", False
        self.source = path.read_text()
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        self.guesses += [value or "" for name, value in attributes if name == "data-g"]
        self.cell = tag in ("th", "td")
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        self.cell = False

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.cell:
            self.rows[-1].append(data)


def headings(page: Page) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page.source)


def check_harmless(page: Page) -> None:
    """Only tags and attributes that the program itself writes, and no style that loads anything."""
    assert set(page.tags) <= TAGS, set(page.tags) - TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert page.tags.count("style") == page.tags.count("body") == 1
    assert not re.findall(r"url\(|@import|javascript:", page.source)
    assert not set(page.words) & set("\x00\x0b\u202e")
    policies = [value for name, value in page.attributes if name == "content" and "-src" in (value or "")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
