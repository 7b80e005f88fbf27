"""`charrnn sample`."""

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from charrnn.cli.inputs import prime_text
from charrnn.cli.mixtures import load_mixture
from charrnn.cli.options import CHECKPOINT, Number
from charrnn.cli.sample_documents import Request, check_documents, draw, search
from charrnn.cli.streams import TextOut

if TYPE_CHECKING:
    from charrnn.data import Unknown

LENGTH = 500  # of a text of a model of one stream
LONGEST = 10_000  # of a document
NOT_WITH_TOP = ("temp", "top_k", "top_p", "min_p", "repetition_penalty", "num", "until", "seed", "unique", "novel")


@click.command()
@CHECKPOINT
@click.argument("others", nargs=-1, type=click.Path())
@click.option(
    "--temp", type=Number(0), default=0.8, show_default=True, help="Temperature; 0 always takes the likeliest."
)
@click.option(
    "--length",
    type=click.IntRange(0),
    help=f"Characters to write, or of a document at most; 0: no end (default: {LENGTH}; of a document {LONGEST:,}).",
)
@click.option("--prime", metavar="TEXT", help="Text to continue.")
@click.option(
    "--prime-file",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Read the prime from a file; - is standard input.",
)
@click.option(
    "--top-k", type=click.IntRange(0), default=0, help="Draw from the K likeliest characters only; 0: from all."
)
@click.option(
    "--top-p",
    type=Number(0, 1, min_open=True),
    default=1.0,
    help="Draw from the likeliest characters that make up probability P.",
)
@click.option(
    "--min-p", type=Number(0, 1), default=0.0, help="Draw from characters at least P times as likely as the likeliest."
)
@click.option("--repetition-penalty", type=Number(1), default=1.0, metavar="F",
              help="Make characters that continue an earlier passage F times less likely.")  # fmt: skip
@click.option(
    "--num",
    type=click.IntRange(1, 10_000),
    default=1,
    help="Number of texts, separated by an empty line, or of documents, separated as in a file.",
)
@click.option("--unique", is_flag=True, help="Of documents: no two alike.")
@click.option("--novel", is_flag=True, help="Of documents: none that stands in the training text.")
@click.option("--top", type=click.IntRange(1, 10_000), metavar="K",
              help="Find the K likeliest documents instead of drawing; no seed counts.")  # fmt: skip
@click.option("--until", metavar="TEXT", default="", help="Stop once this text has been written.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed gives the same text.")
@click.option("--unknown", type=click.Choice(["error", "skip", "replace"]), default="error", show_default=True,
              help="What to do with characters of the prime that the model does not know.")  # fmt: skip
@click.option("--weights", metavar="W,W,...",
              help="Weights of several models (default: fitted on the validation split of their text).")  # fmt: skip
@click.option("--hide-prime", is_flag=True, help="Do not print the prime.")
@click.pass_context
def sample(context: click.Context, checkpoint: str, others: tuple[str, ...],  # noqa: PLR0913 - click passes each option as an argument
           temp: float, length: int | None, prime: str | None,
           prime_file: str | None, top_k: int, top_p: float, min_p: float, repetition_penalty: float, num: int,
           unique: bool, novel: bool, top: int | None, until: str, seed: int, unknown: "Unknown",
           weights: str | None, hide_prime: bool) -> int:  # fmt: skip
    """Write new text with CHECKPOINT, an .npz file or a run directory, or with the mixture of several.

    \b
    charrnn sample runs/my --prime "Once upon" --temp 0.7
    charrnn sample runs/my runs/ngram     the mean of their probabilities

    Text streams to stdout as it is drawn. Nothing else is written there. A model of documents (data.documents) writes
    --num whole documents, each of which begins with the prime.
    """
    from charrnn.blas import one_thread
    from charrnn.generation import Options, generate_batch

    if prime is not None and prime_file is not None:
        raise click.UsageError("--prime and --prime-file exclude each other")
    endless = length == 0 and not until
    if endless and num > 1:
        raise click.UsageError("several texts are printed once they end; with --length 0 add --until, or set --num 1")
    if endless and (unique or novel):
        raise click.UsageError("--unique and --novel look at whole documents; with --length 0 add --until")
    drawing = [name for name in NOT_WITH_TOP if context.get_parameter_source(name) == ParameterSource.COMMANDLINE]
    if top and drawing:
        option = drawing[0].replace("_", "-")
        raise click.UsageError(f"--top finds the likeliest documents and draws none; leave --{option} out")
    saved, model = load_mixture((checkpoint, *others), weights)
    check_documents(saved, ["--unique"] * unique + ["--novel"] * novel + ["--top"] * bool(top))
    of_documents = saved.language_model.vocab.end_id is not None
    if length is None:
        length = LONGEST if of_documents else LENGTH
    options = Options(
        length=length,
        temp=temp,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        until=until,
    )
    start = prime_text(saved, prime, prime_file)
    shown = "" if hide_prime else start
    with one_thread():
        if of_documents:
            request = Request(saved, model, options, top or num, start, shown, seed, unknown, unique, novel)
            (search if top else draw)(request)
            return 0
        out = TextOut(saved.language_model.vocab.tokens, num, shown)
        for stream, character in generate_batch(model, options, num, start, seed, unknown):
            out.write(stream, character)
    out.close()
    return 0
