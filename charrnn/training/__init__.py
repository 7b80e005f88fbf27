"""Training: the loop, the run it keeps, and what can be said about it."""

from charrnn.training.advice import conclusion, limit, next_commands
from charrnn.training.bench import SIDE_BY_SIDE, Bench, measure
from charrnn.training.estimate import Estimate, estimate_run
from charrnn.training.fit_ngram import fit
from charrnn.training.loop import Run
from charrnn.training.opening import open_run
from charrnn.training.resuming import worker_count
from charrnn.training.state import LogRecord, Progress

__all__ = [
    "SIDE_BY_SIDE",
    "Bench",
    "Estimate",
    "LogRecord",
    "Progress",
    "Run",
    "conclusion",
    "estimate_run",
    "fit",
    "limit",
    "measure",
    "next_commands",
    "open_run",
    "worker_count",
]
