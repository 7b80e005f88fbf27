"""Write the tables of docs/configuration.md and docs/commands.md from the code; `make docs` runs this.

    python docs/generate.py            write them
    python docs/generate.py --check    exit 1 and name the pages that are out of date

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. Everything else on the pages is written by hand.
"""

import re
import subprocess
import sys
from dataclasses import fields
from math import isinf
from pathlib import Path

import click

import charrnn.cli.main  # noqa: F401 - registers the commands
from charrnn.cli.group import cli
from charrnn.config.keys import leaves
from charrnn.training.defaults import RECIPES, Recipe

DOCS = Path(__file__).parent
PAGES = ("configuration.md", "commands.md")


def printed(*words: str) -> str:
    """What a command prints."""
    done = subprocess.run([sys.executable, "-m", "charrnn", *words], capture_output=True, text=True, check=True)
    return done.stdout


def escaped(text: str) -> str:
    """Text for a cell of a table, in which `|` separates cells."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def reference() -> list[tuple[str, str, str, str]]:
    """Every key of a config: its dotted name, default, type and meaning, from the lines of `charrnn config`."""
    keys: list[tuple[str, str, str, str]] = []
    sections: list[str] = []
    comments: list[str] = []
    for line in printed("config").splitlines()[3:]:
        text, indent = line.strip(), (len(line) - len(line.lstrip())) // 2
        if text.startswith("# "):
            comments.append(text[2:])
        elif text:
            name, _, default = text.partition(": ")
            dotted = ".".join([*sections[:indent], name.removesuffix(":")])
            if default:
                meaning = leaves()[dotted].field.metadata["help"]
                keys.append((dotted, default, " ".join(comments).removeprefix(meaning).strip(), meaning))
            else:
                sections[indent:] = [name.removesuffix(":")]
            comments = []
    return keys


def key_table(section: str) -> list[str]:
    """The table of the keys of a section; `run` holds those outside any."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for name, default, kind, meaning in reference():
        if (name.split(".")[0] if "." in name else "run") == section:
            shown = "required" if name == "data.path" else f"`{default}`"
            rows.append(f"| `{name}` | {shown} | {escaped(meaning)} *{escaped(kind)}* |")
    return rows


def recipe_table() -> list[str]:
    """The table of what is chosen for texts up to each length."""
    keys = [field.name for field in fields(Recipe) if field.name != "longest"]
    rows = [f"| training text | {' | '.join(f'`{key}`' for key in keys)} |", "|---" * (len(keys) + 1) + "|"]
    for recipe in RECIPES:
        length = "longer" if isinf(recipe.longest) else f"up to {recipe.longest:,} characters"
        rows.append(f"| {length} | {' | '.join(f'{getattr(recipe, key):g}' for key in keys)} |")
    return rows


def option_table(name: str) -> list[str]:
    """The table of the options of a command."""
    rows = ["| option | meaning |", "|---|---|"]
    for option in cli.commands[name].params:
        if isinstance(option, click.Option):
            flag = option.is_flag or option.count
            choices = "\\|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
            value = "" if flag else f" {option.metavar or choices or kind_of(option)}"
            default = f" Default: {option.default}." if option.show_default else ""
            rows.append(f"| `{option.opts[0]}{value}` | {escaped(option.help or '')}{default} |")
    return rows


def kind_of(option: click.Option) -> str:
    """The kind of value that an option without a metavar takes."""
    if isinstance(option.type, click.types.IntParamType):
        return "N"
    return "F" if isinstance(option.type, click.types.FloatParamType) else "VALUE"


def table(name: str) -> list[str]:
    """The lines of a table by the name in its markers."""
    kind, _, rest = name.partition(" ")
    if kind == "recipes":
        return recipe_table()
    return key_table(rest) if kind == "keys" else option_table(rest)


def generated(text: str) -> str:
    """A page with all of its tables made anew."""

    def replace(match: re.Match[str]) -> str:
        return "\n\n".join([match[1], "\n".join(table(match[2])), match[3]])

    return re.sub(r"(<!-- begin (.+?) -->).*?(<!-- end \2 -->)", replace, text, flags=re.DOTALL)


def main() -> None:
    """Write the pages, or check them."""
    stale = []
    for page in PAGES:
        path = DOCS / page
        text = path.read_text()
        if (new := generated(text)) != text:
            stale.append(page)
            if "--check" not in sys.argv:
                path.write_text(new)
    if stale and "--check" in sys.argv:
        sys.exit(f"out of date: {', '.join(stale)}; run make docs")


if __name__ == "__main__":
    main()
