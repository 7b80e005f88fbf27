"""Attention: what a decoder takes from the source for each symbol that it writes (Bahdanau et al. 2015, Luong 2015).

A state s of the decoder is compared with every h of the source. The scores become weights by a softmax over the
source's own length; the weighted mean of the source is the context c, and tanh(W_c [c; s] + b_c) takes the place of s:

    dot        score = s . h                     (Luong et al. 2015); the source is as wide as the state
    general    score = s . W_a h                 (Luong et al. 2015)
    additive   score = v . tanh(W_s s + W_h h)   (Bahdanau et al. 2015)

What attention gives is not fed back into the decoder, so all states are known before, and each part of it is one
product for all symbols at once. The key of a source is what its scores need of it: h, W_a h or W_h h. It depends on no
state, so to write a target symbol by symbol it is computed once.

Shapes: Ts steps of the source, Tt of the target, N examples, H units of the decoder, W width of the source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.nn.ops import ONE
from charrnn.nn.products import tall_product

Kind = Literal["dot", "general", "additive"]


@dataclass
class Attended:
    """The result of attention, and what its derivative needs."""

    output: Array  # (Tt, N, H)
    weights: Array  # (N, Tt, Ts): of the source, for each symbol of the target; 0 beyond a source's end
    context: Array  # (Tt, N, W)
    s: Array  # (Tt, N, H), as it was given
    key: Array  # (Ts, N, H), as it was given


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

    def scalars(self, source: int, target: int, streams: int, training: bool) -> int:
        """How many numbers a forward pass takes at most, and with `training` a backward pass as well."""
        hidden, width = self.hidden_size, self.width
        keys = 0 if self.kind == "dot" else source * hidden
        total = keys + target * (2 * hidden + width + source)
        if training:
            total += keys + source * width + target * (hidden + width + source)
        if self.kind == "additive":
            total += source * hidden + target * hidden * (1 + training)
        return streams * total

    def _key_matrix(self, named: Mapping[str, Array]) -> Array:
        """What makes a key of the source, (W, H); or its gradient."""
        return named[self.weight].T if self.kind == "general" else named[self.key]

    # -- forward ------------------------------------------------------------------------------------------------------

    def keys(self, value: Mapping[str, Array], memory: Array) -> Array:
        """What the states of a decoder are compared with, (Ts, N, H), of a source (Ts, N, W)."""
        if self.kind == "dot":
            return memory
        key = np.empty((*memory.shape[:2], self.hidden_size), memory.dtype)
        tall_product(_rows(memory), self._key_matrix(value), out=_rows(key))
        return key

    def forward(self, value: Mapping[str, Array], s: Array, memory: Array, key: Array, lengths: Array) -> Attended:
        """Attend to a source.

        Arguments:
            value: parameters by name.
            s: states of the decoder, (Tt, N, H).
            memory: the source, (Ts, N, W); what lies beyond an example's end may be any finite number.
            key: keys() of it, (Ts, N, H).
            lengths: (N,), of the sources.
        """
        target, streams, hidden = s.shape
        scores = np.empty((streams, target, len(memory)), s.dtype)
        if self.kind == "additive":
            query = _by_example(s @ value[self.weight])
            for t in range(target):  # one symbol at a time: all at once would take H times the memory
                np.matmul(self._compared(query, key, t), value[self.score], out=scores[:, t])
        else:
            np.matmul(_by_example(s), key.transpose(1, 2, 0), out=scores)
        beyond = np.arange(len(memory)) >= lengths[:, None]  # (N, Ts)
        np.copyto(scores, -np.inf, where=beyond[:, None])
        weights = _softmax_(scores)
        context, output, own = (np.empty((target, streams, width), s.dtype) for width in (self.width, hidden, hidden))
        np.matmul(weights, _by_example(memory), out=_by_example(context))
        weight = value[self.out_weight]
        tall_product(_rows(context), weight[: self.width], out=_rows(output))
        tall_product(_rows(s), weight[self.width :], out=_rows(own))
        output += own
        output += value[self.out_bias]
        return Attended(np.tanh(output, out=output), weights, context, s, key)

    def _compared(self, query: Array, key: Array, t: int) -> Array:
        """tanh(W_s s + W_h h) of the state after one symbol and all of the source, (N, Ts, H)."""
        compared: Array = query[:, t, None] + _by_example(key)
        np.tanh(compared, out=compared)
        return compared

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
        output, context, weights = attended.output, attended.context, attended.weights
        rows, width = _rows(doutput), self.width
        weight, dweight = value[self.out_weight], grad[self.out_weight]
        np.multiply(output, output, out=output)  # it is needed no more
        np.subtract(ONE, output, out=output)
        doutput *= output
        np.matmul(_rows(context).T, rows, out=dweight[:width])
        np.matmul(_rows(attended.s).T, rows, out=dweight[width:])
        np.add.reduce(rows, axis=0, out=grad[self.out_bias])
        dcontext = np.empty_like(context)
        tall_product(rows, weight[:width].T, out=_rows(dcontext))
        tall_product(rows, weight[width:].T, out=_rows(ds))
        np.matmul(weights.swapaxes(1, 2), _by_example(dcontext), out=_by_example(dmemory))
        dscores = np.matmul(_by_example(dcontext), memory.transpose(1, 2, 0))  # until here of the weights
        dscores -= np.einsum("nts,nts->nt", weights, dscores)[:, :, None]
        dscores *= weights
        dkey = self._scores_back(value, grad, dscores, attended, ds)
        if self.kind == "dot":
            dmemory += dkey
            return
        matrix, dmatrix = self._key_matrix(value), self._key_matrix(grad)
        np.matmul(_rows(memory).T, _rows(dkey), out=dmatrix)
        dmemory += np.matmul(_rows(dkey), matrix.T).reshape(dmemory.shape)

    def _scores_back(
        self, value: Mapping[str, Array], grad: Mapping[str, Array], dscores: Array, attended: Attended, ds: Array
    ) -> Array:
        """Add to the gradient of the states what the scores (N, Tt, Ts) contribute; the gradient of the key."""
        s, key = attended.s, attended.key
        dquery = np.empty_like(s)
        if self.kind != "additive":
            dkey = np.empty_like(key)
            np.matmul(dscores.swapaxes(1, 2), _by_example(s), out=_by_example(dkey))
            np.matmul(dscores, _by_example(key), out=_by_example(dquery))
            ds += dquery
            return dkey
        dkey = np.zeros_like(key)
        query = _by_example(s @ value[self.weight])
        v, dv = value[self.score], grad[self.score]
        dv[...] = 0
        for t in range(len(s)):
            u = self._compared(query, key, t)  # computed again: it takes H times the memory of the scores
            dv += np.einsum("ns,nsh->h", dscores[:, t], u)
            np.multiply(u, u, out=u)
            np.subtract(ONE, u, out=u)
            u *= dscores[:, t, :, None]
            u *= v
            np.add.reduce(u, axis=1, out=dquery[t])
            dkey += u.swapaxes(0, 1)
        np.matmul(_rows(s).T, _rows(dquery), out=grad[self.weight])
        ds += dquery @ value[self.weight].T
        return dkey


def _rows(x: Array) -> Array:
    """(T, N, D) as (T * N, D); a view."""
    return x.reshape(-1, x.shape[2])


def _by_example(x: Array) -> Array:
    """(T, N, D) as (N, T, D), as batched products need it; a view."""
    return x.swapaxes(0, 1)


def _softmax_(scores: Array) -> Array:
    """Turn scores into weights along the last axis, in place; -inf becomes 0."""
    scores -= scores.real.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores
