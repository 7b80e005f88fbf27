"""Attention: how a decoder looks back at what an encoder put out.

Shapes: Tt, Ts steps of target and source, N examples, H size of the decoder's states s, W width of the memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from charrnn.arrays import Array, Shape

Kind = Literal["general", "dot", "additive", "none"]


@dataclass
class Attended:
    """What backward() needs of forward(); by example first."""

    s: Array  # (N, Tt, H)
    memory: Array  # (N, Ts, W)
    weights: Array  # (N, Tt, Ts)
    both: Array  # (N, Tt, W + H), [context; s]
    out: Array  # (N, Tt, H)
    hidden: Array | None = None  # (N, Tt, Ts, H) of additive


class Attention:
    """Scores, softmax over the source's own length, context, tanh of a matrix times [context; s]. Holds sizes only."""

    def __init__(self, kind: Kind, hidden_size: int, width: int) -> None:
        self.kind, self.hidden_size, self.width = kind, hidden_size, width

    def shapes(self) -> dict[str, Shape]:
        h, w = self.hidden_size, self.width
        if self.kind == "none":
            return {}
        scores: dict[str, dict[str, Shape]] = {
            "general": {"attention_weight": (h, w)},
            "additive": {"attention_query": (h, h), "attention_key": (w, h), "attention_v": (h,)},
            "dot": {},
        }
        return scores[self.kind] | {"attention_combine": (w + h, h), "attention_bias": (h,)}

    def keys(self, value: Mapping[str, Array], memory: Array) -> Array:
        """(N, Ts, .), what states are compared with."""
        if self.kind == "general":
            return memory @ value["attention_weight"].T
        if self.kind == "additive":
            return memory @ value["attention_key"]
        return memory

    def scores(self, value: Mapping[str, Array], s: Array, keys: Array) -> tuple[Array, Array | None]:
        if self.kind == "additive":
            hidden = np.tanh((s @ value["attention_query"])[:, :, None] + keys[:, None])
            return hidden @ value["attention_v"], hidden
        return s @ keys.swapaxes(1, 2), None

    def forward(
        self, value: Mapping[str, Array], s: Array, memory: Array, lengths: Array
    ) -> tuple[Array, Attended | None]:
        """s (Tt, N, H), memory (Ts, N, W) -> out (Tt, N, H)."""
        if self.kind == "none":
            return s, None
        s, memory = (np.ascontiguousarray(own.swapaxes(0, 1)) for own in (s, memory))
        scores, hidden = self.scores(value, s, self.keys(value, memory))
        beyond = np.arange(memory.shape[1]) >= lengths[:, None]
        scores = np.where(beyond[:, None], -np.inf, scores)
        scores = scores - scores.real.max(axis=2, keepdims=True)
        weights = np.exp(scores)
        weights /= weights.sum(axis=2, keepdims=True)
        memory = np.where(beyond[:, :, None], 0, memory)
        both = np.concatenate([weights @ memory, s], axis=2)
        out = np.tanh(both @ value["attention_combine"] + value["attention_bias"])
        return out.swapaxes(0, 1), Attended(s, memory, weights, both, out, hidden)

    def backward(
        self, value: Mapping[str, Array], grad: Mapping[str, Array], dout: Array, kept: Attended
    ) -> tuple[Array, Array]:
        """dout (Tt, N, H) -> ds (Tt, N, H), dmemory (Ts, N, W); writes gradients of parameters."""
        s, memory, a = kept.s, kept.memory, kept.weights
        dz = dout.swapaxes(0, 1) * (1 - kept.out**2)
        rows = dz.reshape(-1, self.hidden_size)
        grad["attention_combine"][...] = kept.both.reshape(len(rows), -1).T @ rows
        grad["attention_bias"][...] = rows.sum(0)
        dboth = dz @ value["attention_combine"].T
        dcontext, ds = dboth[:, :, : self.width], dboth[:, :, self.width :].copy()
        da = dcontext @ memory.swapaxes(1, 2)
        dmemory = a.swapaxes(1, 2) @ dcontext
        dscores = a * (da - (a * da).sum(axis=2, keepdims=True))
        if self.kind == "additive":
            hidden = kept.hidden
            assert hidden is not None
            grad["attention_v"][...] = np.einsum("nts,ntsh->h", dscores, hidden)
            dhidden = dscores[..., None] * value["attention_v"] * (1 - hidden**2)
            dquery, dkeys = dhidden.sum(2), dhidden.sum(1)
            grad["attention_query"][...] = np.einsum("nth,ntk->hk", s, dquery)
            ds += dquery @ value["attention_query"].T
            grad["attention_key"][...] = np.einsum("nsw,nsh->wh", memory, dkeys)
            dmemory += dkeys @ value["attention_key"].T
        else:
            dkeys = dscores.swapaxes(1, 2) @ s
            ds += dscores @ self.keys(value, memory)
            if self.kind == "general":
                grad["attention_weight"][...] = np.einsum("nsh,nsw->hw", dkeys, memory)
                dmemory += dkeys @ value["attention_weight"]
            else:
                dmemory += dkeys
        return ds.swapaxes(0, 1), dmemory.swapaxes(0, 1)
