"""The matrix products of a training step alone, on arrays of the same shapes, as an upper bound of training speed.

Shapes: N streams, T steps, M = T * N rows, H hidden units, V vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from charrnn.arrays import Array, zeros
from charrnn.nn.products import deep_product, prepare_product, tall_product, window_product
from charrnn.nn.stack import Stack
from charrnn.nn.tape import Factor


@dataclass(frozen=True)
class StepProduct:
    """One product of a training step."""

    times: int  # calls in one step
    multiply: Callable[[], Any]
    multiplications: int  # multiply-adds of one call


def step_products(stack: Stack, vocab_size: int, streams: int, length: int) -> Iterator[StepProduct]:
    """The products of one training step of N streams and T steps: of every layer, and of a head with V classes."""
    for layer in stack.layers:
        for name, factor in layer.factors(length, streams).items():
            yield from _factor_products(factor, streams, length, length if name == "W" else 1)
    rows = streams * length
    h, scores, weight = _dense(rows, stack.hidden_size), _dense(rows, vocab_size), _dense(stack.hidden_size, vocab_size)
    size = rows * weight.size
    yield StepProduct(1, partial(tall_product, h, weight, out=scores), size)
    yield StepProduct(1, partial(np.matmul, h.T, scores, out=weight), size)
    yield StepProduct(1, partial(tall_product, scores, weight.T, out=h), size)


def _factor_products(factor: Factor, streams: int, length: int, steps: int) -> Iterator[StepProduct]:
    """Forward, backward, and the gradient of the weights; `steps`, how many steps one call covers."""
    count, depth, columns = factor.count, factor.depth, factor.columns
    scratch = _dense(max(factor.partial_sums(streams, True), factor.size))
    directions = ((factor.forward, count, depth, columns), (factor.backward, 1, count * columns, depth))
    for tiling, matrices, terms, width in directions:
        packed, out = _dense(*tiling.shape(matrices, terms, width)), _dense(steps, matrices, streams, width)
        arguments = tiling, _dense(steps, streams, terms), packed, out, scratch
        multiply = prepare_product(*arguments) if steps == 1 else partial(window_product, *arguments)
        yield StepProduct(length // steps, multiply, steps * streams * factor.size)
    rows = streams * length
    results = list(_dense(count, depth, columns))
    gradient = partial(deep_product, _dense(rows, depth), _dense(rows, count * columns), results, scratch)
    yield StepProduct(1, gradient, rows * factor.size)


def _dense(*shape: int) -> Array:
    return zeros(shape, np.float32)
