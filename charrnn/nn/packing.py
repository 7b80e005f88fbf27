"""Packing a layer's weights: the one place that knows that sigmoid gates are computed from halved pre-activations.

Sigmoid gates are computed as (1 + tanh(x / 2)) / 2 (see cells.py), so everything that adds up to their
pre-activations is multiplied by 1/2 while it is packed. Shapes: G gates, H units, V vocabulary.
"""

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.contract import Cell, Weights
from charrnn.nn.ops import HALF
from charrnn.nn.products import pack
from charrnn.nn.tape import LayerTape, Workspace


class GatePacking:
    """How the weights of a cell are packed.

    Attributes: `gates`, the gates among the cell's planes; `scale` (G,), what each gate's terms are multiplied by.
    """

    def __init__(self, cell: Cell) -> None:
        self._products = cell.products
        first = cell.planes.index(cell.gates[0])
        self.gates = slice(first, first + len(cell.gates))
        self.scale: Array = np.ones(len(cell.gates), np.float32)
        for gates in cell.sigmoids.values():
            self.scale[gates] = HALF

    def table(self, p: Weights, rows: Array) -> Array:
        """What each character adds to the gates, W x + b, scaled, (G, V, H); `rows` (G, V, H) is W x."""
        table: Array = rows + p.b[:, None]
        table *= self.scale[:, None, None]
        return table

    def pack(self, p: Weights, tape: LayerTape, work: Workspace) -> None:
        """Pack W, U and b, scaled, as the forward pass takes them."""
        if "W" in tape.packed:
            pack(p.W, tape.packed["W"], self.scale)
        for part in self._products:
            pack([p.U[g] for g in part.weights], tape.packed[part.name], self.scale[list(part.weights)])
        np.multiply(p.b[:, None], self.scale[:, None, None], out=work.bias)
