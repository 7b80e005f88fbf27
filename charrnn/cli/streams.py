"""Standard streams of the command line, and the files that it writes."""

import codecs
import contextlib
import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from charrnn.errors import visible
from charrnn.terminal import to_nowhere


class TextOut:
    """Sampled text on stdout. One text is streamed; several are printed at the end, separated by an empty line.

    Bytes of a byte model are written as they are, characters as UTF-8. A terminal gets no control characters.

    Arguments:
        tokens: "char" or "byte", as in the model's vocabulary.
        num: how many texts there are.
        prime: what each text begins with. It is printed with the first character, so that nothing is printed if the
            model cannot read it.
    """

    def __init__(self, tokens: str, num: int, prime: str | bytes) -> None:
        self.encoding = "latin-1" if tokens == "byte" else "utf-8"
        self.prime = prime.decode("latin-1") if isinstance(prime, bytes) else prime
        self.texts: list[list[str]] = [[] for _ in range(num)]
        self.is_terminal = sys.stdout.isatty()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a character may take several writes of bytes

    def write(self, stream: int, character: str) -> None:
        """Add one character to one of the texts."""
        text = self.texts[stream]
        piece = character if text else self.prime + character
        text.append(piece)
        if len(self.texts) == 1:
            self.print(piece)

    def close(self) -> None:
        """Print the texts if there are several. In a terminal, end the last line."""
        if len(self.texts) > 1:
            self.print("\n\n".join("".join(text) for text in self.texts) + "\n")
        elif self.is_terminal:
            self.print("\n")

    def print(self, text: str) -> None:
        """Print a piece of text now."""
        data = text.encode(self.encoding)
        if self.is_terminal:
            data = visible(self.decoder.decode(data)).encode(sys.stdout.encoding or "utf-8", "replace")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class LinesOut:
    """Lines on stdout, in UTF-8, as they are; a terminal gets no control characters but tabs."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()

    def write(self, lines: Iterable[str]) -> None:
        """Print lines now. None of them holds a line end that is not meant."""
        text = "".join(f"{line}\n" for line in lines)
        data = text.encode("utf-8", "surrogatepass")
        if self.is_terminal:
            data = visible(text).encode(sys.stdout.encoding or "utf-8", "replace")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def check_new(name: str | None) -> None:
    """Refuse, before any work is done, to overwrite a file or to write into a folder that does not allow it.

    Raises:
        click.UsageError: the name is empty, it is taken, or its folder does not exist.
        PermissionError: the folder cannot be written.
    """
    if name is None:
        return
    if not name:
        raise click.UsageError("the name of the file to write is empty")
    if os.path.isdir(name):
        raise click.UsageError(f"{name!r} is a directory; name a file in it")
    if os.path.lexists(name):
        raise click.UsageError(f"{name!r} exists already; name another file, or remove it")
    folder = Path(name).parent
    if not folder.is_dir():
        raise click.UsageError(f"{name!r}: there is no folder {folder}")
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Refuse, before any work is done, a folder that cannot be written. Raises PermissionError."""
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def write_new(name: str, parts: Iterable[str | bytes]) -> None:
    """Write a file, whole or not at all."""
    from charrnn.storage import write_atomic

    encoded = (part.encode() if isinstance(part, str) else part for part in parts)
    write_atomic(Path(name), lambda file: file.writelines(encoded))


def open_streams() -> None:
    """Open the null device for standard streams that are closed, so that no file opened later gets their descriptors.

    sys.stdin stays None, so that a command that reads it can refuse.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                while (lowest_free := os.open(os.devnull, os.O_RDWR)) < descriptor:
                    pass
                if lowest_free > descriptor:  # the descriptor itself was open
                    os.close(lowest_free)
            if name != "stdin":
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115


def close_stdout() -> int:
    """Redirect stdout to the null device after its reader has ended, so that Python can flush it at exit; return 0."""
    to_nowhere(1)
    return 0
