"""`charrnn embed`."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli.inputs import load_language, read_files
from charrnn.cli.messages import note
from charrnn.cli.options import CHECKPOINT
from charrnn.cli.streams import check_new, write_new

ENDINGS = (".npy", ".npz", ".tsv")


@click.command()
@CHECKPOINT
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--each",
    type=click.Choice(["document", "character"]),
    default="document",
    help="One row for each document (the default), or for each character.",
)
@click.option(
    "--out",
    type=click.Path(),
    metavar="FILE",
    help="Write a .npy, .npz or .tsv file (default: TSV on stdout).",
)
def embed(checkpoint: str, file: str, each: Any, out: str | None) -> int:
    """Print the state of CHECKPOINT after each document of FILE: a vector that says what the network made of it.

    \b
    charrnn embed runs/names names.txt --out names.npy
    printf 'Anna\\nBert\\n' | charrnn embed runs/names -
    charrnn embed runs/my chapter.txt --each character --out chapter.npz

    A row is the output of the top layer, or with skip connections of all layers added up, after the last character of a
    document, before its end is read; rows are in the order of the text. To a model that reads its text as one stream,
    all of FILE is one document. A .npz holds the arrays states and begins, the row with which each document begins.
    """
    from charrnn.blas import one_thread
    from charrnn.inspection import embed_ids, encoded

    ending: Any = Path(out).suffix if out else ".tsv"
    if ending not in ENDINGS:
        raise click.UsageError(f"--out {out!r}: the name must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    check_new(out)
    loaded = load_language(checkpoint, "predict")
    network = loaded.network
    text = read_files(loaded, (file,))
    if text.unknown and not network.vocab.has_unknown:
        note(f"characters that the model does not know are left out: {text.unknown:,}")
    with one_thread():
        found = embed_ids(network, text.ids, each)
    if out:
        write_new(out, encoded(found, ending))
        return 0
    for piece in encoded(found, ending):
        click.echo(piece, nl=False)
    return 0
