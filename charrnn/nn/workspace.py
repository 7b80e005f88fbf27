"""The memory that recurrent layers use in turn, made for the layers that need most of it.

Shapes: T steps, N streams, D inputs, H hidden units, G gates, S states. All layers have the same cell and the same H.
"""

from collections.abc import Sequence

import numpy.typing as npt

from charrnn.arrays import zeros
from charrnn.nn.recurrent import Recurrent
from charrnn.nn.tape import Workspace


def widest_input(layers: Sequence[Recurrent]) -> int:
    """The largest D of the layers that read vectors; 0 if none does."""
    return max((layer.size_in for layer in layers if not layer.lookup), default=0)


def partial_sums(layers: Sequence[Recurrent], length: int, streams: int, training: bool) -> int:
    """The largest number of partial sums of any product."""
    factors = (factor for layer in layers for factor in layer.factors(length, streams).values())
    return max(factor.partial_sums(streams, training) for factor in factors)


def workspace_scalars(layers: Sequence[Recurrent], length: int, streams: int, training: bool) -> int:
    """The number of numbers that make_workspace() will hold, computed without allocating them."""
    cell, hidden = layers[0].cell, layers[0].hidden_size
    gates = len(cell.gates)
    total = (2 * gates + 2 + len(cell.states)) * streams * hidden + gates * hidden * (hidden + widest_input(layers))
    return total + partial_sums(layers, length, streams, training)


def make_workspace(
    layers: Sequence[Recurrent], length: int, streams: int, dtype: npt.DTypeLike, training: bool
) -> Workspace:
    """Memory for windows of up to `length` steps of `streams` streams."""
    cell, hidden = layers[0].cell, layers[0].hidden_size
    gates, plane = len(cell.gates), (streams, hidden)
    return Workspace(
        weights={"W": zeros(gates * widest_input(layers) * hidden, dtype), "U": zeros(gates * hidden * hidden, dtype)},
        partial_sums=zeros(partial_sums(layers, length, streams, training), dtype),
        u=zeros((gates, *plane), dtype),
        bias=zeros((gates, *plane), dtype),
        tmp=zeros((2, *plane), dtype),
        dstate=zeros((len(cell.states), *plane), dtype),
    )
