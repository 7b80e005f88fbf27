"""Building: a tree of nodes, with the overrides of the command line, to a Config, or to all that is wrong with it."""

import difflib
from collections.abc import Sequence
from dataclasses import MISSING, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from charrnn.config.keys import (
    Config,
    all_keys,
    table,
)
from charrnn.config.rules import check_combinations
from charrnn.config.values import NULL, _Mismatch, convert, named, outside, shortened
from charrnn.config.yaml_tree import Faults, Node, node_of, parse_yaml
from charrnn.errors import ConfigError, visible


@cache
def homes() -> dict[str, str]:
    """The name of every key with its full path."""
    return {path.rpartition(".")[2]: path for path in reversed(list(all_keys()))}


def suggestion(name: str, section: Any, prefix: str) -> str:
    """The nearest valid key, in this section or elsewhere, as the end of a message."""
    names = [entry.name for entry, _ in table(section)]
    elsewhere = homes()
    if name in elsewhere:
        return f"; did you mean {elsewhere[name]}?"
    near = difflib.get_close_matches(name, names, 1, 0.6)
    if near:
        return f"; did you mean {near[0]}?"
    near = difflib.get_close_matches(name, elsewhere, 1, 0.75)
    if near:
        return f"; did you mean {elsewhere[near[0]]}?"
    return f"; {prefix.rstrip('.') or 'a config'} has {', '.join(names)}"


def build(section: Any, node: Node, prefix: str, faults: Faults) -> Any:
    """A section from its node, with every fault noted; where a key is faulty its default stands in."""
    keys = list(table(section))
    if isinstance(node.value, str) and node.plain and node.value in NULL:
        node = Node({}, node.where)
    if isinstance(node.value, str) and prefix.count(".") == 2:  # `schedule: cosine` is short for its first key
        first = keys[0][0].name
        node = Node({first: node}, node.where, keys={first: node.where})
    if not isinstance(node.value, dict):
        faults.add(node.where, f"{prefix.rstrip('.') or 'a config'} must be a mapping of keys to values")
        return None
    for name in [name for name in node.value if name not in {entry.name for entry, _ in keys}]:
        faults.add(node.keys[name], f"{prefix}{name}: unknown key{suggestion(name, section, prefix)}")
    values: dict[str, Any] = {}
    for entry, kind in keys:
        path = prefix + entry.name
        child = node.value.get(entry.name)
        if is_dataclass(kind):
            made = build(kind, child or Node({}, node.where), path + ".", faults)
            values[entry.name] = made
        elif child is None:
            if entry.default is MISSING:
                faults.add(
                    node.where,
                    f"{path} is missing: it names {entry.metadata['help'][0].lower()}"
                    f"{entry.metadata['help'][1:].split(':')[0]}",
                )
                values[entry.name] = ""
        else:
            try:
                value = convert(child, kind)
            except _Mismatch:
                shown = shortened(child.value) if isinstance(child.value, str) else "a collection"
                near = (
                    difflib.get_close_matches(str(child.value), get_args(kind), 1)
                    if get_origin(kind) is Literal
                    else []
                )
                hint = f"; did you mean {near[0]}?" if near else ""
                faults.add(child.where, f"{path}: expected {named(kind)}, got {shown}{hint}")
                faults.keys.add(path)
                if entry.default is MISSING:
                    values[entry.name] = ""
                continue
            wrong = outside(value, dict(entry.metadata))
            if wrong:
                faults.keys.add(path)
                faults.add(child.where, f"{path}: {child.value if isinstance(child.value, str) else value} {wrong}")
                continue
            values[entry.name] = value
    return section(**values)


def resolve(root: Node | None, faults: Faults) -> Config:
    """A tree of nodes to a Config. Raises ConfigError with all faults, those already noted included."""
    config: Any = build(Config, root, "", faults) if root else None
    sections = config and (config.data, config.model, config.train)
    if root and sections and all(sections) and config.model.init and config.train.schedule:
        check_combinations(config, root, faults)
    faults.raise_if_any()
    made: Config = config
    return made


def override(root: Node, assignment: str, faults: Faults) -> None:
    """Put KEY=VALUE (a dotted key, a YAML value) into the tree, over what the file says."""
    path, equals, text = assignment.partition("=")
    source = f"--set {path}"
    if not equals or not path.strip():
        faults.add("--set", f"{assignment!r} is not of the form KEY=VALUE, for instance train.learning_rate=1e-3")
        return
    standard_input = text.strip() == "-"  # without quotes, YAML reads it as a list of nothing
    value = Node("-", source) if standard_input else parse_yaml(text, source, faults)
    if value is None:
        return
    value.where = source
    node = root
    *sections, last = path.strip().split(".")
    for name in sections:
        child = node.value.get(name) if isinstance(node.value, dict) else None
        if child is None or not isinstance(child.value, dict):
            short = child is not None and isinstance(child.value, str) and bool(child.value)
            first = {"schedule": "kind", "init": "scheme"}.get(name)
            kept = {first: child} if short and first else {}
            child = Node(kept, source, keys=dict.fromkeys(kept, source))
        node.value[name] = child
        node.keys.setdefault(name, source)
        node = child
    node.value[last] = value
    node.keys[last] = source


def load_config(path: str | Path, overrides: Sequence[str] = (), **values: str | int | None) -> Config:
    """Read a config file. `overrides`: KEY=VALUE strings that win over it; `values`: top-level keys that win over
    both, where they are not None. `out` is filled in from the file's name.

    Raises ConfigError with one line for every fault: file:line:column, what is wrong, and the nearest valid key.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{path}: {error.strerror}; a config is a YAML file, such as one in configs/"
        raise ConfigError(visible(message, keep="")) from None
    except UnicodeDecodeError as error:
        message = f"{path}: byte offset {error.start}: a config is UTF-8 text, and this is not"
        raise ConfigError(visible(message, keep="")) from None
    faults = Faults()
    root = parse_yaml(text, str(path), faults)
    if root is not None and not isinstance(root.value, dict) and not (root.plain and root.value in NULL):
        faults.add(root.where, "a config is a mapping of keys to values, beginning with `data:`")
        root = None
    if root is not None:
        if not isinstance(root.value, dict):
            root = Node({}, f"{path}:1:1")
        for assignment in overrides:
            override(root, assignment, faults)
        for name, value in values.items():
            if value is not None:
                root.value[name], root.keys[name] = node_of(value, f"--{name}"), f"--{name}"
    config = resolve(root, faults)
    return config if config.out else replace(config, out=str(Path("runs") / path.stem))


def config_from_dict(values: dict[str, Any], source: str = "config") -> Config:
    """A Config from plain data, with all the checks of a file; `source` names it in messages."""
    return resolve(node_of(values, source), Faults())
