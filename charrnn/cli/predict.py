"""`charrnn predict`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.inputs import load_tasks
from charrnn.cli.options import Number
from charrnn.cli.predicted_columns import Columns, Shown, TaskColumns
from charrnn.cli.predicted_rows import RowWriter
from charrnn.cli.predicted_sentences import Labeller, token_targets, unit_labels, write_sentences
from charrnn.cli.streams import LinesOut
from charrnn.cli.written_columns import WrittenColumns

if TYPE_CHECKING:
    from charrnn.data import Layout, StreamedRow
    from charrnn.models import SavedModel

FORMATS = ("lines", "tsv", "csv", "jsonl", "conll", "conllu")
SENTENCE_FORMATS = ("conll", "conllu")
MAX_BEAM = 1000


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(), metavar="MODEL... [FILE|-]")
@click.option("--text", "texts", multiple=True, metavar="TEXT", help="Read this text instead of a file.")
@click.option("--column", metavar="C", help="The column that holds the text: its name, or its number from 1.")
@click.option("--format", "format", type=click.Choice(FORMATS),
              help="How FILE is read (default: by its ending, else lines).")  # fmt: skip
@click.option("--top", type=click.IntRange(1, MAX_BEAM), metavar="K", help="Print the K likeliest labels or targets.")
@click.option("--beam", type=click.IntRange(1, MAX_BEAM), metavar="N",
              help="Keep the N likeliest beginnings of a target (default: 1, or K of --top).")  # fmt: skip
@click.option("--threshold", type=Number(0, 1), metavar="F",
              help="Print the yes/no labels that are at least as probable (default: fitted).")  # fmt: skip
@click.option("--only", is_flag=True, help="Print the prediction alone, without row and probability.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each row.")
def predict(models: tuple[str, ...], texts: tuple[str, ...], column: str | None, format: Any, top: int | None,
            beam: int | None, threshold: float | None, only: bool, as_json: bool) -> int:  # fmt: skip
    """Predict labels, numbers or texts with MODEL, for each row of FILE or of standard input.

    \b
    charrnn predict runs/origins other.txt              a line for each line of the file
    charrnn predict runs/origins --text Mikhailova      one text
    charrnn predict runs/a runs/b runs/c other.txt      several models vote
    charrnn predict runs/origins table.tsv --column name --only
    charrnn predict runs/numbers names.txt --beam 5 --top 3   a translator: three targets for each line

    MODEL is a classifier, tagger or translator. Prints each row, a tab, the prediction, a tab, and its probability.
    Rows keep their order; an empty text has an empty prediction. JSONL gives JSONL; CoNLL and CoNLL-U give the same
    file with the predicted labels.
    """
    from charrnn.blas import one_thread
    from charrnn.data import read_by_model
    from charrnn.models import is_checkpoint

    names = [models[0], *(name for name in models[1:] if is_checkpoint(name))]
    files = [name for name in models[1:] if not is_checkpoint(name)]
    if len(files) > 1:
        raise click.UsageError(f"name one FILE; neither {files[0]!r} nor {files[1]!r} is a model")
    if texts and (files or column or format):
        raise click.UsageError("--text is read instead of a file; leave FILE, --column and --format out")
    if only and as_json:
        raise click.UsageError("--only and --json exclude each other")
    loaded = load_tasks(names)
    file = files[0] if files else "-"
    format = "lines" if texts else format or format_of_file(file)
    shown = Shown(format, top, threshold, only, as_json)
    check_options(loaded[0], shown, beam)
    with one_thread(), read_by_model():
        if format in SENTENCE_FORMATS:
            check_sentences(loaded[0], shown)
            layout = layout_of_sentences(loaded[0], format, column)
            labeller = labeller_of(loaded, layout, beam)
            write_sentences(labeller, source_of(file), layout, loaded[0].config.data.encoding, LinesOut())
        else:
            rows = rows_of_texts(texts) if texts else rows_of_file(loaded[0], file, format, column)
            RowWriter(columns_of(loaded, shown, beam), shown, LinesOut()).write_all(rows)
    return 0


def columns_of(loaded: "Sequence[SavedModel]", shown: Shown, beam: int | None) -> Columns:
    """What models add to each row."""
    if loaded[0].config.task == "translate":
        return WrittenColumns([saved.translate_model for saved in loaded], shown, beam or 1)
    return TaskColumns([saved.task_model for saved in loaded], shown)


def check_options(saved: "SavedModel", shown: Shown, beam: int | None) -> None:
    """Refuse options that do not apply to what a model predicts."""
    if saved.config.task == "translate":
        check_translator(saved, shown)
        return
    output, tag = saved.config.model.output, saved.config.task == "tag"
    if beam is not None:
        raise click.UsageError("--beam applies only to translators (task: translate); leave it out")
    if shown.top and (tag or output == "linear"):
        kind = "a tagger predicts a label for each unit" if tag else "this model predicts numbers"
        raise click.UsageError(f"--top prints the likeliest labels of a text, but {kind}; leave it out")
    if shown.threshold is not None and (tag or output != "sigmoid"):
        raise click.UsageError("--threshold applies only to yes/no labels (model.output: sigmoid); leave it out")
    if shown.threshold is not None and shown.top:
        raise click.UsageError("--top and --threshold exclude each other")


def check_translator(saved: "SavedModel", shown: Shown) -> None:
    """Refuse options and formats that do not apply to a translator, and lines where it needs columns."""
    if shown.threshold is not None:
        raise click.UsageError("--threshold applies only to yes/no labels (model.output: sigmoid); leave it out")
    features = saved.translate_model.rules.layout.features
    if shown.format == "lines" and features:
        raise click.UsageError(
            f"this model also reads the columns of data.features ({', '.join(map(str, features))}); give it a table "
            f"as FILE, or on standard input with --format tsv, csv or jsonl"
        )


def check_sentences(saved: "SavedModel", shown: Shown) -> None:
    """Refuse files of tokens for a model of another kind, and options that do not go with them."""
    from charrnn.evaluation import has_tokens

    if saved.config.task == "translate":
        if saved.layout.format != shown.format:
            raise click.UsageError(
                f"{shown.format}: this model was trained on {saved.layout.format}, so no column is known to take what "
                f"it writes; add --format tsv --column C"
            )
    elif saved.config.model.scheme == "segments":
        raise click.UsageError(
            f"this model finds where tokens begin, and {shown.format} has them already; give it lines, or a table"
        )
    elif saved.config.task != "tag" or not has_tokens(saved.task_model.rules):
        raise click.UsageError(f"{shown.format} has a label for each token; this model predicts no labels of tokens")
    if shown.only or shown.as_json or shown.top:
        option = "--only" if shown.only else "--json" if shown.as_json else "--top"
        raise click.UsageError(f"{shown.format} gives the same file with its labels; leave {option} out")


def format_of_file(name: str) -> str:
    """The format that the ending of a file stands for; lines for any other file and for standard input."""
    from charrnn.data import FORMAT_OF_ENDING, plain_name

    return FORMAT_OF_ENDING.get(plain_name(name).suffix.lower(), "lines")


def source_of(name: str) -> Any:
    """The one file that a name stands for, or standard input."""
    from charrnn.data import find_files

    sources = find_files(name, "FILE")
    if len(sources) != 1:
        raise click.UsageError(f"{name!r} stands for {len(sources):,} files; name one of them")
    return sources[0]


def rows_of_texts(texts: Sequence[str]) -> "Iterator[StreamedRow]":
    """The texts of --text as rows. Bytes of the command line that are not UTF-8 are refused."""
    from charrnn.data import StreamedRow

    for number, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"--text number {number} is not valid UTF-8; read it from a file") from None
        line = text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        yield StreamedRow(f"--text number {number}", line, text)


def rows_of_file(saved: "SavedModel", file: str, format: Any, column: str | None) -> "Iterator[StreamedRow]":
    """The rows of a file in one of the formats of rows."""
    from charrnn.data import stream_rows

    if format == "lines" and column:
        raise click.UsageError("--column needs a table; add --format tsv, csv or jsonl")
    layout = saved.layout
    same = layout.format == format
    own = layout.source if same else "text" if format == "jsonl" else 1
    chosen, targets = column_of(column) if column else own, layout.targets if same else ()
    return stream_rows(source_of(file), format, chosen, saved.config.data.encoding, layout.features, targets)


def labeller_of(loaded: "Sequence[SavedModel]", layout: "Layout", beam: int | None) -> Labeller:
    """What gives each token of a file its label."""
    if loaded[0].config.task == "translate":
        return token_targets([saved.translate_model for saved in loaded], layout, beam or 1)
    return unit_labels([saved.task_model for saved in loaded])


def layout_of_sentences(saved: "SavedModel", format: Any, column: str | None) -> "Layout":
    """The columns of a file of tokens: those that the model was trained on, if its format is the same."""
    from dataclasses import replace

    from charrnn.data import Layout

    layout = saved.layout if saved.layout.format == format else Layout.usual(format)
    return replace(layout, source=column_of(column)) if column else layout


def column_of(text: str) -> int | str:
    """A column by its number, if it is one, else by its name."""
    if not (text.isascii() and text.isdigit()):
        return text
    if len(text) > 6 or int(text) < 1:
        raise click.UsageError(f"--column {text}: columns count from 1")
    return int(text)
