"""How parameters begin: drawn by a scheme, biases too.

Of the inputs of a layer that reads symbols, one is active at a time. Weights that suit a sum of hidden_size inputs are
too small for it: a symbol hardly changes the first states, and training takes long to make up for that.

Biases of zero would start all units of a layer alike, which costs 0.04 nats per character after one epoch on a small
corpus. The forget gate of an LSTM begins with a bias of its own (Gers et al. 2000).
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np

from charrnn.arrays import Array

DEFAULT_SCALE = {"fan_in": 1.0, "one_hot": 1.0, "orthogonal": 1.0, "uniform": 0.08, "normal": 0.08}
RECURRENT = "weight_hh"  # stands in the names of recurrent weights
EMBEDDING, FIRST = "embedding", "weight_ih_l0"  # in those of look-ups: the latter where there is no embedding


def initialise_(
    named: Mapping[str, Array], scheme: str, scale: float | None, hidden_size: int, rng: np.random.Generator
) -> None:
    """Draw parameters in place, in their order.

    Arguments:
        named: parameters by name; recurrent weights are (G, H, H).
        scheme: fan_in, uniform within scale / sqrt(hidden_size); one_hot, rows that a symbol selects normal of standard
            deviation scale, as of one active input (LeCun et al. 1998), the rest fan_in of scale 1; uniform, within
            scale; normal, of standard deviation scale; orthogonal, recurrent matrices orthogonal times scale (Saxe et
            al. 2014), the rest fan_in.
        scale: None for the scheme's default.
        hidden_size: H.
        rng: the generator that is drawn from.
    """
    factor = scale or DEFAULT_SCALE[scheme]
    width = factor if scheme == "uniform" else (1.0 if scheme == "one_hot" else factor) / sqrt(hidden_size)
    lookup = EMBEDDING if any(EMBEDDING in name for name in named) else FIRST
    for name, value in named.items():
        if scheme == "orthogonal" and RECURRENT in name:
            for plane in value:
                q, r = np.linalg.qr(rng.standard_normal(plane.shape))
                plane[...] = factor * q * np.sign(np.diagonal(r))
        elif scheme == "normal" or (scheme == "one_hot" and lookup in name):
            value[...] = factor * rng.standard_normal(value.shape)
        else:
            value[...] = rng.uniform(-width, width, value.shape)
