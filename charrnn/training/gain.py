"""What several machines gain over one of them, measured: whether a run by MPI pays at its batch.

P parameters, R ranks. Nothing is written, and the network that is trained is discarded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np

from charrnn.parallel import Ranks

REPEATS = 20  # of an exchange


@dataclass(frozen=True)
class Gain:
    """What several machines gain over one.

    Attributes:
        ranks: the number of machines, R.
        alone, together: characters per second of rank 0 without the others, and of all.
        step_chars: characters of a step.
        computing: seconds of a step in which a rank computes, the mean over the ranks.
        exchange: seconds that the gradients of one step take.
        waiting: seconds of a step that remain: a rank waits for slower ones.
        bytes_per_second: that each rank receives during the exchange.
        latency: seconds that one number takes.
    """

    ranks: int
    alone: float
    together: float
    step_chars: float
    computing: float
    exchange: float
    waiting: float
    bytes_per_second: float
    latency: float

    @property
    def factor(self) -> float:
        """How many times as fast as rank 0 alone all are together."""
        return self.together / self.alone


def measure_gain(
    ranks: Ranks, parameters: int, alone: float, together: float, step_chars: float, exchanging: float
) -> Gain:
    """Measure the exchange between all ranks, each of which calls this.

    Arguments:
        ranks: all machines.
        parameters: P.
        alone, together: characters per second without and with the other machines.
        step_chars: characters of a step.
        exchanging: the share of its steps that this rank has spent with the others, waiting included.

    Raises:
        CharrnnError: another rank does not answer.
    """
    row, number = np.zeros(parameters, np.float32), np.zeros(1)

    def exchange() -> None:
        ranks.scatter([(row, rank) for rank in range(ranks.size)])
        ranks.join(row)

    seconds, latency = _seconds(exchange), _seconds(lambda: ranks.gather(number))
    received = 2 * row.nbytes * (ranks.size - 1) / ranks.size
    step = step_chars / together
    busy = step * (1 - float(ranks.gather(np.array([exchanging])).mean()))
    return Gain(
        ranks=ranks.size,
        alone=alone,
        together=together,
        step_chars=step_chars,
        computing=busy,
        exchange=seconds,
        waiting=max(step - busy - seconds, 0.0),
        bytes_per_second=received / seconds,
        latency=latency,
    )


def _seconds(call: Callable[[], object]) -> float:
    """The median time of a call, in seconds."""
    times = []
    for _ in range(REPEATS):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return median(times)
