"""Texts for the tests of files, decoding, vocabularies, splits and batches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from charrnn.data.files import Piece, file_pieces
from charrnn.data.reading import Raw, read_raw
from charrnn.errors import TextError

TALES = Path(__file__).parents[2] / "data" / "tales.txt"
ALL = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))  # every character of Unicode

piece_sizes = st.integers(4, 40)  # the longest character of UTF-8 has four bytes


def cut(data: bytes, size: int, name: str = "my.txt") -> list[Piece]:
    """Bytes as the pieces of one file."""
    starts = range(0, max(len(data), 1), size)
    return [Piece(name, data[start : start + size], start + size >= len(data)) for start in starts]


def spelled(raw: Raw) -> str:
    """The text that a Raw represents."""
    return "".join(map(raw.symbols.__getitem__, raw.codes.tolist()))


def read(*paths: Path, **options: Any) -> str:
    """The text of files."""
    return spelled(read_raw(file_pieces(paths), **options))


def fault(call: Callable[..., Any], *args: Any, **options: Any) -> str:
    """The message of the TextError that a call raises: one line, with the exit code of unreadable input."""
    (line,) = faults(call, *args, **options)
    return line


def faults(call: Callable[..., Any], *args: Any, **options: Any) -> list[str]:
    """The lines of the TextError that a call raises."""
    with pytest.raises(TextError) as caught:
        call(*args, **options)
    assert caught.value.exit_code == 2
    assert not any("\n" in line for line in caught.value.args)
    assert str(caught.value) == "\n".join(caught.value.args)
    return list(caught.value.args)
