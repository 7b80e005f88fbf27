"""A run directory: the names of its files."""

import re
from pathlib import Path

from charrnn.errors import RunExistsError
from charrnn.storage.files import put
from charrnn.version import __version__

BEST, LAST, PREVIOUS = "best.npz", "last.npz", "previous.npz"  # of a run directory


LOG, CONFIG, SAMPLES, ROLLBACK = "log.jsonl", "config.yaml", "samples", "rollback.npz"


REPORT = "report.html"  # a page that `charrnn report` writes; it goes with the run that it shows


def check_free(folder: Path, resume: bool, force: bool) -> None:
    """Raises RunExistsError where a run directory must not be begun in."""
    if folder.exists() and not folder.is_dir():
        raise RunExistsError(f"{folder}: this is a file; choose another --out")
    if not (resume or force) and any((folder / name).exists() for name in (LAST, PREVIOUS, BEST, LOG, CONFIG)):
        raise RunExistsError(
            f"{folder}: holds a run already; continue it with --resume, replace it with --force, or choose another "
            f"--out"
        )


def clear(folder: Path) -> None:
    """Remove the files of an earlier run, and nothing else."""
    samples = [path for path in (folder / SAMPLES).glob("*.txt") if re.fullmatch(r"\d{8,}", path.stem)]
    for path in [*(folder / name for name in (LAST, PREVIOUS, BEST, ROLLBACK, LOG, REPORT)), *samples]:
        path.unlink(missing_ok=True)


def put_config(folder: Path, text: str) -> None:
    """Write a run's config, `text`, as it was resolved."""
    about = f"# Complete and resolved, written by charrnn {__version__}; `charrnn train` reads it.\n"
    put(folder / CONFIG, (about + text).encode())
