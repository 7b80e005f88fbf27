"""Files: checkpoints, run directories, logs, the cache, and arrays larger than memory.

What must not be lost is written whole or not at all; what is read is verified. Nothing here knows a model or a text.
"""

from charrnn.storage import cache, checkpoint, spool
from charrnn.storage.files import LOCK, Lock, append, put, sweep, sync, write_atomic
from charrnn.storage.log import clipped, column, read_log
from charrnn.storage.run_directory import (
    BEST,
    LAST,
    LOG,
    PREVIOUS,
    REPORT,
    ROLLBACK,
    SAMPLES,
    check_free,
    clear,
    put_config,
)
from charrnn.storage.spool import Spool, chunks

__all__ = [
    "BEST",
    "LAST",
    "LOCK",
    "LOG",
    "PREVIOUS",
    "REPORT",
    "ROLLBACK",
    "SAMPLES",
    "Lock",
    "Spool",
    "append",
    "cache",
    "check_free",
    "checkpoint",
    "chunks",
    "clear",
    "clipped",
    "column",
    "put",
    "put_config",
    "read_log",
    "spool",
    "sweep",
    "sync",
    "write_atomic",
]
