"""`charrnn eval`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from charrnn.cli.evaluate_task import evaluate_task
from charrnn.cli.evaluate_translation import evaluate_translation
from charrnn.cli.inputs import load_language, load_model, load_tasks, read_files
from charrnn.cli.options import CHECKPOINT, Number
from charrnn.cli.streams import check_new, write_new
from charrnn.errors import CheckpointError

if TYPE_CHECKING:
    from charrnn.data import Corpus, Split
    from charrnn.evaluation import Assessment, ReportOptions, Scores
    from charrnn.models import SavedModel

KINDS = {
    "language": "a language model",
    "classify": "a classifier",
    "tag": "a tagger",
    "translate": "a translator",
}
NOT_FOR_LANGUAGE = ("per_example", "beam")
NOT_FOR_TASKS = ("window", "novelty", "dynamic", "dynamic_rate", "per_char", "per_line", "per_document")


@click.command("eval")
@CHECKPOINT
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "--split",
    type=click.Choice(["train", "valid", "test"]),
    help="Which split of the run's own text to score (default: test, else valid).",
)
@click.option(
    "--window",
    type=click.IntRange(1),
    metavar="N",
    help="Score the text in windows of N characters, each read from a fresh state.",
)
@click.option("--baselines", is_flag=True, help="Add baselines: uniform, unigram, Kneser-Ney n-gram, xz, bzip2.")
@click.option("--novelty", is_flag=True, help="Show how much of the text is copied from the training text.")
@click.option("--dynamic", type=click.Choice(["rms", "sgd"]), is_flag=False, flag_value="rms",
              help="Add dynamic evaluation: weights adapt to the text as it is scored (default: rms).")  # fmt: skip
@click.option("--dynamic-rate", type=Number(0), metavar="F", help="Step size of --dynamic.")
@click.option(
    "--per-char", type=click.Path(), metavar="FILE", help="Write a table with a row for each character (TSV)."
)
@click.option("--per-line", type=click.Path(), metavar="FILE", help="Write a table with a row for each line (TSV).")
@click.option(
    "--per-document", type=click.Path(), metavar="FILE", help="Write a table with a row for each document (TSV)."
)
@click.option(
    "--per-example", type=click.Path(), metavar="FILE", help="Write a table with a row for each example (TSV)."
)
@click.option(
    "--html",
    type=click.Path(),
    metavar="FILE",
    help="Write a page with the report, and the text coloured by surprise; of examples, as charrnn report does.",
)
@click.option("--beam", type=click.IntRange(1, 1000), metavar="N",
              help="Keep the N likeliest beginnings of a target (default: 1, greedy).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def evaluate(context: click.Context, checkpoint: str, files: tuple[str, ...], split: str | None, window: int | None,
             baselines: bool, novelty: bool, dynamic: Any, dynamic_rate: float | None,
             per_char: str | None, per_line: str | None, per_document: str | None, per_example: str | None,
             html: str | None, beam: int | None, as_json: bool) -> int:  # fmt: skip
    """Score text or examples with CHECKPOINT, a language model, a classifier, a tagger or a translator.

    \b
    charrnn eval runs/my                  the held-out split
    charrnn eval runs/my --baselines      next to simpler models and compressors
    charrnn eval runs/my chapter.txt      any other text, or - for stdin
    charrnn eval runs/my runs/ngram       two models, and their mixture
    charrnn eval runs/my runs/b text.txt  models of other texts or vocabularies: unknown characters cost something
    charrnn eval runs/my --html my.html   the same as a page, with the text coloured by surprise
    charrnn eval runs/names - --per-document scores.tsv   documents on stdin, each with its score
    charrnn eval runs/origins --baselines                 a classifier or tagger, on held-out examples

    Every character is scored once, given all characters before it. A model of documents scores each document by itself,
    its end included. Several files are scored as one text. A FILE that is a checkpoint or a run directory is another
    model. A network with an n-gram inside is followed by each of them alone. Figures have 95 % intervals (bootstrap).
    Classifiers, taggers and translators score examples; several of them vote too.
    """
    import json

    from charrnn.blas import one_thread
    from charrnn.data import read_by_model
    from charrnn.display import evaluation_lines
    from charrnn.evaluation import ReportOptions
    from charrnn.evaluation import per_char as char_table
    from charrnn.evaluation import per_document as document_table
    from charrnn.evaluation import per_line as line_table
    from charrnn.models import is_checkpoint

    models = [checkpoint, *(name for name in files if is_checkpoint(name))]
    files = tuple(name for name in files if name not in models)
    if files and split:
        raise click.UsageError("--split names a part of the run's own text; it does not go with FILE")
    if dynamic_rate is not None and not dynamic:
        raise click.UsageError("--dynamic-rate applies only with --dynamic")
    with_window = {"--baselines": baselines, "--dynamic": dynamic, "--html": html}
    if window and (given := [name for name, value in with_window.items() if value]):
        raise click.UsageError(f"--window and {given[0]} exclude each other: {given[0]} carries the state on")
    check_outputs(per_char, per_line, per_document, per_example, html)
    loaded = load_alike(models)
    check_kind(context, loaded[0])
    if loaded[0].config.task != "language":
        with one_thread(), read_by_model():
            if loaded[0].config.task == "translate":
                evaluate_translation(loaded, files, split, baselines, beam or 1, per_example, as_json)
            else:
                evaluate_task(loaded, files, split, baselines, per_example, html, as_json)
        return 0
    check_documents(loaded[0], per_document)
    options = ReportOptions(window, baselines, novelty, dynamic, dynamic_rate)
    report, scores, text = scored(loaded, files, split, options)
    vocab = loaded[0].language_model.vocab
    if per_char:
        write_new(per_char, char_table(vocab, text.ids, scores))
    if per_line:
        write_new(per_line, line_table(vocab, text.ids, scores.nats))
    if per_document:
        write_new(per_document, document_table(vocab, text.ids, scores.nats, text.left_out))
    if html:
        from charrnn.display import evaluation_page
        from charrnn.evaluation import surprise

        write_new(html, [evaluation_page(loaded[0].name, report, surprise(loaded[0].language_model, text.ids))])
    for line in [json.dumps(report.to_dict())] if as_json else evaluation_lines(report):
        click.echo(line)
    return 0


def load_alike(names: Sequence[str]) -> "list[SavedModel]":
    """Read models, all of a language or all of a task. Refuse a mixture of both."""
    first = load_model(names[0])
    if first.config.task != "language":
        return [first, *load_tasks(names[1:], first)]
    return [first, *(load_language(name, "eval on each of them by itself") for name in names[1:])]


def check_kind(context: click.Context, loaded: "SavedModel") -> None:
    """Refuse options that do not apply to a model of this kind."""
    task = loaded.config.task
    others = {"language": NOT_FOR_LANGUAGE, "translate": (*NOT_FOR_TASKS, "html")}.get(task, (*NOT_FOR_TASKS, "beam"))
    given = [name for name in others if context.get_parameter_source(name) == ParameterSource.COMMANDLINE]
    if given:
        kind = KINDS[task]
        option = given[0].replace("_", "-")
        raise click.UsageError(f"--{option} does not apply to {kind}, which {loaded.path} is; leave it out")


def scored(
    loaded: "Sequence[SavedModel]", files: tuple[str, ...], split: str | None, options: "ReportOptions"
) -> "tuple[Assessment, Scores, Split]":
    """The report, the scores of the first model, and the text: a split of the models' own, or files."""
    from charrnn.blas import one_thread
    from charrnn.evaluation import are_alike, assess, assess_apart, check_alike

    if not files:
        try:
            check_alike(loaded)
        except CheckpointError as error:
            raise CheckpointError(str(error), hint="name a FILE, which each of them scores by itself") from None
    if files and not are_alike(loaded):
        check_apart(files, options)
        texts = [read_files(each, files) for each in loaded]
        with one_thread():
            return *assess_apart(loaded, texts, options), texts[0]
    needs_corpus = len(loaded) > 1 or options.baselines or options.novelty or bool(options.dynamic)
    corpus, text = corpus_and_text(loaded[0], files, split, needs_corpus)
    with one_thread():
        return *assess(loaded, text, corpus, options), text


