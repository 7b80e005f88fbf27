"""What `charrnn sample` prints for models of documents: documents one after another, as they would stand in a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from charrnn.cli.messages import note
from charrnn.cli.streams import TextOut

if TYPE_CHECKING:
    from charrnn.data import Unknown
    from charrnn.generation import Options
    from charrnn.models import LanguageModel, SavedModel


@dataclass(frozen=True)
class Request:
    """What a user asks of a model of documents.

    Attributes:
        saved: the model; of a mixture, the first of its models.
        model: the model, or the mixture, that writes.
        options: how to draw; their length also bounds a search.
        num: how many documents.
        prime: what each document begins with.
        shown: the prime as it is printed.
        seed, unknown: as for generate_batch().
        unique, novel: whether to leave out documents that were drawn before, or that stand in the training text.
    """

    saved: "SavedModel"
    model: "LanguageModel"
    options: "Options"
    num: int
    prime: str | bytes
    shown: str | bytes
    seed: int
    unknown: "Unknown"
    unique: bool
    novel: bool


def check_documents(saved: "SavedModel", asked: list[str]) -> None:
    """Refuse options, given by name, that need documents if the model is one of a stream.

    Raises:
        click.UsageError: there are such options.
    """
    if asked and saved.language_model.vocab.end_id is None:
        raise click.UsageError(
            f"{asked[0]} asks for documents, and {saved.path} was trained on one stream of text; train with "
            f"data.documents, or leave {asked[0]} out"
        )


def draw(request: Request) -> None:
    """Draw documents and print each as soon as it is complete, or a single one as it is drawn.

    Raises:
        CheckpointError: the file does not say which documents it was trained on, for `novel`.
        TextError: the model cannot read the prime, or it holds the end of a document.
    """
    from charrnn.generation import most_in_vain, was_cut

    cut = found = 0
    for text in _printed(request, _drawn(request)):
        cut += was_cut(text, request.options)
        found += 1
    if found < request.num:
        old = ["among these"] * request.unique + ["in the training text"] * request.novel
        note(
            f"{found:,} of {request.num:,} documents found: each of the last {most_in_vain(request.num):,} drawn is "
            f"{' or '.join(old)}; a higher --temp or another --prime may give more"
        )
    if cut:
        were, bound = "document was" if cut == 1 else "documents were", characters(request.options.length)
        note(f"{cut:,} {were} cut after {bound}; --length sets the bound, 0 for none")


def search(request: Request) -> None:
    """Print the likeliest documents, the likeliest first.

    Raises:
        TextError: the model cannot read the prime, or it holds the end of a document.
    """
    from charrnn.generation import SEARCH_BYTES, likeliest_documents

    vocab, length = request.saved.language_model.vocab, request.options.length
    best = likeliest_documents(request.model, request.num, request.prime, length, request.unknown)
    read = len(vocab.encode(request.prime, request.unknown))
    for _ in _printed(request, ([text[read:]] for text, _ in best.documents)):
        pass
    if len(best.documents) < request.num:
        bound = f" of at most {characters(length)}" if length else ""
        note(f"{len(best.documents):,} of {request.num:,} documents{bound} found")
    if not best.proven:
        note(
            f"not proven to be the likeliest: the search keeps the beginnings that {SEARCH_BYTES >> 20} MB and "
            f"--length allow, and had to drop one that is likelier than the last document"
        )


def characters(count: int) -> str:
    """A number of characters in words."""
    return f"{count:,} character{'s' * (count != 1)}"


def _drawn(request: Request) -> Iterator[Iterable[str]]:
    """The pieces of each document, without its prime."""
    from charrnn.generation import Screen, draw_documents, generate_batch

    model, options, prime, seed, unknown = (
        request.model, request.options, request.prime, request.seed, request.unknown
    )  # fmt: skip
    if request.num == 1 and not request.unique and not request.novel:
        yield (character for _, character in generate_batch(model, options, 1, prime, seed, unknown))
        return
    screen = Screen(request.unique, request.saved.known_documents() if request.novel else None)
    for text in draw_documents(model, options, request.num, prime, seed, unknown, screen):
        yield [text]


def _printed(request: Request, documents: Iterable[Iterable[str]]) -> Iterator[str]:
    """Print documents that come in pieces, each after the prime; yield each one, without the prime, when it is printed.

    A terminal gets a line end after the last, even where a file would have none.
    """
    from charrnn.generation import Joints

    joints = Joints.of(request.saved.config.data.documents)
    out = TextOut(request.saved.language_model.vocab.tokens, 1, request.shown)
    between = ""
    for pieces in documents:
        text, before = "", between + out.prime
        for piece in pieces:
            out.print(before + piece)
            text, before = text + piece, ""
        if before:
            out.print(before)  # a document that is nothing but its prime
        between = joints.between
        yield text
    if between:
        out.print(joints.after)
        if out.is_terminal and not joints.after:
            out.print("\n")
