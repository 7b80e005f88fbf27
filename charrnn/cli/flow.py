"""`charrnn flow`."""

from pathlib import Path

import click

from charrnn.cli.inputs import opened
from charrnn.cli.streams import check_new, write_new


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(), metavar="MODEL...")
@click.option("--out", type=click.Path(), metavar="FILE", help="Draw it as well: a new SVG file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def flow(models: tuple[str, ...], out: str | None, as_json: bool) -> int:
    """Show how far back gradients reach in each MODEL, and what its recurrent weights are like.

    \b
    charrnn flow runs/rnn runs/lstm runs/gru --out flow.svg

    MODEL is a checkpoint, a run directory, or a config, whose network is taken as it would begin. On held-out text: the
    norm of the gradient of the loss at one step for the state of each layer k steps before.
    """
    import json

    from charrnn.blas import one_thread
    from charrnn.config import load_config
    from charrnn.data import choose_split
    from charrnn.display import flows, gradient_charts, standalone
    from charrnn.inspection import flow as flow_of
    from charrnn.inspection import fresh
    from charrnn.models import is_checkpoint
    from charrnn.storage import RunDirectory, clipped_share, read_log

    check_new(out)
    found = []
    for name in models:
        if Path(name).is_dir() or is_checkpoint(name):
            loaded = opened(name)
            label, network, ids = loaded.name, loaded.network, choose_split(loaded.corpus(), None).ids
            share = clipped_share(read_log(RunDirectory(loaded.path.parent).log))
        else:
            label, (network, ids), share = name, fresh(load_config(name)), None
        with one_thread():
            found.append({"name": label, "clipped": share, **flow_of(network, ids)})
    if out:
        write_new(out, [standalone([*gradient_charts([(each["name"], each) for each in found])])])
    for line in [json.dumps(found)] if as_json else flows(found):
        click.echo(line)
    return 0
