"""Files: the files that a path names, and their bytes, unpacked, in pieces.

A source is a Path, or STANDARD_INPUT. Bytes are passed on as they are; nothing here decodes or writes.
"""

import bz2
import glob
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from charrnn.errors import TextError
from charrnn.shipped import find_text, text_hint
from charrnn.terminal import tell

PIECE_BYTES = 1 << 20  # bytes read at a time
STANDARD_INPUT: Literal["-"] = "-"  # `-` in a config or on the command line; a file of that name is `./-`

Source = Path | Literal["-"]


class Piece(NamedTuple):
    """Some consecutive bytes of one file. `source` names the file; `ends_file` marks its last piece."""

    source: str
    data: bytes
    ends_file: bool


def find_files(path: str | Sequence[str], key: str = "data.path") -> list[Source]:
    """List the files that a path names.

    Arguments:
        path: a file, a directory (all files below it, sorted by name, without hidden ones), a glob pattern, `-` for
            standard input, or a list of these.
        key: the config key or argument that messages name.

    Raises:
        TextError: a path names no file, or standard input is named twice.
    """
    sources: list[Source] = []
    for name in [path] if isinstance(path, str) else path:
        sources += [STANDARD_INPUT] if name == STANDARD_INPUT else _files_of(name, key)
    check_standard_input(key, sources)
    return sources


def _files_of(name: str, key: str) -> list[Path]:
    try:
        path = Path(find_text(name)).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError) as error:  # the path is too long, or there is no such user
        raise TextError(f"{key}: {name[:80]}: {getattr(error, 'strerror', None) or error}") from None
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
        if not files:
            raise TextError(f"{key}: the directory {name} holds no files")
        return files
    if exists:
        return [path]
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    files = [match for match in matches if match.is_file()]
    if not files:
        raise TextError(
            f"{key}: {name} does not exist (paths are relative to the working directory, {Path.cwd()}){text_hint(name)}"
        )
    return files


def _hidden(path: Path) -> bool:
    return any(name.startswith(".") for name in path.parts)


def check_standard_input(key: str, sources: Iterable[Source]) -> None:
    """Raise TextError if more than one of the sources is standard input, which can be read only once."""
    if sum(source == STANDARD_INPUT for source in sources) > 1:
        raise TextError(f"{key}: - (standard input) is named twice, but can be read only once; name it once")


def names(sources: Sequence[Source]) -> str:
    """The first three sources, for a message."""
    return ", ".join("standard input" if source == STANDARD_INPUT else str(source) for source in sources[:3])


def open_file(path: Path) -> IO[bytes]:
    """Open a file for reading. The endings .gz, .bz2, .xz and .zst are unpacked.

    Raises:
        TextError: the package that reads .zst is not installed.
        OSError: the file cannot be opened.
    """
    openers: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    if path.suffix == ".zst":
        try:
            try:
                from compression import zstd
            except ImportError:
                from backports import zstd
        except ImportError:
            raise TextError(f"{path}: reading .zst needs one more package: pip install backports.zstd") from None
        openers[".zst"] = zstd.open
    opened: IO[bytes] = openers[path.suffix](path) if path.suffix in openers else open(path, "rb")  # noqa: SIM115
    return opened


def standard_input() -> IO[bytes]:
    """Standard input, for reading bytes. A line on stderr asks for text that must be typed in a terminal.

    Raises:
        TextError: standard input is closed, or gives no bytes, as in a notebook.
        OSError: it cannot be read.
    """
    if sys.stdin is None or sys.stdin.closed or not hasattr(sys.stdin, "buffer"):  # a notebook's has no bytes
        raise TextError("standard input is closed or gives no bytes, so - cannot be read; name a file")
    if not sys.stdin.isatty():
        return sys.stdin.buffer
    tell("reading text from the terminal; end it with Ctrl-D on a line of its own")
    return io.BytesIO(sys.stdin.buffer.read())  # reading in pieces would need a second Ctrl-D


def file_pieces(sources: Iterable[Source]) -> Iterator[Piece]:
    """Read files one after another, in pieces of PIECE_BYTES.

    Raises:
        TextError: a file cannot be opened, read or unpacked.
    """
    for source in sources:
        name = names([source])
        try:
            if source == STANDARD_INPUT:
                yield from stream_pieces(name, standard_input())
            else:
                with open_file(source) as file:
                    yield from stream_pieces(name, file)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error) or "cannot be read"
            raise TextError(f"{name}: {reason}") from None


def stream_pieces(name: str, file: IO[bytes]) -> Iterator[Piece]:
    """Read an open binary file to its end in pieces of PIECE_BYTES. An empty file is one empty piece."""
    data = file.read(PIECE_BYTES)
    while following := file.read(PIECE_BYTES):
        yield Piece(name, data, False)
        data = following
    yield Piece(name, data, True)
