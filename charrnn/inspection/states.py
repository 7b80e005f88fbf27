"""The state after a document: what the output layer of a network reads once a text has been read, as a vector.

Each document begins in the state that the model gives, so no vector depends on other documents or on their order.
Documents of similar length are read side by side. Reads a network; changes nothing.

Shapes: D documents, N of them side by side, T steps at a time, H hidden units, M rows.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array
from charrnn.blas import one_thread
from charrnn.data import Vocab, ends_of
from charrnn.errors import CheckpointError, TextError
from charrnn.models import GatedNetwork, Network, NGram

Each = Literal["document", "character"]
Ending = Literal[".npy", ".npz", ".tsv"]
SIDE_BY_SIDE = 64
CHUNK_STEPS = 64  # steps at a time: bounds memory and does not affect the result
ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class States:
    """What the output layer reads.

    Fields: `states`, (M, H) in float32, one for each document, or one for each character; `begins`, (D,), the row with
    which each document begins.
    """

    states: Array
    begins: Array


def embed(model: Network | NGram | GatedNetwork, texts: Sequence[str | bytes]) -> Array:
    """The state of a network after each text.

    Arguments:
        model: a network.
        texts: each is one document, whatever `data.documents` says: a string, or bytes (of any kind for a byte model,
            else UTF-8). Characters that the model does not know are left out.

    Returns:
        What the output layer reads after the last character of each text and before its end, (len(texts), H) in
        float32, in the order of the texts. An empty text gives the state in which a document begins.

    Raises:
        CheckpointError: the model is an n-gram, which has no state.
        TextError: a text holds the symbol that ends a document, or is not UTF-8.
    """
    if isinstance(model, NGram):
        raise CheckpointError("an n-gram has no state; embed() needs a network")
    if isinstance(model, GatedNetwork):
        model = model.network
    documents = [model.vocab.encode(text, unknown="skip") for text in texts]
    for number, ids in enumerate(documents, 1):
        if model.vocab.end_id is not None and (ids == model.vocab.end_id).any():
            raise TextError(f"text {number} holds {model.vocab.end!r}, which ends a document; give each one by itself")
    with one_thread():
        return states_of(model, documents, "document").states


def embed_ids(network: Network, ids: Array, each: Each = "document") -> States:
    """The states after the documents of a text, or after each of their characters.

    Arguments:
        network: of documents, or of one stream; the text of the latter is one document.
        ids: (len,); documents one after another, each followed by its end.
        each: whether there is a row for each document or for each character; ends have none.

    Returns:
        The states, in the order of the text.
    """
    return states_of(network, split_documents(network.vocab, ids), each)


def split_documents(vocab: Vocab, ids: Array) -> list[Array]:
    """The documents of ids (len,), without their ends. What follows the last end is one more."""
    if vocab.end_id is None:
        return [ids]
    stops = ends_of(ids, vocab.end_id)
    documents = [piece[:-1] for piece in np.split(ids, stops)[:-1]]
    rest = ids[stops[-1] :] if len(stops) else ids
    return [*documents, rest] if len(rest) else documents


def states_of(network: Network, documents: Sequence[Array], each: Each) -> States:
    """The states after documents, given as ids, or after each of their characters."""
    sizes = np.array([len(document) for document in documents], np.int64)
    rows = sizes if each == "character" else np.ones(len(sizes), np.int64)
    begins = np.cumsum(rows) - rows
    states = np.zeros((int(rows.sum()), network.config.hidden_size), np.float32)
    order = np.argsort(sizes, kind="stable")
    for first in range(0, len(order), SIDE_BY_SIDE):
        group = order[first : first + SIDE_BY_SIDE]
        _read(network, [documents[k] for k in group], begins[group], each, states)
    return States(states, begins)


def _read(network: Network, documents: Sequence[Array], begins: Array, each: Each, states: Array) -> None:
    """Read documents side by side and write their states, from the row `begins` (N,) of each on."""
    sizes = np.array([len(document) for document in documents])
    text = np.zeros((int(sizes.max()), len(sizes)), np.int64)
    for n, document in enumerate(documents):
        text[: len(document), n] = document
    state = network.start(len(sizes))
    if each == "document":
        states[begins] = network.stack.output(state)  # what stays for documents that are empty
    tape = network.stack.tape(min(CHUNK_STEPS, max(len(text), 1)), len(sizes), network.dtype, training=False)
    for first in range(0, len(text), CHUNK_STEPS):
        steps = np.arange(first, min(first + CHUNK_STEPS, len(text)))[:, None]
        h = network.stack.forward(network.params.value, text[first : first + CHUNK_STEPS], state, tape)
        if each == "document":
            wanted = steps == sizes - 1
            states[begins[np.nonzero(wanted)[1]]] = h[wanted]
        else:
            inside = steps < sizes
            states[(begins + steps)[inside]] = h[inside]


# -- as files ---------------------------------------------------------------------------------------------------------


def encoded(found: States, ending: Ending) -> Iterator[str | bytes]:
    """The content of a file of states, in pieces.

    Arguments:
        found: the states.
        ending: ".npy" holds the array `states`; ".npz" holds `states` and `begins`; ".tsv" is the table of rows().
    """
    if ending == ".tsv":
        yield from rows(found)
        return
    file = io.BytesIO()
    if ending == ".npy":
        np.save(file, found.states)
    else:
        np.savez(file, states=found.states, begins=found.begins)
    yield file.getvalue()


def rows(found: States) -> Iterator[str]:
    """A table in pieces: the number of the document, that of the row in it, both from 1, and the H values of the row.

    Values have nine digits, which is all that float32 holds.
    """
    count, hidden = found.states.shape
    yield "\t".join(["document", "row", *(f"h{k}" for k in range(1, hidden + 1))]) + "\n"
    document = np.searchsorted(found.begins, np.arange(count), "right")
    place = np.arange(count) - found.begins[document - 1] + 1
    for first in range(0, count, ROWS_AT_ONCE):
        piece = slice(first, first + ROWS_AT_ONCE)
        named = zip(document[piece].tolist(), place[piece].tolist(), found.states[piece].tolist(), strict=True)
        yield "".join(f"{d}\t{k}\t" + "\t".join(f"{value:.9g}" for value in row) + "\n" for d, k, row in named)
