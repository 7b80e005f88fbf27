"""Standard streams of the command line, and the files that it writes."""

import codecs
import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from charrnn.errors import visible
from charrnn.terminal import to_nowhere


class TextOut:
    """Sampled text on stdout: one text is streamed; several are printed whole, in order, with an empty line between.

    Arguments:
        tokens: of the model. Bytes are written as they are, characters as UTF-8.
        num: texts.
        start: the prime, printed with the first character, so that a prime that cannot be read prints nothing.

    A terminal gets no control characters.
    """

    def __init__(self, tokens: str, num: int, start: str) -> None:
        self.encoding = "latin-1" if tokens == "byte" else "utf-8"
        self.terminal, self.start = sys.stdout.isatty(), start
        self.parts: list[list[str]] = [[] for _ in range(num)]
        self.shown = codecs.getincrementaldecoder("utf-8")("replace")  # bytes of one character come one by one

    def write(self, stream: int, character: str) -> None:
        """Take one character of one text."""
        part = self.parts[stream]
        text = character if part else self.start + character
        part.append(text)
        if len(self.parts) == 1:
            self._out(text)

    def close(self) -> None:
        """Print what was collected; a terminal gets a last newline."""
        if len(self.parts) > 1:
            self._out("\n\n".join("".join(part) for part in self.parts) + "\n")
        elif self.terminal:
            self._out("\n")

    def _out(self, text: str) -> None:
        data = text.encode(self.encoding)
        if self.terminal:
            data = visible(self.shown.decode(data)).encode(sys.stdout.encoding or "utf-8", "replace")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def check_new(name: str | None) -> None:
    """Refuse, before any work is done, to overwrite a file or to write into a folder that does not exist."""
    if name is None:
        return
    if not name or os.path.lexists(name):
        raise click.UsageError(f"{name!r} exists already; name another file, or remove it")
    if not Path(name).parent.is_dir():
        raise click.UsageError(f"{name!r}: there is no folder {Path(name).parent}")


def write_new(name: str, parts: Iterable[str | bytes]) -> None:
    """Write a file, whole or not at all."""
    from charrnn.storage import write_atomic

    encoded = (part.encode() if isinstance(part, str) else part for part in parts)
    write_atomic(Path(name), lambda file: file.writelines(encoded))


def open_streams() -> None:
    """Open the null device for standard streams that are closed, so that no file opened later takes their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                while (taken := os.open(os.devnull, os.O_RDWR)) < number:
                    pass
                if taken > number:
                    os.close(taken)
            if name != "stdin":
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115


def close_stdout() -> int:
    """Silence stdout, whose reader has ended, so that nothing fails at exit either; return the exit code, 0."""
    to_nowhere(1)
    return 0
