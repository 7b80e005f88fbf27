"""The plan of the house, as data: which packages there are, who may import whom, and how large a file may be."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import charrnn
from tests.support.processes import ROOT

GROUND = "errors arrays blas processes shipped terminal version"  # modules outside any package, which all may import
MAY_IMPORT = {  # package: the packages below it that it may import, beside the ground
    "nn": "",
    "optim": "",
    "storage": "",
    "config": "",
    "data": "storage config",
    "models": "nn optim storage config data",
    "parallel": "optim config data models",
    "evaluation": "nn storage config data models generation",
    "generation": "config data models",
    "inspection": "config data models",
    "export": "nn storage config data models evaluation generation",
    "training": "nn optim storage config data models parallel evaluation generation",
    "tuning": "storage config evaluation training",
    "display": "data evaluation inspection training",
    "cli": "storage config data models parallel evaluation generation inspection export training tuning display",
}
GROUND_MAY_IMPORT = {"processes": "errors blas", "terminal": "errors"}  # module of the ground: others of the ground
NOT_IN_FACE = {  # modules that other packages import past the face, with the reason
    "display.live": "it imports rich, which only `charrnn train` needs",
}
OUTSIDE = {  # third-party package: the packages and modules that may import it; no other package is imported anywhere
    "numpy": "arrays blas nn optim storage data models parallel evaluation generation inspection training export "
    "display",
    "yaml": "config",
    "threadpoolctl": "blas",
    "click": "cli",
    "rich": "display.live cli.following",
    "mpi4py": "parallel.ranks",
    "onnx": "export.onnx_graph",
    "optuna": "tuning.search",
    "backports": "data.files",
    "compression": "data.files",  # of the standard library from Python 3.14 on
}
LONGEST = 300  # lines of a module

PACKAGE = Path(charrnn.__file__).parent


def dotted(path: Path) -> str:
    """The name of a module below charrnn: `nn.cells`, `nn` for its face, "" for charrnn itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {dotted(path): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
MODULES = [name for name in SOURCES if name not in ("", "__main__")]
PACKAGES = {name for name in MODULES if (PACKAGE / name / "__init__.py").exists()}


def home(name: str) -> str:
    """The package, or the module of the ground, that a module belongs to."""
    return name.split(".")[0]


def imports(name: str) -> Iterator[tuple[str, int]]:
    """Every import of a module, wherever it stands, as a dotted name with its line; of charrnn, without that word."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}:{node.lineno}: imports are written out in full here"
            assert node.module
            if node.module == "charrnn":
                yield from ((f"charrnn.{alias.name}", node.lineno) for alias in node.names)
            elif node.module.removeprefix("charrnn.") in PACKAGES:  # a module by its name, or a name of the face
                below = node.module.removeprefix("charrnn.")
                for alias in node.names:
                    inner = f"{below}.{alias.name}"
                    yield f"charrnn.{inner if inner in SOURCES and home(name) == below else below}", node.lineno
            else:
                yield node.module, node.lineno


def own_imports(name: str) -> dict[str, int]:
    """The modules of charrnn that a module imports, with the line."""
    return {
        imported.removeprefix("charrnn."): line for imported, line in imports(name) if imported.startswith("charrnn")
    }


def public_things(name: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """The public functions and classes of a module, and the public methods of the latter."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in TREES[name].body:
        if isinstance(node, kinds) and not node.name.startswith("_") and not is_second_half(node):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, kinds) and not inner.name.startswith("_") and not is_second_half(inner):
                    yield f"{node.name}.{inner.name}", inner


