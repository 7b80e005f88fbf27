"""A learned embedding of characters. Shapes: T steps, N streams, V vocabulary, E width of the embedding."""

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.ops import scatter_rows


class Embedding:
    """Turns ids (T, N) into vectors (T, N, E), rows of a table (V, E)."""

    name = "embedding"

    def __init__(self, vocab_size: int, embedding_size: int) -> None:
        self.shape = (vocab_size, embedding_size)

    def forward(self, table: Array, ids: Array, out: Array) -> Array:
        """Look the ids up; `out` (T, N, E) is overwritten and returned."""
        return np.take(table, ids, axis=0, out=out, mode="clip")

    def backward(self, ids: Array, dout: Array, dtable: Array) -> None:
        """Write the gradient of the table, given that of the vectors (T, N, E)."""
        scatter_rows(dout.reshape(ids.size, -1), ids.reshape(-1), dtable[None])
