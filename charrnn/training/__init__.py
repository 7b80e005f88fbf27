"""Training: the loop and its run directory, resuming, diagnosis, estimates and the bench; also counting an n-gram.

A Run is an iterator of steps: whoever iterates over it decides when to stop and what to show. This package prints
nothing, handles no signals, reads no command line and draws no charts. It writes files through storage alone, and only
into a run directory that it has claimed.
"""

from charrnn.training.advice import conclusion, limit, next_commands
from charrnn.training.agreeing import begin_equally
from charrnn.training.bench import SIDE_BY_SIDE, Bench, measure
from charrnn.training.counted import counted_lines
from charrnn.training.counted_labels import counted_labels_lines
from charrnn.training.defaults import settled
from charrnn.training.estimate import Estimate, estimate_run
from charrnn.training.fit_classifier import FittedClassifier
from charrnn.training.fit_ngram import Fitted, fit
from charrnn.training.gain import Gain
from charrnn.training.loop import Run
from charrnn.training.opening import complete_config, open_run
from charrnn.training.resuming import worker_count
from charrnn.training.state import LogRecord, Progress

__all__ = [
    "SIDE_BY_SIDE",
    "Bench",
    "Estimate",
    "Fitted",
    "FittedClassifier",
    "Gain",
    "LogRecord",
    "Progress",
    "Run",
    "begin_equally",
    "complete_config",
    "conclusion",
    "counted_labels_lines",
    "counted_lines",
    "estimate_run",
    "fit",
    "limit",
    "measure",
    "next_commands",
    "open_run",
    "settled",
    "worker_count",
]
