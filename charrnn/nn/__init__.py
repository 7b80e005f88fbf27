"""The mathematics of recurrent networks: parameters, cells, layers, stack, heads, and the matrix products under them.

Shapes: T steps, N streams, D inputs, E embedding, H hidden units, G gates, P planes, S carried states, L layers, V
vocabulary. It imports arrays and BLAS alone: no configs, no text, no files. Layers hold sizes only; parameters,
state and memory are passed in.
"""

from charrnn.nn.attention import Attended, Attention
from charrnn.nn.bridge import Bridge
from charrnn.nn.cells import make_cell
from charrnn.nn.dropout import Dropout
from charrnn.nn.encoder import Encoder
from charrnn.nn.encoder_tape import EncoderTape
from charrnn.nn.gated import GatedCharacter
from charrnn.nn.heads import NextCharacter
from charrnn.nn.initialise import initialise_
from charrnn.nn.ops import log_softmax_
from charrnn.nn.outputs import Linear, Output, OutputLayer, Sigmoid, Softmax
from charrnn.nn.params import Params
from charrnn.nn.pooling import Pooled, Pooling
from charrnn.nn.stack import Stack, StackTape
from charrnn.nn.stepper import Stepper
from charrnn.nn.weight_dropout import WeightDropout, weight_dropout_scalars
from charrnn.nn.workload import step_products

__all__ = [
    "Attended",
    "Attention",
    "Bridge",
    "Dropout",
    "Encoder",
    "EncoderTape",
    "GatedCharacter",
    "Linear",
    "NextCharacter",
    "Output",
    "OutputLayer",
    "Params",
    "Pooled",
    "Pooling",
    "Sigmoid",
    "Softmax",
    "Stack",
    "StackTape",
    "Stepper",
    "WeightDropout",
    "initialise_",
    "log_softmax_",
    "make_cell",
    "step_products",
    "weight_dropout_scalars",
]
