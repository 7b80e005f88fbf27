"""TranslateModel: a trained translator with all that it needs to read a source and to spell a target.

Shapes: n sources, N read together, U symbols of targets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.config import Config
from charrnn.data import PairExamples, PairRules, Symbols, join, padded_pairs
from charrnn.errors import TextError
from charrnn.models.translate_network import Encoded, TranslateNetwork
from charrnn.models.translate_parts import Translation

SYMBOL_BYTES = 64  # of a symbol of the targets, while a beginning is extended, measured


def translation_of(config: Config, source: Symbols, target: Symbols, label_smoothing: float = 0.0) -> Translation:
    """What the network of a config reads and writes; the last argument matters for training only."""
    model = config.model
    return Translation(
        source_size=source.size,
        target_size=target.size,
        attention=model.attention,
        bidirectional=model.bidirectional is not False,
        input_dropout=model.input_dropout,
        unknown_id=source.last_id,
        label_smoothing=label_smoothing,
    )


@dataclass
class TranslateModel:
    """A translator.

    Attributes:
        config: the settings of its run.
        network: the trained network.
        source, target: the symbols that it reads and writes.
        rules: how its examples are read.
    """

    config: Config
    network: TranslateNetwork
    source: Symbols
    target: Symbols
    rules: PairRules

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self.network.params.size

    def encode(self, texts: Sequence[str], features: Sequence[Sequence[str]] | None = None) -> PairExamples:
        """Texts as sources, without targets; they are folded as the training text was.

        Arguments:
            texts: n of them; a symbol that the model does not know is read as unknown. One without a symbol is empty,
                whatever its features are.
            features: for each text the cells of its feature columns, if the model has any.

        Raises:
            TextError: a text has not as many cells as the model has feature columns.
        """
        columns = self.rules.layout.features
        rows = [()] * len(texts) if features is None else features
        if len(rows) != len(texts) or any(len(row) != len(columns) for row in rows):
            named = f"reads feature columns ({', '.join(map(str, columns))})" if columns else "reads no feature columns"
            count = f"{len(texts):,} text{'s' * (len(texts) != 1)}"
            raise TextError(f"{count} and {'its' if len(texts) == 1 else 'their'} features: this model {named}; "
                            f"give as many cells for each text")  # fmt: skip
        spelled = [self.rules.source_of(text, row) for text, row in zip(texts, rows, strict=True)]
        own = [symbols if self.rules.source_of(text) else () for text, symbols in zip(texts, spelled, strict=True)]
        ids, bounds = self.source.encode(own)
        return PairExamples(ids, bounds, np.zeros(0, np.int32), np.zeros(len(texts) + 1, np.int64))

    def spell(self, symbols: Sequence[str]) -> str:
        """The text that symbols of a target spell."""
        return join(symbols, self.rules.target_symbols)

    def read(self, examples: PairExamples, rows: Array) -> Encoded:
        """Read the sources at positions (N,), none of which is empty."""
        return self.network.encode(padded_pairs(examples, rows, self.target.last_id))

    def bytes_each(self, length: int, beam: int) -> int:
        """The bytes that a source of so many symbols takes, with a beam so wide."""
        return self.network.tape_bytes(length, 1, 1, training=False) + beam * self.target.size * SYMBOL_BYTES
