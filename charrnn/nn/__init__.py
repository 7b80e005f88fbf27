"""The mathematics of recurrent networks: parameters, cells, layers, stack, heads, and the matrix products under them.

Shapes: T steps, N streams, D inputs, E embedding, H hidden units, G gates, P planes, S carried states, L layers, V
vocabulary. It imports arrays and BLAS alone: no configs, no text, no files. Layers hold sizes only; parameters,
state and memory are passed in.
"""

from charrnn.nn.cells import make_cell
from charrnn.nn.heads import Head, NextCharacter
from charrnn.nn.initialise import initialise_
from charrnn.nn.ops import log_softmax_
from charrnn.nn.params import Params
from charrnn.nn.stack import Stack, StackTape
from charrnn.nn.stepper import Stepper
from charrnn.nn.workload import step_products

__all__ = [
    "Head",
    "NextCharacter",
    "Params",
    "Stack",
    "StackTape",
    "Stepper",
    "initialise_",
    "log_softmax_",
    "make_cell",
    "step_products",
]
