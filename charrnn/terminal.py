"""Standard streams: lines on stderr, and streams that were closed at the other end."""

import os
import sys

from charrnn.errors import visible


def to_nowhere(descriptor: int) -> None:
    """Redirect a file descriptor to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    if null != descriptor:
        os.close(null)


def tell(line: str) -> None:
    """Write one line to stderr and flush it. Characters that its encoding lacks are written as escapes.

    If stderr can no longer be written, it is silenced: a training run continues after its terminal was closed.
    """
    encoding = sys.stderr.encoding or "utf-8"
    try:
        sys.stderr.write(visible(line, keep="").encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()
    except OSError:
        hush()


def hush() -> None:
    """Redirect stderr to the null device, after its terminal was closed or the reader of its pipe has ended."""
    to_nowhere(2)
