"""Standard streams: one line on stderr, and streams that nobody reads any more."""

import os
import sys

from charrnn.errors import visible


def to_nowhere(descriptor: int) -> None:
    """Let what is written to a descriptor go nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    if nowhere != descriptor:
        os.close(nowhere)


def tell(line: str) -> None:
    """One line on stderr, whatever its encoding; flushed. Training goes on where nobody reads it any more."""
    encoding = sys.stderr.encoding or "utf-8"
    try:
        sys.stderr.write(visible(line, keep="").encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    except OSError:
        hush()


def hush() -> None:
    """Let stderr lead nowhere: a terminal that was closed, or a pipe whose reader has gone."""
    to_nowhere(2)
