"""One character at a time: the step of a network for one stream or some side by side, as sampling needs it.

The layers' own steps, with two things done once instead of for each window: each layer has its weights laid out for
good, and what each character brings to the first layer, bias and embedding included, is a table, (V, G, H). The state
is moved on in place. It holds copies of the parameters, and cannot be trained.
LSTM 2 x 128, one stream: 15 us a character, beside 77 us through a window of one step; the bare products take 11.
Shapes: N streams, V vocabulary, G gates, H hidden units, L layers, S states.
"""

from collections.abc import Mapping

import numpy as np

from charrnn.arrays import Array, zeros
from charrnn.nn.embedding import Embedding
from charrnn.nn.heads import NextCharacter
from charrnn.nn.products import best_cut, lay_out, ready
from charrnn.nn.stack import Stack


class Decoder:
    """A network that reads one character of each stream at a time.

    Arguments: `stack` and `head`; `value`, their parameters by name; `state` (L, S, N, H), which step() moves on.
    """

    def __init__(self, stack: Stack, head: NextCharacter, value: Mapping[str, Array], state: Array) -> None:
        self.state, self.move = state, stack.cell.step
        streams, dtype = state.shape[2], state.dtype
        self.layers = []
        for k, layer in enumerate(stack.layers):
            work, p = stack.workspace(1, streams, dtype, training=False), layer.bind(value)
            for name in stack.cell.hidden_bias:
                setattr(p, name, np.tile(getattr(p, name), (streams, 1)))  # of equal shapes, twice as fast
            tape = layer.tape(1, streams, dtype, False, work, state[k])
            layer.prepare(p, tape, work)
            s, below = tape.steps[0], state[k - 1, :1]
            if k:
                s.times_W = ready(tape.factors["W"].forth, below, tape.forth["W"], s.gates[None], work.summands)
            self.layers.append((s, p, work.bias))
        first, p = stack.layers[0], self.layers[0][1]
        rows = value[Embedding.name] @ p.W if stack.embedding else p.W
        self.table = np.ascontiguousarray(first.table(p, rows).swapaxes(0, 1))  # (V, G, H)
        self.input = self.layers[0][0].gates.swapaxes(0, 1)  # (N, G, H)
        self.bias = np.tile(value[head.bias], (streams, 1))
        self.logits = zeros((streams, head.vocab_size), dtype)
        cut = best_cut(streams, head.hidden_size, head.vocab_size)
        output = zeros(cut.shape(1, head.hidden_size, head.vocab_size), dtype)
        lay_out([value[head.weight]], output)
        scratch = zeros(cut.summands((1, *self.logits.shape)), dtype)
        self.times_output = ready(cut, state[-1, :1], output, self.logits[None, None], scratch)

    def step(self, ids: Array) -> Array:
        """Read one id of each stream, (N,), and move the state on; logits (N, V) of the next, until the next step."""
        self.input[...] = self.table[ids[0] if len(ids) == 1 else ids]
        for k, (s, p, bias) in enumerate(self.layers):
            if k:
                s.times_W()
                s.gates += bias
            self.move(s, p)
        self.times_output()
        self.logits += self.bias
        return self.logits
