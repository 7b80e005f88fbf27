"""Files: written whole or not at all, verified when read."""

from charrnn.storage import cache, checkpoint, spool
from charrnn.storage.files import write_atomic
from charrnn.storage.log import clipped_share, column, read_log
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.spool import Spool, chunks

__all__ = [
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
