"""Interpolation of language models: p = sum of weight * p of each model, with weights fitted on held-out text.

Works on the ln p that each model gave to each character, (K, len) for K models, so a model may be anything.
"""

import numpy as np

from charrnn.arrays import Array

MAX_ROUNDS = 1000
CONVERGED = 1e-7  # largest change of a weight at which the fit stops


def fit_weights(logs: Array) -> Array:
    """The weights (K,) that maximise the likelihood of a text, by expectation-maximisation (Jelinek and Mercer 1980).

    Each round sets a model's weight to its mean share in the probability of a character. No round lowers the
    likelihood, and the problem is concave, so the result does not depend on where it starts.
    """
    likelihoods = np.exp(logs - logs.max(axis=0))
    weights = np.full(len(logs), 1 / len(logs))
    for _ in range(MAX_ROUNDS):
        shares = weights[:, None] * likelihoods
        shares /= shares.sum(axis=0)
        previous = weights
        weights = shares.mean(axis=1)
        if np.abs(weights - previous).max() < CONVERGED:
            break
    return weights


def mix(logs: Array, weights: Array) -> Array:
    """ln p (len,) under the mixture."""
    highest = logs.max(axis=0)
    mixed: Array = highest + np.log(weights @ np.exp(logs - highest))
    return mixed


def cross_mix(logs: Array) -> tuple[Array, Array]:
    """The mixture where the text to score is the only one to fit on: each half gets the weights of the other half.

    Returns: ln p (len,), and the mean of the two sets of weights (K,).
    """
    half = logs.shape[1] // 2
    first = fit_weights(logs[:, :half])
    second = fit_weights(logs[:, half:])
    mixed = np.concatenate([mix(logs[:, :half], second), mix(logs[:, half:], first)])
    return mixed, (first + second) / 2
