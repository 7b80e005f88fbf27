"""Help, version, shell completion and `charrnn config`: what needs no run, and starts fast."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import charrnn
from tests.support.processes import ROOT, call, environment, run

COMMANDS = (
    "train",
    "sample",
    "predict",
    "eval",
    "compare",
    "tune",
    "embed",
    "report",
    "export",
    "import",
    "flow",
    "info",
    "bench",
    "config",
)  # as a user needs them
CLI = {"charrnn", "charrnn.cli", "charrnn.errors", "charrnn.terminal", "charrnn.version"}  # all that help may import
CONFIG = CLI | {"charrnn.config", "charrnn.shipped"}  # all that a config, or an error in one, may import


def test_config_prints_the_shipped_reference_which_is_valid() -> None:
    result = run("config")
    assert (result.code, result.err) == (0, "")
    first, _, rest = result.text.partition("\n")
    written, _, shipped = (ROOT / "configs" / "reference.yaml").read_text().partition("\n")
    assert rest == shipped, "`make docs` writes it anew"
    assert written == "# yaml-language-server: $schema=charrnn.schema.json"
    assert first.replace((ROOT / "configs").as_uri() + "/", "") == written
    assert charrnn.load_config(ROOT / "configs" / "reference.yaml").data.path == "shipped:tales.txt"


def test_config_prints_the_shipped_schema_which_is_json() -> None:
    result = run("config", "--schema")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["properties"].keys() == {"task", "data", "model", "train", "seed", "out", "tune"}
    assert result.text == (ROOT / "configs" / "charrnn.schema.json").read_text(), "`make docs` writes it anew"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_begins_with_an_example_to_copy(command: str) -> None:
    words = [command] if command else []
    result = call(*words, "-h")
    assert result == call(*words, "--help")
    assert (result.code, result.err) == (0, "")
    usage, purpose, example, *_ = re.split(r"\n\s*\n", result.text)
    assert usage.startswith(" ".join(["Usage: charrnn", *words]))
    assert purpose.rstrip().endswith(".")
    assert example.split()[:2] == ["charrnn", command or "train"]


def test_charrnn_alone_shows_its_help() -> None:
    result = run()
    assert result.code in (0, 2)  # as older and newer versions of click have it
    assert (result.text + result.err).strip() == run("--help").text.strip()


def test_version_names_what_a_bug_report_needs() -> None:
    result = run("--version")
    assert (result.code, result.err) == (0, "")
    version = re.escape(charrnn.__version__)
    pattern = rf"charrnn {version} \(Python [\d.]+\S*, NumPy \S+, \w+ ?\S*, kernel \S+, \d+ threads?.*\)\n"
    assert re.fullmatch(pattern, result.text)


def test_help_lists_the_commands_in_the_order_in_which_a_user_needs_them() -> None:
    listed = call("-h").text.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed if not line.startswith("   ")] == list(COMMANDS)


def imports_of(typed: str, code: int, folder: Path) -> set[str]:
    """The modules that a command imports; it must end with this exit code."""
    command = [sys.executable, "-X", "importtime", "-m", "charrnn", *typed.split()]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == code
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}


@pytest.mark.parametrize(
    ("typed", "code", "allowed"),
    [
        ("-h", 0, CLI),
        *((f"{command} -h", 0, CLI) for command in COMMANDS),
        ("trian", 2, CLI),
        ("train --fast", 2, CLI),
        ("config", 0, CONFIG),
        ("train faulty.yaml", 2, CONFIG),
        ("train missing.yaml", 2, CONFIG),
        ("bench faulty.yaml", 2, CONFIG),
    ],
)
def test_help_and_config_errors_import_no_package_of_models_and_neither_numpy_nor_rich(
    typed: str, code: int, allowed: set[str], tmp_path: Path
) -> None:
    (tmp_path / "faulty.yaml").write_text("dat: {path: text.txt}\n")
    imported = imports_of(typed, code, tmp_path)
    assert "click" in imported
    assert not {name.partition(".")[0] for name in imported} & {"numpy", "rich", "threadpoolctl"}
    own = {".".join(name.split(".")[:2]) for name in imported if name.startswith("charrnn")}
    assert own <= allowed


def test_commands_are_completed_in_the_shell() -> None:
    result = run(_CHARRNN_COMPLETE="bash_source")
    assert (result.code, result.err) == (0, "")
    assert "_CHARRNN_COMPLETE=bash_complete" in result.text
    assert run(_CHARRNN_COMPLETE="bash_complete", COMP_WORDS="charrnn sam", COMP_CWORD="1").text == "plain,sample\n"
