"""Packing a layer's weights. This is the only place where pre-activations of sigmoid gates are halved.

Cells compute a sigmoid as (1 + tanh(x / 2)) / 2, so every term of x is multiplied by 1/2 when it is packed.

Shapes: G gates, H units, V vocabulary.
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
        """W x + b of every character, scaled, (G, V, H). `rows` (G, V, H) holds W x."""
        table: Array = rows + p.b[:, None]
        table *= self.scale[:, None, None]
        return table

    def pack(self, p: Weights, tape: LayerTape, work: Workspace) -> None:
        """Pack W, U and b, scaled, for the forward pass."""
        if "W" in tape.packed:
            pack(p.W, tape.packed["W"], self.scale)
        for part in self._products:
            pack([p.U[g] for g in part.weights], tape.packed[part.name], self.scale[list(part.weights)])
        np.multiply(p.b[:, None], self.scale[:, None, None], out=work.bias)
