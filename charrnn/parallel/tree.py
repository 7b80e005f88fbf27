"""The order in which the gradients of shards are added: a binary tree that depends on their number alone.

S shards. Shard k is a leaf; a node over the shards [start, stop) is the sum of its left half, whose size is the largest
power of two below, and of the rest. A process that holds a contiguous range of the shards can add up every node that
lies in its range. Whoever does which addition, the sum has the same bits.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Addition:
    """Adds the sum that begins with shard `right` to the one that begins with `left`; both then end before `stop`."""

    left: int
    right: int
    stop: int

    def within(self, first: int, stop: int) -> bool:
        """Whether all of its shards are among [first, stop)."""
        return first <= self.left and self.stop <= stop


def additions(shards: int) -> list[Addition]:
    """All additions in an order in which they can be done; afterwards the sum is where shard 0 was."""
    steps = []
    width = 1
    while width < shards:
        for left in range(0, shards - width, 2 * width):
            steps.append(Addition(left, left + width, min(left + 2 * width, shards)))
        width *= 2
    return steps


def share(shards: int, rank: int, ranks: int) -> tuple[int, int]:
    """The first shard of a rank, and the one after its last."""
    return shards * rank // ranks, shards * (rank + 1) // ranks


@dataclass(frozen=True)
class Sums:
    """The additions of S shards over the ranks that hold them.

    Attributes:
        before: the additions that this rank does alone.
        roots: the shards with which the ranks' sums then begin, each with the rank that has it.
        after: the additions that remain once every rank has all roots.
    """

    before: list[Addition]
    roots: list[tuple[int, int]]
    after: list[Addition]

    @staticmethod
    def of(shards: int, rank: int, ranks: int) -> "Sums":
        """The additions of one rank."""
        steps = additions(shards)
        shares = [share(shards, each, ranks) for each in range(ranks)]
        alone = [step for step in steps if any(step.within(*own) for own in shares)]
        added = {step.right for step in alone}
        return Sums(
            before=[step for step in alone if step.within(*shares[rank])],
            roots=[(k, each) for each, own in enumerate(shares) for k in range(*own) if k not in added],
            after=[step for step in steps if step not in alone],
        )
