"""The mathematics: parameters, cells, layers, heads and the stack that they form. It imports arrays and BLAS alone."""

from charrnn.nn.cells import make_cell
from charrnn.nn.heads import NextCharacter
from charrnn.nn.ops import log_softmax_
from charrnn.nn.params import Params
from charrnn.nn.products import deep_product, ready, tall_product, window_product
from charrnn.nn.stack import Stack, StackTape
from charrnn.nn.stepper import Decoder

__all__ = [
    "Decoder",
    "NextCharacter",
    "Params",
    "Stack",
    "StackTape",
    "deep_product",
    "log_softmax_",
    "make_cell",
    "ready",
    "tall_product",
    "window_product",
]
