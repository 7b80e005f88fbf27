"""The log of a run, read back: records, columns, and the share of steps that were clipped."""

import json
from math import isfinite
from pathlib import Path
from typing import Any


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a log that can be read; those of a rollback have no loss."""
    found = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def column(records: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """(step, value) of the records that hold a number under a name."""
    found = []
    for record in records:
        try:
            point = float(record["step"]), float(record[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if all(map(isfinite, point)):
            found.append(point)
    return found


def clipped(records: list[dict[str, Any]]) -> float | None:
    """The share of all steps that were clipped; None where the log tells none."""
    found, steps, last = 0.0, 0.0, 0.0
    for step, share in column(records, "clipped"):
        length = max(step - last, 0.0)
        found, steps, last = found + share * length, steps + length, step
    return found / steps if steps else None
