"""`charrnn report`."""

from pathlib import Path

import click

from charrnn.cli.inputs import opened, unit_of
from charrnn.cli.streams import check_new, fail, write_new
from charrnn.errors import visible


@click.command()
@click.argument("run", type=click.Path())
@click.option("--out", type=click.Path(), metavar="FILE", help="Where to write it (default: RUN/report.html).")
@click.option(
    "--unit", "units", multiple=True, metavar="LAYER:UNIT", help="Also show the text by this unit, e.g. 2:17."
)
def report(run: str, out: str | None, units: tuple[str, ...]) -> int:
    """Draw RUN, a run directory or an .npz, on one page: how it learned, how good it is, what goes on inside.

    \b
    charrnn report runs/my
    charrnn report runs/my --unit 1:17    with the 17th unit of layer 1

    The page is one HTML file that needs neither network nor scripts. The default file is replaced; a FILE that you
    name must be new.
    """
    from charrnn.blas import one_thread
    from charrnn.display import curve, run_page
    from charrnn.storage import RunDirectory

    check_new(out)
    loaded = opened(run)
    if out is None and not Path(run).is_dir():
        raise click.UsageError("a checkpoint by itself has no folder of its own: say --out FILE.html")
    asked = [unit_of(loaded, unit) for unit in units]
    with one_thread():
        written, losses, fault = run_page(loaded, asked)
    if fault:
        fail([f"without evaluation: {fault}"], 0)
    if len(losses) > 1:
        click.echo(f"loss  {losses[0]:.4f}  {curve(losses, 60)}  {losses[-1]:.4f}, best {min(losses):.4f}")
    path = out or str(RunDirectory(run).report)
    write_new(path, [written])
    click.echo(f"written: {visible(path, keep='')} ({len(written) / 1e3:,.0f} kB)")
    return 0
