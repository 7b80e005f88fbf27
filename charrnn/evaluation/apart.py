"""One text scored by models that do not go together: other vocabularies, or trained on other texts.

A mixture of them is not possible. Each reads the text with its own vocabulary, and the characters that it does not know
are charged. Models of bytes and of characters have only bits per byte in common.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log

import numpy as np

from charrnn.data import Split
from charrnn.errors import CheckpointError
from charrnn.evaluation.assessment import ReportOptions, assess, model_names, part_rows, row, scores_of
from charrnn.evaluation.results import Assessment, Row
from charrnn.evaluation.scores import Scores
from charrnn.evaluation.scoring import check_text
from charrnn.models import SavedModel


def assess_apart(
    models: Sequence[SavedModel], splits: Sequence[Split], options: ReportOptions
) -> tuple[Assessment, Scores]:
    """Score a text by several models, each by itself.

    Arguments:
        models: the models.
        splits: the text, as each of them reads it.
        options: `window` alone.

    Returns: the report, without a mixture, and the scores of each character by the first model.

    Raises: CheckpointError where they do not read the same text, TextError where there is nothing to score.
    """
    first = models[0].config.data
    for other in models[1:]:
        data = other.config.data
        if (data.normalize, data.lowercase, data.documents) != (first.normalize, first.lowercase, first.documents):
            raise CheckpointError(
                f"{other.path}: changes the text or tells documents apart otherwise than {models[0].path} "
                f"(data.normalize, lowercase, documents), so their figures cannot be compared",
                hint="eval on each of them by itself",
            )
    report, scores = assess(models[:1], splits[0], None, options)
    size = bytes_of_text(models, splits)
    names, rows = model_names(models), []
    for name, loaded, split in zip(names, models, splits, strict=True):
        check_text(split.ids, split.unknown)
        model = loaded.language_model
        if loaded is models[0]:
            found = [replace(own, name=name + own.name.removeprefix(report.rows[0].name)) for own in report.rows]
        else:
            whole = row(name, model.vocab, split.ids, scores_of(model, split.ids, options.window), split.unknown)
            found = [whole, *part_rows([loaded], [name], split, options.window)]
        chars = len(split.ids) if model.vocab.has_unknown else len(split.ids) + split.unknown
        rows += [in_bytes(own, chars, size) for own in found]
    return replace(report, rows=rows, apart=True), scores


def in_bytes(own: Row, chars: int, size: int | None) -> Row:
    """A row of a text of so many characters with its bits per byte; `size`, the bytes of the text, or None."""
    if size is None or own.charged is None:
        return own
    return replace(own, charged_bits_per_byte=own.charged * chars / size / log(2))


def bytes_of_text(models: Sequence[SavedModel], splits: Sequence[Split]) -> int | None:
    """The bytes of the text, where models of bytes and of characters have read it; else None."""
    vocabs = [loaded.language_model.vocab for loaded in models]
    if len({vocab.tokens for vocab in vocabs}) == 1:
        return None
    vocab, split = next(pair for pair in zip(vocabs, splits, strict=True) if pair[0].tokens == "byte")
    return int(np.take(vocab.byte_lengths(), split.ids).sum())
