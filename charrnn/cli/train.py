"""`charrnn train`: trains a network, or counts an n-gram."""

import shlex
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from charrnn.config import Config
    from charrnn.parallel import Ranks


@click.command()
@click.argument("config", type=click.Path())
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. train.epochs=5.")
@click.option("--out", metavar="DIR", help="Run directory (default: runs/ and the config's name).")
@click.option("--seed", type=click.IntRange(0), help="Seed of all randomness.")
@click.option("--resume", is_flag=True, help="Continue from last.npz; start if there is none.")
@click.option(
    "--exact",
    is_flag=True,
    help="With --resume: refuse if BLAS kernel, NumPy or charrnn differ from those of the run. With --mpi: "
    "refuse if those of the machines differ.",
)
@click.option(
    "--init-from", type=click.Path(), metavar="CKPT", help="Start from a trained model; text and vocabulary may differ."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print sizes, memory, measured speed and expected time; train nothing. With --mpi: also whether it pays.",
)
@click.option("--force", is_flag=True, help="Replace the run in the directory.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option(
    "--mpi",
    is_flag=True,
    help="Train on all machines on which mpiexec or srun starts this command, one process on each.",
)
@click.option(
    "--mpi-wait",
    type=click.FloatRange(1, 1e6),
    metavar="SECONDS",
    help="Give up when another machine has not answered for so long (default: 300).",
)
def train(config: str, assignments: tuple[str, ...], out: str | None, seed: int | None, resume: bool,
          exact: bool, init_from: str | None, dry_run: bool, force: bool, quiet: bool, mpi: bool,
          mpi_wait: float | None) -> int:  # fmt: skip
    """Train a model as CONFIG says: a YAML file, or the name of a shipped one such as quickstart.

    \b
    charrnn train my.yaml --set model.hidden_size=128

    A config needs only data: {path: my.txt}. All keys, with defaults: `charrnn config`.
    The run directory holds config.yaml, log.jsonl, best.npz, last.npz, previous.npz and samples. Ctrl-C saves;
    --resume continues bit for bit. Then you may change where to stop and when to evaluate, log and save:
    out, train.epochs, train.max_steps, train.patience, train.on_divergence, train.workers, train.log_every,
    train.eval_every, train.save_every, train.save_minutes, train.sample_every, train.sample_length,
    train.tensorboard.
    """
    from charrnn.config import load_config

    if resume and force:
        raise click.UsageError("--resume continues a run and --force replaces it; give one of them")
    if exact and not (resume or mpi):
        raise click.UsageError("--exact applies only with --resume or --mpi; give both")
    if mpi_wait and not mpi:
        raise click.UsageError("--mpi-wait applies only with --mpi; give both")
    options = {"resume": resume, "force": force, "quiet": quiet}
    if not mpi:
        settings = load_config(config, assignments, out=out, seed=seed)
        _refuse_among_several()
        if settings.model.cell == "ngram":
            _refuse_with_ngram(init_from is not None, "--init-from")
            return train_ngram(settings, dry_run=dry_run, **options)
        if dry_run:
            return estimate(settings, init_from)
        return train_network(settings, exact=exact, init_from=init_from, **options)
    from charrnn.cli.on_ranks import end_together, train_on_ranks
    from charrnn.parallel import WAIT_SECONDS, Ranks

    ranks = Ranks(mpi_wait or WAIT_SECONDS)

    def train_here() -> int:
        settings = load_config(config, assignments, out=out, seed=seed)
        _refuse_with_ngram(settings.model.cell == "ngram", "--mpi")
        if dry_run:
            return estimate(settings, init_from, ranks, exact)
        return train_on_ranks(settings, ranks, exact=exact, init_from=init_from, **options)

    return end_together(ranks, train_here)


def _refuse_among_several() -> None:
    """Refuse to train as one of several processes that a launcher has started. Raises CharrnnError."""
    from charrnn.parallel import check_alone

    check_alone()


def _refuse_with_ngram(wrong: bool, option: str) -> None:
    """Refuse an option that an n-gram has no use for. Raises click.UsageError."""
    if wrong:
        raise click.UsageError(f"{option} does not go with model.cell: ngram, which is counted from its text alone")


def train_network(
    settings: "Config", *, resume: bool, exact: bool, init_from: str | None, force: bool, quiet: bool
) -> int:
    """Train a network and show its progress; return the exit code."""
    from charrnn.cli.following import follow
    from charrnn.terminal import tell
    from charrnn.training import open_run, worker_count

    run = open_run(settings, resume, init_from, force, worker_count(settings), exact)
    try:
        if init_from and run.state.step and not quiet:
            tell("note: --init-from applies only to a new run; this one continues from its own checkpoint")
        return follow(run, quiet, run.state.step if resume else None)
    finally:
        run.close()


def estimate(settings: "Config", init_from: str | None, ranks: "Ranks | None" = None, exact: bool = False) -> int:
    """Print what training would take, on rank 0 of several machines, and train nothing; return the exit code."""
    from charrnn.display import describe_estimate
    from charrnn.training import estimate_run

    estimated = estimate_run(settings, ranks=ranks, exact=exact, init_from=init_from)
    if ranks is None or ranks.number == 0:
        click.echo("\n".join(describe_estimate(estimated)))
    return 0


def train_ngram(settings: "Config", *, resume: bool, force: bool, dry_run: bool, quiet: bool) -> int:
    """Count an n-gram and print what was counted; return the exit code."""
    from charrnn.display import fitted_lines
    from charrnn.errors import RunExistsError
    from charrnn.models import load_checkpoint
    from charrnn.storage import RunDirectory
    from charrnn.terminal import tell
    from charrnn.training import fit

    directory = RunDirectory(settings.out or "")
    if resume and directory.has_model:
        if load_checkpoint(directory.path).config.model.cell != "ngram":
            raise RunExistsError(
                f"{directory.path}: holds a network, not an n-gram; replace it with --force, or choose another --out"
            )
        lines = ["this run is finished (an n-gram has no steps to continue); --force counts it again"]
    else:
        fitted = fit(settings, force, keep=not dry_run)
        lines = fitted_lines(fitted)
        if dry_run:
            click.echo("\n".join([*lines, "nothing was written"]))
            return 0
        lines += [f"next:  {command}" for command in ngram_commands(settings)]
    for line in [] if quiet else lines:
        tell(line)
    return 0


def ngram_commands(settings: "Config") -> list[str]:
    """The commands to type next. `charrnn eval` cannot read a text from standard input a second time."""
    from charrnn.data import reads_standard_input

    names = ["sample" if settings.task == "language" else "predict"]
    names += [] if reads_standard_input(settings.data) else ["eval"]
    return [f"charrnn {name} {shlex.quote(str(settings.out))}" for name in names]
