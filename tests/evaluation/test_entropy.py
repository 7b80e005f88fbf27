"""A source whose entropy is known exactly: no model goes below it, and the right ones come close, from above."""

from pathlib import Path

import numpy as np
import pytest

from charrnn.arrays import Array
from charrnn.config.building import config_from_dict
from charrnn.data.vocab import Vocab
from charrnn.evaluation.scoring import score
from charrnn.models.ngram import NGram
from charrnn.training.loop import Run

VOCAB = Vocab("abcd")
CHAIN = np.random.default_rng(5).dirichlet(np.full(4, 0.3), (4, 4)) * 0.98 + 0.005  # p(c | a, b), summing to one


def draw(length: int, seed: int) -> Array:
    """Text of the Markov chain: each character hangs on the two before it."""
    rows, ids = CHAIN.cumsum(axis=2), [0, 1]
    for chance in np.random.default_rng(seed).random(length - 2):
        ids.append(min(int((rows[ids[-2], ids[-1]] < chance).sum()), 3))
    return np.array(ids, np.uint8)


def entropy_rate() -> float:
    """Of each pair's next character, weighted by how often the pair occurs in the long run (Shannon 1948); in nats."""
    step = np.zeros((16, 16))
    for a, b in np.ndindex(4, 4):
        step[4 * a + b, 4 * b : 4 * b + 4] = CHAIN[a, b]
    equations = np.vstack([step.T - np.eye(16), np.ones(16)])
    often = np.linalg.lstsq(equations, np.append(np.zeros(16), 1), rcond=None)[0]
    return float(often @ -(CHAIN * np.log(CHAIN)).sum(axis=2).reshape(-1))


TEXT = draw(60_000, 1)
TRAIN, HELD_OUT = TEXT[:40_000], TEXT[40_000:]
# What the source itself says of this very text: the luck of the draw is then no part of the comparison.
TRUTH = -float(np.log(CHAIN[HELD_OUT[:-2], HELD_OUT[1:-1], HELD_OUT[2:]]).mean())


def test_the_text_has_the_entropy_of_its_source() -> None:
    assert pytest.approx(entropy_rate(), rel=0.02) == TRUTH
    assert entropy_rate() < np.log(4)


def test_the_n_gram_of_the_right_order_comes_within_a_hundredth_and_none_goes_below() -> None:
    orders = (1, 2, 3, 4, 6, 10)
    losses = [score(NGram(VOCAB, TRAIN, order), HELD_OUT).nats_per_char for order in orders]
    assert np.log(4) > losses[0] > losses[1] > losses[2]
    assert losses[2] < losses[3] < losses[4] < losses[5]
    assert TRUTH < losses[2] < 1.01 * TRUTH


@pytest.mark.parametrize("smoothing", ["witten-bell", "additive"])
def test_other_smoothings_come_within_a_hundredth_too(smoothing: str) -> None:
    loss = score(NGram(VOCAB, TRAIN, 3, smoothing), HELD_OUT).nats_per_char  # type: ignore[arg-type]
    assert TRUTH < loss < 1.01 * TRUTH


def test_an_lstm_approaches_it_from_above(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(VOCAB.decode(TEXT))
    run = Run(config_from_dict({
        "data": {"path": str(tmp_path / "text.txt"), "fractions": [2 / 3, 1 / 3, 0.0]},
        "model": {"hidden_size": 24, "num_layers": 1},
        "train": {"max_steps": 300, "batch_size": 20, "seq_length": 40, "learning_rate": 0.01, "eval_every": 50,
                  "sample_length": 0},
    }))  # fmt: skip
    losses = [np.log(4), *(p.record["valid_loss"] for p in run if p.record and p.record["valid_loss"])]
    assert losses[0] > losses[1] > losses[2] > losses[-1] > TRUTH
    assert losses[-1] < 1.05 * TRUTH
