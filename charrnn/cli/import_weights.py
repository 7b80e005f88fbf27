"""`charrnn import`."""

from pathlib import Path

import click

from charrnn.cli.streams import check_new
from charrnn.errors import visible


@click.command("import")
@click.argument("file", type=click.Path())
@click.argument("out", type=click.Path(), metavar="OUT.npz")
def import_weights(file: str, out: str) -> int:
    """Make a checkpoint, OUT.npz, of the weights of PyTorch in FILE, in the format safetensors.

    \b
    charrnn import my.safetensors my.npz

    FILE holds an RNN, LSTM or GRU of PyTorch with the Linear above it, and an Embedding below it where there is one. It
    comes from `charrnn export --to safetensors`, or holds the string `symbols`, all characters in the order of their
    ids. The checkpoint samples, scores and predicts, and training starts from it with --init-from. OUT must be new.
    """
    from charrnn.export import from_safetensors
    from charrnn.models import model_name
    from charrnn.storage import checkpoint

    if not out.endswith(".npz"):
        raise click.UsageError(f"{out!r}: the name of a checkpoint ends in .npz")
    check_new(out)
    header, arrays = from_safetensors(Path(file))
    checkpoint.save(Path(out), header.to_dict(), arrays)
    size = sum(array.size for array in arrays.values())
    click.echo(f"written: {visible(out, keep='')} ({model_name(header.config.model)}, {size:,} parameters)")
    return 0