def is_second_half(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether it is the setter of a property, or one of several signatures: the other half is documented."""
    return any(ast.unparse(mark).endswith(("overload", ".setter")) for mark in node.decorator_list)


def test_the_plan_names_every_package_and_every_module_of_the_ground() -> None:
    assert set(MAY_IMPORT) == PACKAGES
    assert set(GROUND.split()) == {name for name in MODULES if "." not in name} - PACKAGES
    assert not [str(path) for path in PACKAGE.rglob("*.py") if len(path.relative_to(PACKAGE).parts) > 2]


def test_the_plan_itself_only_points_down() -> None:
    TopologicalSorter({name: below.split() for name, below in MAY_IMPORT.items()}).prepare()


def may_import(name: str) -> set[str]:
    """The packages and modules of the ground that a module may import."""
    own = home(name)
    if own in PACKAGES:
        return {own, *GROUND.split(), *MAY_IMPORT[own].split()}
    return set(GROUND_MAY_IMPORT.get(own, "").split())


def test_a_module_imports_only_what_its_package_may() -> None:
    faults = [
        f"{name}:{line} imports {module}; it may import {', '.join(sorted(may_import(name)))}"
        for name in MODULES
        for module, line in own_imports(name).items()
        if home(module) not in may_import(name)
    ]
    assert not faults, "\n".join(faults)


def test_other_packages_are_imported_through_their_faces() -> None:
    faults = [
        f"{name}:{line} imports {module} past its face"
        for name in MODULES
        for module, line in own_imports(name).items()
        if home(module) in PACKAGES - {home(name)} and module not in PACKAGES | NOT_IN_FACE.keys()
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_face_lists_what_it_exports_and_holds_no_code(name: str) -> None:
    docstring, *statements = TREES[name].body
    assert isinstance(docstring, ast.Expr)
    if name == "cli":  # imported by nothing but __main__
        assert not statements
        return
    *exports, names = statements
    assert all(isinstance(node, ast.ImportFrom) for node in exports)
    assert isinstance(names, ast.Assign)
    exported = {
        alias.asname or alias.name for node in exports if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert exported == set(ast.literal_eval(names.value))


@pytest.mark.parametrize("name", sorted(PACKAGES - {"cli"}))
def test_a_face_exports_no_more_than_other_packages_take(name: str) -> None:
    taken = {
        alias.name
        for other, tree in TREES.items()
        if home(other) != name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == f"charrnn.{name}"
        for alias in node.names
    }
    taken |= {public for public, package in charrnn._HOMES.items() if package == name}
    exported = set(ast.literal_eval(TREES[name].body[-1].value))  # type: ignore[attr-defined]
    assert exported <= taken, f"{name} exports what nobody takes: {', '.join(sorted(exported - taken))}"


def test_a_module_imports_only_the_third_party_packages_that_are_its_own() -> None:
    faults = []
    for name in MODULES:
        for imported, line in imports(name):
            package = imported.split(".")[0]
            owners = OUTSIDE.get(package, "").split()
            inside = package == "charrnn" or package in sys.stdlib_module_names - {"compression"}
            if not inside and not {name, home(name)} & set(owners):
                faults.append(f"{name}:{line} imports {package}, which belongs to {owners}")
    assert not faults, "\n".join(faults)


def test_display_takes_results_and_no_functions_that_compute_them() -> None:
    for name in (name for name in MODULES if home(name) == "display"):
        for node in ast.walk(TREES[name]):
            if isinstance(node, ast.ImportFrom) and node.module in ("charrnn.evaluation", "charrnn.inspection"):
                functions = [alias.name for alias in node.names if not alias.name[0].isupper()]
                assert not functions, f"{name}:{node.lineno} imports {', '.join(functions)}"


def test_no_import_goes_round_in_a_circle() -> None:
    inner = {name: {module for module in own_imports(name) if module not in PACKAGES} for name in MODULES}
    TopologicalSorter(inner).prepare()  # raises CycleError, which names the circle


def test_nothing_imports_the_command_line_but_the_main_module() -> None:
    outside = [name for name in SOURCES if home(name) != "cli" and any(home(m) == "cli" for m in own_imports(name))]
    assert outside == ["__main__"]


def test_a_module_says_what_it_is_for_and_stays_short() -> None:
    assert [name for name in SOURCES if not ast.get_docstring(TREES[name])] == []
    lengths = {name: len(source.splitlines()) for name, source in SOURCES.items()}
    long = [
        f"{name} has {length} lines: it does more than one thing"
        for name, length in lengths.items()
        if length > LONGEST
    ]
    assert not long, "\n".join(long)


def test_everything_public_has_a_docstring() -> None:
    things = [(name, *thing) for name in SOURCES for thing in public_things(name)]
    assert [f"{name}: {thing}" for name, thing, node in things if not ast.get_docstring(node)] == []


def test_nothing_is_ever_unpickled_or_evaluated() -> None:
    for name in SOURCES:
        assert not {package for package, _ in imports(name)} & {"pickle", "marshal", "shelve", "dill", "joblib"}
        calls = (node for node in ast.walk(TREES[name]) if isinstance(node, ast.Call))
        names = {node.func.id: node.lineno for node in calls if isinstance(node.func, ast.Name)}
        assert not names.keys() & {"eval", "exec", "compile", "__import__"}, name


def test_tests_lie_in_the_folders_of_what_they_test() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= PACKAGES | {"project"}


@pytest.mark.parametrize("name", charrnn.__all__)
def test_a_public_name_imports_and_is_documented(name: str) -> None:
    value = getattr(charrnn, name)
    assert name in dir(charrnn)
    if name == "__version__":
        return
    assert value.__doc__, name
    assert value is getattr(importlib.import_module(value.__module__), name)
    pages = [ROOT / "README.md", ROOT / "docs" / "library.md"]
    assert any(f"`{name}" in page.read_text() for page in pages if page.exists()), f"no page explains {name}"


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Netwrok"):
        charrnn.Netwrok  # noqa: B018


def test_the_picture_and_the_figures_of_the_house_are_those_of_the_code() -> None:
    done = subprocess.run([sys.executable, "docs/house.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, "make pictures draws it again"
    figures = re.findall(r"\d+", done.stdout)  # files, packages, floors, imports, of which up, circles
    assert f"| today (rooms are packages) | {' | '.join(figures)} |" in (ROOT / "docs" / "architecture.md").read_text()