def check_apart(files: Sequence[str], options: "ReportOptions") -> None:
    """Refuse what needs one training text where models have several, and a text that each of them cannot read."""
    if "-" in files:
        raise click.UsageError(
            "models of other texts or vocabularies read a text one by one, and standard input can be read once; name "
            "a file"
        )
    for option in ("baselines", "novelty", "dynamic"):
        if getattr(options, option):
            raise click.UsageError(f"--{option} needs models of one text and vocabulary; leave it out")


def check_outputs(*names: str | None) -> None:
    """Refuse, before any work is done, files that exist already and two outputs to one file."""
    given = [name for name in names if name is not None]
    if len({*given}) < len(given):
        raise click.UsageError("two of --per-char, --per-line, --per-document, --per-example and --html name one file")
    for name in given:
        check_new(name)


def check_documents(loaded: "SavedModel", per_document: str | None) -> None:
    """Refuse a table of documents by a model that reads its text as one stream."""
    if per_document and not loaded.language_model.vocab.end:
        raise click.UsageError(
            "--per-document needs a model of documents (data.documents); this one reads its text as one stream: "
            "try --per-line"
        )


def corpus_and_text(
    loaded: "SavedModel", files: Sequence[str], split: str | None, needs_corpus: bool
) -> tuple["Corpus | None", "Split"]:
    """The model's own corpus, if it is needed, and the text to score: the files, or else a split of that corpus."""
    from charrnn.data import choose_split

    if files and not needs_corpus:
        return None, read_files(loaded, tuple(files))
    corpus = loaded.corpus()
    return corpus, read_files(loaded, tuple(files)) if files else choose_split(corpus, split)
