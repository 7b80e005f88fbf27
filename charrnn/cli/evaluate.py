"""`charrnn eval`."""

from typing import Any

import click

from charrnn.cli.inputs import opened, read_files
from charrnn.cli.options import CHECKPOINT, Number
from charrnn.cli.streams import check_new, write_new


@click.command("eval")
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
    from charrnn.data import choose_split
    from charrnn.display import evaluation_lines
    from charrnn.evaluation import ReportOptions, assess
    from charrnn.evaluation import per_char as char_table
    from charrnn.evaluation import per_line as line_table
    from charrnn.models import is_checkpoint, own_corpus

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
    options = ReportOptions(baselines, novelty, dynamic, dynamic_rate)
    corpus = own_corpus(loaded[0]) if not files or len(loaded) > 1 or options != ReportOptions() else None
    text = read_files(loaded[0], files) if corpus is None or files else choose_split(corpus, split)
    with one_thread():
        report, scores = assess(loaded, text, corpus, options)
    vocab = loaded[0].model.vocab
    if per_char:
        write_new(per_char, char_table(vocab, text.ids, scores))
    if per_line:
        write_new(per_line, line_table(vocab, text.ids, scores.nats))
    if html:
        from charrnn.display import evaluation_page
        from charrnn.evaluation import surprise

        write_new(html, [evaluation_page(loaded[0].name, report, surprise(loaded[0].model, text.ids))])
    for line in [json.dumps(report.to_dict())] if as_json else evaluation_lines(report):
        click.echo(line)
    return 0
