"""Divergence: when a run has diverged, and what its error says."""

from math import inf, isfinite, log

from charrnn.errors import DivergedError
from charrnn.models import Network
from charrnn.optim import global_norm
from charrnn.storage import RunDirectory

DIVERGED = 100  # training has diverged once the loss exceeds this multiple of ln V, even if it is still finite
ROLLBACK_LIMIT = 2  # never roll back to a state whose loss exceeds this multiple of ln V
MAX_ROLLBACKS = 5  # in a row; then the run is given up


def has_diverged(loss: float, grad_norm: float, vocab_size: int) -> bool:
    """Whether a loss in nats per character or a gradient norm is no longer a sensible number."""
    return not (loss < DIVERGED * log(vocab_size) and isfinite(grad_norm))


def may_roll_back_to(loss: float, vocab_size: int) -> bool:
    """Whether a state with this training loss, in nats per character, is good enough to return to."""
    return loss < ROLLBACK_LIMIT * log(vocab_size)


def diverged_error(fault: str, step: int, network: Network, directory: RunDirectory | None) -> DivergedError:
    """The error of a run that diverged at `step`: it names the array with the largest gradient and what to try."""
    norms = {name: global_norm(grad.reshape(-1)) for name, grad in network.params.grad.items()}
    largest = max(norms, key=lambda name: norms[name] if isfinite(norms[name]) else inf)
    remedy = "; try a lower train.learning_rate, a smaller train.clip_norm, or train.warmup_steps"
    if directory and directory.last.exists():
        remedy += f". {directory.last} holds the last good state"
    return DivergedError(f"diverged at step {step}: {fault}, largest gradient in {largest}", remedy)
