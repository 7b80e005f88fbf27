"""Drawing documents: as many as are wanted, side by side, and only those that pass; and how they stand in a file."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from charrnn.arrays import Array
from charrnn.config import DocumentsConfig
from charrnn.data import Unknown, digest
from charrnn.generation.sampling import Options, first_ids, generate_batch
from charrnn.models import LanguageModel, is_known

SIDE_BY_SIDE = 256  # documents that are drawn at the same time; it bounds memory
LEAST_IN_VAIN, IN_VAIN_EACH = 1000, 10  # documents in a row that do not pass, after which drawing ends


@dataclass
class Screen:
    """Which documents pass.

    Attributes:
        unique: whether only the first of equal documents passes.
        known: digests of documents that do not pass, as known_documents() gives them; None lets all pass.
    """

    unique: bool = False
    known: Array | None = None
    _passed: set[int] = field(default_factory=set)

    def passes(self, document: str) -> bool:
        """Whether a document passes, given those that have passed before."""
        if not self.unique and self.known is None:
            return True
        number = digest(document)
        if number in self._passed or (self.known is not None and is_known(self.known, number)):
            return False
        if self.unique:
            self._passed.add(number)
        return True


def most_in_vain(num: int) -> int:
    """How many documents in a row are drawn without one that passes, before draw_documents() ends."""
    return max(LEAST_IN_VAIN, IN_VAIN_EACH * num)


def draw_together(
    model: LanguageModel,
    options: Options,
    num: int,
    prime: str | bytes = "",
    seed: int = 1,
    unknown: Unknown = "error",
    first: int = 0,
) -> list[str]:
    """Draw `num` documents side by side, which takes memory for each.

    Arguments and errors are those of generate_batch().

    Returns:
        The documents, without their prime and their end.
    """
    texts: list[list[str]] = [[] for _ in range(num)]
    for stream, character in generate_batch(model, options, num, prime, seed, unknown, first):
        texts[stream].append(character)
    return ["".join(text) for text in texts]


def draw_documents(
    model: LanguageModel,
    options: Options,
    num: int,
    prime: str | bytes = "",
    seed: int = 1,
    unknown: Unknown = "error",
    screen: Screen | None = None,
) -> Iterator[str]:
    """Yield documents of a model of documents, without their prime and their end.

    Arguments:
        model: the model.
        options: how to draw.
        num: how many documents.
        prime: what each document begins with.
        seed: document k of those that are drawn comes from a generator seeded with (seed, k).
        unknown: what to do with characters of the prime that the model does not know, as for Vocab.encode().
        screen: which documents pass; the others are drawn, but not yielded. It is asked about whole documents, prime
            included, in the order of k.

    Yields:
        At most `num` documents; fewer if most_in_vain(num) in a row do not pass.

    Raises:
        TextError: the model cannot read the prime, or it holds the end of a document.
    """
    screen = screen or Screen()
    beginning = model.vocab.decode(first_ids(model.vocab, prime, unknown))
    drawn, found, in_vain, bound = 0, 0, 0, most_in_vain(num)
    while found < num and in_vain < bound:
        streams = min(max(num - found, in_vain), SIDE_BY_SIDE, bound - in_vain)
        texts = draw_together(model, options, streams, prime, seed, unknown, drawn)
        drawn += streams
        for text in texts:
            if found == num or in_vain == bound:
                return
            if screen.passes(beginning + text):
                found, in_vain = found + 1, 0
                yield text
            else:
                in_vain += 1


def was_cut(text: str, options: Options) -> bool:
    """Whether a drawn document, without its prime, ended because it had `options.length` characters."""
    return 0 < options.length <= len(text) and not (options.until and text.endswith(options.until))


@dataclass(frozen=True)
class Joints:
    """What stands between documents in one file, and after the last."""

    between: str
    after: str

    @classmethod
    def of(cls, documents: DocumentsConfig) -> "Joints":
        """The joints of documents that are told apart so; files, which nothing separates, get an empty line between."""
        if documents.separator is not None:
            return cls(documents.separator, "")
        if documents.kind == "line":
            return cls("\n", "\n")
        return cls("\n\n", "\n" if documents.kind == "paragraph" else "")

    def join(self, documents: list[str]) -> str:
        """Documents one after another; nothing if there are none."""
        return self.between.join(documents) + self.after * bool(documents)
