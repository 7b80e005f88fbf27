"""What commands read: checkpoints, primes, files to score and units."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli.messages import note

if TYPE_CHECKING:
    from charrnn.data import Split
    from charrnn.models import SavedModel

MAX_DIGITS = 8  # of the number of a layer or unit; Python refuses to convert very long ones


def load_model(checkpoint: str) -> "SavedModel":
    """Read CHECKPOINT. If it is damaged and another file of its run is used instead, print a note."""
    from charrnn.models import load_checkpoint

    saved = load_checkpoint(checkpoint)
    if saved.note:
        note(saved.note)
    return saved


def load_language(checkpoint: str, instead: str) -> "SavedModel":
    """Read CHECKPOINT as load_model() does. Refuse a model of a task; `instead` is the command that reads one."""
    from charrnn.errors import CheckpointError

    saved = load_model(checkpoint)
    if saved.config.task != "language":
        kind = {"classify": "classifier", "tag": "tagger", "translate": "translator"}[saved.config.task]
        raise CheckpointError(f"{saved.path}: this is a {kind}, not a language model; use charrnn {instead}")
    return saved


def load_task(checkpoint: str) -> "SavedModel":
    """Read CHECKPOINT as load_model() does. Refuse a language model, and name the commands that read it."""
    from charrnn.errors import CheckpointError

    saved = load_model(checkpoint)
    if saved.config.task == "language":
        raise CheckpointError(f"{saved.path}: this is a language model; use charrnn sample or charrnn eval")
    return saved


def load_tasks(checkpoints: Sequence[str], first: "SavedModel | None" = None) -> list["SavedModel"]:
    """Read classifiers, taggers or translators that can vote, also with the `first` one, which is not returned."""
    from charrnn.errors import CheckpointError
    from charrnn.evaluation import check_voters
    from charrnn.generation import check_writers

    loaded = [load_task(name) for name in checkpoints]
    voters = [*([first] if first else []), *loaded]
    try:
        if any(saved.config.task == "translate" for saved in voters):
            check_writers([saved.model for saved in voters])
        else:
            check_voters([saved.task_model for saved in voters])
    except CheckpointError as error:
        raise CheckpointError(f"{', '.join(saved.name for saved in voters)}: {error}") from None
    return loaded


def prime_text(saved: "SavedModel", prime: str | None, prime_file: str | None) -> str | bytes:
    """The prime of --prime or --prime-file: bytes for a byte model, else text normalised as the training text was.

    If documents are lines, the line end of a file that holds one line is left out.
    """
    from charrnn.data import decode_bytes, transformed

    data = saved.config.data
    text = (prime or "") if prime_file is None else _read_prime(prime_file)
    one_line = prime_file is not None and saved.language_model.vocab.end == "\n"
    if data.tokens == "byte":
        read = os.fsencode(text)
        return read.removesuffix(b"\n").removesuffix(b"\r") if one_line else read
    if isinstance(text, bytes):
        text = decode_bytes(text, data.encoding, prime_file or "")
    text = "".join(transformed([text], data.normalize, data.lowercase))
    return text.removesuffix("\n").removesuffix("\r") if one_line else text


def _read_prime(name: str) -> bytes:
    """The bytes of a file, or of standard input for "-"."""
    from charrnn.data import standard_input

    if not name:
        raise click.UsageError("the name of --prime-file is empty")
    try:
        return standard_input().read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.UsageError(f"--prime-file {name}: {error.strerror}") from None


def read_files(saved: "SavedModel", files: tuple[str, ...]) -> "Split":
    """Read files, and standard input for "-", as one text in the vocabulary of a model."""
    from charrnn.data import find_files, read_by_model, split_of_files

    sources = find_files(files, "FILE")
    with read_by_model():
        return split_of_files(saved.config.data, sources, saved.language_model.vocab, ", ".join(files))


def unit_of(saved: "SavedModel", unit: str) -> tuple[int, int]:
    """Parse LAYER:UNIT, both counted from 1; return both counted from 0."""
    config = saved.network.config
    layer, _, number = unit.partition(":")
    if not (_is_index_up_to(layer, config.num_layers) and _is_index_up_to(number, config.hidden_size)):
        raise click.UsageError(
            f"--unit {unit}: name one as LAYER:UNIT, from 1:1 to {config.num_layers}:{config.hidden_size}"
        )
    return int(layer) - 1, int(number) - 1


def _is_index_up_to(text: str, highest: int) -> bool:
    """Whether a text is a whole number from 1 to `highest`."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and 1 <= int(text) <= highest
