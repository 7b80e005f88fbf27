"""`charrnn train`."""

import shlex
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from charrnn.config import Config


@click.command()
@click.argument("config", type=click.Path())
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. train.epochs=5.")
@click.option("--out", metavar="DIR", help="Run directory (default: runs/ and the config's name).")
@click.option("--seed", type=click.IntRange(0), help="Seed of all randomness.")
@click.option("--resume", is_flag=True, help="Continue from last.npz; start if there is none.")
@click.option(
    "--exact", is_flag=True, help="With --resume: refuse if BLAS kernel, NumPy or charrnn differ from those of the run."
)
@click.option(
    "--init-from", type=click.Path(), metavar="CKPT", help="Start from a trained model; text and vocabulary may differ."
)
@click.option("--dry-run", is_flag=True, help="Print sizes, memory, measured speed and expected time; train nothing.")
@click.option("--force", is_flag=True, help="Replace the run in the directory.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def train(config: str, assignments: tuple[str, ...], out: str | None, seed: int | None, resume: bool,
          exact: bool, init_from: str | None, dry_run: bool, force: bool, quiet: bool) -> int:  # fmt: skip
    """Train a model as CONFIG says: a YAML file, or the name of a shipped one such as quickstart.

    \b
    charrnn train my.yaml --set model.hidden_size=128

    A config needs only data: {path: my.txt}. All keys, with defaults: `charrnn config`.
    The run directory holds config.yaml, log.jsonl, best.npz, last.npz, previous.npz and samples. Ctrl-C saves;
    --resume continues bit for bit. Then you may change where to stop and when to evaluate, log and save:
    out, train.epochs, train.max_steps, train.patience, train.on_divergence, train.workers, train.log_every,
    train.eval_every, train.save_every, train.save_minutes, train.sample_every, train.sample_length.
    """
    if resume and force:
        raise click.UsageError("--resume continues a run and --force replaces it; give one of them")
    if exact and not resume:
        raise click.UsageError("--exact applies only with --resume; give both")
    from charrnn.config import load_config

    settings = load_config(config, assignments, out=out, seed=seed)
    if settings.model.cell == "ngram":
        return fit_ngram(settings, resume, init_from, dry_run, force, quiet)
    from charrnn.cli.following import follow
    from charrnn.display import describe_estimate
    from charrnn.terminal import tell
    from charrnn.training import estimate_run, open_run, worker_count

    if dry_run:
        click.echo("\n".join(describe_estimate(estimate_run(settings))))
        return 0
    run = open_run(settings, resume, init_from, force, worker_count(settings), exact)
    try:
        if init_from and run.state.step:
            tell("note: --init-from applies only to a new run; this one continues from its own checkpoint")
        return follow(run, quiet, run.state.step if resume else None)
    finally:
        run.close()


def fit_ngram(settings: "Config", resume: bool, init_from: str | None, dry_run: bool, force: bool, quiet: bool) -> int:
    """What train does for model.cell: ngram: count, and say so in a few lines."""
    from charrnn.data import reads_standard_input
    from charrnn.storage import RunDirectory
    from charrnn.terminal import tell
    from charrnn.training import fit

    if init_from:
        raise click.UsageError("--init-from does not go with model.cell: ngram, which is counted from its text alone")
    if resume and RunDirectory(settings.out or "").best.exists():
        tell("this run is finished (an n-gram has no steps to go on with); --force counts it again")
        return 0
    fitted = fit(settings, force, keep=not dry_run)
    corpus, model, valid = fitted.corpus, settings.model, fitted.valid
    lines = [
        f"text: {corpus.size:,} characters (train {len(corpus.train):,}, valid {len(corpus.valid):,}, "
        f"test {len(corpus.test):,}), vocabulary {corpus.vocab.size}",
        f"model: {model.order}-gram, {model.smoothing}, {fitted.model.size:,} n-grams, counted in "
        f"{fitted.seconds:.1f} s",
        f"Validation loss {valid.nats_per_char:.4f} nats per character." if valid else "no validation split",
    ]
    commands = ["sample"] if reads_standard_input(settings.data) else ["sample", "eval"]
    next_lines = [f"next:  charrnn {command} {shlex.quote(str(settings.out))}" for command in commands]
    if dry_run:
        click.echo("\n".join([*lines, "nothing was written"]))
    elif not quiet:
        for line in lines + next_lines:
            tell(line)
    return 0
