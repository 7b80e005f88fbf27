"""`charrnn flow`."""

from pathlib import Path

import click

from charrnn.cli.inputs import load_language
from charrnn.cli.streams import check_new, write_new
from charrnn.errors import ConfigError


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(), metavar="MODEL...")
@click.option("--out", type=click.Path(), metavar="FILE", help="Also draw the gradients to a new SVG file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def flow(models: tuple[str, ...], out: str | None, as_json: bool) -> int:
    """Show how far back gradients reach in each MODEL, and the spectra of its recurrent weights.

    \b
    charrnn flow runs/rnn runs/lstm runs/gru --out flow.svg

    MODEL is a checkpoint, a run directory, or a config, whose untrained network is measured. On held-out text: the norm
    of the gradient of the loss at one step with respect to the state of each layer k steps before, as a share of that
    one step before.
    """
    import json

    from charrnn.blas import one_thread
    from charrnn.config import load_config
    from charrnn.data import choose_split, load_corpus
    from charrnn.display import flow_lines, gradient_charts, standalone
    from charrnn.inspection import ModelFlow, untrained
    from charrnn.inspection import flow as measure
    from charrnn.models import is_checkpoint
    from charrnn.storage import RunDirectory, clipped_share, read_log
    from charrnn.training import settled

    check_new(out)
    found = []
    for name in models:
        if Path(name).is_dir() or is_checkpoint(name):
            loaded = load_language(name, "eval")
            label, network, corpus = loaded.name, loaded.network, loaded.corpus()
            share = clipped_share(read_log(RunDirectory(loaded.path.parent).log))
        else:
            settings = load_config(name)
            if settings.task != "language":
                raise ConfigError(f"{name}: task: {settings.task}: gradient flow is shown of language models only")
            label, share, corpus = name, None, load_corpus(settings)
            network = untrained(settled(settings, corpus), corpus.vocab)
        with one_thread():
            found.append(ModelFlow(label, share, measure(network, choose_split(corpus, None).ids)))
    if out:
        write_new(out, [standalone(list(gradient_charts(found)))])
    for line in [json.dumps([each.to_dict() for each in found])] if as_json else flow_lines(found):
        click.echo(line)
    return 0
