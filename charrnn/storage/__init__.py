"""Files: checkpoints, run directories, logs, the cache, and arrays larger than memory.

What must not be lost is written whole or not at all; what is read is verified. Nothing here knows a model or a text.
"""

from charrnn.storage import cache, checkpoint, spool
from charrnn.storage.files import Lock, write_atomic
from charrnn.storage.log import clipped_share, column, read_log
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.spool import Spool, chunks

__all__ = [
    "Lock",
    "RunDirectory",
    "Spool",
    "cache",
    "checkpoint",
    "chunks",
    "clipped_share",
    "column",
    "read_log",
    "spool",
    "write_atomic",
]
