"""The command line: parse, call, print. Nothing imports it; the heavy modules are imported inside the commands.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 usage, config or unreadable input,
3 directory in use, 4 diverged, 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM.
"""

import codecs
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterable
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.errors import CharrnnError, ConfigError, visible
from charrnn.storage.files import to_nowhere

if TYPE_CHECKING:
    from charrnn.config.keys import Config
    from charrnn.models.network import Loaded

CHECKPOINT = click.argument("checkpoint", type=click.Path())


class Number(click.FloatRange):
    """A number in a range; what is not a number is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises BadParameter for nan too, which passes every comparison."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class Commands(click.Group):
    """The commands, ending quietly where the reader of stdout has had enough."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; click itself would exit 1 on a closed pipe."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return closed_pipe()


def show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print what a bug report needs."""
    if value and not context.resilient_parsing:
        from charrnn import __version__
        from charrnn.blas import sentence
        from charrnn.processes import cores

        workers = f"{cores()} worker{'s' * (cores() > 1)} of one thread to train with"
        click.echo(f"charrnn {__version__} (Python {sys.version.split()[0]}, {sentence()}; {workers})")
        context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show_version,
              help="Print versions, BLAS kernel, threads and workers.")  # fmt: skip
def cli() -> None:
    """Train character-level RNN, LSTM and GRU language models on a plain CPU.

    \b
    charrnn train configs/quickstart.yaml     train on the bundled tales (one minute)
    charrnn sample runs/quickstart            write new text
    charrnn eval runs/quickstart              score the held-out text
    charrnn compare runs/quickstart runs/my   which is better, and by more than noise?
    charrnn report runs/quickstart            a page of pictures: how it learned, what it finds hard
    charrnn config > my.yaml                  every key of a config, explained
    """


@cli.command()
@click.argument("config", type=click.Path())
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. train.epochs=5.")
@click.option("--out", metavar="DIR", help="Run directory (default: runs/ and the config's name).")
@click.option("--seed", type=click.IntRange(0), help="Seed of all randomness.")
@click.option("--resume", is_flag=True, help="Continue where last.npz stands; start where there is none.")
@click.option(
    "--exact", is_flag=True, help="With --resume: refuse where another BLAS kernel, NumPy or charrnn computes."
)
@click.option(
    "--init-from", type=click.Path(), metavar="CKPT", help="Begin from a trained model; text and vocabulary may differ."
)
@click.option("--dry-run", is_flag=True, help="Print sizes, memory, measured speed and expected time; train nothing.")
@click.option("--force", is_flag=True, help="Replace the run that is in the directory.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def train(config: str, assignments: tuple[str, ...], out: str | None, seed: int | None, resume: bool,
          exact: bool, init_from: str | None, dry_run: bool, force: bool, quiet: bool) -> int:  # fmt: skip
    """Train a model as CONFIG (YAML) says.

    \b
    charrnn train my.yaml --set model.hidden_size=128

    A config needs only data: {path: my.txt}. All keys, with defaults: `charrnn config`, or configs/reference.yaml.
    The run directory holds config.yaml, log.jsonl, best.npz, last.npz, previous.npz and samples. Ctrl-C saves;
    --resume goes on bit for bit. What may change then is where to stop and when to look:
    out, train.epochs, train.max_steps, train.patience, train.on_divergence, train.workers, train.log_every,
    train.eval_every, train.save_every, train.save_minutes, train.sample_every, train.sample_length.
    """
    if resume and force:
        raise click.UsageError("--resume continues a run and --force replaces it; give one of them")
    if exact and not resume:
        raise click.UsageError("--exact says how to --resume; give both")
    from charrnn.config.keys import load_config

    settings = load_config(config, assignments, out=out, seed=seed)
    if settings.model.cell == "ngram":
        return fit_ngram(settings, resume, init_from, dry_run, force, quiet)
    from charrnn.display.live import describe_estimate, follow, tell
    from charrnn.training.estimate import estimate
    from charrnn.training.loop import open_run, processes

    if dry_run:
        click.echo("\n".join(describe_estimate(estimate(settings))))
        return 0
    run = open_run(settings, resume, init_from, force, processes(settings), exact)
    try:
        if init_from and run.counters.step:
            tell("note: --init-from counts only for a run that begins; this one goes on from its own checkpoint")
        return follow(run, quiet, run.counters.step if resume else None)
    finally:
        run.close()


@cli.command()
@click.argument("config", type=click.Path(), required=False)
@click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. train.batch_size=64."
)
@click.option("--seconds", type=Number(0, min_open=True), default=2.0, show_default=True, help="Time for each figure.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(config: str | None, assignments: tuple[str, ...], seconds: float, as_json: bool) -> int:
    """Measure how fast this machine trains CONFIG, and which number of workers is best.

    \b
    charrnn bench my.yaml
    charrnn bench                         the default model, on random text

    Nothing is kept. For figures that count, let the machine do nothing else meanwhile.
    """
    import json
    from dataclasses import asdict

    from charrnn.config.keys import load_config

    if assignments and not config:
        raise click.UsageError("--set changes a CONFIG; name one")
    settings = load_config(config, assignments) if config else None
    if settings and settings.model.cell == "ngram":
        raise click.UsageError("bench measures networks; an n-gram is counted in one pass")
    from charrnn.blas import sentence
    from charrnn.display.live import describe_bench
    from charrnn.training.bench import measure

    found = measure(settings, seconds)
    lines = [json.dumps(asdict(found))] if as_json else [f"machine: {sentence()}", *describe_bench(found)]
    click.echo("\n".join(lines))
    return 0


@cli.command()
@CHECKPOINT
@click.option("--temp", type=Number(0), default=0.8, show_default=True, help="Temperature; 0 takes the likeliest.")
@click.option(
    "--length", type=click.IntRange(0), default=500, show_default=True, help="Characters to write; 0: no end."
)
@click.option("--prime", metavar="TEXT", help="Text to go on from.")
@click.option(
    "--prime-file", type=click.Path(allow_dash=True), metavar="FILE", help="The same from a file, or - for stdin."
)
@click.option("--top-k", type=click.IntRange(0), default=0, help="Only the K likeliest characters.")
@click.option("--top-p", type=Number(0, 1, min_open=True), default=1.0, help="Only the likeliest that make up P.")
@click.option("--min-p", type=Number(0, 1), default=0.0, help="Only those at least P times as likely as the likeliest.")
@click.option("--repetition-penalty", type=Number(1), default=1.0, metavar="F",
              help="Make carrying on an earlier passage F times less likely per character.")  # fmt: skip
@click.option("--num", type=click.IntRange(1, 10_000), default=1, help="So many texts, with an empty line between.")
@click.option("--until", metavar="TEXT", default="", help="Stop after this was written.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed gives the same text.")
@click.option("--unknown", type=click.Choice(["error", "skip", "replace"]), default="error", show_default=True,
              help="What to do with characters of the prime that the model never saw.")  # fmt: skip
@click.option("--hide-prime", is_flag=True, help="Do not print the prime.")
def sample(checkpoint: str, prime: str | None, prime_file: str | None, num: int, seed: int, unknown: Any,
           hide_prime: bool, **options: Any) -> int:  # fmt: skip
    """Write new text with CHECKPOINT, an .npz file or a run directory.

    \b
    charrnn sample runs/my --prime "Once upon" --temp 0.7

    Text streams to stdout as it is drawn, and nothing else does.
    """
    from charrnn.blas import one_thread
    from charrnn.generation.sampling import Options, generate_batch

    if prime is not None and prime_file is not None:
        raise click.UsageError("--prime and --prime-file exclude each other")
    loaded = opened(checkpoint)
    start = prime_text(loaded, prime, prime_file)
    shown = start.decode("latin-1") if isinstance(start, bytes) else start
    out = TextOut(loaded.model.vocab.tokens, num, "" if hide_prime else shown)
    with one_thread():
        for stream, character in generate_batch(loaded.model, Options(**options), num, start, seed, unknown):
            out.write(stream, character)
    out.close()
    return 0


@cli.command("eval")
@CHECKPOINT
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    help="A split of the run's own text (default: test, else valid).",
)
@click.option("--baselines", is_flag=True, help="Also uniform, unigram, Kneser-Ney n-gram, xz and bzip2.")
@click.option("--novelty", is_flag=True, help="What the text has in common with the training text, word for word.")
@click.option("--dynamic", type=click.Choice(["rms", "sgd"]), is_flag=False, flag_value="rms",
              help="Also with weights that follow the text as it is scored; alone: rms.")  # fmt: skip
@click.option("--dynamic-rate", type=Number(0), metavar="F", help="Step size of --dynamic.")
@click.option("--per-char", type=click.Path(), metavar="FILE", help="Write a table of all characters (TSV).")
@click.option("--per-line", type=click.Path(), metavar="FILE", help="Write a table of all lines (TSV).")
@click.option("--html", type=click.Path(), metavar="FILE", help="Write a page with all of it, and the text in colour.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(checkpoint: str, files: tuple[str, ...], split: str | None, baselines: bool, novelty: bool,
             dynamic: Any, dynamic_rate: float | None, per_char: str | None, per_line: str | None,
             html: str | None, as_json: bool) -> int:  # fmt: skip
    """Score text with CHECKPOINT: cross-entropy, bits per character, perplexity, and where the losses fall.

    \b
    charrnn eval runs/my                  the held-out split
    charrnn eval runs/my --baselines      with what simpler models make of it beside it
    charrnn eval runs/my chapter.txt      any other text, or - for stdin
    charrnn eval runs/my runs/ngram       two models, and their mixture
    charrnn eval runs/my --html my.html   the same as a page, with the text coloured by surprise

    Every character is scored once, given all before it. Several files are scored as one text; a FILE that is a
    checkpoint or a run directory is one more model. Each figure has a 95 % interval (block bootstrap).
    """
    import json

    from charrnn.blas import one_thread
    from charrnn.display.tables import evaluation
    from charrnn.evaluation.assessment import Wanted, assess, choose_split, own_corpus
    from charrnn.evaluation.figures import per_char as char_table
    from charrnn.evaluation.figures import per_line as line_table
    from charrnn.models.network import is_checkpoint

    models = [checkpoint, *(name for name in files if is_checkpoint(name))]
    files = tuple(name for name in files if name not in models)
    if files and split:
        raise click.UsageError("--split names a part of the run's own text; it does not go with FILE")
    if dynamic_rate is not None and not dynamic:
        raise click.UsageError("--dynamic-rate counts only with --dynamic")
    written = [name for name in (per_char, per_line, html) if name is not None]
    if len({*written}) < len(written):
        raise click.UsageError("two of --per-char, --per-line and --html name the same file")
    for name in written:
        check_new(name)
    loaded = [opened(name) for name in models]
    wanted = Wanted(baselines, novelty, dynamic, dynamic_rate)
    corpus = own_corpus(loaded[0]) if not files or len(loaded) > 1 or wanted != Wanted() else None
    text = read_files(loaded[0], files) if corpus is None or files else choose_split(corpus, split)
    with one_thread():
        report, scores = assess(loaded, text, corpus, wanted)
    vocab = loaded[0].model.vocab
    if per_char:
        write_new(per_char, char_table(vocab, text.ids, scores))
    if per_line:
        write_new(per_line, line_table(vocab, text.ids, scores.nats))
    if html:
        from charrnn.display.html import evaluation_page

        write_new(html, [evaluation_page(loaded[0], report, text.ids)])
    for line in [json.dumps(report)] if as_json else evaluation(report):
        click.echo(line)
    return 0


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(), metavar="RUN RUN...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(runs: tuple[str, ...], as_json: bool) -> int:
    """Compare two or more runs: configs, best validation, speed, and whether one is better by more than noise.

    \b
    charrnn compare runs/lstm runs/gru

    Runs on the same text are scored again on their held-out split (test, else validation), and the mean difference from
    the best gets a 95 % interval (paired block bootstrap).
    """
    import json

    from charrnn.blas import one_thread
    from charrnn.display.live import duration
    from charrnn.display.tables import comparison
    from charrnn.evaluation.comparison import compare as compare_runs

    if len(runs) < 2:
        raise click.UsageError("name at least two runs")
    models = [opened(run) for run in runs]
    with one_thread():
        found = compare_runs(models)
    for line in [json.dumps(found)] if as_json else comparison(found, duration):
        click.echo(line)
    return 0


@cli.command()
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
    from charrnn.display.html import run_page
    from charrnn.display.live import curve
    from charrnn.training.loop import REPORT

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
    path = out or os.path.join(run, REPORT)
    write_new(path, [written])
    click.echo(f"written: {visible(path, keep='')} ({len(written) / 1e3:,.0f} kB)")
    return 0


@cli.command()
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
    from charrnn.config.keys import load_config
    from charrnn.display.html import clipped, gradient_charts, read_log
    from charrnn.display.svg import standalone
    from charrnn.display.tables import flows
    from charrnn.evaluation.assessment import choose_split, own_corpus
    from charrnn.inspection.gradient_flow import flow as flow_of
    from charrnn.inspection.gradient_flow import fresh
    from charrnn.models.network import is_checkpoint
    from charrnn.training.loop import LOG

    check_new(out)
    found = []
    for name in models:
        if Path(name).is_dir() or is_checkpoint(name):
            loaded = opened(name)
            label, network, ids = loaded.name, loaded.network, choose_split(own_corpus(loaded), None).ids
            share = clipped(read_log(loaded.path.parent / LOG))
        else:
            label, (network, ids), share = name, fresh(load_config(name)), None
        with one_thread():
            found.append({"name": label, "clipped": share, **flow_of(network, ids)})
    if out:
        write_new(out, [standalone([*gradient_charts([(each["name"], each) for each in found])])])
    for line in [json.dumps(found)] if as_json else flows(found):
        click.echo(line)
    return 0


@cli.command()
@CHECKPOINT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(checkpoint: str, as_json: bool) -> int:
    """Print what CHECKPOINT holds: architecture, vocabulary, config, training history, versions.

    \b
    charrnn info runs/my
    """
    import json

    from charrnn.models.network import describe_model

    loaded = opened(checkpoint)
    header, vocab = loaded.header, loaded.model.vocab
    model, training, ngram = loaded.config.model, header.get("training"), loaded.config.model.cell == "ngram"
    # An n-gram is counted when it is used, which may take more memory than a file from a stranger is worth.
    size, what = (len(loaded.arrays["text"]), "characters") if ngram else (loaded.model.size, "parameters")
    if as_json:
        click.echo(json.dumps({"path": str(loaded.path), what: size, **header}))
        return 0
    click.echo(visible(str(loaded.path)))
    click.echo(f"  model        {describe_model(model)}, {size:,} {what}")
    click.echo(f"  vocabulary   {vocab.size} {vocab.tokens}s: {visible(repr(vocab.symbols))[:1000]}")
    for line in history(training if isinstance(training, dict) else {}):
        click.echo(f"  {line}")
    click.echo(f"  arrays       {', '.join(loaded.arrays)}")
    versions = header.get("versions")
    named = ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else "unknown"
    click.echo(f"  versions     {visible(named, keep='')}")
    click.echo("  config")
    for line in loaded.config.to_yaml().splitlines():
        click.echo(f"    {visible(line)}")
    return 0


@cli.command("config")
@click.option("--schema", is_flag=True, help="Print the JSON Schema for editors instead.")
def show_config(schema: bool) -> int:
    """Print every key of a config with its default and meaning, as a YAML file to start from.

    \b
    charrnn config > my.yaml
    """
    import json

    from charrnn.config.keys import json_schema, reference

    click.echo(json.dumps(json_schema(), indent=1) if schema else reference(), nl=schema)
    return 0


# -- helpers ------------------------------------------------------------------------------------------------------


def history(training: dict[str, Any]) -> list[str]:
    """The training history of a checkpoint in a few lines; nothing where the file tells none."""
    try:
        lines = [f"trained      {training['step']:,} steps, {training['chars']:,} characters"]
        if training["best"] is not None:
            lines.append(
                f"best         {training['best']:.4f} nats/char on validation, at step {training['best_step']:,}"
            )
        for step, nats, valid, *_ in training["history"][-10:]:
            lines.append(
                f"  step {step:>8,}   train {nats:.4f}" + (f"   valid {valid:.4f}" if valid is not None else "")
            )
    except (KeyError, TypeError, ValueError):
        return ["trained      unknown"]
    return lines


def opened(checkpoint: str) -> "Loaded":
    """Read CHECKPOINT, and say so where another file of its run stands in for one that is damaged."""
    from charrnn.models.network import load_checkpoint

    loaded = load_checkpoint(checkpoint)
    if loaded.note:
        fail([loaded.note], 0)
    return loaded


class TextOut:
    """Sampled text on stdout: streamed when it is one text, else each whole, in order, with an empty line between.

    Bytes go out as they are, characters as UTF-8; a terminal gets no control characters. `start`, the prime, comes
    first, with the first character, so that a prime that cannot be read prints nothing.
    """

    def __init__(self, tokens: str, num: int, start: str) -> None:
        self.encoding = "latin-1" if tokens == "byte" else "utf-8"
        self.terminal, self.start = sys.stdout.isatty(), start
        self.parts: list[list[str]] = [[] for _ in range(num)]
        self.shown = codecs.getincrementaldecoder("utf-8")("replace")  # bytes of one character come one by one

    def write(self, stream: int, character: str) -> None:
        """Take one character of one text."""
        part = self.parts[stream]
        text = character if part else self.start + character
        part.append(text)
        if len(self.parts) == 1:
            self._out(text)

    def close(self) -> None:
        """Print what was collected; a terminal gets a last newline."""
        if len(self.parts) > 1:
            self._out("\n\n".join("".join(part) for part in self.parts) + "\n")
        elif self.terminal:
            self._out("\n")

    def _out(self, text: str) -> None:
        data = text.encode(self.encoding)
        if self.terminal:
            data = visible(self.shown.decode(data)).encode(sys.stdout.encoding or "utf-8", "replace")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def standard_input() -> Any:
    """Standard input, for bytes."""
    if sys.stdin is None:
        raise click.UsageError("standard input is closed, so - cannot be read")
    return sys.stdin.buffer


def prime_text(loaded: "Loaded", prime: str | None, prime_file: str | None) -> Any:
    """The prime as the model reads it: bytes for a byte model, else text folded as its training text was."""
    from charrnn.data.reading import decode_bytes, transformed

    data = loaded.config.data
    text: str | bytes = prime or ""
    if prime_file is not None:
        try:
            text = standard_input().read() if prime_file == "-" else Path(prime_file).read_bytes()
        except OSError as error:
            raise click.UsageError(f"--prime-file {prime_file}: {error.strerror}") from None
    if data.tokens == "byte":
        return os.fsencode(text)
    if isinstance(text, bytes):
        text = decode_bytes(text, data.encoding, prime_file or "")
    return "".join(transformed([text], data.normalize, data.lowercase))


def read_files(loaded: "Loaded", files: tuple[str, ...]) -> Any:
    """Files, or standard input, as one text to score."""
    from charrnn.data.corpus import read_pieces
    from charrnn.data.reading import file_pieces, find_files, make_split, stream_pieces

    def pieces() -> Any:
        for name in files:
            if name == "-":
                yield from stream_pieces("standard input", standard_input())
            else:
                yield from file_pieces(find_files(name, "FILE"))

    raw = read_pieces(loaded.config.data, pieces())
    return make_split(", ".join(files), raw.ids, raw.symbols, loaded.model.vocab)


def unit_of(loaded: "Loaded", unit: str) -> tuple[int, int]:
    """LAYER:UNIT, both from 1, as numbers from 0."""
    config = loaded.network.config
    layer, colon, number = unit.partition(":")
    if not (colon and all(part.isascii() and part.isdigit() and len(part) < 9 for part in (layer, number))
            and 1 <= int(layer) <= config.num_layers and 1 <= int(number) <= config.hidden_size):  # fmt: skip
        raise click.UsageError(
            f"--unit {unit}: name one as LAYER:UNIT, from 1:1 to {config.num_layers}:{config.hidden_size}"
        )
    return int(layer) - 1, int(number) - 1


def check_new(name: str | None) -> None:
    """Refuse, before any work is done, to write where there is something already, or no folder."""
    if name is None:
        return
    if not name or os.path.lexists(name):
        raise click.UsageError(f"{name!r} exists already; name another file, or remove it")
    if not Path(name).parent.is_dir():
        raise click.UsageError(f"{name!r}: there is no folder {Path(name).parent}")


def write_new(name: str, parts: Iterable[str | bytes]) -> None:
    """Write parts to a file, whole or not at all."""
    from charrnn.storage.files import write_atomic

    encoded = (part.encode() if isinstance(part, str) else part for part in parts)
    write_atomic(Path(name), lambda file: file.writelines(encoded))


def fit_ngram(settings: "Config", resume: bool, init_from: str | None, dry_run: bool, force: bool, quiet: bool) -> int:
    """What train does for model.cell: ngram: count, and say so in a few lines."""
    from charrnn.display.live import tell
    from charrnn.training.advice import shell
    from charrnn.training.fit_ngram import fit
    from charrnn.training.loop import BEST

    if init_from:
        raise click.UsageError("--init-from does not go with model.cell: ngram, which is counted from its text alone")
    if resume and (Path(settings.out or "") / BEST).exists():
        tell("this run is finished (an n-gram has no steps to go on with); --force counts it again")
        return 0
    fitted = fit(settings, force, keep=not dry_run)
    corpus, record, model = fitted.corpus, fitted.record, settings.model
    loss = record["valid_loss"]
    lines = [
        f"text: {corpus.size:,} characters (train {len(corpus.train):,}, valid {len(corpus.valid):,}, "
        f"test {len(corpus.test):,}), vocabulary {corpus.vocab.size}",
        f"model: {model.order}-gram, {model.smoothing}, {fitted.model.size:,} n-grams, counted in "
        f"{record['seconds']:.1f} s",
        "no validation split" if loss is None else f"Validation loss {loss:.4f} nats per character.",
    ]
    lines += [f"next:  charrnn {command} {shell(str(settings.out))}" for command in ("sample", "eval")]
    if dry_run:
        click.echo("\n".join([*lines[:-2], "nothing was written"]))
    elif not quiet:
        for line in lines:
            tell(line)
    return 0


def main() -> None:
    """Run the command line and leave with its exit code; every error is one line, or one for each fault."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # __main__.py took it away
    open_streams()
    try:
        code = cli.main(prog_name="charrnn", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "charrnn"
        code = fail([f"{error.format_message()} (see {where} --help)"], 2)
    except ConfigError as error:
        code = fail(str(error).splitlines(), error.exit_code)
    except CharrnnError as error:
        code = fail([str(error)], error.exit_code)
    except (KeyboardInterrupt, click.exceptions.Abort):
        code = 130
    except BrokenPipeError:
        code = closed_pipe()
    except (OSError, MemoryError) as error:
        code = fail([explained(error)], 1)
        closed_pipe()  # it may be stdout that is full
    sys.exit(code)


def open_streams() -> None:
    """Let standard streams that are closed lead nowhere, so that no file that is opened later takes their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                while (taken := os.open(os.devnull, os.O_RDWR)) < number:
                    pass
                if taken > number:
                    os.close(taken)
            if name != "stdin":
                setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115


def closed_pipe() -> int:
    """The reader of stdout has had enough: nothing more to say, at exit either."""
    to_nowhere(1)
    return 0


def explained(error: OSError | MemoryError) -> str:
    """A failure of the system in one line."""
    if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:
        return f"out of memory ({error}); a smaller model, batch or window needs less: see --dry-run"
    where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def fail(lines: list[str], code: int) -> int:
    """Print an error, a line for each fault; return the exit code."""
    for line in lines:
        click.echo(f"charrnn: {visible(line, keep='')}", err=True)
    return code
