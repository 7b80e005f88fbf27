"""A run directory: the files of one run under their fixed names, and the lock that keeps a second trainer out.

It knows names, order and atomicity, but not what the files hold: checkpoints, configs and records are the caller's.
"""

import re
from pathlib import Path
from time import time
from typing import Any

from charrnn.errors import RunExistsError
from charrnn.storage.events import EVENTS_NAME, record_event, run_events, sample_event
from charrnn.storage.files import LOCK, Lock, append, put, sweep, sync
from charrnn.storage.log import append_record, cut_log, read_log
from charrnn.version import __version__

SAMPLE_NAME = re.compile(r"\d{8,}")  # the step after which a sample was written


class RunDirectory:
    """The directory of one run.

    Attributes, all paths: `path`; `best`, the checkpoint with the lowest validation loss; `last`, the complete state
    after the latest save; `previous`, the save before it; `rollback`, the state to return to after a divergence;
    `config`, the resolved config; `log`, one JSON record per line; `samples`, a folder; `report`, the HTML page;
    `events`, the log and the samples for TensorBoard.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.best = self.path / "best.npz"
        self.last = self.path / "last.npz"
        self.previous = self.path / "previous.npz"
        self.rollback = self.path / "rollback.npz"
        self.config = self.path / "config.yaml"
        self.log = self.path / "log.jsonl"
        self.samples = self.path / "samples"
        self.report = self.path / "report.html"
        self.events = self.path / "tensorboard" / EVENTS_NAME
        self._writes_events = False
        self._lock: Lock | None = None

    @property
    def has_model(self) -> bool:
        """Whether the directory holds a checkpoint to sample from."""
        return any(path.exists() for path in (self.best, self.last, self.previous))

    @property
    def resumable(self) -> bool:
        """Whether the directory holds a complete state to resume from."""
        return any(path.exists() for path in (self.last, self.previous))

    # -- claiming it --------------------------------------------------------------------------------------------------

    def check_free(self, resume: bool = False, force: bool = False) -> None:
        """Refuse a directory that holds another run, unless it is to be resumed or replaced.

        Raises:
            RunExistsError: the directory holds a run, or is a file.
            RunInUseError: the directory holds a run and another trainer is working in it.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunExistsError(f"{self.path}: this is a file; choose another --out")
        self._check_empty(resume, force)

    def _check_empty(self, resume: bool, force: bool) -> None:
        files = (self.last, self.previous, self.best, self.log, self.config)
        if resume or force or not any(path.exists() for path in files):
            return
        if self._lock is None and (self.path / LOCK).exists():
            Lock(self.path).close()  # raises RunInUseError, which says more than that a run exists
        raise RunExistsError(
            f"{self.path}: holds a run already; continue it with --resume, replace it with --force, or choose another "
            f"--out"
        )

    def claim(self, resume: bool = False, force: bool = False) -> None:
        """Create and lock the directory and remove what an interrupted save left; release() gives it back.

        Arguments as for check_free(), whose check is repeated here: another trainer may have come and gone since.

        Raises:
            RunExistsError: the directory holds a run.
            RunInUseError: another trainer is working in the directory.
            OSError: the directory cannot be created or locked.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.path)
        try:
            self._check_empty(resume, force)
            sweep(self.path)
            sweep(self.samples)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Release the lock, if this object holds it."""
        if self._lock:
            self._lock.close()
            self._lock = None

    # -- writing ------------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove the files of an earlier run, and nothing else."""
        samples = [path for path in self.samples.glob("*.txt") if SAMPLE_NAME.fullmatch(path.stem)]
        for path in (self.last, self.previous, self.best, self.rollback, self.log, self.report, self.events, *samples):
            path.unlink(missing_ok=True)

    def write_config(self, text: str) -> None:
        """Write the resolved config, given as YAML."""
        head = f"# Complete and resolved, written by charrnn {__version__}; `charrnn train` reads it.\n"
        put(self.config, (head + text).encode())

    def write_sample(self, step: int, data: bytes) -> None:
        """Write the sample drawn after `step` steps."""
        self.samples.mkdir(exist_ok=True)
        put(self.samples / f"{step:08d}.txt", data)
        if self._writes_events:
            append(self.events, sample_event(time(), step, data.decode("utf-8", "replace")))

    def append_record(self, record: dict[str, Any]) -> None:
        """Append one record to the log."""
        append_record(self.log, record)
        if self._writes_events:
            append(self.events, record_event(time(), record))

    def begin_events(self) -> None:
        """Write the log and the samples so far for TensorBoard, and from here on also those that follow."""
        self.events.parent.mkdir(exist_ok=True)
        put(self.events, self.past_events())
        self._writes_events = True

    def past_events(self) -> bytes:
        """The log and the samples so far as a file of TensorBoard's."""
        end = self.log.stat().st_mtime if self.log.exists() else time()
        return b"".join(run_events(read_log(self.log), self._read_samples(), end))

    def _read_samples(self) -> dict[int, str]:
        """Step -> the text that was drawn after it."""
        paths = [path for path in sorted(self.samples.glob("*.txt")) if SAMPLE_NAME.fullmatch(path.stem)]
        return {int(path.stem): path.read_bytes().decode("utf-8", "replace") for path in paths}

    def sync_log(self) -> None:
        """Flush the log to disk."""
        sync(self.log)

    def cut_log(self, count: int, step: int) -> float:
        """Cut the log back to the `count` records that a checkpoint after `step` steps relies on.

        Returns:
            The seconds of training that the last of them gives.

        Raises:
            CheckpointError: the log does not hold these records.
        """
        return cut_log(self.log, count, step, self.last.name)
