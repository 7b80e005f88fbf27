"""Reads the directory of a run, so that two runs can be compared bit for bit."""

import json
from pathlib import Path
from typing import Any

# Names of the files of a run.
BEST = "best.npz"
LAST = "last.npz"
PREVIOUS = "previous.npz"
ROLLBACK = "rollback.npz"
LOG = "log.jsonl"
CONFIG = "config.yaml"
SAMPLES = "samples"
REPORT = "report.html"

# Fields of the log that differ between equal runs.
TIMES = {"seconds", "chars_per_second"}

# The directory of most test runs.
RUN = Path("run")


def records(folder: Path = RUN) -> list[dict[str, Any]]:
    """The records of a log without their time fields."""
    return records_of((folder / LOG).read_bytes())


def records_of(data: bytes) -> list[dict[str, Any]]:
    """The same from the bytes of a log; NaN and Infinity are refused, for they are no JSON."""

    def strict(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    lines = data.decode().splitlines()
    return [
        {name: value for name, value in json.loads(line, parse_constant=strict).items() if name not in TIMES}
        for line in lines
    ]


def snapshot(folder: Path = RUN) -> dict[str, bytes]:
    """The bytes of every file in a folder, by relative name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(folder: Path = RUN) -> dict[str, Any]:
    """Every file of a run that must be equal bit for bit, and its log without the times.

    previous.npz is left out: it depends on when the run was saved, which signals and the clock influence.
    """
    return timeless(snapshot(folder))


def timeless(files: dict[str, bytes]) -> dict[str, Any]:
    """The same from the bytes of the files."""
    return without(files, PREVIOUS) | {LOG: records_of(files.get(LOG, b""))}


def without(entries: dict[str, Any], *names: str) -> dict[str, Any]:
    """The entries of a dict except those named."""
    return {name: value for name, value in entries.items() if name not in names}
