"""`charrnn export`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli.inputs import load_model
from charrnn.cli.messages import note
from charrnn.cli.options import CHECKPOINT
from charrnn.cli.streams import check_new, write_new
from charrnn.errors import CheckpointError, visible

if TYPE_CHECKING:
    from charrnn.models import SavedModel

FORMS = ("web", "safetensors", "onnx", "tensorboard")


@click.command()
@CHECKPOINT
@click.argument("out", type=click.Path())
@click.option("--to", "form", type=click.Choice(FORMS), required=True, help="What to write.")
def export(checkpoint: str, out: str, form: str) -> int:
    """Write CHECKPOINT, an .npz file or a run directory, to OUT for use outside of charrnn.

    \b
    charrnn export runs/my my.html --to web                   a page that writes text in any browser
    charrnn export runs/my my.safetensors --to safetensors    weights for PyTorch
    charrnn export runs/my my.onnx --to onnx                  a graph for ONNX runtimes (pip install onnx)
    charrnn export runs/my events --to tensorboard            the curves of a run: tensorboard --logdir events

    web: one HTML file that runs the model itself, without a server and without loading anything; a model of another
    task than language answers as one types. safetensors: the weights in the layout of PyTorch. onnx: a graph of
    standard operators; of a translator a folder with two. None of these holds the n-gram inside a network
    (model.ngram): they have the network alone. tensorboard: a folder with the log and the samples of a run
    directory. OUT must be new.
    """
    check_new(out)
    if form == "tensorboard":
        return export_events(checkpoint, Path(out))
    saved = load_model(checkpoint)
    if form == "onnx" and saved.config.task == "translate":
        return export_translator(saved, Path(out))
    if saved.config.model.ngram:
        note("this holds the network alone, without the n-gram inside (model.ngram); charrnn eval says what that costs")
    data = content(saved, out, form)
    write_new(out, [data])
    click.echo(f"written: {visible(out, keep='')} ({len(data) / 1e3:,.0f} kB)")
    return 0


def content(saved: "SavedModel", out: str, form: str) -> bytes:
    """What is written to OUT."""
    from charrnn.export import to_onnx, to_safetensors, web_page

    if form == "web":
        return web_page(saved, title=Path(out).stem).encode()
    return to_onnx(saved) if form == "onnx" else to_safetensors(saved)


def export_translator(saved: "SavedModel", out: Path) -> int:
    """Write the two graphs of a translator into a new folder."""
    from charrnn.export import translator_to_onnx

    models = translator_to_onnx(saved)
    out.mkdir()
    for name, data in models.items():
        write_new(str(out / name), [data])
    size = sum(map(len, models.values()))
    click.echo(f"written: {visible(str(out), keep='')} ({' and '.join(models)}, {size / 1e3:,.0f} kB)")
    return 0


def export_events(run: str, out: Path) -> int:
    """Write the log and the samples of a run directory into a new folder."""
    from charrnn.storage import RunDirectory

    directory = RunDirectory(run)
    if not directory.log.is_file():
        raise CheckpointError(f"{run}: there is no {directory.log.name}; name the directory of a run")
    data = directory.past_events()
    out.mkdir()
    write_new(str(out / directory.events.name), [data])
    click.echo(f"written: {visible(str(out), keep='')} (tensorboard --logdir {shlex.quote(str(out))})")
    return 0
