"""Examples: sequences of symbols with their targets."""

from dataclasses import dataclass

from charrnn.arrays import Array


@dataclass(frozen=True)
class Examples:
    """Sequences with their targets.

    Attributes:
        ids: (len,), the symbols of all examples side by side.
        bounds: (n + 1,); example k is ids[bounds[k]:bounds[k + 1]].
        targets: classify: labels (n,), or floats (n, K): 0 and 1, or numbers; NaN where one is missing. tag: labels
            (len,), one for each symbol; -1 where no label counts.
    """

    ids: Array
    bounds: Array
    targets: Array
