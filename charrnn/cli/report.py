"""`charrnn report`: gathers what a run left and what can be measured on it, and hands it to the page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.inputs import load_model, unit_of
from charrnn.cli.messages import note
from charrnn.cli.report_task import about_task, measure_examples
from charrnn.cli.report_translation import about_translation, measure_pairs
from charrnn.cli.streams import check_folder, check_new, write_new
from charrnn.errors import TextError, visible

if TYPE_CHECKING:
    from charrnn.config import Config
    from charrnn.display import HeldOut, HeldOutExamples, HeldOutPairs, Inside, PageData, Sample, TrainingCurves
    from charrnn.models import Network, SavedModel

    Units = Sequence[tuple[int, int]]

MAX_BASELINE_CHARS = 20_000_000  # of training text; with more, baselines would take too long
MAX_SAMPLES = 5  # texts generated during training
SAMPLE_BYTES = 600  # shown of each
MAX_FOLLOWERS = 5  # units shown along the text, besides those that were asked for
MIN_EXPLAINED = 0.1  # share of its variance that such a unit's feature explains


@click.command()
@click.argument("run", type=click.Path())
@click.option("--out", type=click.Path(), metavar="FILE", help="Where to write it (default: RUN/report.html).")
@click.option(
    "--unit", "units", multiple=True, metavar="LAYER:UNIT", help="Also colour the text by this unit, e.g. 2:17."
)
def report(run: str, out: str | None, units: tuple[str, ...]) -> int:
    """Write a page about RUN, a run directory or an .npz: learning curves, evaluation, and what is inside.

    \b
    charrnn report runs/my
    charrnn report runs/my --unit 1:17    with the 17th unit of layer 1
    charrnn report runs/origins           a classifier or tagger: confusions, calibration, mistakes
    charrnn report runs/numbers           a translator: where it looks in its source

    The page is one HTML file that loads nothing and needs no scripts. The default file is replaced; a FILE that you
    name must be new.
    """
    from charrnn.blas import one_thread
    from charrnn.display import run_page
    from charrnn.storage import RunDirectory

    check_new(out)
    if out is None and Path(run).is_dir():
        check_folder(Path(run))
    loaded = load_model(run)
    if units and loaded.config.task != "language":
        raise click.UsageError("--unit shows a unit along a text, for language models only; leave it out")
    if units and loaded.config.model.cell == "ngram":
        raise click.UsageError("--unit shows a unit of a network, and an n-gram has none; leave it out")
    if out is None and not Path(run).is_dir():
        raise click.UsageError("a checkpoint by itself has no run directory to write to; add --out FILE.html")
    requested = [unit_of(loaded, unit) for unit in units]
    with one_thread():
        data = gather(loaded, requested)
    if data.problem:
        note(f"without evaluation: {data.problem}")
    if curve_line := line_of(data.curves):
        click.echo(curve_line)
    path = out or str(RunDirectory(run).report)
    page = run_page(data)
    write_new(path, [page])
    click.echo(f"written: {visible(path, keep='')} ({len(page) / 1e3:,.0f} kB)")
    return 0


def line_of(curves: "TrainingCurves") -> str:
    """The course of training as a line: the validation figure, else the training loss; empty with fewer than two."""
    from charrnn.display import curve

    name, points = (curves.figure or "loss", curves.valid_figure) if curves.valid_figure else ("loss", curves.loss)
    values = [value for _, value in points]
    if len(values) < 2:
        return ""
    best = curves.best[1] if curves.best else min(values)
    return f"{name}  {values[0]:.4f}  {curve(values, 60)}  {values[-1]:.4f}, best {best:.4f}"


def gather(loaded: "SavedModel", units: "Units") -> "PageData":
    """Everything that the page shows; `units` are layers and units, counted from 0, to show besides those found."""
    from charrnn.display import PageData
    from charrnn.storage import RunDirectory, read_log

    run = RunDirectory(loaded.path.parent)
    try:
        held_out, problem = measured(loaded, units), ""
    except TextError as error:
        held_out, problem = None, str(error)
    return PageData(
        title=loaded.name,
        about=described(loaded),
        curves=training_curves(read_log(run.log), loaded.config),
        held_out=held_out,
        problem=problem,
        samples=list(samples(run.samples)),
        config=loaded.config.to_yaml(),
    )


def measured(loaded: "SavedModel", units: "Units") -> "HeldOut | HeldOutExamples | HeldOutPairs":
    """What the page shows of the held-out text, examples or pairs. Raises TextError if they cannot be read."""
    if loaded.config.task == "language":
        return measure(loaded, units)
    return measure_pairs(loaded) if loaded.config.task == "translate" else measure_examples(loaded)


def described(loaded: "SavedModel") -> str:
    """The model in a sentence or two, whatever its kind."""
    if loaded.config.task == "language":
        return about(loaded)
    return about_translation(loaded) if loaded.config.task == "translate" else about_task(loaded)


def about(loaded: "SavedModel") -> str:
    """The model in a sentence or two."""
    from charrnn.models import GatedNetwork, NGram, model_name

    model, network = loaded.language_model, not isinstance(loaded.model, NGram)
    size = f"{model.size:,} {'parameters' if network else 'n-grams'}"
    steps = f", after {loaded.step:,} steps" if network and loaded.step else ""
    text = f"{model_name(loaded.config.model)}, {size}, vocabulary of {model.vocab.size}{steps}."
    if isinstance(model, GatedNetwork):
        text += " Units, gates and gradients are those of the network alone."
    return f"{text} {loaded.note}".rstrip()


def training_curves(records: list[dict[str, Any]], config: "Config") -> "TrainingCurves":
    """The columns of a log that the page draws."""
    from charrnn.display import TrainingCurves
    from charrnn.evaluation import LOWER_IS_BETTER
    from charrnn.storage import clipped_share, column

    figure = "" if config.task == "language" else config.train.best
    valid_figure = column(records, f"valid_{figure or 'loss'}")
    sign = 1 if (figure or "loss") in LOWER_IS_BETTER else -1
    rollbacks = column([record | {"mark": 0} for record in records if "rollback" in record], "mark")
    return TrainingCurves(
        figure=figure,
        loss=column(records, "loss"),
        valid_loss=column(records, "valid_loss"),
        valid_figure=valid_figure,
        best=min(valid_figure, key=lambda point: sign * point[1], default=None),
        learning_rate=column(records, "learning_rate"),
        grad_norm=column(records, "grad_norm"),
        clipped=column(records, "clipped"),
        rollbacks=[step for step, _ in rollbacks],
        clipped_share=clipped_share(records),
    )


def measure(loaded: "SavedModel", units: "Units") -> "HeldOut":
    """Everything that is measured on the held-out text. Raises: TextError where there is none, or it has changed."""
    from charrnn.data import choose_split
    from charrnn.display import HeldOut
    from charrnn.evaluation import ReportOptions, assess, surprise
    from charrnn.models import NGram

    corpus = loaded.corpus()
    split = choose_split(corpus, None)
    options = ReportOptions(baselines=len(corpus.train) <= MAX_BASELINE_CHARS)
    evaluation, _ = assess([loaded], split, corpus, options)
    inside = None
    if not isinstance(loaded.model, NGram) and len(split) > 1:
        try:
            inside = look_inside(loaded.network, split.ids, units)
        except TextError as error:
            note(f"without units and gradients: {error}")
    return HeldOut(evaluation, surprise(loaded.language_model, split.ids), inside)


def look_inside(network: "Network", ids: Any, units: "Units") -> "Inside":
    """Units, gates and gradients of a network on ids (len,), two or more."""
    from charrnn.display import Inside
    from charrnn.evaluation import character_names
    from charrnn.inspection import flow, followers, unit_trace, watch

    activity = watch(network, ids)
    found = followers(activity, network.vocab, ids)
    traces = [unit_trace(activity, ids, layer, unit) for layer, unit in units]
    for follower in found[:MAX_FOLLOWERS]:
        if follower.explained >= MIN_EXPLAINED:
            traces.append(unit_trace(activity, ids, follower.layer, follower.unit, follower))
    return Inside(character_names(network.vocab), activity, found, traces, flow(network, ids))


def samples(folder: Path) -> "Iterator[Sample]":
    """The beginnings of up to MAX_SAMPLES texts of a folder, evenly from the first to the last."""
    from charrnn.display import Sample

    try:
        files = sorted(folder.glob("*.txt"))
    except OSError:
        return
    count = min(MAX_SAMPLES, len(files))
    for k in range(count):
        path = files[k * (len(files) - 1) // max(count - 1, 1)]
        try:
            with open(path, "rb") as file:
                text = file.read(SAMPLE_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        yield Sample(f"step {int(path.stem):,}" if path.stem.isdecimal() else path.stem, text)
