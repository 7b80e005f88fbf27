"""One training step shared out over processes, with the same bits for any number of them.

It computes gradients and updates parameters when told to. It does not decide when, clips nothing, and writes no files.
"""

from charrnn.parallel.example_shards import TaskExamples, TranslatePairs
from charrnn.parallel.memory import SharedArray, machine_memory, shared
from charrnn.parallel.needs import ngram_bytes
from charrnn.parallel.ranks import WAIT_SECONDS, Ranks, check_alone
from charrnn.parallel.shards import auto_shards
from charrnn.parallel.team import Team

__all__ = [
    "WAIT_SECONDS",
    "Ranks",
    "SharedArray",
    "TaskExamples",
    "Team",
    "TranslatePairs",
    "auto_shards",
    "check_alone",
    "machine_memory",
    "ngram_bytes",
    "shared",
]
