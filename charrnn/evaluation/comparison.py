"""Runs side by side: how their configs differ, what they reached, and whether one is better by more than noise.

Runs with the same held-out text are scored on it again, character by character, unknown characters charged. The mean
difference gets an interval from a paired block bootstrap, which is far narrower than the intervals of the two scores.
Models of bytes and of characters are compared in bits per byte.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.config import flat
from charrnn.data import END, Vocab, choose_split
from charrnn.errors import TextError
from charrnn.evaluation.assessment import scores_of
from charrnn.evaluation.bootstrap import difference
from charrnn.evaluation.comparison_results import Comparison, RunSummary
from charrnn.evaluation.documents import bounds
from charrnn.evaluation.figures import CODE_POINTS, charged
from charrnn.evaluation.results import Difference
from charrnn.models import SavedModel
from charrnn.storage import RunDirectory

NOT_COMPARED = "its held-out text is not known to be that of the first run, so the two cannot be compared"


@dataclass(frozen=True)
class Scored:
    """A held-out text scored by a run: its ids and the nats of each, (len,), and how many characters were left out."""

    vocab: Vocab
    ids: Array
    nats: Array
    left_out: int


def compare(models: Iterable[SavedModel]) -> Comparison:
    """Compare runs. The first run that can be scored, in the order of the result, is the one that others differ from.

    Returns: the runs, best validation loss first, and the config keys in which they differ.
    """
    models = sorted(models, key=lambda run: (run.best_loss is None, run.best_loss))
    runs: list[RunSummary] = []
    reference: Scored | None = None
    for loaded in models:
        run, scored = scored_summary(loaded, reference)
        runs.append(run)
        reference = reference or scored
    return Comparison(runs, differing([dict(flat(loaded.config.to_dict())) for loaded in models]))


def scored_summary(loaded: SavedModel, reference: Scored | None) -> tuple[RunSummary, Scored | None]:
    """The summary of a run with its score and its difference from the reference; and its scores as a reference.

    Where its text cannot be read again, the summary has a note, and there is no reference.
    """
    run = summary(loaded)
    try:
        split = choose_split(loaded.corpus(), None)
    except TextError as error:
        return replace(run, note=str(error)), None
    model = loaded.language_model
    nats, vocab = scores_of(model, split.ids).nats, model.vocab
    scored = Scored(vocab, split.ids, nats, 0 if vocab.has_unknown else split.unknown)
    run = replace(
        run,
        text=f"{split.name} split",
        chars=len(split),
        nats_per_char=float(nats.mean()),
        unknown_chars=split.unknown,
        nats_per_char_charged=charged(vocab, nats, split.unknown),
    )
    if reference is not None:
        found = difference_of(scored, reference)
        run = replace(run, note=NOT_COMPARED) if found is None else replace(run, difference=found)
    return run, scored


def difference_of(scored: Scored, other: Scored) -> Difference | None:
    """The difference of two runs on the same text, unknown characters charged.

    Returns: nats per character, or bits per byte where one of them reads bytes. None where the texts are not the same,
        or are not known to be: where characters were left out, only the same vocabulary leaves out the same ones.
    """
    if scored.vocab == other.vocab:
        if scored.left_out != other.left_out or not np.array_equal(scored.ids, other.ids):
            return None
        return difference(scored.nats, other.nats, begins_of(scored))
    if scored.left_out or other.left_out or scored.vocab.end != other.vocab.end:
        return None
    if scored.vocab.tokens == other.vocab.tokens:
        if not same_characters(scored, other):
            return None
        return difference(charged_each(scored), charged_each(other), begins_of(scored))
    return difference_in_bytes(scored, other)


def difference_in_bytes(scored: Scored, other: Scored) -> Difference | None:
    """The difference of a run on bytes and one on characters, in bits per byte; None where the texts differ."""
    in_bytes, in_characters = (scored, other) if scored.vocab.tokens == "byte" else (other, scored)
    if in_characters.vocab.has_unknown or bytes_of(in_characters) != bytes_of(in_bytes):
        return None
    sizes = byte_sizes(in_characters)
    of_bytes = np.add.reduceat(in_bytes.nats, np.cumsum(sizes) - sizes) / log(2)
    of_characters = in_characters.nats / log(2)
    pair = (of_bytes, of_characters) if scored is in_bytes else (of_characters, of_bytes)
    return replace(difference(*pair, begins_of(in_characters), sizes), unit="bits/byte")


def begins_of(scored: Scored) -> Array | None:
    """Where each document begins, (D,), or None."""
    return bounds(scored.vocab, scored.ids)[0] if scored.vocab.end else None


def charged_each(scored: Scored) -> Array:
    """The nats of each character, (len,), with those charged that the vocabulary only knows as its unknown one."""
    nats: Array = scored.nats + (scored.ids == len(scored.vocab.symbols)) * log(CODE_POINTS)
    return nats


def same_characters(scored: Scored, other: Scored) -> bool:
    """Whether two texts are the same wherever both vocabularies know the character."""
    if len(scored.ids) != len(other.ids):
        return False
    first, second = ([*each.vocab.symbols] + [""] * each.vocab.has_unknown for each in (scored, other))
    known = np.array([[not a or not b or a == b for b in second] for a in first])
    return bool(known[scored.ids, other.ids].all())


def byte_sizes(scored: Scored) -> Array:
    """The bytes of each character, (len,); the end of a document counts as one."""
    sizes: Array = np.maximum(scored.vocab.byte_lengths(), 1)[scored.ids]
    return sizes


def bytes_of(scored: Scored) -> list[bytes]:
    """A text as bytes, those of each document by themselves where END divides them."""
    text = scored.vocab.decode(scored.ids)
    return [scored.vocab.to_bytes(part) for part in (text.split(END) if scored.vocab.end == END else [text])]


def differing(configs: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The keys in which flat configs differ, each with its value in every config."""
    values = {name: [config.get(name) for config in configs] for name in configs[0]}
    return {name: column for name, column in values.items() if any(value != column[0] for value in column)}


def summary(loaded: SavedModel) -> RunSummary:
    """What a run reached, from its checkpoint, and its time and speed, from the log beside it."""
    run = RunSummary(loaded.name, loaded.best_loss)
    try:
        last = json.loads(RunDirectory(loaded.path.parent).log.read_bytes().splitlines()[-1])
        return replace(run, seconds=float(last["seconds"]), chars_per_second=float(last["chars_per_second"]))
    except (OSError, ValueError, IndexError, KeyError, TypeError):
        return run  # a checkpoint that was moved has no log
