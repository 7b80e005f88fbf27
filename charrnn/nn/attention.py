"""Attention: what a decoder takes from the source for each symbol that it writes (Bahdanau et al. 2015, Luong 2015).

A state s of the decoder is compared with every h of the source. The scores become weights by a softmax over the
source's own length; the weighted mean of the source is the context c, and tanh(W_c [c; s] + b_c) takes the place of s:

    dot        score = s . h                     (Luong et al. 2015); the source is as wide as the state
    general    score = s . W_a h                 (Luong et al. 2015)
    additive   score = v . tanh(W_s s + W_h h)   (Bahdanau et al. 2015)

What attention gives is not fed back into the decoder, so all states are known before, and each part of it is one
product for all symbols at once.

Shapes: Ts steps of the source, Tt of the target, N examples, H units of the decoder, W width of the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.nn.products import tall_product

Kind = Literal["dot", "general", "additive"]


@dataclass
class Attended:
    """The result of attention, and what its derivative needs."""

    output: Array  # (Tt, N, H)
    weights: Array  # (N, Tt, Ts): of the source, for each symbol of the target; 0 beyond a source's end
    query: Array  # (N, Tt, W), of general attention W_a s, of dot attention s; (N, Tt, H) of additive attention W_s s
    key: Array  # (N, Ts, H), of additive attention W_h h; else empty
    joined: Array  # (Tt, N, W + H): [c; s]


class Attention:
    """Attention of a decoder to a source. It holds sizes only.

    Arguments: `kind`; `hidden_size`, H; `width`, W.

    Raises:
        ValueError: dot attention to a source of another width.
    """

    weight, key, score = "attention_weight", "attention_key", "attention_score"  # names of the parameters
    out_weight, out_bias = "attention_out_weight", "attention_out_bias"

    def __init__(self, kind: Kind, hidden_size: int, width: int) -> None:
        if kind == "dot" and width != hidden_size:
            raise ValueError(f"dot attention compares vectors of one width, not of {hidden_size} and {width}")
        self.kind = kind
        self.hidden_size = hidden_size
        self.width = width

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        hidden, width = self.hidden_size, self.width
        own: dict[str, dict[str, Shape]] = {
            "dot": {},
            "general": {self.weight: (hidden, width)},
            "additive": {self.weight: (hidden, hidden), self.key: (width, hidden), self.score: (hidden,)},
        }
        return own[self.kind] | {self.out_weight: (width + hidden, hidden), self.out_bias: (hidden,)}

    # -- forward ------------------------------------------------------------------------------------------------------

    def forward(self, value: Mapping[str, Array], s: Array, memory: Array, lengths: Array) -> Attended:
        """Attend to a source.

        Arguments:
            value: parameters by name.
            s: states of the decoder, (Tt, N, H).
            memory: the source, (Ts, N, W); what lies beyond an example's end may be any finite number.
            lengths: (N,), of the sources.
        """
        query, key = self._compared(value, s, memory)
        scores = self._scores(value, query, key, memory)
        beyond = np.arange(len(memory)) >= lengths[:, None]  # (N, Ts)
        np.copyto(scores, -np.inf, where=beyond[:, None])
        weights = _softmax_(scores)
        target, streams, hidden = s.shape
        joined = np.empty((target, streams, self.width + hidden), s.dtype)
        joined[:, :, : self.width] = np.matmul(weights, memory.transpose(1, 0, 2)).transpose(1, 0, 2)
        joined[:, :, self.width :] = s
        output = np.empty(s.shape, s.dtype)  # contiguous, which s need not be
        rows = output.reshape(-1, hidden)
        tall_product(joined.reshape(len(rows), -1), value[self.out_weight], out=rows)
        rows += value[self.out_bias]
        return Attended(np.tanh(output, out=output), weights, query, key, joined)

    def _compared(self, value: Mapping[str, Array], s: Array, memory: Array) -> tuple[Array, Array]:
        """What is compared: of the decoder (N, Tt, W or H), and of the source, for additive attention (N, Ts, H)."""
        query = s if self.kind == "dot" else s @ value[self.weight]
        key = memory @ value[self.key] if self.kind == "additive" else np.zeros((0, 0, 0), s.dtype)
        return query.transpose(1, 0, 2), np.ascontiguousarray(key.transpose(1, 0, 2))

    def _scores(self, value: Mapping[str, Array], query: Array, key: Array, memory: Array) -> Array:
        """The scores (N, Tt, Ts)."""
        scores: Array
        if self.kind != "additive":
            scores = np.matmul(query, memory.transpose(1, 2, 0))
            return scores
        scores = np.empty((*query.shape[:2], key.shape[1]), query.dtype)
        for t in range(query.shape[1]):  # one symbol at a time: all at once would take H times the memory
            np.matmul(np.tanh(query[:, t, None] + key), value[self.score], out=scores[:, t])
        return scores

    # -- backward -----------------------------------------------------------------------------------------------------

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        doutput: Array,
        attended: Attended,
        memory: Array,
        ds: Array,
        dmemory: Array,
    ) -> None:
        """Run back; overwrites the gradients of the parameters.

        Arguments:
            value, grad: parameters and gradients by name.
            doutput: gradient of the output, (Tt, N, H); overwritten.
            attended: the result of forward().
            memory: as for forward().
            ds: takes the gradient of the states, (Tt, N, H).
            dmemory: takes the gradient of the source, (Ts, N, W); zero beyond each source's end.
        """
        output, joined, weights = attended.output, attended.joined, attended.weights
        doutput *= 1 - output * output
        rows = doutput.reshape(-1, self.hidden_size)
        np.matmul(joined.reshape(len(rows), -1).T, rows, out=grad[self.out_weight])
        np.add.reduce(rows, axis=0, out=grad[self.out_bias])
        djoined = np.empty_like(joined)
        tall_product(rows, value[self.out_weight].T, out=djoined.reshape(len(rows), -1))
        ds[...] = djoined[:, :, self.width :]
        dcontext = djoined[:, :, : self.width].transpose(1, 0, 2)  # (N, Tt, W)
        dmemory[...] = np.matmul(weights.swapaxes(1, 2), dcontext).transpose(1, 0, 2)
        dscores = np.matmul(dcontext, memory.transpose(1, 2, 0))  # of the weights, until the softmax has been run back
        dscores -= (weights * dscores).sum(axis=2, keepdims=True)
        dscores *= weights
        self._scores_back(value, grad, dscores, attended, memory, ds, dmemory)

    def _scores_back(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        dscores: Array,
        attended: Attended,
        memory: Array,
        ds: Array,
        dmemory: Array,
    ) -> None:
        """Add what the scores (N, Tt, Ts) contribute to the gradients of states and source."""
        query, s = attended.query, attended.joined[:, :, self.width :]
        if self.kind == "additive":
            dquery, dkey = self._additive_back(value, grad, dscores, query, attended.key)
            rows = dkey.transpose(1, 0, 2)
            grad[self.key][...] = np.tensordot(memory, rows, ((0, 1), (0, 1)))
            dmemory += rows @ value[self.key].T
        else:
            dquery = np.matmul(dscores, memory.transpose(1, 0, 2))  # (N, Tt, W)
            dmemory += np.matmul(dscores.swapaxes(1, 2), query).transpose(1, 0, 2)
        rows = dquery.transpose(1, 0, 2)
        if self.kind == "dot":
            ds += rows
            return
        grad[self.weight][...] = np.tensordot(s, rows, ((0, 1), (0, 1)))
        ds += rows @ value[self.weight].T

    def _additive_back(
        self, value: Mapping[str, Array], grad: Mapping[str, Array], dscores: Array, query: Array, key: Array
    ) -> tuple[Array, Array]:
        """The gradients of query and key; the scores' tanh is computed again, one symbol at a time."""
        dquery, dkey = np.empty_like(query), np.zeros_like(key)
        v, dv = value[self.score], grad[self.score]
        dv[...] = 0
        for t in range(query.shape[1]):
            u = np.tanh(query[:, t, None] + key)  # (N, Ts, H)
            dv += np.tensordot(dscores[:, t], u, 2)
            du = dscores[:, t, :, None] * v
            du *= 1 - u * u
            dquery[:, t] = du.sum(axis=1)
            dkey += du
        return dquery, dkey


def _softmax_(scores: Array) -> Array:
    """Turn scores into weights along the last axis, in place; -inf becomes 0."""
    scores -= scores.real.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores
