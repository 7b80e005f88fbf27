"""Interpolation of language models: p = sum of weight * p of each, with weights fitted on text held out for it.

Works on the ln p that each model gave to each character, (K, len) for K models, so a model may be anything.
"""

import numpy as np

from charrnn.arrays import Array


def fit_weights(logs: Array) -> Array:
    """The weights (K,) under which a text is likeliest, by expectation-maximisation (Jelinek and Mercer 1980).

    Each round gives a model the mean share that it has in the probability of a character; no round makes it worse, and
    the problem is concave, so there is one best answer.
    """
    likelihoods = np.exp(logs - logs.max(axis=0))
    weights = np.full(len(logs), 1 / len(logs))
    for _ in range(1000):
        shares = weights[:, None] * likelihoods
        shares /= shares.sum(axis=0)
        before, weights = weights, shares.mean(axis=1)
        if np.abs(weights - before).max() < 1e-7:
            break
    return weights


def mix(logs: Array, weights: Array) -> Array:
    """ln p (len,) under the mixture."""
    highest = logs.max(axis=0)
    mixed: Array = highest + np.log(weights @ np.exp(logs - highest))
    return mixed


def cross_mix(logs: Array) -> tuple[Array, Array]:
    """ln p (len,) where no other text is left to fit on: each half by the weights of the other; their mean (K,)."""
    half = logs.shape[1] // 2
    first, second = fit_weights(logs[:, :half]), fit_weights(logs[:, half:])
    mixed = np.concatenate([mix(logs[:, :half], second), mix(logs[:, half:], first)])
    return mixed, (first + second) / 2
