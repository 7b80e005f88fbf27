"""The group of commands, and --version."""

import sys
from typing import Any

import click

from charrnn.cli.streams import close_stdout


class Commands(click.Group):
    """The commands. One whose output is no longer read, as with `| head`, ends quietly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which a user needs the commands; click would sort them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Click itself would exit with 1 after a closed pipe."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return close_stdout()


def show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print what a bug report needs."""
    if value and not context.resilient_parsing:
        from charrnn.blas import sentence
        from charrnn.processes import cores
        from charrnn.version import __version__

        workers = f"{cores()} worker{'s' * (cores() > 1)} of one thread to train with"
        click.echo(f"charrnn {__version__} (Python {sys.version.split()[0]}, {sentence()}; {workers})")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version,
              help="Print versions, BLAS kernel, threads and workers.")  # fmt: skip
def cli() -> None:
    """Train character-level RNN, LSTM and GRU models on a plain CPU: to write, classify, tag and translate texts.

    \b
    charrnn train quickstart                  train on the bundled tales (half a minute)
    charrnn sample runs/quickstart            write new text
    charrnn eval runs/quickstart              score the held-out text
    charrnn predict runs/origins names.txt    label, tag or translate each line
    charrnn compare runs/quickstart runs/my   which model is better, and by more than noise?
    charrnn report runs/quickstart            a page of pictures: how it learned, what it finds hard
    charrnn config > my.yaml                  every key of a config, explained
    """
