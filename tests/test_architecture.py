"""The picture of the house, as data: which rooms there are, and who may import whom. Code and picture cannot part."""

import ast
import importlib
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import charrnn
from tests.support.processes import ROOT

ROOMS = {  # room: its modules
    "ground": "errors params ops products optim files machine spool workers svg",
    "settings": "yamltree config",
    "text": "text",
    "store": "checkpoint",
    "contract": "model",
    "counting": "ngram novelty",
    "cells": "cells",
    "layers": "layers",
    "heads": "heads",
    "network": "decoder network",
    "use": "evaluate sample analysis mixture",
    "learn": "corpus parallel train estimate bench advice diagnosis fitting",
    "judge": "baselines dynamic assess compare neurons flow",
    "door": "show report console cli",
}
MAY_IMPORT = {  # room: the rooms it knows, beside itself
    "ground": "",
    "settings": "ground",
    "text": "ground",
    "store": "ground",
    "contract": "ground text",
    "counting": "ground text",
    "cells": "ground",
    "layers": "ground cells",
    "heads": "ground",
    "network": "ground settings text store counting cells layers heads",
    "use": "ground text contract",
    "learn": "ground settings text store contract counting cells layers heads network use",
    "judge": "ground settings text contract counting network use learn",
    "door": "ground settings text store contract counting cells layers heads network use learn judge",
}
ALONE = {  # modules that know less than their room may
    "errors": "",
    "yamltree": "errors",
    "config": "errors yamltree",
    "params": "",
    "ops": "params",
    "optim": "params",
    "files": "errors",
    "machine": "",
    "corpus": "config errors params spool text",
    "spool": "params",
    "workers": "errors machine",
    "advice": "diagnosis train",
    "diagnosis": "config",
    "mixture": "params",
    "show": "errors",
    "svg": "errors",
}
OUTSIDE = {  # third-party package: the modules that may import it; no other package is imported anywhere
    "numpy": "params ops products optim machine text checkpoint cells layers decoder heads network evaluate sample "
    "parallel train bench spool ngram novelty analysis mixture baselines dynamic assess compare neurons flow report",
    "yaml": "yamltree config",
    "threadpoolctl": "machine parallel",
    "click": "cli",
    "rich": "console",
    "backports": "text",
    "compression": "text",  # of the standard library from Python 3.14 on
}
LONGEST = 680  # lines of a module
LARGEST = 8600  # lines of the package

PACKAGE = Path(charrnn.__file__).parent
SOURCES = {path.stem: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
MODULES = [name for name in SOURCES if not name.startswith("__")]
ROOM_OF = {module: room for room, modules in ROOMS.items() for module in modules.split()}


def imports(name: str) -> Iterator[tuple[str, int]]:
    """Every import of a module, wherever it stands, as a dotted name with its line."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}.py:{node.lineno}: imports are written out in full here"
            assert node.module
            modules = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "charrnn" else []
            yield from ((module, node.lineno) for module in modules or [node.module])


def siblings(name: str) -> dict[str, int]:
    """The modules of the package that a module imports, with the line."""
    found = {}
    for imported, line in imports(name):
        package, _, module = imported.partition(".")
        if package == "charrnn" and module.split(".")[0] in MODULES:
            found[module.split(".")[0]] = line
    return found


def public_things(name: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """The public functions and classes of a module, and the public methods of the latter."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in TREES[name].body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else []:
                if isinstance(inner, kinds) and not inner.name.startswith("_") and not is_second_half(inner):
                    yield f"{node.name}.{inner.name}", inner


def is_second_half(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a method is the setter of a property or one of several signatures: the other half is documented."""
    return any(ast.unparse(mark).endswith(("overload", ".setter")) for mark in node.decorator_list)


def test_every_module_has_a_room_and_every_room_its_modules() -> None:
    assert sorted(ROOM_OF) == MODULES
    assert ROOMS.keys() == MAY_IMPORT.keys()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_its_room_may(name: str) -> None:
    room = ROOM_OF[name]
    rooms = {room, *MAY_IMPORT[room].split()}
    allowed = set(ALONE[name].split()) if name in ALONE else {m for m, home in ROOM_OF.items() if home in rooms}
    for module, line in siblings(name).items():
        assert module in allowed, f"{name}.py:{line} imports {module}; {name} may import {', '.join(sorted(allowed))}"


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_the_packages_that_are_its_own(name: str) -> None:
    for imported, line in imports(name):
        package = imported.split(".")[0]
        if package != "charrnn" and package not in sys.stdlib_module_names - {"compression"}:
            owners = OUTSIDE.get(package, "").split()
            assert name in owners, f"{name}.py:{line} imports {package}, which belongs to {owners or 'nobody'}"


def test_no_import_goes_round_in_a_circle() -> None:
    TopologicalSorter({name: siblings(name) for name in MODULES}).prepare()  # raises CycleError, which names the circle


def test_nothing_imports_the_command_line_but_the_main_module() -> None:
    assert [name for name in SOURCES if "cli" in siblings(name)] == ["__main__"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_says_what_it_is_for_and_stays_short(name: str) -> None:
    assert ast.get_docstring(TREES[name]), f"{name}.py has no docstring"
    length = len(SOURCES[name].splitlines())
    assert length <= LONGEST, f"{name}.py has {length} lines: it does more than one thing"


def test_the_whole_package_stays_small() -> None:
    assert sum(len(source.splitlines()) for source in SOURCES.values()) < LARGEST


@pytest.mark.parametrize("name", SOURCES)
def test_everything_public_has_a_docstring(name: str) -> None:
    bare = [thing for thing, node in public_things(name) if not ast.get_docstring(node)]
    assert not bare, f"{name}.py: no docstring in {', '.join(bare)}"


def test_nothing_is_ever_unpickled_or_evaluated() -> None:
    for name in SOURCES:
        assert not {package for package, _ in imports(name)} & {"pickle", "marshal", "shelve", "dill", "joblib"}
        calls = (node for node in ast.walk(TREES[name]) if isinstance(node, ast.Call))
        names = {node.func.id: node.lineno for node in calls if isinstance(node.func, ast.Name)}
        assert not names.keys() & {"eval", "exec", "compile", "__import__"}, f"{name}.py"


@pytest.mark.parametrize("name", charrnn.__all__)
def test_a_public_name_imports_and_is_documented_in_the_readme(name: str) -> None:
    value = getattr(charrnn, name)
    assert name in dir(charrnn)
    if name == "__version__":
        return
    assert value.__doc__, name
    assert value is getattr(importlib.import_module(value.__module__), name)
    assert f"`{name}" in (ROOT / "README.md").read_text(), f"the README does not explain {name}"


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Netwrok"):
        charrnn.Netwrok  # noqa: B018
