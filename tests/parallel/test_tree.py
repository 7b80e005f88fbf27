"""The order of the sum over shards: the same for any number of ranks, and every shard exactly once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.parallel.tree import Sums, share


@given(st.integers(1, 40), st.integers(1, 40))
def test_any_number_of_ranks_adds_up_to_the_same_bits(shards, ranks):
    ranks = min(shards, ranks)
    values = np.random.default_rng(shards).normal(size=shards).astype(np.float32) * 10.0 ** np.arange(shards)
    alone = values.tolist()
    for step in Sums.of(shards, 0, 1).before:
        alone[step.left] += alone[step.right]
    held = [[value if share(shards, r, ranks)[0] <= k < share(shards, r, ranks)[1] else np.nan
             for k, value in enumerate(values.tolist())] for r in range(ranks)]  # fmt: skip
    sums = [Sums.of(shards, rank, ranks) for rank in range(ranks)]
    for own, plan in zip(held, sums, strict=True):
        for step in plan.before:
            own[step.left] += own[step.right]
    roots = [(shard, held[owner][shard]) for shard, owner in sums[0].roots]
    for own, plan in zip(held, sums, strict=True):
        for shard, value in roots:
            own[shard] = value
        for step in plan.after:
            own[step.left] += own[step.right]
        assert own[0] == alone[0]
    assert np.isclose(alone[0], values.astype(float).sum())


def test_the_tree_halves_at_powers_of_two():
    names = [f"{shard}" for shard in range(6)]
    for step in Sums.of(6, 0, 1).before:
        names[step.left] = f"({names[step.left]}+{names[step.right]})"
    assert names[0] == "(((0+1)+(2+3))+(4+5))"
