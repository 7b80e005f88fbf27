"""What a run left in its directory, for comparison to the last bit."""

import json
from pathlib import Path
from typing import Any

BEST, LAST, PREVIOUS, ROLLBACK = "best.npz", "last.npz", "previous.npz", "rollback.npz"  # names of a run's files
LOG, CONFIG, SAMPLES, REPORT = "log.jsonl", "config.yaml", "samples", "report.html"
TIMES = {"seconds", "chars_per_second"}
RUN = Path("run")


def records(folder: Path = RUN) -> list[dict[str, Any]]:
    """The log, but for its two time fields."""
    return records_of((folder / LOG).read_bytes())


def records_of(data: bytes) -> list[dict[str, Any]]:

    def strict(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    lines = data.decode().splitlines()
    return [
        {name: value for name, value in json.loads(line, parse_constant=strict).items() if name not in TIMES}
        for line in lines
    ]


def snapshot(folder: Path = RUN) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(folder: Path = RUN) -> dict[str, Any]:
    """Every file of a run, and its log without the times: what must be equal to the last bit.

    But for previous.npz: it depends on when the run was saved, which signals and the clock may call for.
    """
    return timeless(snapshot(folder))


def timeless(files: dict[str, bytes]) -> dict[str, Any]:
    return without(files, PREVIOUS) | {LOG: records_of(files.get(LOG, b""))}


def without(part: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in names}
