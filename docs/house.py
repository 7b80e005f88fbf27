"""Draw the packages of charrnn, floor by floor, from the imports in the code: docs/pictures/house.svg.

    python docs/house.py            write the picture and print the figures
    python docs/house.py --check    exit 1 if the picture is out of date or an import runs up

A package stands one floor above the highest package that it imports. The ground holds the modules that lie outside any
package. An arrow means "imports"; arrows that others imply are left out of the drawing, though they are counted.
"""

import ast
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "charrnn"
PICTURE = ROOT / "docs" / "pictures" / "house.svg"
GROUND = "ground"
OUTSIDE = {"__init__", "__main__"}  # the public names and the entry point: above and beside the house

WIDTH, BOX, HEIGHT, GAP, MARGIN = 900, 132, 46, 44, 24
STYLE = """
:root{--paper:#fff;--ink:#1c2430;--soft:#596375;--box:#eef2f8;--line:#8a97ab}
@media(prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e5e9f0;--soft:#9aa5b5;--box:#1e2733;--line:#6a778c}}
text{font:600 14px system-ui,sans-serif;fill:var(--ink);text-anchor:middle}
.s{font:12px system-ui,sans-serif;fill:var(--soft)}.f{text-anchor:start}
rect{fill:var(--box);stroke:var(--line)}path{fill:none;stroke:var(--line);stroke-width:1.25}
"""


@dataclass(frozen=True)
class House:
    """The packages, their files, and which package imports which."""

    files: dict[str, int]
    imports: dict[str, set[str]]

    def floor(self, package: str) -> int:
        """The floor of a package; the ground is 0."""
        below = self.imports[package]
        return 1 + max(map(self.floor, below)) if below else 0

    def floors(self) -> list[list[str]]:
        """The packages of each floor, from the ground up."""
        rows: list[list[str]] = [[] for _ in range(1 + max(map(self.floor, self.files)))]
        for package in sorted(self.files):
            rows[self.floor(package)].append(package)
        return rows

    def drawn(self) -> list[tuple[str, str]]:
        """The imports that no chain of other imports implies (the transitive reduction)."""
        reached = {package: self._reach(package) for package in self.files}
        return [
            (package, below)
            for package in self.files
            for below in sorted(self.imports[package])
            if not any(below in reached[other] for other in self.imports[package] if other != below)
        ]

    def _reach(self, package: str) -> set[str]:
        found: set[str] = set()
        for below in self.imports[package]:
            found |= {below} | self._reach(below)
        return found


def read_house() -> House:
    """The house as the code stands. Raises graphlib.CycleError if packages import each other in a circle."""
    files: dict[str, int] = {}
    imports: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        package = room_of(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
        if package in OUTSIDE:
            continue
        files[package] = files.get(package, 0) + 1
        others = {room_of(name) for name in imported(path)} - {package}
        imports.setdefault(package, set()).update(others)
    TopologicalSorter(imports).prepare()
    return House(files, imports)


def room_of(name: str) -> str:
    """The package of a top-level name below charrnn; modules outside any package are the ground."""
    return name if name in OUTSIDE or (PACKAGE / name).is_dir() else GROUND


def imported(path: Path) -> set[str]:
    """The top-level names below charrnn that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "charrnn":
                names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return names


def draw(house: House) -> str:
    """The SVG."""
    rows = house.floors()
    height = MARGIN * 2 + len(rows) * HEIGHT + (len(rows) - 1) * GAP
    place: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        top = height - MARGIN - HEIGHT - number * (HEIGHT + GAP)
        for k, package in enumerate(row):
            place[package] = 60 + (WIDTH - 60) * (k + 1) / (len(row) + 1), top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="The packages of charrnn, floor by floor"><style>{STYLE}</style>',
        '<rect width="100%" height="100%" style="fill:var(--paper);stroke:none"/>',
    ]
    for package, below in house.drawn():
        (x, y), (to_x, to_y) = place[package], place[below]
        start, middle = y + HEIGHT, (y + HEIGHT + to_y) / 2
        parts.append(
            f'<path d="M{x:.0f} {start:.0f}C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {to_y:.0f}"/>'
        )
    for package, (x, y) in place.items():
        count = house.files[package]
        parts.append(f'<rect x="{x - BOX / 2:.0f}" y="{y:.0f}" width="{BOX}" height="{HEIGHT}" rx="6"/>')
        parts.append(f'<text x="{x:.0f}" y="{y + 20:.0f}">{package}</text>')
        parts.append(f'<text class="s" x="{x:.0f}" y="{y + 36:.0f}">{count} file{"s" * (count > 1)}</text>')
    for number in range(len(rows)):
        y = height - MARGIN - HEIGHT / 2 - number * (HEIGHT + GAP)
        parts.append(f'<text class="s f" x="12" y="{y + 4:.0f}">{number}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def figures(house: House) -> str:
    """The figures in one line."""
    arrows = sum(map(len, house.imports.values()))
    up = sum(house.floor(below) >= house.floor(package) for package in house.files for below in house.imports[package])
    files, packages = sum(house.files.values()), len(house.files)
    floors = len(house.floors())
    return f"{files} files in {packages} packages on {floors} floors, {arrows} arrows between them, {up} up, 0 circles"


def main() -> None:
    """Write the picture, or check it."""
    house = read_house()
    picture = draw(house)
    print(figures(house))
    if "--check" in sys.argv:
        sys.exit(not PICTURE.exists() or PICTURE.read_text() != picture)
    PICTURE.write_text(picture)


if __name__ == "__main__":
    main()
