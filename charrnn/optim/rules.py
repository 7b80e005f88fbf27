"""Update rules: optimizers on flat vectors, in agreement with torch.optim.

P parameters in one vector, K moments. A rule is a function of one block of the vector, so that the block and its
moments stay in the cache while every pass over them runs. The result does not depend on where blocks are cut.
Nothing here knows names or shapes of parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from charrnn.arrays import Array

BLOCK_SIZE = 1 << 15  # numbers updated at a time: five vectors of this length fit a cache of 1 MB


@dataclass(frozen=True)
class Hyper:
    """Constants of the update rules; each rule reads those that it needs."""

    momentum: float = 0.9  # mu of momentum
    betas: tuple[float, float] = (0.9, 0.999)  # decay of adam's two moments
    rho: float = 0.99  # decay of rmsprop's moment
    epsilon: float = 1e-8  # added to every denominator
    weight_decay: float = 0.0  # times the values: added to the gradient, or subtracted by adamw with the step


# A rule updates one block in place: values w, by gradients g (which it may overwrite) and moments m (K, block). `a` is
# scratch, `lr` the learning rate, `t` the number of the step, from 1, and `k` the constants.
def _sgd(w: Array, g: Array, m: Array, a: Array, lr: float, t: int, k: Hyper) -> None:
    """w -= lr g (Robbins and Monro 1951)."""
    np.multiply(g, lr, out=a)
    w -= a


def _momentum(w: Array, g: Array, m: Array, a: Array, lr: float, t: int, k: Hyper) -> None:
    """v = mu v + g; w -= lr v (Polyak 1964)."""
    v = m[0]
    v *= k.momentum
    v += g
    _sgd(w, v, m, a, lr, t, k)


def _adagrad(w: Array, g: Array, m: Array, a: Array, lr: float, t: int, k: Hyper) -> None:
    """s += g^2; w -= lr g / (sqrt(s) + eps) (Duchi et al. 2011)."""
    s = m[0]
    np.multiply(g, g, out=a)
    s += a
    _scaled(w, g, s, a, lr, k.epsilon)


def _rmsprop(w: Array, g: Array, m: Array, a: Array, lr: float, t: int, k: Hyper) -> None:
    """s = rho s + (1 - rho) g^2; w -= lr g / (sqrt(s) + eps) (Tieleman and Hinton 2012)."""
    s = m[0]
    s *= k.rho
    np.multiply(g, g, out=a)
    a *= 1 - k.rho
    s += a
    _scaled(w, g, s, a, lr, k.epsilon)


def _scaled(w: Array, g: Array, s: Array, a: Array, lr: float, epsilon: float) -> None:
    """w -= lr g / (sqrt(s) + eps)."""
    np.sqrt(s, out=a)
    a += epsilon
    np.divide(g, a, out=a)
    a *= lr
    w -= a


def _adam(w: Array, g: Array, m: Array, a: Array, lr: float, t: int, k: Hyper) -> None:
    """Moments of g and g^2 with their bias corrected; w -= lr mean / (sqrt(square) + eps) (Kingma and Ba 2015)."""
    (mean, square), (b1, b2) = m, k.betas
    np.multiply(g, g, out=a)
    square *= b2
    a *= 1 - b2
    square += a
    np.multiply(g, 1 - b1, out=a)
    mean *= b1
    mean += a
    np.sqrt(square, out=a)
    a *= 1 / sqrt(1 - b2**t)
    a += k.epsilon
    np.divide(mean, a, out=a)
    a *= lr / (1 - b1**t)
    w -= a


Rule = Callable[[Array, Array, Array, Array, float, int, Hyper], None]


RULES: dict[str, tuple[Rule, int]] = {  # name -> update rule, number of moments K
    "sgd": (_sgd, 0),
    "momentum": (_momentum, 1),
    "adagrad": (_adagrad, 1),
    "rmsprop": (_rmsprop, 1),
    "adam": (_adam, 2),
    "adamw": (_adam, 2),
}


class Optimizer:
    """An update rule and its moments.

    Arguments:
        name: one of RULES.
        values: parameters (P,), for size and dtype.
        hyper: the constants.
        moments: memory (K, P) to use instead of fresh zeros.

    Attribute `moments` (K, P): all state that a checkpoint has to hold.
    """

    def __init__(self, name: str, values: Array, hyper: Hyper, moments: Array | None = None) -> None:
        self.rule, count = RULES[name]
        self.decoupled = name == "adamw"
        self.hyper = hyper
        self.moments: Array = np.zeros((count, values.size), values.dtype) if moments is None else moments
        self.scratch: Array = np.zeros(min(BLOCK_SIZE, values.size), values.dtype)

    def step(self, values: Array, grads: Array, lr: float, t: int) -> None:
        """Take one step.

        Arguments:
            values: parameters (P,), updated in place.
            grads: their gradients (P,), which may be overwritten.
            lr: the learning rate.
            t: the number of the step, from 1.
        """
        decay = self.hyper.weight_decay
        for start in range(0, values.size, BLOCK_SIZE):
            block = slice(start, start + BLOCK_SIZE)
            w, g, m = values[block], grads[block], self.moments[:, block]
            a = self.scratch[: w.size]
            if decay and self.decoupled:  # Loshchilov and Hutter 2019
                w *= 1 - lr * decay
            elif decay:
                np.multiply(w, decay, out=a)
                g += a
            self.rule(w, g, m, a, lr, t, self.hyper)
