"""What commands read: checkpoints, primes, files to score, units."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.streams import fail

if TYPE_CHECKING:
    from charrnn.models import SavedModel


def opened(checkpoint: str) -> "SavedModel":
    """Read CHECKPOINT, and say so where another file of its run stands in for one that is damaged."""
    from charrnn.models import load_checkpoint

    loaded = load_checkpoint(checkpoint)
    if loaded.note:
        fail([loaded.note], 0)
    return loaded


def prime_text(loaded: "SavedModel", prime: str | None, prime_file: str | None) -> Any:
    """The prime as the model reads it: bytes for a byte model, else text folded as its training text was."""
    from charrnn.data import decode_bytes, standard_input, transformed

    data = loaded.config.data
    text: str | bytes = prime or ""
    if prime_file is not None:
        try:
            text = standard_input().read() if prime_file == "-" else Path(prime_file).read_bytes()
        except OSError as error:
            raise click.UsageError(f"--prime-file {prime_file}: {error.strerror}") from None
    if data.tokens == "byte":
        return os.fsencode(text)
    if isinstance(text, bytes):
        text = decode_bytes(text, data.encoding, prime_file or "")
    return "".join(transformed([text], data.normalize, data.lowercase))


def read_files(loaded: "SavedModel", files: tuple[str, ...]) -> Any:
    """Files, or standard input, as one text to score."""
    from charrnn.data import file_pieces, find_files, make_split, read_pieces

    raw = read_pieces(loaded.config.data, file_pieces(find_files(files, "FILE")))
    return make_split(", ".join(files), raw.codes, raw.symbols, loaded.model.vocab)


def unit_of(loaded: "SavedModel", unit: str) -> tuple[int, int]:
    """LAYER:UNIT, both from 1, as numbers from 0."""
    config = loaded.network.config
    layer, colon, number = unit.partition(":")
    if not (colon and all(part.isascii() and part.isdigit() and len(part) < 9 for part in (layer, number))
            and 1 <= int(layer) <= config.num_layers and 1 <= int(number) <= config.hidden_size):  # fmt: skip
        raise click.UsageError(
            f"--unit {unit}: name one as LAYER:UNIT, from 1:1 to {config.num_layers}:{config.hidden_size}"
        )
    return int(layer) - 1, int(number) - 1
