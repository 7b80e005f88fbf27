"""GatedCharacter: a head that mixes the softmax of a network with what an n-gram expects, by a learned gate.

    p(y) = g p_network(y) + (1 - g) p_ngram(y),    g = sigmoid(a),    a = w . h + b

The scores (M, V + 1) are the logits of the characters, followed by a. The head never sees the n-gram: the loss needs
only ln p_ngram of the targets, which is given.

What is minimised is -ln p(y) - ln p_network(y). By the first term alone the network would stay a beginner: at first the
n-gram is far better, so the gate shuts, and then hardly any gradient reaches the network.

Shapes: M = T * N rows, H hidden units, V characters. The unit of the loss is the nat.
"""

from collections.abc import Callable, Mapping

import numpy as np

from charrnn.arrays import Array, Shape
from charrnn.nn.heads import NextCharacter
from charrnn.nn.ops import sigmoid_, softmax_cross_entropy_, softmax_cross_entropy_back_


class GatedCharacter:
    """A linear layer to the logits and the gate of every step. The last column of its parameters is the gate's."""

    def __init__(self, hidden_size: int, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self.linear = NextCharacter(hidden_size, vocab_size + 1)

    @property
    def width(self) -> int:
        """The columns of the scores, V + 1."""
        return self.linear.width

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of the parameters."""
        return self.linear.shapes()

    def scores(self, value: Mapping[str, Array], h: Array, out: Array | None = None) -> Array:
        """Logits and gates (M, V + 1) of hidden rows h (M, H), written into `out` if it is given."""
        return self.linear.scores(value, h, out)

    def prepare_scores(self, value: Mapping[str, Array], h: Array) -> Callable[[], Array]:
        """Return a function that computes the scores (N, V + 1) of h (1, N, H) each time; copies parameters."""
        return self.linear.prepare_scores(value, h)

    def loss_(self, scores: Array, targets: Array) -> Array:
        """-ln p_network(target) of each row, (M,), as if the gate were 1; see mixed_loss_()."""
        logits = scores[:, :-1]
        nats = softmax_cross_entropy_(logits, targets)
        softmax_cross_entropy_back_(logits, targets, 1.0)
        scores[:, -1] = 0
        return nats

    def mixed_loss_(self, scores: Array, targets: Array, counted: Array) -> Array:
        """-ln p(target) of each row, (M,), in nats. The scores become the gradient of the sum of what is minimised.

        With d = ln p_network(y) - ln p_ngram(y), and r = g p_network(y) / p(y) the network's share of p(y):

            -ln p(y) = softplus(a) - softplus(a + d) - ln p_ngram(y),    r = sigmoid(a + d)
            d logits = (r + 1) (p_network - onehot(y)),    d a = g - r

        Arguments:
            scores: from scores(), overwritten.
            targets: ids (M,).
            counted: ln p_ngram(y) of the targets, (M,).
        """
        logits, gate = scores[:, :-1], scores[:, -1].copy()
        odds = gate - softmax_cross_entropy_(logits, targets) - counted  # ln of r / (1 - r)
        nats: Array = softplus(gate) - softplus(odds) - counted
        share = sigmoid_(odds)
        softmax_cross_entropy_back_(logits, targets, share + 1)
        scores[:, -1] = sigmoid_(gate) - share
        return nats

    def backward(
        self,
        value: Mapping[str, Array],
        grad: Mapping[str, Array],
        h: Array,
        used_scores: Array,
        targets: Array,
        weight: Array | float,
        dh: Array,
    ) -> None:
        """Write the gradients of sum(weight * nats); arguments as for NextCharacter.

        `used_scores` (M, V + 1) are the scores as loss_() or mixed_loss_() left them; overwritten.
        """
        used_scores *= weight if np.isscalar(weight) else np.asarray(weight)[:, None]
        self.linear.backward_scores(value, grad, h, used_scores, dh)


def softplus(x: Array) -> Array:
    """ln(1 + e^x), which cannot overflow."""
    large = x.real > 0
    result: Array = np.where(large, x, 0) + np.log1p(np.exp(np.where(large, -x, x)))
    return result
