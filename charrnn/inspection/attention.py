"""Where a translator looks in its source, for each symbol that it writes.

Shapes: N sources, Ts symbols of the longest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.data import PairExamples, join
from charrnn.models import TranslateModel


@dataclass(frozen=True)
class AttentionMap:
    """The attention of one source.

    Attributes:
        source_text, written_text: both sides as a file spells them.
        source: its symbols.
        written: the symbols that were written; the end, which follows them, is not among them.
        weights: for each of these symbols and for the end, how much each symbol of the source counted; their sum is 1.
    """

    source_text: str
    written_text: str
    source: tuple[str, ...]
    written: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]


def attention_maps(
    model: TranslateModel, sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]]
) -> list[AttentionMap]:
    """Watch a translator while it writes given targets for given sources.

    Arguments:
        model: with attention.
        sources: the symbols of N sources, none of which is empty.
        targets: the symbols to write for each, which the model knows.
    """
    ids, bounds = model.source.encode(sources)
    encoded = model.read(PairExamples(ids, bounds, *model.target.encode(targets)), np.arange(len(sources)))
    positions = {name: k for k, name in enumerate(model.target.names)}
    end = model.target.last_id
    longest = max(map(len, targets))
    rows: list[list[tuple[float, ...]]] = [[] for _ in sources]
    latest = np.full(len(sources), end)
    for step in range(longest + 1):
        model.network.step(latest, encoded)
        assert encoded.weights is not None, "the model has attention"
        for k, (source, target) in enumerate(zip(sources, targets, strict=True)):
            if step <= len(target):
                rows[k].append(tuple(encoded.weights[k, : len(source)].tolist()))
            latest[k] = positions[target[step]] if step < len(target) else end
    return [
        AttentionMap(
            source_text=join(source, model.rules.source_symbols),
            written_text=model.spell(target),
            source=tuple(source),
            written=tuple(target),
            weights=tuple(own),
        )
        for source, target, own in zip(sources, targets, rows, strict=True)
    ]
