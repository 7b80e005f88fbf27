"""Search: many runs with other values of some keys, and the best of them.

The proposals are Optuna's, an extra. Every trial is an ordinary run directory. Any number of processes, on any number
of machines that share the folder, may work on one search. This package prints nothing and handles no signals.
"""

from charrnn.tuning.outcome import Outcome, outcome
from charrnn.tuning.search import Search
from charrnn.tuning.space import default_space

__all__ = ["Outcome", "Search", "default_space", "outcome"]
