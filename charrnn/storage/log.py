"""The log of a run: one JSON object per line, appended as the run goes, read back for pages and comparisons.

Records of training steps hold numbers under the names that docs/guide.md lists; records of a rollback hold its reason.
Readers take nothing for granted: a line that is not a JSON object, or a value that is not a number, is left out.
"""

import json
from math import isfinite
from pathlib import Path
from typing import Any

from charrnn.errors import CheckpointError
from charrnn.storage.files import append


def append_record(path: Path, record: dict[str, Any]) -> None:
    """Append one record as a line; not flushed to disk. Raises OSError."""
    append(path, (json.dumps(record) + "\n").encode())


def cut_log(path: Path, count: int, step: int, checkpoint: str) -> float:
    """Cut a log back to its first `count` records, so that no step appears twice or is missing after a resume.

    Arguments:
        path: the log.
        count: how many records the checkpoint relies on.
        step: the step after which the checkpoint was saved.
        checkpoint: the checkpoint's name, for the message.

    Returns:
        The seconds of training that the last remaining record gives; 0 if none remains.

    Raises:
        CheckpointError: the log does not hold these records, so it was changed by hand.
    """
    lines = path.read_bytes().splitlines(keepends=True)[:count] if path.exists() else []
    seconds = 0.0
    try:
        last = json.loads(lines[-1]) if lines else {"step": 0, "seconds": 0.0}
        complete = len(lines) == count and (not lines or lines[-1].endswith(b"\n"))
        intact = complete and last["step"] <= step
        seconds = float(last["seconds"])
    except (ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        raise CheckpointError(
            f"{path}: does not hold the {count} records that {checkpoint} relies on; it was changed by hand, so "
            f"nothing is resumed: restore it, or start again with --force"
        )
    if path.exists():
        with open(path, "r+b") as file:
            file.truncate(sum(map(len, lines)))
    return seconds


def read_log(path: Path) -> list[dict[str, Any]]:
    """The readable records of a log, in order; none if there is no log."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def column(records: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """(step, value) of every record that holds a finite number under `name`."""
    points = []
    for record in records:
        try:
            point = float(record["step"]), float(record[name])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if all(map(isfinite, point)):
            points.append(point)
    return points


def clipped_share(records: list[dict[str, Any]]) -> float | None:
    """The share of all steps whose gradient was clipped; None if the log does not say."""
    clipped, steps, last = 0.0, 0.0, 0.0
    for step, share in column(records, "clipped"):
        interval = max(step - last, 0.0)
        clipped += share * interval
        steps += interval
        last = step
    return clipped / steps if steps else None
