"""Files: what a path names, and their bytes, unpacked, in pieces."""

import bz2
import glob
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from charrnn.errors import TextError
from charrnn.shipped import find_text, text_hint

PIECE = 1 << 20  # bytes read at a time


def find_files(path: str | Sequence[str], key: str = "data.path") -> list[Path]:
    """The files that a path names: a file, a directory (every file below it, by name), a glob, or a list of these.

    Hidden files are passed over. Raises TextError, naming `key`, where nothing is found.
    """
    found: list[Path] = []
    for name in [path] if isinstance(path, str) else path:
        try:
            here = Path(find_text(name)).expanduser()
            there = here.exists()
        except (OSError, RuntimeError) as error:  # too long for a path, or no such user
            raise TextError(f"{key}: {name[:80]}: {getattr(error, 'strerror', None) or error}") from None
        if here.is_dir():
            files = sorted(p for p in here.rglob("*") if p.is_file() and not _hidden(p.relative_to(here)))
            if not files:
                raise TextError(f"{key}: the directory {name} holds no files")
        elif there:
            files = [here]
        else:
            matches = sorted(glob.glob(str(here), recursive=True))
            files = [Path(match) for match in matches if Path(match).is_file()]
            if not files:
                raise TextError(
                    f"{key}: {name} does not exist (paths are relative to the working directory, {Path.cwd()})"
                    f"{text_hint(name)}"
                )
        found += files
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def open_file(path: Path) -> IO[bytes]:
    """Open for reading, unpacking .gz, .bz2, .xz and (with the extra `zstd`) .zst by their ending."""
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


def file_pieces(paths: Iterable[Path]) -> Iterator[tuple[str, bytes, bool]]:
    """Read files one after another in pieces of PIECE bytes: (name, bytes, whether the file ends here)."""
    for path in paths:
        try:
            with open_file(path) as file:
                yield from stream_pieces(str(path), file)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or str(error) or "cannot be read"
            raise TextError(f"{path}: {reason}") from None


def stream_pieces(name: str, file: IO[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    """Read an open binary file, or standard input, as file_pieces() does."""
    piece = file.read(PIECE)
    while following := file.read(PIECE):
        yield name, piece, False
        piece = following
    yield name, piece, True
